"""What an X12 820 says: payments, and what each part of one is for.

Source: ASC X12, transaction set 820, versions 004010 and 005010; docs/bank-files.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Final

from billfold.formats.problems import Problem
from billfold.formats.x12.segments import Segment

PAYS_NOTHING: Final = {"I": "remittance information only", "P": "prenote"}
"""Handling (BPR01) that comes without money: it was or will be paid in another way, or not."""
PAYMENT_ONLY: Final = "D"
"""Handling (BPR01) that comes without lines: the advice is sent in another way."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A number with what it is (REF01): 14 master account, AC account, IV invoice, PO order."""

    qualifier: str
    number: str


@dataclass(frozen=True, slots=True)
class Period:
    """A day, or the first and last of several, with what it is (DTM01): 003 invoice date."""

    qualifier: str
    start: date
    end: date


@dataclass(frozen=True, slots=True)
class Party:
    """Who is named in which role (N101): PR payer, PE payee."""

    role: str
    name: str
    identifier: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Adjustment:
    """An amount taken off (negative) or added, and why (ADX, or RMR07 and RMR08)."""

    amount_minor: int
    reason: str
    qualifier: str = ""
    number: str = ""
    references: tuple[Reference, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One open item and what is paid of it (RMR). An amount that is not stated is None."""

    qualifier: str
    """IV invoice, AJ, AZ or 14 account, CM credit memo, PO order."""
    number: str
    paid_minor: int | None
    """Negative where a credit memo is taken."""
    invoice_minor: int | None
    discount_minor: int | None
    adjustments: tuple[Adjustment, ...]
    """Already inside `paid_minor`."""
    references: tuple[Reference, ...]
    periods: tuple[Period, ...]
    notes: tuple[str, ...]
    entity: str
    """Whom of the payer's the item belongs to (ENT04), if that is said."""
    other: tuple[Segment, ...] = field(repr=False)
    line: int = field(compare=False)

    @property
    def is_credit_memo(self) -> bool:
        return self.paid_minor is not None and self.paid_minor < 0


@dataclass(frozen=True, slots=True)
class Account:
    """A bank account as BPR names it; both may be empty."""

    routing_number: str
    number: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Interchange:
    """Who sent the envelope to whom; sender, receiver and number tell one from another."""

    sender: str
    receiver: str
    control_number: str
    created_date: date | None
    version: str
    is_test: bool


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment order or advice. Of a bare fragment only the lines are known."""

    interchange: Interchange | None
    group_control_number: str
    control_number: str
    handling: str
    """BPR01: C payment with remittance, I remittance only, D payment only, P prenote."""
    amount_minor: int | None
    currency: str
    is_debit: bool
    method: str
    """BPR04: ACH, CHK, FWT, BOP."""
    payment_format: str
    originating: Account
    originator_id: str
    receiving: Account
    effective_date: date | None
    trace_reference: str
    """TRN02: the trace or number of the payment, for a cheque its number."""
    parties: tuple[Party, ...]
    references: tuple[Reference, ...]
    periods: tuple[Period, ...]
    notes: tuple[str, ...]
    lines: tuple[Line, ...]
    adjustments: tuple[Adjustment, ...]
    """Those that belong to no line."""
    other: tuple[Segment, ...] = field(repr=False)
    """Segments that are kept and not interpreted."""
    line: int = field(compare=False)

    @property
    def lines_minor(self) -> int:
        """Add up what the lines pay and the adjustments that belong to none."""
        paid = sum(line.paid_minor or 0 for line in self.lines)
        return paid + sum(each.amount_minor for each in self.adjustments)

    @property
    def moves_money(self) -> bool:
        """Tell whether money comes with it, rather than by cheque or not at all."""
        return bool(self.amount_minor) and self.handling not in PAYS_NOTHING

    @property
    def payer(self) -> str:
        """Name the payer (N1, PR); empty if nobody is named."""
        return next((party.name for party in self.parties if party.role == "PR"), "")


@dataclass(frozen=True, slots=True)
class Remittance:
    """The payments of a file, or of the addenda of an entry; every total and count holds."""

    interchanges: tuple[Interchange, ...]
    payments: tuple[Payment, ...]
    warnings: tuple[Problem, ...] = field(default=(), compare=False)

    @property
    def is_test(self) -> bool:
        return any(interchange.is_test for interchange in self.interchanges)

    def summary(self) -> dict[str, int | str]:
        """Count it, and add up the payments if all are of one currency."""
        found: dict[str, int | str] = {
            "interchanges": len(self.interchanges),
            "payments": len(self.payments),
            "entries": sum(len(payment.lines) for payment in self.payments),
        }
        currencies = {payment.currency for payment in self.payments}
        if len(currencies) <= 1:
            for name, is_debit in (("debit_minor", True), ("credit_minor", False)):
                found[name] = sum(
                    payment.amount_minor or 0
                    for payment in self.payments
                    if payment.is_debit is is_debit
                )
        if currencies:
            found["currency"] = "mixed" if len(currencies) > 1 else currencies.pop()
        return found
