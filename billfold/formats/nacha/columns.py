"""The entries of one batch, as they are written: whole columns if sound, else one by one.

Source: Nacha Operating Rules, Appendix Three; docs/bank-files.md#nacha.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain
from typing import Final

from billfold.formats.nacha import codes, facts, layouts
from billfold.formats.nacha.facts import Facts
from billfold.formats.nacha.lines import LINE
from billfold.formats.nacha.notes import Fault
from billfold.formats.nacha.records import Addendum, Batch, Entry, File, Payment, Totals
from billfold.formats.nacha.rules import BatchCourse, entry_faults
from billfold.formats.nacha.sheet import Sheet, plain

CHUNK: Final = 1_000
"""Entries laid out at once; few enough to stay in a processor's cache."""

_FORM: Final = layouts.ENTRY.form + "\n"
_FORM_ALONE: Final = _FORM.replace("%1s%15s", "0%15s")
_FORM_OF_CODE: Final = "6%02d" + _FORM_ALONE.removeprefix("6%02d").replace("%", "%%")
_ADDENDUM_FORM: Final = layouts.PAYMENT_ADDENDUM.form + "\n"
_SOUND: Final = (
    r"(?:6[0-9]{11}(?![ 0]{17})[!-~][ -~]{16}[0-9]{10}[ -~]{15}%(name)s[ -~]{24}%(end)s)*"
)
_NAMED: Final = "(?![ 0]{22})"
_ALONE: Final = r"0%(odfi)s[0-9]{7}\n"
_WITH_ADDENDUM: Final = r"(?:0%(odfi)s[0-9]{7}\n|1%(odfi)s([0-9]{7})\n705[ -~]{80}0001\1\n)"


@lru_cache(maxsize=64)
def _sound(sec_code: str, odfi: str) -> re.Pattern[str] | None:
    """Give the pattern of entries that break no rule of a single record, if there is one."""
    is_plain = sec_code in codes.ORIGINATED_CLASSES - codes.COUNTED_CLASSES
    if not is_plain or not re.fullmatch("[0-9]{8}", odfi):
        return None
    name = _NAMED if sec_code in codes.CONSUMER_CLASSES else ""
    end = _WITH_ADDENDUM if codes.MOST_PAYMENT_ADDENDA[sec_code] else _ALONE
    return re.compile(_SOUND % {"name": name, "end": end % {"odfi": odfi}})


class EntrySheet:
    """Writes the entries of one batch."""

    def __init__(self, sheet: Sheet, batch: Batch, head: File, facts: Facts) -> None:
        self._sheet = sheet
        self._batch = batch
        self._facts = facts
        self._course = BatchCourse(batch.sec_code, batch, sent=True)
        self._pattern = _sound(batch.sec_code, batch.odfi)
        self._description = batch.description.strip().upper()
        if self._description in codes.RESERVED:
            self._pattern = None
        self._same_day_limit: int | None = None
        self._is_same_day = batch.effective_date is not None and (
            batch.effective_date == head.created_on
        )
        if self._is_same_day and head.created_on:
            self._same_day_limit = facts.same_day_limit(head.created_on)
        self._first_line = sheet.lines + 1

    def write(self) -> Totals:
        """Write all entries, and give what the control record says of them."""
        entries = self._batch.entries
        for start in range(0, len(entries), CHUNK):
            chunk = entries[start : start + CHUNK]
            if not self._takes(chunk):
                for entry in chunk:
                    self._one(entry)
        for line, fault in self._course.close():
            self._sheet.notes.faults(line, layouts.ENTRY, [fault])
        for index, fault in facts.micro_faults(self._batch, entries):
            self._sheet.notes.faults(self._line_of(index), layouts.ENTRY, [fault])
        return self._course.totals

    def _line_of(self, index: int) -> int:
        addenda = sum(len(entry.addenda) for entry in self._batch.entries[:index])
        return self._first_line + index + addenda

    def _takes(self, entries: Sequence[Entry]) -> bool:
        """Write some entries at once, if they are certainly sound."""
        if self._pattern is None:
            return False
        kinds = [entry.transaction_code for entry in entries]
        banks = [entry.routing_number for entry in entries]
        accounts = [entry.account_number for entry in entries]
        amounts = [entry.amount_minor for entry in entries]
        identifications = [entry.identification for entry in entries]
        names = [entry.name for entry in entries]
        marks = [entry.discretionary for entry in entries]
        traces = [entry.trace for entry in entries]
        addenda = [entry.addenda for entry in entries]
        limit = self._same_day_limit
        if limit is not None and max(amounts) > limit:
            return False
        if not self._facts.passes(banks, accounts, amounts, identifications, traces):
            return False
        middle = (banks, accounts, amounts, identifications, names, marks)
        text = _text(kinds, middle, traces, addenda).upper()
        distinct = frozenset(kinds)
        debit_minor = None
        if not (distinct <= codes.DEBIT_CODES or distinct <= codes.CREDIT_CODES):
            pairs = zip(kinds, amounts, strict=True)
            debit_minor = sum([amount for kind, amount in pairs if codes.is_debit(kind)])
        extra = len(text) // LINE - len(entries)
        is_sound = (
            extra >= 0
            and self._pattern.fullmatch(text) is not None
            and self._course.takes(distinct, banks, amounts, traces, debit_minor, extra)
        )
        if is_sound:
            self._sheet.put(text, len(entries) + extra)
        return is_sound

    def _one(self, entry: Entry) -> None:
        """Write one entry with its addenda, and note what is wrong with it."""
        sheet = self._sheet
        line = sheet.lines + 1
        layout = layouts.ENTRY
        if self._batch.sec_code in codes.COUNTED_CLASSES:
            layout = layouts.COUNTED_ENTRY
        entry = _plain(entry)
        sheet.record(layout, *_values(entry, is_counted=layout is layouts.COUNTED_ENTRY))
        sheet.notes.faults(line, layout, self._faults(entry, line))
        for sequence, addendum in enumerate(entry.addenda, 1):
            information = addendum.information if isinstance(addendum, Payment) else ""
            sheet.record(layouts.PAYMENT_ADDENDUM, information, sequence, entry.trace[-7:])
            if not isinstance(addendum, Payment):
                message = "Only payment addenda are written."
                fault = Fault("addenda-type", "", message, "Leave the others out.")
                sheet.notes.faults(sheet.lines, layouts.PAYMENT_ADDENDUM, [fault])

    def _faults(self, entry: Entry, line: int) -> Iterator[Fault]:
        yield from entry_faults(entry, self._batch.sec_code)
        yield from self._course.entry(entry, line)
        if entry.transaction_code not in codes.ORIGINATED_CODES:
            message = "Entries of this code are received, never sent."
            fix = "Use 22, 27 or 28 for checking and 32, 37 or 38 for savings."
            yield Fault("not-originated", "Transaction code", message, fix)
        limit = self._same_day_limit
        if limit is not None and entry.amount_minor > limit:
            message = f"The amount is above the limit of same-day entries, {limit} cents."
            yield Fault("same-day", "Amount", message, "Let it settle on the next banking day.")
        yield from self._facts.entry_faults(self._batch, entry)
        if self._description in codes.RESERVED:
            yield from facts.reserved_faults(self._batch, entry, self._facts)


def _text(
    kinds: Sequence[int],
    columns: Sequence[Sequence[object]],
    traces: Sequence[str],
    addenda: Sequence[Sequence[Addendum]],
) -> str:
    """Lay out entries; nothing if they have other addenda than one payment each."""
    if any(addenda):
        if not all(map(_is_simple, addenda)):
            return ""
        flags = ["1" if each else "0" for each in addenda]
        rows = zip(kinds, *columns, flags, traces, strict=True)
        return "".join(map(_with_addendum, map(_FORM.__mod__, rows), traces, addenda))
    # One conversion of all entries is faster than one of each.
    if kinds.count(kinds[0]) == len(kinds):
        form, all_columns = _FORM_OF_CODE % kinds[0], (*columns, traces)
    else:
        form, all_columns = _FORM_ALONE, (kinds, *columns, traces)
    return (form * len(kinds)) % tuple(chain.from_iterable(zip(*all_columns, strict=True)))


def _is_simple(addenda: Sequence[Addendum]) -> bool:
    return not addenda or (len(addenda) == 1 and isinstance(addenda[0], Payment))


def _with_addendum(line: str, trace: str, addenda: Sequence[Addendum]) -> str:
    for addendum in addenda:
        if isinstance(addendum, Payment):
            line += _ADDENDUM_FORM % (addendum.information, 1, trace[-7:])
    return line


def _plain(entry: Entry) -> Entry:
    """Give the entry as it will be read: without what a bank does not print."""
    name = entry.name
    if not (name.isascii() and name.isprintable()):
        name = plain(name)
    return replace(entry, name=name, account_number=entry.account_number.strip())


def _values(entry: Entry, *, is_counted: bool) -> tuple[object, ...]:
    stated = (len(entry.addenda),) if is_counted else ()
    return (
        entry.transaction_code,
        entry.routing_number,
        entry.account_number,
        entry.amount_minor,
        entry.identification,
        *stated,
        entry.name,
        entry.discretionary,
        "1" if entry.addenda else "0",
        entry.trace,
    )
