"""All rows about one payment, in a fixed number of queries, and what staff call its events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

from billfold.ledger import book
from billfold.ledger.chart import FEE_INCOME
from billfold.office import evidence
from billfold.office.evidence import EvidenceDocument
from billfold.payments.models import Instruction, Payment, SubjectEvent
from billfold.payments.rules import debit_rules
from billfold.rails.ach import reason_codes
from billfold.rails.ach.return_reasons import RETURN_CODES
from billfold.receivables.models import Invoice

EVENT_TITLES: Final = {
    "submitted": "In a file",
    "settled": "Settled",
    "returned": "Returned",
    "takenback": "Money taken back",
    "withdrawn": "File taken back",
    "refused": "Not made",
    "canceled": "Canceled",
    "postponed": "Put off: its account is still to be asked about",
    "corrected": "Notice of change",
}
"""Kind of event -> its title."""
_APPLIED_CHANGE: Final = "Account corrected"
"""What a notice of change is called that changed the bank data."""


@dataclass(frozen=True, slots=True)
class PaymentRecords:
    """All rows about one payment."""

    payment: Payment
    events: Sequence[SubjectEvent]
    instructions: Sequence[Instruction]
    documents: Mapping[str, EvidenceDocument]
    """Evidence of an event -> what it names."""
    ledger_lines: Sequence[book.Booking]
    fee: Invoice | None
    applied_changes: Set[tuple[str, str]]
    """Evidence and code of notices that changed the bank data."""

    @property
    def effective_events(self) -> Sequence[SubjectEvent]:
        """The events that took effect, in the order of their days; a return ends it all."""
        events = (event for event in self.events if event.outcome != "stray")
        return sorted(events, key=lambda event: (event.kind == "returned", event.on_date))

    @property
    def return_code(self) -> str:
        """The code of its return; nothing if it was not returned."""
        events = self.effective_events
        return next((event.code for event in events if event.kind == "returned"), "")

    def title_of(self, event: SubjectEvent) -> str:
        """Name an event; a notice of change by whether it changed anything."""
        if event.kind == "corrected" and (event.evidence, event.code) in self.applied_changes:
            return _APPLIED_CHANGE
        return EVENT_TITLES.get(event.kind, event.kind)


def load(payment: Payment) -> PaymentRecords:
    """Read all rows about a payment."""
    events = list(payment.events.order_by("at", "id"))
    fee = Invoice.objects.filter(cause=f"return/{payment.reference}").first()
    has_corrections = any(event.kind == "corrected" for event in events)
    corrected = payment.method.accounts.filter(replaces__isnull=False) if has_corrections else None
    changes = corrected.values_list("evidence", "code") if corrected is not None else ()
    return PaymentRecords(
        payment=payment,
        events=events,
        instructions=list(payment.instructions.select_related("file").order_by("trace")),
        documents=evidence.find_documents(event.evidence for event in events),
        ledger_lines=_read_ledger(payment, fee),
        fee=fee,
        applied_changes=frozenset(changes),
    )


def _read_ledger(payment: Payment, fee: Invoice | None) -> list[book.Booking]:
    """Read the payment's bookings, and those that charged or waived its fee."""
    own = {payment.in_transit, payment.unapplied}
    accounts = [*own, fee.receivable] if fee else list(own)
    return [
        line
        for line in book.bookings(accounts)
        if own & {line.debit, line.credit} or FEE_INCOME in (line.debit, line.credit)
    ]


def reason_text(event: SubjectEvent) -> str:
    """Write the code of an event in words."""
    if event.kind == "returned":
        return reason_codes.return_code(event.code).label
    if event.kind == "corrected":
        return f"{reason_codes.change_code(event.code).label} ({event.code})"
    if event.code in RETURN_CODES:
        return f"{reason_codes.return_code(event.code).label} ({event.code})"
    rule = debit_rules.BY_NAME.get(event.code)
    return rule.staff_text if rule else event.code
