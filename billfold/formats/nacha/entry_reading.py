"""Reading the entries of one batch: many at once where they are sound, else record by record.

Source: Nacha Operating Rules, Appendix Three; docs/bank-files.md#nacha.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import repeat
from typing import Final

from billfold.formats.nacha import codes, layouts, return_addenda, rules
from billfold.formats.nacha.findings import ASK_SENDER, NachaFindings, Violation
from billfold.formats.nacha.layouts import NachaLayout
from billfold.formats.nacha.lines import LINE_LENGTH
from billfold.formats.nacha.records import (
    Addendum,
    ChangeAddendum,
    ControlTotals,
    NachaBatch,
    NachaEntry,
    OtherAddendum,
    PaymentAddendum,
    ReturnAddendum,
    records_from_columns,
)
from billfold.formats.nacha.rules import BatchTally, entry_violations

_LONGEST_QUOTE: Final = 3
"""Problems quote no longer fields: a misplaced one may hold part of an account number."""

_MOST_ADDENDA: Final = 9_999
"""Four digits number them. Source: Nacha Operating Rules, "Addenda Sequence Number"."""

_NAMED: Final = r"((?![ 0]{22}).{22})"
_ENTRY: Final = r"6(\d\d)(\d{9})((?![ 0]{17}).{17})(\d{10})(.{15})%s(..)"
_ANSWERED: Final = r"6(\d\d)(\d{9})(.{17})(\d{10})(.{15})(.{22})(..)1(\d{15})\n"
_RETURN: Final = r"799(R(?!6[1-9]|7[0-7])\d\d)(\d{15})(?: {6}|(.{6}))(\d{8})(?: {44}|(.{44}))\8\n"
_CHANGE: Final = r"798(C\d\d)(\d{15}).{6}(\d{8})(.{29})(?: {15}|(.{15}))\8\n"
_WITHOUT_ADDENDUM: Final = r"0(\d{15})\n"
_WITH_ADDENDUM: Final = r"(?:0(?!.{15}\n7)|1(?=.{15}\n7))(\d{8}(\d{7}))\n(?:705(.{80})0001\9\n)?"


def _sound_pattern(name: str, end: str) -> re.Pattern[str]:
    return re.compile(_ENTRY % name + end, re.ASCII)


_SOUND: Final = {
    sec_code: (
        _sound_pattern(name, _WITHOUT_ADDENDUM),
        _sound_pattern(name, _WITH_ADDENDUM) if codes.MOST_PAYMENT_ADDENDA[sec_code] else None,
    )
    for sec_code, name in {"PPD": _NAMED, "CCD": "(.{22})", "WEB": _NAMED, "TEL": _NAMED}.items()
}
"""By class, patterns of entries without and with an addendum that break no rule on a record."""

_SOUND_RETURN: Final = re.compile(_ANSWERED + _RETURN, re.ASCII)
_SOUND_CHANGE: Final = re.compile(_ANSWERED + _CHANGE, re.ASCII)
"""Patterns of entries that come back, with the one addendum that says why.

Both have one trace number, and what is mostly blank is no text then: the fewer texts are cut out,
the sooner it is done.
"""

_MARK: Final = slice(79, 94)
"""Columns where a bank marks the records of an entry that it rejected, its addenda as well."""
_ASK_ABOUT_REJECTED: Final = "Ask the bank whether it repairs the entry, or drops it."

_TRACE: Final = 7
_ENTRY_VALUES: Final = 8
"""So many values of an entry come first in all patterns; those of its addendum follow."""

_NUMBERS: Final = {f"{code:02d}": code for code in codes.TRANSACTION_CODES}
_DEBITS: Final = frozenset(f"{code:02d}" for code in codes.DEBIT_CODES)


def read_values(
    findings: NachaFindings, number: int, line: str, layout: NachaLayout, *, check: str = "field"
) -> tuple[str, ...] | None:
    """Cut a record into its values; None, with its problems collected, if it cannot be read.

    `check` is the one that a field fails whose text is not even tolerated.
    """
    match = layout.pattern.fullmatch(line)
    if match:
        return match.groups()
    for position in layout.positions(line):
        if mark := codes.rejection_mark(position.text) if position.field.may_be_marked else "":
            message = f"The bank rejected this, which its mark {mark} says."
            findings.add("rejected", number, position.label, message, _ASK_ABOUT_REJECTED)
        elif not position.field.allows(position.text):
            quote = f", not {position.text!r}" if len(position.text) <= _LONGEST_QUOTE else ""
            message = f"The {layout.name} must hold {position.field.rule} here{quote}."
            code = position.field.code if position.field.tolerates(position.text) else check
            findings.add(code, number, position.label, message)
    match = layout.tolerant.fullmatch(line)
    return match.groups() if match else None


class BatchReader:
    """Reads the entries of one batch, up to its control record."""

    def __init__(
        self, line: int, sec_code: str, header: NachaBatch | None, findings: NachaFindings
    ) -> None:
        self.line = line
        self.sec_code = sec_code
        self.header = header
        self.entries: list[NachaEntry] = []
        self.records = 0
        self.is_broken = False
        """A record could not be read, so that the totals cannot be compared."""
        self._findings = findings
        self._layout = _entry_layout(sec_code)
        self._is_unparsed = sec_code in codes.UNPARSED_CLASSES
        self._tally = BatchTally(sec_code, header)
        self._values: tuple[str, ...] | None = None
        self._entry_line = 0
        self._addenda: list[Addendum] = []
        self._payment_addenda = 0
        self._has_lost_addendum = False

    @property
    def totals(self) -> ControlTotals:
        return self._tally.totals

    def read_if_sound(self, text: str) -> bool:
        """Read some entries with their addenda at once, if they certainly break no rule."""
        if self.header is None or self.is_broken:
            return False
        self._complete_entry()
        first_addendum = LINE_LENGTH * text[::LINE_LENGTH].find("7")
        if text.startswith(("799", "798"), max(first_addendum, 0)):
            return self._layout is layouts.ENTRY and self._read_answers(text)
        without_addendum, with_addendum = _SOUND.get(self.sec_code, (None, None))
        pattern = without_addendum if first_addendum < 0 else with_addendum
        columns = _cut_into_columns(pattern, text) if pattern else []
        return bool(columns) and self._read_payments(columns)

    def _read_payments(self, columns: Sequence[Sequence[str]]) -> bool:
        """Read payments, each with a payment addendum or without."""
        numbers, amounts, debit_minor = _judge(columns)
        texts = columns[9] if len(columns) > _ENTRY_VALUES else ()
        count = sum(text is not None for text in texts)
        if not self._tally.add_if_sound(
            numbers, columns[1], amounts, columns[7], debit_minor, count
        ):
            return False
        addenda: Iterable[tuple[Addendum, ...]] = (
            () if text is None else (PaymentAddendum(text.rstrip()),) for text in texts
        )
        self._add_entries(columns, amounts, addenda if count else repeat(()))
        self.records += len(amounts) + count
        return True

    def _read_answers(self, text: str) -> bool:
        """Read returns, or notices of change in their class, each with its addendum."""
        is_change = self.sec_code == codes.CHANGE_CLASS
        columns = _cut_into_columns(_SOUND_CHANGE if is_change else _SOUND_RETURN, text)
        if not columns:
            return False
        numbers, amounts, debit_minor = _judge(columns)
        reasons, *values = columns[_ENTRY_VALUES:]
        addenda: Sequence[Addendum]
        if is_change:
            originals, rdfis, corrected, refused = values
            is_sound = not any(amounts) and rules.are_sound_changes(reasons, corrected)
            addenda = records_from_columns(
                ChangeAddendum,
                (reasons, originals, rdfis, corrected, _stripped(refused), columns[_TRACE]),
            )
        else:
            originals, deaths, rdfis, information = values
            is_sound = codes.RETURN_CODES.issuperset(reasons)
            days = map(_parse_day, deaths) if any(deaths) else repeat(None)
            texts = _stripped(information)
            addenda = records_from_columns(
                ReturnAddendum, (reasons, originals, rdfis, texts, columns[_TRACE], days)
            )
        if not is_sound or not self._tally.add_answers_if_sound(
            numbers, columns[1], amounts, debit_minor
        ):
            return False
        one_each: zip[tuple[Addendum]] = zip(addenda, strict=True)
        self._add_entries(columns, amounts, one_each)
        self.records += 2 * len(amounts)
        return True

    def _add_entries(
        self,
        columns: Sequence[Sequence[str]],
        amounts: Sequence[int],
        addenda: Iterable[tuple[Addendum, ...]],
    ) -> None:
        code, bank, account, _, identification, name, data, trace = columns[:_ENTRY_VALUES]
        self.entries += records_from_columns(
            NachaEntry,
            (
                map(_NUMBERS.__getitem__, code),
                bank,
                map(str.strip, account),
                amounts,
                map(str.rstrip, identification),
                map(str.rstrip, name),
                trace,
                map(str.rstrip, data),
                addenda,
            ),
        )

    def read_record(self, number: int, line: str) -> None:
        """Read one entry or addendum."""
        if line[0] == "6":
            self._read_entry(number, line)
        else:
            self._read_addendum(number, line)

    def _read_entry(self, number: int, line: str) -> None:
        self._complete_entry()
        self._entry_line = number
        self.records += 1
        self._values = read_values(self._findings, number, line, self._layout)
        if self._values is None:
            self.is_broken = True

    def _read_addendum(self, number: int, line: str) -> None:
        if not self.records:
            self.is_broken = True
            self._findings.add("outside-entry", number, "", "An addendum belongs to no entry.")
            return
        self.records += 1
        if len(self._addenda) >= _MOST_ADDENDA:
            if not self._has_lost_addendum:
                message = f"An entry has no more than {_MOST_ADDENDA} addenda."
                self._findings.add("too-many-addenda", number, "", message)
            self._has_lost_addendum = True
            return
        layout = return_addenda.addendum_layout(line)
        if layout is None or (layout is layouts.PAYMENT_ADDENDUM and self._is_unparsed):
            self._addenda.append(OtherAddendum(line[1:3], line[3:]))
            return
        values = read_values(self._findings, number, line, layout, check="addenda-field")
        if values is None:
            self._addenda.append(OtherAddendum(line[1:3], line[3:]))
        elif self._values is None:
            return  # Its entry was unreadable, which is reported already.
        elif layout is layouts.PAYMENT_ADDENDUM:
            if not codes.rejection_mark(line[_MARK]):
                self._check_order(number, values, self._values[-1])
            self._addenda.append(PaymentAddendum(values[0].rstrip()))
        else:
            self._addenda.append(return_addenda.parse_return_or_change(values, layout))

    def _check_order(self, number: int, values: tuple[str, ...], trace: str) -> None:
        layout = layouts.PAYMENT_ADDENDUM
        self._payment_addenda += 1
        expected = self._payment_addenda
        if int(values[1]) != expected:
            label = layout.label("Addenda sequence number")
            message = f"{values[1]} stands where {expected:04d} must."
            self._findings.add("addenda-order", number, label, message)
        if values[2] != trace[-7:]:
            label = layout.label("Entry sequence number")
            message = f"{values[2]} is not the end of the entry's trace number."
            self._findings.add("addenda-trace", number, label, message)

    def close(self) -> None:
        """Complete the last entry, and check the batch as a whole."""
        self._complete_entry()
        for line, violation in self._tally.direction_violations():
            self._findings.add_violations(line, self._layout, [violation])

    def _complete_entry(self) -> None:
        """Build the entry whose addenda have all been read, and check it."""
        values, self._values = self._values, None
        addenda, self._addenda, self._payment_addenda = tuple(self._addenda), [], 0
        has_all_addenda, self._has_lost_addendum = not self._has_lost_addendum, False
        if values is None:
            return
        entry, indicator, stated = self._build_entry(values, addenda)
        self.entries.append(entry)
        violations = [
            *entry_violations(entry, self.sec_code),
            *self._tally.add_entry(entry, self._entry_line),
        ]
        if has_all_addenda:
            violations += _addenda_count_violations(indicator, stated, len(addenda))
        self._findings.add_violations(self._entry_line, self._layout, violations)

    def _build_entry(
        self, values: tuple[str, ...], addenda: tuple[Addendum, ...]
    ) -> tuple[NachaEntry, str, str]:
        """Build an entry; return it with its addenda indicator and the number of addenda stated."""
        stated = ""
        if self._layout is layouts.INTERNATIONAL_ENTRY:
            code, bank, amount, account, indicator, trace = values
            identification = name = data = ""
        elif self._layout is layouts.CTX_ENTRY:
            code, bank, account, amount, identification, stated, name, data, *rest = values
            indicator, trace = rest
        else:
            code, bank, account, amount, identification, name, data, indicator, trace = values
        entry = NachaEntry(
            int(code),
            bank,
            account.strip(),
            int(amount),
            identification.rstrip(),
            name.rstrip(),
            trace,
            data.rstrip(),
            addenda,
        )
        return entry, indicator, stated


def _cut_into_columns(pattern: re.Pattern[str], text: str) -> list[list[str]]:
    """Cut entries into a list for each of their values; none if one does not match the pattern.

    Splitting gives all values in one list, where matches would be a tuple for each entry.
    """
    values = pattern.split(text)
    step = pattern.groups + 1
    has_gap = any(values[::step])
    return [] if has_gap else [values[column::step] for column in range(1, step)]


def _stripped(texts: Iterable[str]) -> Iterable[str]:
    """Strip texts, of which one that was not there is None."""
    return (text.strip() if text else "" for text in texts) if any(texts) else repeat("")


def _parse_day(text: str | None) -> date | None:
    return return_addenda.parse_day(text) if text else None


def _judge(columns: Sequence[Sequence[str]]) -> tuple[frozenset[int], list[int], int]:
    """Return the transaction codes of entries, each once, their amounts, and the sum of debits.

    A code that is none is 0.
    """
    amounts = [*map(int, columns[3])]
    numbers = frozenset({_NUMBERS.get(code, 0) for code in set(columns[0])})
    if numbers <= codes.DEBIT_CODES:
        return numbers, amounts, sum(amounts)
    pairs = zip(columns[0], amounts, strict=True)
    return numbers, amounts, sum([amount for code, amount in pairs if code in _DEBITS])


def _addenda_count_violations(indicator: str, stated: str, addenda: int) -> list[Violation]:
    violations = []
    if indicator in "01" and (indicator == "1") != bool(addenda):
        message = f"The indicator is {indicator}, but {addenda} addenda follow."
        violations.append(Violation("addenda-indicator", "Addenda indicator", message, ASK_SENDER))
    if stated.isdigit() and int(stated) != addenda:
        message = f"{stated} addenda are stated, but {addenda} follow."
        violations.append(Violation("addenda-stated", "Number of addenda", message, ASK_SENDER))
    return violations


def _entry_layout(sec_code: str) -> NachaLayout:
    if sec_code in codes.ADDENDA_COUNT_CLASSES:
        return layouts.CTX_ENTRY
    special = {"IAT": layouts.INTERNATIONAL_ENTRY, "ADV": layouts.ADVICE_ENTRY}
    return special.get(sec_code, layouts.ENTRY)
