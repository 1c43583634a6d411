"""Reads lockbox, wire and remittance files: money that customers sent of their own accord.

The file is read and counted, and a case tells what is in it. Such money is not applied to invoices
by the system yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from billfold.banking.models import BankFile
from billfold.formats import x12
from billfold.money import Money
from billfold.payments.cases import casework
from billfold.payments.cases.case_kinds import CaseKind
from billfold.payments.incoming import repeats
from billfold.rails import lockbox, wire
from billfold.rails.protocol import BankDocument, Received

KIND: Final = CaseKind.RECEIPTS
_MOST_NOTED: Final = 20


class OtherLockbox(Exception):
    """The checks came to another lockbox than the ones of the bank account's settings."""


def report(file: BankFile, content: bytes, *, now: datetime) -> None:
    """Read a file of receipts and open a case that sums it up. Needs an open transaction.

    Raises: Unreadable; OtherLockbox.
    """
    document = BankDocument(file.name, content)
    if file.kind == "remittance":
        _report_advice(file, x12.read(content), now)
    else:
        _report_receipts(file, _read_receipts(file, document), now)


def _read_receipts(file: BankFile, document: BankDocument) -> Sequence[Received]:
    if file.kind == "lockbox":
        return lockbox.read(document)
    return wire.read(document, zone=ZoneInfo(file.connection.zone))


def _report_receipts(file: BankFile, receipts: Sequence[Received], now: datetime) -> None:
    if file.kind == "lockbox":
        _check_lockboxes(file.connection.lockboxes.split(), receipts)
    is_repeat = repeats.note(file, ((each.key, each.amount) for each in receipts), now=now)
    file.entry_count = len(receipts)
    sums: dict[str, int] = {}
    for receipt in receipts:
        amount = receipt.amount
        sums[amount.currency] = sums.get(amount.currency, 0) + amount.minor
    file.credit_minor = sums.get("USD", 0)
    if receipts and not is_repeat:
        amounts = ", ".join(Money(minor, currency).formatted() for currency, minor in sums.items())
        kind = "checks" if file.kind == "lockbox" else "wires"
        _open_case(file, f"{file.name}: {len(receipts)} {kind}, {amounts}", now)


def _check_lockboxes(lockboxes: Sequence[str], receipts: Sequence[Received]) -> None:
    """Check that the checks came to our lockboxes, if the settings name them.

    The subject of a check begins with its lockbox. Raises: OtherLockbox.
    """
    ours = {number.lstrip("0") for number in lockboxes}
    others = {each.subject.partition("/")[0] for each in receipts}
    others = {number for number in others if number.lstrip("0") not in ours}
    if ours and others:
        raise OtherLockbox(", ".join(sorted(others)))


def _report_advice(file: BankFile, advice: x12.RemittanceAdvice, now: datetime) -> None:
    file.entry_count = sum(len(payment.lines) for payment in advice.payments)
    if advice.payments:
        title = f"{file.name}: remittance advice of {len(advice.payments)} payments"
        noted = [str(warning) for warning in advice.warnings]
        _open_case(file, title, now, noted[:_MOST_NOTED])


def _open_case(file: BankFile, title: str, now: datetime, noted: Sequence[str] = ()) -> None:
    """Open the case of a file, with what was unusual in it."""
    casework.open_cases(
        [
            casework.NewCase(
                key=f"arrived/{file.id}",
                kind=KIND,
                title=title,
                evidence=f"bankfile/{file.id}",
                facts={"noted": list(noted)} if noted else {},
            )
        ],
        now=now,
    )
