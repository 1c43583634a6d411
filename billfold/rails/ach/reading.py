"""Reads Nacha files of returns, notices of change and rejected entries into events.

Source: Nacha Operating Rules; docs/bank-files.md#nacha, docs/bank-files.md#rejected-entries.
"""

from __future__ import annotations

from calendar import isleap
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from billfold.formats import nacha
from billfold.money import Money
from billfold.rails.ach.limits import CURRENCY
from billfold.rails.protocol import (
    AnyEvent,
    BankDocument,
    Corrected,
    DocumentRefused,
    Noticed,
    NoticeKind,
    Rejected,
    Returned,
)

_REFUSED_CHANGES: Final = "C6"
"""C61-C69 go between banks. Source: Nacha Operating Rules, refused NOC."""
_ANSWER_TYPES: Final = frozenset({"98", "99"})
_ORIGINAL_TRACE: Final = slice(3, 18)
"""Where an addendum that could not be read has the original trace number, its type apart."""


class NotReturns(DocumentRefused):
    """The file asks for debits, as one we send does, and returns none. Add the bank's returns."""


class OfAnotherCompany(DocumentRefused):
    """The file answers entries of another company, not ours. Ask the bank whose file it is."""


def read(document: BankDocument) -> list[AnyEvent]:
    """Read a file of returns, notices of change and rejected entries, at least an event per entry.

    No entry is dropped: one that is none of these is Noticed, and so is one in a batch of another
    company, if the document names ours. One that the bank both rejected and returned gives two
    events.
    Raises: Unreadable with every problem; NotReturns; OfAnotherCompany if nothing in it is ours.
    """
    file = nacha.read(document.content)
    others = {
        batch.company_id
        for batch in file.batches
        if _is_of_another_company(batch, document.company_id)
    }
    if others and all(batch.company_id in others for batch in file.batches):
        raise OfAnotherCompany(", ".join(sorted(others)))
    reader = _EventReader(file, _companies_with_rejected_entries(file), frozenset(others))
    events = [event for batch, entry in file.entries() for event in reader.read(batch, entry)]
    is_answer = (not isinstance(each, Noticed) or each.kind != "unexpected" for each in events)
    if not any(is_answer) and any(entry.asks_for_money for _, entry in file.entries()):
        raise NotReturns
    return _numbered(events)


def _is_of_another_company(batch: nacha.NachaBatch, company_id: str) -> bool:
    """Tell whether a batch names another company than ours.

    Banks may change the first of the ten characters, which says what kind of number follows.
    Source: Nacha Operating Rules, field "Company Identification".
    """
    stated, ours = batch.company_id.strip(), company_id.strip()
    return bool(stated and ours) and stated[-9:] != ours[-9:]


def _rejection(batch: nacha.NachaBatch, entry: nacha.NachaEntry) -> str:
    """Return the bank's mark on an entry, else that on its batch; empty if there is none."""
    return entry.rejection or nacha.rejection_mark(batch.odfi)


def _companies_with_rejected_entries(file: nacha.NachaFile) -> frozenset[str]:
    return frozenset(
        batch.company_id for batch, entry in file.entries() if _rejection(batch, entry)
    )


def _numbered(events: Iterable[AnyEvent]) -> list[AnyEvent]:
    """Tell apart entries of which the bank left nothing that differs."""
    counts: Counter[str] = Counter()
    numbered: list[AnyEvent] = []
    for event in events:
        counts[event.key] += 1
        is_alike = isinstance(event, Rejected | Noticed) and counts[event.key] > 1
        key = f"{event.key}/{counts[event.key]}"
        numbered.append(replace(event, key=key) if is_alike else event)
    return numbered


@dataclass(frozen=True, slots=True)
class _EventReader:
    """Reads the entries of one file."""

    file: nacha.NachaFile
    listing_companies: frozenset[str]
    """Beside the entries that it rejected, a bank lists those of the same company that it took."""
    other_companies: frozenset[str]

    def read(self, batch: nacha.NachaBatch, entry: nacha.NachaEntry) -> Iterator[AnyEvent]:
        on = self._settlement_date(batch)
        mark = _rejection(batch, entry)
        reply = nacha.clear_reply(entry, batch.sec_code)
        if batch.company_id in self.other_companies:
            yield self._notice(batch, entry, on)
            return
        if reply and not nacha.rejection_mark(reply.original_trace):
            yield _answer(entry, reply, on)
        elif not mark:
            yield self._notice(batch, entry, on)
        if mark:
            yield _rejected(entry, batch, mark, on)

    def _notice(self, batch: nacha.NachaBatch, entry: nacha.NachaEntry, on: date) -> Noticed:
        kind: NoticeKind = "unexpected"
        if batch.company_id in self.other_companies:
            kind = "foreign"
        elif entry.is_answer:
            kind = "unclear"
        elif entry.acknowledges(batch.sec_code) or batch.company_id in self.listing_companies:
            kind = "acknowledged"
        file = self.file
        key = f"entry/{file.created_on}/{file.modifier}/{batch.number}/{entry.trace}"
        subject = _original_trace(entry) if entry.is_answer else entry.trace
        amount, rdfi = Money(entry.amount_minor, CURRENCY), entry.routing_number[:8]
        return Noticed(subject, key, on, kind, batch.sec_code, amount, rdfi)

    def _settlement_date(self, batch: nacha.NachaBatch) -> date:
        file_date = self.file.created_on or batch.effective_date
        if file_date is None:
            raise AssertionError("a file without a date has batches without one")
        return _nearest_date(batch.settlement_day, file_date)


def _original_trace(entry: nacha.NachaEntry) -> str:
    """Read which entry an answer means that is not clear otherwise; else its own trace number."""
    if entry.return_or_change:
        return entry.return_or_change.original_trace
    for addendum in entry.addenda:
        if isinstance(addendum, nacha.OtherAddendum) and addendum.type_code in _ANSWER_TYPES:
            return addendum.content[_ORIGINAL_TRACE].strip() or entry.trace
    return entry.trace


def _rejected(entry: nacha.NachaEntry, batch: nacha.NachaBatch, mark: str, on: date) -> Rejected:
    """Read an entry with the bank's mark, which stands over the first digits of a trace number.

    What is left of that number is joined to those digits where the batch has them; else the
    subject is the marked number as it stands.
    """
    reply = entry.return_or_change
    subject = reply.original_trace if reply else entry.trace
    if not subject.isdigit() and not reply and batch.odfi.isdigit():
        sequence = subject[len(batch.odfi) :]
        subject = batch.odfi + sequence if sequence.isdigit() else subject
    amount = Money(entry.amount_minor, CURRENCY)
    # The date is part of the key: where the mark left no digits, the next day's looks the same.
    entry_key = f"{subject}/{mark}/{entry.routing_number}/{amount.minor}/{entry.identification}"
    return Rejected(
        subject,
        f"rejected/{on}/{entry_key}",
        on,
        mark,
        amount,
        routing_number=entry.routing_number,
        account_number=entry.account_number,
        customer_number=entry.identification.strip(),
    )


def _answer(entry: nacha.NachaEntry, reply: nacha.ReturnOrChange, on: date) -> AnyEvent:
    # A key holds nothing of the file, so that the same return has the same key in every file.
    trace, code, rdfi = reply.original_trace, reply.code, reply.original_rdfi
    amount = Money(entry.amount_minor, CURRENCY)
    entry_key = f"{trace}/{code}/{rdfi}"
    match reply:
        case nacha.ReturnAddendum():
            key = f"return/{entry_key}/{entry.amount_minor}"
            return Returned(trace, key, on, code, amount, rdfi, reply.information)
        case nacha.DishonourAddendum():
            key = f"dishonour/{entry_key}/{reply.return_trace}"
            info = f"{reply.return_code} {reply.information}".strip()
            return Noticed(trace, key, on, "dishonoured", code, amount, rdfi, info)
        case nacha.ContestAddendum():
            key = f"contest/{entry_key}/{reply.dishonour_trace}"
            info = f"{reply.return_code} {reply.dishonour_code}".strip()
            return Noticed(trace, key, on, "contested", code, amount, rdfi, info)
        case nacha.ChangeAddendum() if code.startswith(_REFUSED_CHANGES):
            key = f"refused-change/{entry_key}"
            return Noticed(trace, key, on, "correction_refused", code, amount, rdfi, reply.refused)
        case nacha.ChangeAddendum():
            return Corrected(trace, f"change/{entry_key}", on, code, reply.corrected, rdfi)


def _nearest_date(day_of_year: int | None, created_on: date) -> date:
    """Return the date of a day of the year nearest the file's date; without a day, the file's."""
    if not day_of_year:
        return created_on
    candidates = [
        date(year, 1, 1) + timedelta(days=day_of_year - 1)
        for year in (created_on.year - 1, created_on.year, created_on.year + 1)
        if day_of_year <= 365 + isleap(year)
    ]
    return min(candidates, key=lambda day: abs(day - created_on), default=created_on)
