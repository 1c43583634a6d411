"""Records of an X12 820: payments, and the items each of them pays.

Source: ASC X12, transaction set 820, versions 004010 and 005010; docs/bank-files.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Final

from billfold.formats.problems import FileProblem
from billfold.formats.x12.segments import Segment

PAYS_NOTHING: Final = {"I": "remittance information only", "P": "prenote"}
"""Handlings (BPR01) that come without money, which is paid in another way or not at all."""
PAYMENT_ONLY: Final = "D"
"""Handling (BPR01) that comes without lines: the advice is sent separately."""


@dataclass(frozen=True, slots=True)
class AdviceReference:
    """A number and its qualifier (REF01): 14 master account, AC account, IV invoice, PO order."""

    qualifier: str
    number: str


@dataclass(frozen=True, slots=True)
class Period:
    """A day, or the first and last of several, and its qualifier (DTM01): 003 invoice date."""

    qualifier: str
    start: date
    end: date


@dataclass(frozen=True, slots=True)
class AdviceParty:
    """A party and its role (N101): PR payer, PE payee."""

    role: str
    name: str
    identifier: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class AdviceAdjustment:
    """An amount deducted (negative) or added, and its reason (ADX, or RMR07 and RMR08)."""

    amount_minor: int
    reason: str
    qualifier: str = ""
    number: str = ""
    references: tuple[AdviceReference, ...] = ()


@dataclass(frozen=True, slots=True)
class AdviceLine:
    """One open item and the amount paid of it (RMR). An amount that is not stated is None."""

    qualifier: str
    """IV invoice, AJ, AZ or 14 account, CM credit memo, PO order."""
    number: str
    paid_minor: int | None
    """Negative where a credit memo is deducted."""
    invoice_minor: int | None
    discount_minor: int | None
    adjustments: tuple[AdviceAdjustment, ...]
    """Already included in `paid_minor`."""
    references: tuple[AdviceReference, ...]
    periods: tuple[Period, ...]
    notes: tuple[str, ...]
    entity: str
    """The entity of the payer that the item belongs to (ENT04), if one is named."""
    other: tuple[Segment, ...] = field(repr=False)
    line: int = field(compare=False)

    @property
    def is_credit_memo(self) -> bool:
        return self.paid_minor is not None and self.paid_minor < 0


@dataclass(frozen=True, slots=True)
class AdviceAccount:
    """A bank account as BPR names it; both may be empty."""

    routing_number: str
    number: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Interchange:
    """Sender and receiver of an envelope; with the control number they identify it."""

    sender: str
    receiver: str
    control_number: str
    created_date: date | None
    version: str
    is_test: bool


@dataclass(frozen=True, slots=True)
class AdvicePayment:
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
    originating: AdviceAccount
    originator_id: str
    receiving: AdviceAccount
    effective_date: date | None
    trace_reference: str
    """TRN02: the trace or number of the payment, for a cheque its number."""
    parties: tuple[AdviceParty, ...]
    references: tuple[AdviceReference, ...]
    periods: tuple[Period, ...]
    notes: tuple[str, ...]
    lines: tuple[AdviceLine, ...]
    adjustments: tuple[AdviceAdjustment, ...]
    """Adjustments that belong to no line."""
    other: tuple[Segment, ...] = field(repr=False)
    """Segments that are kept and not interpreted."""
    line: int = field(compare=False)

    @property
    def lines_minor(self) -> int:
        """Sum the amounts paid by lines and the adjustments that belong to none."""
        paid = sum(line.paid_minor or 0 for line in self.lines)
        return paid + sum(adjustment.amount_minor for adjustment in self.adjustments)

    @property
    def moves_money(self) -> bool:
        """Tell whether money comes with the advice, rather than separately or not at all."""
        return bool(self.amount_minor) and self.handling not in PAYS_NOTHING

    @property
    def payer(self) -> str:
        """Return the name of the payer (N1, PR); empty if none is named."""
        return next((party.name for party in self.parties if party.role == "PR"), "")


@dataclass(frozen=True, slots=True)
class RemittanceAdvice:
    """The payments of a file, or of the addenda of an ACH entry, with correct totals and counts."""

    interchanges: tuple[Interchange, ...]
    payments: tuple[AdvicePayment, ...]
    warnings: tuple[FileProblem, ...] = field(default=(), compare=False)

    @property
    def is_test(self) -> bool:
        return any(interchange.is_test for interchange in self.interchanges)

    def summary(self) -> dict[str, int | str]:
        """Count the payments, and sum them if all are in one currency."""
        counts: dict[str, int | str] = {
            "interchanges": len(self.interchanges),
            "payments": len(self.payments),
            "entries": sum(len(payment.lines) for payment in self.payments),
        }
        currencies = {payment.currency for payment in self.payments}
        if len(currencies) <= 1:
            for name, is_debit in (("debit_minor", True), ("credit_minor", False)):
                counts[name] = sum(
                    payment.amount_minor or 0
                    for payment in self.payments
                    if payment.is_debit is is_debit
                )
        if currencies:
            counts["currency"] = "mixed" if len(currencies) > 1 else currencies.pop()
        return counts
