"""Exports what was booked, for the billing system: fees, credit notes and applications.

A row is one booking. What takes one back is a row of its own, with an amount below zero, so that
the totals of a day are those of the books.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final

from billfold.ledger import journal
from billfold.ledger.chart import AccountCode
from billfold.ledger.journal import JournalEntry
from billfold.money import Money
from billfold.payments.reading.export_file import ExportKind, ExportLine
from billfold.platform.feed import FeedWindow
from billfold.receivables.models import CreditNote, Customer, Invoice


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingRow:
    """A booking. The same one has the same key, however often it is exported."""

    key: str
    customer_number: str
    amount: Money
    currency: str
    effective_date: str
    booked_at: str
    takes_back: str
    """The key of the booking that this one takes back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeRow(BookingRow):
    """A fee charged or taken back; `cause` names the one fact it is for."""

    fee_number: str
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditRow(BookingRow):
    """A credit note taken in, with its date and reason in the billing system."""

    credit_number: str
    credit_date: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationRow(BookingRow):
    """Money put on an invoice or fee, or taken off: where from, where to."""

    source_kind: str
    """payment, credit: what a ledger subject begins with."""
    source: str
    target_kind: str
    """invoice, charge."""
    target: str


def _read_fees(window: FeedWindow) -> Iterator[ExportLine]:
    pages = journal.entries(window, debit=AccountCode.RECEIVABLE, credit=AccountCode.FEE_INCOME)
    for page in pages:
        numbers = _customer_numbers(page)
        charges = Invoice.objects.in_bulk(
            [_name(e.debit.subject) for e in page], field_name="number"
        )
        for entry in page:
            charge = charges[_name(entry.debit.subject)]
            row = FeeRow(
                fee_number=charge.number, cause=charge.cause or "", **_booking(entry, numbers)
            )
            yield ExportLine(row, entry.effective_date, entry.amount)


def _read_credits(window: FeedWindow) -> Iterator[ExportLine]:
    pages = journal.entries(window, debit=AccountCode.BILLED, credit=AccountCode.UNAPPLIED)
    for page in pages:
        numbers = _customer_numbers(page)
        notes = CreditNote.objects.in_bulk(
            [_name(e.credit.subject) for e in page], field_name="number"
        )
        for entry in page:
            note = notes[_name(entry.credit.subject)]
            row = CreditRow(
                credit_number=note.number,
                credit_date=note.credit_date.isoformat(),
                reason=note.reason,
                **_booking(entry, numbers),
            )
            yield ExportLine(row, entry.effective_date, entry.amount)


def _read_applications(window: FeedWindow) -> Iterator[ExportLine]:
    pages = journal.entries(window, debit=AccountCode.UNAPPLIED, credit=AccountCode.RECEIVABLE)
    for page in pages:
        numbers = _customer_numbers(page)
        for entry in page:
            source_kind, _, source = entry.debit.subject.partition("/")
            target_kind, _, target = entry.credit.subject.partition("/")
            row = ApplicationRow(
                source_kind=source_kind,
                source=source,
                target_kind=target_kind,
                target=target,
                **_booking(entry, numbers),
            )
            yield ExportLine(row, entry.effective_date, entry.amount)


def _name(subject: str) -> str:
    """Give what a ledger subject names: INV-7 of `invoice/INV-7`."""
    return subject.partition("/")[2]


def _customer_numbers(entries: Iterable[JournalEntry]) -> dict[Any, str]:
    customers = Customer.objects.filter(id__in={entry.party for entry in entries})
    return dict(customers.values_list("id", "number"))


def _booking(entry: JournalEntry, customer_numbers: dict[Any, str]) -> dict[str, Any]:
    return {
        "key": entry.key,
        "customer_number": customer_numbers[entry.party],
        "amount": entry.amount,
        "currency": entry.amount.currency,
        "effective_date": entry.effective_date.isoformat(),
        "booked_at": entry.posted_at.astimezone(UTC).isoformat(timespec="seconds"),
        "takes_back": entry.reverses,
    }


FEES: Final = ExportKind("fees", FeeRow, _read_fees)
CREDITS: Final = ExportKind("credits", CreditRow, _read_credits)
APPLICATIONS: Final = ExportKind("applications", ApplicationRow, _read_applications)
