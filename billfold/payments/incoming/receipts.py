"""Reads lockbox, wire and remittance files: money that customers sent of their own accord.

The file is read and counted, and a case tells what is in it. Such money is not applied to invoices
by the system yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from billfold.banking.models import BankFile
from billfold.formats import x12
from billfold.money import Money
from billfold.payments.cases import casework
from billfold.payments.cases.case_kinds import CaseKind
from billfold.rails.protocol import Received

KIND: Final = CaseKind.RECEIPTS
_MOST_NOTED: Final = 20


def report(
    file: BankFile, receipts: Sequence[Received], *, noun: str, is_repeat: bool, now: datetime
) -> None:
    """Count the receipts of a file and open a case that sums them up. Needs an open transaction.

    `noun` is what people call several of them; a repeated file opens no case.
    """
    sums: dict[str, int] = {}
    for receipt in receipts:
        amount = receipt.amount
        sums[amount.currency] = sums.get(amount.currency, 0) + amount.minor
    file.credit_minor = sums.get("USD", 0)
    if receipts and not is_repeat:
        amounts = ", ".join(Money(minor, currency).formatted() for currency, minor in sums.items())
        _open_case(file, f"{file.name}: {len(receipts)} {noun}, {amounts}", now)


def report_advice(file: BankFile, content: bytes, *, now: datetime) -> None:
    """Count the payments a remittance advice speaks of and open a case that sums them up.

    Needs an open transaction. Raises: Unreadable.
    """
    advice = x12.read(content)
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
