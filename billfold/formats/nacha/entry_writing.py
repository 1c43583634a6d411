"""Writing the entries of one batch: many at once where they are sound, else one by one.

Source: Nacha Operating Rules, Appendix Three; docs/bank-files.md#nacha.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain
from typing import Final

from billfold.formats.nacha import codes, layouts, origination
from billfold.formats.nacha.findings import Violation
from billfold.formats.nacha.lines import LINE_LENGTH
from billfold.formats.nacha.origination import OriginationContext
from billfold.formats.nacha.record_writer import RecordWriter, to_ach_characters
from billfold.formats.nacha.records import (
    Addendum,
    ControlTotals,
    NachaBatch,
    NachaEntry,
    NachaFile,
    PaymentAddendum,
)
from billfold.formats.nacha.rules import BatchTally, entry_violations

CHUNK_ENTRIES: Final = 1_000
"""Entries written at once; few enough to stay in a processor's cache."""

_FORM: Final = layouts.ENTRY.form + "\n"
_FORM_WITHOUT_ADDENDUM: Final = _FORM.replace("%1s%15s", "0%15s")
_FORM_OF_CODE: Final = "6%02d" + _FORM_WITHOUT_ADDENDUM.removeprefix("6%02d").replace("%", "%%")
_ADDENDUM_FORM: Final = layouts.PAYMENT_ADDENDUM.form + "\n"
_SOUND: Final = (
    r"(?:6[0-9]{11}(?![ 0]{17})[!-~][ -~]{16}[0-9]{10}[ -~]{15}%(name)s[ -~]{24}%(end)s)*"
)
_NAMED: Final = "(?![ 0]{22})"
_WITHOUT_ADDENDUM: Final = r"0%(odfi)s[0-9]{7}\n"
_WITH_ADDENDUM: Final = r"(?:0%(odfi)s[0-9]{7}\n|1%(odfi)s([0-9]{7})\n705[ -~]{80}0001\1\n)"


@lru_cache(maxsize=64)
def _sound_pattern(sec_code: str, odfi: str) -> re.Pattern[str] | None:
    """Return the pattern of entries that break no rule on a single record, if there is one."""
    is_plain = sec_code in codes.ORIGINATED_CLASSES - codes.ADDENDA_COUNT_CLASSES
    if not is_plain or not re.fullmatch("[0-9]{8}", odfi):
        return None
    name = _NAMED if sec_code in codes.CONSUMER_CLASSES else ""
    end = _WITH_ADDENDUM if codes.MOST_PAYMENT_ADDENDA[sec_code] else _WITHOUT_ADDENDUM
    return re.compile(_SOUND % {"name": name, "end": end % {"odfi": odfi}})


class EntryWriter:
    """Writes the entries of one batch."""

    def __init__(
        self,
        writer: RecordWriter,
        batch: NachaBatch,
        header: NachaFile,
        context: OriginationContext,
    ) -> None:
        self._writer = writer
        self._batch = batch
        self._context = context
        self._tally = BatchTally(batch.sec_code, batch, originated=True)
        self._pattern = _sound_pattern(batch.sec_code, batch.odfi)
        self._description = batch.description.strip().upper()
        if self._description in codes.RESERVED_DESCRIPTIONS:
            self._pattern = None
        self._same_day_limit: int | None = None
        if header.created_on and batch.effective_date == header.created_on:
            self._same_day_limit = context.same_day_limit(header.created_on)
        self._first_line = writer.lines + 1

    def write(self) -> ControlTotals:
        """Write all entries, and return the totals for the batch control."""
        entries = self._batch.entries
        for start in range(0, len(entries), CHUNK_ENTRIES):
            chunk = entries[start : start + CHUNK_ENTRIES]
            if not self._write_if_sound(chunk):
                for entry in chunk:
                    self._write_entry(entry)
        for line, violation in self._tally.direction_violations():
            self._writer.findings.add_violations(line, layouts.ENTRY, [violation])
        for index, violation in origination.micro_entry_violations(self._batch, entries):
            line = self._line_of(index)
            self._writer.findings.add_violations(line, layouts.ENTRY, [violation])
        return self._tally.totals

    def _line_of(self, index: int) -> int:
        addenda = sum(len(entry.addenda) for entry in self._batch.entries[:index])
        return self._first_line + index + addenda

    def _write_if_sound(self, entries: Sequence[NachaEntry]) -> bool:
        """Write some entries at once, if they certainly break no rule."""
        if self._pattern is None:
            return False
        transaction_codes = [entry.transaction_code for entry in entries]
        banks = [entry.routing_number for entry in entries]
        accounts = [entry.account_number for entry in entries]
        amounts = [entry.amount_minor for entry in entries]
        identifications = [entry.identification for entry in entries]
        names = [entry.name for entry in entries]
        discretionary = [entry.discretionary for entry in entries]
        traces = [entry.trace for entry in entries]
        addenda = [entry.addenda for entry in entries]
        limit = self._same_day_limit
        if limit is not None and max(amounts) > limit:
            return False
        if not self._context.allows(banks, accounts, amounts, identifications, traces):
            return False
        columns = (banks, accounts, amounts, identifications, names, discretionary)
        text = _format_entries(transaction_codes, columns, traces, addenda).upper()
        distinct_codes = frozenset(transaction_codes)
        debit_minor = None
        if not (distinct_codes <= codes.DEBIT_CODES or distinct_codes <= codes.CREDIT_CODES):
            pairs = zip(transaction_codes, amounts, strict=True)
            debit_minor = sum([amount for code, amount in pairs if codes.is_debit(code)])
        addenda_count = len(text) // LINE_LENGTH - len(entries)
        is_sound = (
            addenda_count >= 0
            and self._pattern.fullmatch(text) is not None
            and self._tally.add_if_sound(
                distinct_codes, banks, amounts, traces, debit_minor, addenda_count
            )
        )
        if is_sound:
            self._writer.write_lines(text, len(entries) + addenda_count)
        return is_sound

    def _write_entry(self, entry: NachaEntry) -> None:
        """Write one entry with its addenda, and collect what is wrong with it."""
        writer = self._writer
        line = writer.lines + 1
        layout = layouts.ENTRY
        if self._batch.sec_code in codes.ADDENDA_COUNT_CLASSES:
            layout = layouts.CTX_ENTRY
        entry = _as_printed(entry)
        writer.write_record(layout, *_entry_values(entry, is_counted=layout is layouts.CTX_ENTRY))
        writer.findings.add_violations(line, layout, self._violations(entry, line))
        for sequence, addendum in enumerate(entry.addenda, 1):
            information = addendum.information if isinstance(addendum, PaymentAddendum) else ""
            writer.write_record(layouts.PAYMENT_ADDENDUM, information, sequence, entry.trace[-7:])
            if not isinstance(addendum, PaymentAddendum):
                message = "Only payment addenda are written."
                violation = Violation("addenda-type", "", message, "Leave the others out.")
                writer.findings.add_violations(writer.lines, layouts.PAYMENT_ADDENDUM, [violation])

    def _violations(self, entry: NachaEntry, line: int) -> Iterator[Violation]:
        yield from entry_violations(entry, self._batch.sec_code)
        yield from self._tally.add_entry(entry, line)
        if entry.transaction_code not in codes.ORIGINATED_CODES:
            message = "Entries of this code are received, never sent."
            fix = "Use 22, 27 or 28 for checking and 32, 37 or 38 for savings."
            yield Violation("not-originated", "Transaction code", message, fix)
        limit = self._same_day_limit
        if limit is not None and entry.amount_minor > limit:
            message = f"The amount is above the limit of same-day entries, {limit} cents."
            yield Violation("same-day", "Amount", message, "Let it settle on the next banking day.")
        yield from self._context.entry_violations(self._batch, entry)
        if self._description in codes.RESERVED_DESCRIPTIONS:
            yield from origination.reserved_description_violations(
                self._batch, entry, self._context
            )


def _format_entries(
    transaction_codes: Sequence[int],
    columns: Sequence[Sequence[object]],
    traces: Sequence[str],
    addenda: Sequence[Sequence[Addendum]],
) -> str:
    """Format entries as records; empty if one has other addenda than one payment addendum."""
    if any(addenda):
        if not all(map(_has_at_most_one_payment, addenda)):
            return ""
        indicators = ["1" if of_entry else "0" for of_entry in addenda]
        rows = zip(transaction_codes, *columns, indicators, traces, strict=True)
        return "".join(map(_with_addendum, map(_FORM.__mod__, rows), traces, addenda))
    # One conversion for all entries is faster than one for each.
    if transaction_codes.count(transaction_codes[0]) == len(transaction_codes):
        form, all_columns = _FORM_OF_CODE % transaction_codes[0], (*columns, traces)
    else:
        form, all_columns = _FORM_WITHOUT_ADDENDUM, (transaction_codes, *columns, traces)
    return (form * len(transaction_codes)) % tuple(
        chain.from_iterable(zip(*all_columns, strict=True))
    )


def _has_at_most_one_payment(addenda: Sequence[Addendum]) -> bool:
    return not addenda or (len(addenda) == 1 and isinstance(addenda[0], PaymentAddendum))


def _with_addendum(line: str, trace: str, addenda: Sequence[Addendum]) -> str:
    for addendum in addenda:
        if isinstance(addendum, PaymentAddendum):
            line += _ADDENDUM_FORM % (addendum.information, 1, trace[-7:])
    return line


def _as_printed(entry: NachaEntry) -> NachaEntry:
    """Return the entry with the texts a bank will print and read."""
    name = entry.name
    if not (name.isascii() and name.isprintable()):
        name = to_ach_characters(name)
    return replace(entry, name=name, account_number=entry.account_number.strip())


def _entry_values(entry: NachaEntry, *, is_counted: bool) -> tuple[object, ...]:
    addenda_count = (len(entry.addenda),) if is_counted else ()
    return (
        entry.transaction_code,
        entry.routing_number,
        entry.account_number,
        entry.amount_minor,
        entry.identification,
        *addenda_count,
        entry.name,
        entry.discretionary,
        "1" if entry.addenda else "0",
        entry.trace,
    )
