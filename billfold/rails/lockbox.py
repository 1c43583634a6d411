"""The lockbox rail: checks the bank opened and deposited, as it lists them.

Source: docs/bank-files.md.
"""

from __future__ import annotations

from typing import Final

from billfold.formats import lockbox
from billfold.money import Money
from billfold.rails.protocol import Document, Received, Remittance

name: Final = "lockbox"


def read(document: Document, profile: lockbox.Profile | None = None) -> list[Received]:
    """Read a lockbox file, one event per check that brings money; subject is the check's key.

    The key is lockbox, deposit date, batch and item, so a check sent again in another file is
    known. Raises: Unreadable with every problem.
    """
    deposits = lockbox.read(document.content, profile)
    return [
        _received(batch, check, deposits.currency)
        for batch in deposits.batches
        for check in batch.checks
        if check.amount_minor
    ]


def _received(batch: lockbox.Batch, check: lockbox.Check, currency: str) -> Received:
    key = batch.key(check)
    return Received(
        subject=key,
        key=f"check/{key}",
        on=batch.deposit_date,
        amount=Money(check.amount_minor, currency),
        remittances=tuple(_remittance(each, currency) for each in check.remittances),
        payer=check.remitter,
    )


def _remittance(said: lockbox.Remittance, currency: str) -> Remittance:
    amount = None if said.amount_minor is None else Money(said.amount_minor, currency)
    return Remittance(
        invoice_number=said.invoice_number,
        customer_number=said.customer_number,
        amount=amount,
        text=said.text,
    )
