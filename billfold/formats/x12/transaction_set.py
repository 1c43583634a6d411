"""Reads a transaction set 820 into a payment, and checks that its lines add up to it.

Source: ASC X12, transaction set 820, versions 004010 and 005010; docs/bank-files.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from billfold.formats.problems import NOTHING_TO_DO, Findings
from billfold.formats.x12.records import (
    PAYMENT_ONLY,
    PAYS_NOTHING,
    AdviceAccount,
    AdviceAdjustment,
    AdviceLine,
    AdviceParty,
    AdvicePayment,
    AdviceReference,
    Interchange,
    Period,
)
from billfold.formats.x12.segments import SEND_AGAIN, CountedWarnings, Segment
from billfold.money import EXPONENTS, Money, NotAnAmount

HANDLINGS: Final = frozenset("CDEFHIPUXZ")
"""BPR01. Source: ASC X12, data element 305."""
UNINTERPRETED: Final = frozenset(
    {
        "AMT",
        "ASM",
        "DED",
        "DLQ",
        "FA1",
        "FA2",
        "HL",
        "III",
        "INV",
        "IT1",
        "ITA",
        "LE",
        "LOC",
        "LS",
        "LX",
        "MEA",
        "N2",
        "N3",
        "N4",
        "N9",
        "NM1",
        "PAM",
        "PCT",
        "PDI",
        "PDL",
        "PER",
        "PID",
        "PSA",
        "PYT",
        "QTY",
        "RDM",
        "RPA",
        "RYL",
        "SAC",
        "SLN",
        "SVC",
        "TXI",
        "TXP",
        "VEH",
    }
)
"""Segments of an 820 that are kept as they are: no open item depends on them."""
_ASK_PAYER: Final = "Ask the payer what is paid, and for the file again."
_AMOUNT: Final = re.compile(r"-?[0-9]*\.?[0-9]*")


@dataclass(slots=True)
class _OpenAdjustment:
    """An adjustment whose references may still follow."""

    amount_minor: int
    reason: str
    qualifier: str = ""
    number: str = ""
    references: list[AdviceReference] = field(default_factory=list)

    def closed(self) -> AdviceAdjustment:
        references = tuple(self.references)
        return AdviceAdjustment(
            self.amount_minor, self.reason, self.qualifier, self.number, references
        )


@dataclass(slots=True)
class _Details:
    """The segments that may follow a payment as well as one of its lines."""

    references: list[AdviceReference] = field(default_factory=list)
    periods: list[Period] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    adjustments: list[_OpenAdjustment] = field(default_factory=list)
    other: list[Segment] = field(default_factory=list)

    def closed_adjustments(self) -> tuple[AdviceAdjustment, ...]:
        return tuple(adjustment.closed() for adjustment in self.adjustments)


@dataclass(slots=True)
class _OpenLine(_Details):
    """A line whose details may still follow."""

    segment: Segment = field(default_factory=lambda: Segment("RMR", (), 1))
    paid_minor: int | None = None
    invoice_minor: int | None = None
    discount_minor: int | None = None
    entity: str = ""


class TransactionSetReader:
    """Reads the segments between ST and SE, or those of a fragment, into a payment."""

    def __init__(self, findings: Findings, warnings: CountedWarnings, *, line: int) -> None:
        self._findings = findings
        self._warnings = warnings
        self._line = line
        self._order: Segment | None = None
        self._details = _Details()
        self._parties: list[AdviceParty] = []
        self._trace: Segment | None = None
        self._currency = "USD"
        self._entity = ""
        self._open: _OpenLine | None = None
        self._references: list[AdviceReference] = self._details.references
        self._lines: list[AdviceLine] = []
        self._is_sound = True
        self._handlers: Final[dict[str, Callable[[Segment], None]]] = {
            "BPR": self._read_order,
            "TRN": self._read_trace,
            "CUR": self._read_currency,
            "REF": self._read_reference,
            "DTM": self._read_period,
            "N1": self._read_party,
            "ENT": self._read_entity,
            "RMR": self._read_line,
            "ADX": self._read_adjustment,
            "NTE": self._read_note,
        }

    def read(self, segment: Segment) -> None:
        """Read the next segment; keep an unknown one, with a warning."""
        handler = self._handlers.get(segment.name)
        if handler is not None:
            handler(segment)
            return
        self._current_details.other.append(segment)
        if segment.name not in UNINTERPRETED:
            message = f"An 820 has no segment {segment.name}; it is kept and not interpreted."
            fix = f"{NOTHING_TO_DO}, unless it says what is paid."
            self._warnings.add("unknown-segment", segment.line, segment.name, message, fix)

    def close(
        self,
        *,
        interchange: Interchange | None,
        group_control_number: str,
        control_number: str,
        is_fragment: bool,
    ) -> AdvicePayment:
        """Check that the lines add up to the payment, and return it."""
        self._close_line()
        order = self._order or Segment("BPR", (), self._line)
        amount_minor = self._minor(order, 2) if self._order else None
        payment = AdvicePayment(
            interchange=interchange,
            group_control_number=group_control_number,
            control_number=control_number,
            handling=order[1],
            amount_minor=amount_minor,
            currency=self._currency,
            is_debit=order[3] == "D",
            method=order[4],
            payment_format=order[5],
            originating=AdviceAccount(order[7], order[9]),
            originator_id=order[10],
            receiving=AdviceAccount(order[13], order[15]),
            effective_date=self._effective_date(order),
            trace_reference=self._trace[2] if self._trace else "",
            parties=tuple(self._parties),
            references=tuple(self._details.references),
            periods=tuple(self._details.periods),
            notes=tuple(self._details.notes),
            lines=tuple(self._lines),
            adjustments=self._details.closed_adjustments(),
            other=tuple(self._details.other),
            line=order.line,
        )
        if self._order is not None:
            self._check_total(payment, order)
        elif not is_fragment:
            message = "The transaction names no payment: it has no segment BPR."
            self._findings.add("no-payment", self._line, "BPR", message, SEND_AGAIN)
        return payment

    @property
    def _current_details(self) -> _Details:
        return self._details if self._open is None else self._open

    def _read_order(self, segment: Segment) -> None:
        if self._order is not None:
            message = "A second payment begins inside a transaction."
            self._findings.add("second-payment", segment.line, "BPR", message, SEND_AGAIN)
            return
        self._order = segment
        if not segment[2]:
            self._report_unreadable("amount", segment, 2, "The payment has no amount.")
        if segment[3] not in {"C", "D"}:
            message = "It is not said whether the payment is a credit (C) or a debit (D)."
            self._findings.add("credit-or-debit", segment.line, "BPR03", message, SEND_AGAIN)
        if segment[1] not in HANDLINGS:
            message = "The handling is none that is known; it is read as a payment with its advice."
            fix = "Ask the payer what it stands for."
            self._warnings.add("handling", segment.line, "BPR01", message, fix)

    def _read_trace(self, segment: Segment) -> None:
        if self._trace is None:
            self._trace = segment
        else:
            self._current_details.other.append(segment)

    def _read_currency(self, segment: Segment) -> None:
        currency = segment[2].upper()
        if currency not in EXPONENTS:
            self._report_unreadable(
                "currency", segment, 2, "The currency is none that is known here."
            )
        elif currency != self._currency and (self._lines or self._open or self._has_adjustments):
            self._report_unreadable(
                "currency", segment, 2, "The currency changes after amounts were given."
            )
        else:
            self._currency = currency

    @property
    def _has_adjustments(self) -> bool:
        return bool(self._details.adjustments)

    def _read_reference(self, segment: Segment) -> None:
        self._references.append(AdviceReference(segment[1], segment[2] or segment[3]))

    def _read_note(self, segment: Segment) -> None:
        self._current_details.notes.append(segment[2])

    def _read_party(self, segment: Segment) -> None:
        self._parties.append(AdviceParty(segment[1], segment[2], segment[4]))

    def _read_entity(self, segment: Segment) -> None:
        self._close_line()
        self._entity = segment[4]

    def _read_period(self, segment: Segment) -> None:
        first, _, last = (segment[2] or segment[6]).partition("-")
        start, end = _day(first), _day(last or first)
        if start is None or end is None:
            self._current_details.other.append(segment)
            message = "The date is not a real one of the form CCYYMMDD; it is passed over."
            fix = "Look at the file if the date matters."
            self._warnings.add("date", segment.line, "DTM02", message, fix)
        else:
            self._current_details.periods.append(Period(segment[1], start, end))

    def _read_line(self, segment: Segment) -> None:
        self._close_line()
        line = _OpenLine(segment=segment, entity=self._entity)
        self._open, self._references = line, line.references
        line.paid_minor = self._minor(segment, 4)
        line.invoice_minor = self._minor(segment, 5)
        line.discount_minor = self._minor(segment, 6)
        adjusted_minor = self._minor(segment, 8)
        if adjusted_minor is not None:
            line.adjustments.append(_OpenAdjustment(adjusted_minor, segment[7]))
        if line.paid_minor is None and not segment[4]:
            message = "The line does not say how much of it is paid; it counts as nothing."
            self._warnings.add("no-paid-amount", segment.line, "RMR04", message, _ASK_PAYER)
        if not segment[2]:
            message = "The line does not name what is paid."
            self._warnings.add("no-number", segment.line, "RMR02", message, _ASK_PAYER)

    def _read_adjustment(self, segment: Segment) -> None:
        amount_minor = self._minor(segment, 1)
        if amount_minor is None:
            if not segment[1]:
                self._report_unreadable("amount", segment, 1, "The adjustment has no amount.")
            return
        adjustment = _OpenAdjustment(amount_minor, segment[2], segment[3], segment[4])
        self._current_details.adjustments.append(adjustment)
        self._references = adjustment.references

    def _close_line(self) -> None:
        """Complete the open line; what follows belongs to the payment or to a new line."""
        line, self._open = self._open, None
        self._references = self._details.references
        if line is None:
            return
        adjustments = line.closed_adjustments()
        closed = AdviceLine(
            qualifier=line.segment[1],
            number=line.segment[2],
            paid_minor=line.paid_minor,
            invoice_minor=line.invoice_minor,
            discount_minor=line.discount_minor,
            adjustments=adjustments,
            references=tuple(line.references),
            periods=tuple(line.periods),
            notes=tuple(line.notes),
            entity=line.entity,
            other=tuple(line.other),
            line=line.segment.line,
        )
        self._lines.append(closed)
        if not _is_consistent(closed):
            message = "The item's amount less discount and adjustments is not what is paid."
            fix = "The amount paid counts; the rest of the item stays open."
            self._warnings.add("line-arithmetic", closed.line, "RMR05", message, fix)

    def _check_total(self, payment: AdvicePayment, order: Segment) -> None:
        """Check that the lines add up to the payment, if it has lines and an amount."""
        if not self._is_sound or payment.amount_minor is None:
            return
        if payment.amount_minor < 0:
            self._report_unreadable("amount", order, 2, "The payment is negative.")
            return
        paid_minor, is_empty = payment.lines_minor, not (payment.lines or payment.adjustments)
        amount, lines = (
            Money(minor, payment.currency) for minor in (payment.amount_minor, paid_minor)
        )
        if payment.handling == "P" and amount:
            self._report_unreadable("prenote-amount", order, 2, "A prenote has an amount.")
        elif is_empty and amount and payment.handling != PAYMENT_ONLY:
            message = f"No line says what the payment of {amount} is for."
            self._findings.add("no-lines", order.line, "BPR02", message, _ASK_PAYER)
        elif payment.handling in PAYS_NOTHING and not amount and lines:
            message = f"The advice has no amount to hold its lines of {lines} against."
            fix = "Compare the lines with the payment when it comes."
            self._warnings.add("no-total", order.line, "BPR02", message, fix)
        elif amount != lines and not (is_empty and payment.handling == PAYMENT_ONLY):
            message = f"The payment is {amount}; its lines add up to {lines}."
            self._findings.add("remittance-total", order.line, "BPR02", message, _ASK_PAYER)

    def _effective_date(self, order: Segment) -> date | None:
        effective_date = _day(order[16])
        if effective_date is None and order[16]:
            message = "The date of the payment is not a real one of the form CCYYMMDD."
            self._findings.add("date", order.line, "BPR16", message, SEND_AGAIN)
        return effective_date

    def _minor(self, segment: Segment, position: int) -> int | None:
        """Read an amount, if there is one; if it cannot be read, the total is not checked."""
        text = segment[position]
        if not text:
            return None
        try:
            if not _AMOUNT.fullmatch(text):
                raise NotAnAmount("", "not a number such as 1672.50")
            return Money.parse(text, self._currency).minor
        except NotAnAmount as refusal:
            self._report_unreadable(
                "amount", segment, position, f"The amount cannot be read: {refusal.reason}."
            )
            return None

    def _report_unreadable(self, code: str, segment: Segment, position: int, message: str) -> None:
        self._is_sound = False
        place = segment.place(position)
        self._findings.add(code, segment.line, place, message, SEND_AGAIN)


def _day(text: str) -> date | None:
    if len(text) != 8 or not (text.isascii() and text.isdigit()):
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


def _is_consistent(line: AdviceLine) -> bool:
    """Tell whether discount and adjustments lead from the item's amount to the amount paid.

    Without either, a part may be paid. An adjustment may state the discount once more.
    """
    if line.invoice_minor is None or line.paid_minor is None:
        return True
    if not line.discount_minor and not line.adjustments:
        return True
    adjusted_minor = sum(adjustment.amount_minor for adjustment in line.adjustments)
    after_discount_minor = line.invoice_minor - (line.discount_minor or 0)
    return line.paid_minor in {
        after_discount_minor,
        after_discount_minor + adjusted_minor,
        line.invoice_minor + adjusted_minor,
    }
