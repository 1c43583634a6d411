"""Reads Nacha files of returns and notices of change into events.

Source: Nacha Operating Rules; docs/bank-files.md#nacha.
"""

from __future__ import annotations

from calendar import isleap
from datetime import date, timedelta
from typing import Final

from billfold.formats import nacha
from billfold.money import Money
from billfold.rails.ach.limits import CURRENCY
from billfold.rails.protocol import AnyEvent, BankDocument, Corrected, Noticed, Returned

_REFUSED_CHANGES: Final = "C6"
"""C61-C69 go between banks. Source: Nacha Operating Rules, refused NOC."""


def read(document: BankDocument) -> list[AnyEvent]:
    """Read a file of returns and notices of change, one event per entry.

    No entry is dropped: one that is neither a return nor a notice of change is Noticed.
    Raises: Unreadable with every problem.
    """
    file = nacha.read(document.content)
    return [_event(entry, batch, file) for batch, entry in file.entries()]


def _event(entry: nacha.NachaEntry, batch: nacha.NachaBatch, file: nacha.NachaFile) -> AnyEvent:
    file_date = file.created_on or batch.effective_date
    if file_date is None:
        raise AssertionError("a file without a date has batches without one")
    on = _settlement_date(batch.settlement_day, file_date)
    amount = Money(entry.amount_minor, CURRENCY)
    reply = entry.return_or_change
    if reply is None:
        key = f"entry/{file.created_on}/{file.modifier}/{batch.number}/{entry.trace}"
        rdfi = entry.routing_number[:8]
        return Noticed(entry.trace, key, on, "unexpected", batch.sec_code, amount, rdfi)
    # A key holds nothing of the file, so that the same return has the same key in every file.
    trace, code, rdfi = reply.original_trace, reply.code, reply.original_rdfi
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


def _settlement_date(day_of_year: int | None, created_on: date) -> date:
    """Return the date of a day of the year nearest the file's date; without a day, the file's."""
    if not day_of_year:
        return created_on
    candidates = [
        date(year, 1, 1) + timedelta(days=day_of_year - 1)
        for year in (created_on.year - 1, created_on.year, created_on.year + 1)
        if day_of_year <= 365 + isleap(year)
    ]
    return min(candidates, key=lambda day: abs(day - created_on), default=created_on)
