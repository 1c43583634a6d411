"""Money that came without our asking, as lockbox, wire and remittance files tell of it.

The file is proved and counted, and a person is told what is in it: putting such money on invoices
is not done by the system yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from billfold.banking.models import BankFile
from billfold.formats.x12 import advice_820
from billfold.money import Money
from billfold.payments.cases import casework
from billfold.rails import lockbox, wire
from billfold.rails.protocol import Document, Received

KIND = "money to apply"


def take_in(file: BankFile, content: bytes, *, now: datetime) -> None:
    """Prove a file of receipts and hand it to a person. Needs an open transaction.

    Raises: Unreadable.
    """
    document = Document(file.name, content)
    if file.kind == "remittance":
        _advised(file, advice_820.read(content), now)
    else:
        rail = lockbox if file.kind == "lockbox" else wire
        _received(file, rail.read(document), now)


def _received(file: BankFile, receipts: Sequence[Received], now: datetime) -> None:
    file.entry_count = len(receipts)
    sums: dict[str, int] = {}
    for each in receipts:
        sums[each.amount.currency] = sums.get(each.amount.currency, 0) + each.amount.minor
    file.credit_minor = sums.get("USD", 0)
    if receipts:
        shown = ", ".join(Money(minor, currency).shown() for currency, minor in sums.items())
        what = "checks" if file.kind == "lockbox" else "wires"
        _tell(file, f"{file.name}: {len(receipts)} {what}, {shown}", now)


def _advised(file: BankFile, advice: advice_820.Remittance, now: datetime) -> None:
    file.entry_count = sum(len(payment.lines) for payment in advice.payments)
    if advice.payments:
        _tell(file, f"{file.name}: remittance advice of {len(advice.payments)} payments", now)


def _tell(file: BankFile, title: str, now: datetime) -> None:
    casework.open_new(
        [
            casework.NewCase(
                key=f"arrived/{file.id}",
                kind=KIND,
                title=title,
                evidence=f"bankfile/{file.id}",
                facts={},
            )
        ],
        now=now,
    )
