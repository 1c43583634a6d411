"""The lockbox rail: checks that the bank opened and deposited.

Source: docs/bank-files.md.
"""

from __future__ import annotations

from typing import Final

from billfold.formats import lockbox
from billfold.money import Money
from billfold.rails.protocol import BankDocument, Received, RemittanceItem

name: Final = "lockbox"


def read(document: BankDocument, profile: lockbox.LockboxProfile | None = None) -> list[Received]:
    """Read a lockbox file, one event per check with an amount; subject is the check's key.

    The key is lockbox, deposit date, batch and item, so a check in a second file is recognised.
    Raises: Unreadable with every problem.
    """
    file = lockbox.read(document.content, profile)
    return [
        _received(batch, check, file.currency)
        for batch in file.batches
        for check in batch.checks
        if check.amount_minor
    ]


def _received(batch: lockbox.LockboxBatch, check: lockbox.LockboxCheck, currency: str) -> Received:
    key = batch.key(check)
    return Received(
        subject=key,
        key=f"check/{key}",
        on=batch.deposit_date,
        amount=Money(check.amount_minor, currency),
        remittances=tuple(_item(remittance, currency) for remittance in check.remittances),
        payer=check.remitter,
    )


def _item(remittance: lockbox.LockboxRemittance, currency: str) -> RemittanceItem:
    minor = remittance.amount_minor
    return RemittanceItem(
        invoice_number=remittance.invoice_number,
        customer_number=remittance.customer_number,
        amount=None if minor is None else Money(minor, currency),
        text=remittance.text,
    )
