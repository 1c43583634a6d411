"""The lockbox rail: checks that the bank opened and deposited.

Source: docs/bank-files.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from billfold.formats import lockbox
from billfold.formats.sniffing import Format
from billfold.money import Money
from billfold.rails.protocol import BankDocument, DocumentRefused, Received, RemittanceItem

name: Final = "lockbox"
document_kind: Final = "lockbox"
document_title: Final = "Lockbox"
document_formats: Final = (Format.LOCKBOX,)
receipts_noun: Final = "checks"


class OtherLockbox(DocumentRefused):
    """The checks came to another lockbox than the ones of the bank account's settings."""


def read(document: BankDocument, profile: lockbox.LockboxProfile | None = None) -> list[Received]:
    """Read a lockbox file, one event per check with an amount; subject is the check's key.

    The key is lockbox, deposit date, batch and item, so a check in a second file is recognised.
    Raises: Unreadable with every problem; OtherLockbox.
    """
    file = lockbox.read(document.content, profile)
    receipts = [
        _received(batch, check, file.currency)
        for batch in file.batches
        for check in batch.checks
        if check.amount_minor
    ]
    _check_lockboxes(document.lockboxes, receipts)
    return receipts


def _check_lockboxes(lockboxes: Sequence[str], receipts: Sequence[Received]) -> None:
    """Check that the checks came to our lockboxes, if those are known.

    The subject of a check begins with its lockbox. Raises: OtherLockbox.
    """
    ours = {number.lstrip("0") for number in lockboxes}
    others = {each.subject.partition("/")[0] for each in receipts}
    others = {number for number in others if number.lstrip("0") not in ours}
    if ours and others:
        raise OtherLockbox(", ".join(sorted(others)))


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
