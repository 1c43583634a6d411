"""The entries of one batch, as they are read: whole columns if sound, else record by record.

Source: Nacha Operating Rules, Appendix Three; docs/bank-files.md#nacha.
"""

from __future__ import annotations

import re
from typing import Final

from billfold.formats.nacha import codes, layouts, replies
from billfold.formats.nacha.layouts import Layout
from billfold.formats.nacha.lines import LINE
from billfold.formats.nacha.notes import ASK, Fault, Notes
from billfold.formats.nacha.records import (
    Addendum,
    Batch,
    Entry,
    OtherAddendum,
    Payment,
    Totals,
    entry_of,
)
from billfold.formats.nacha.rules import BatchCourse, entry_faults

_LONGEST_QUOTE: Final = 3
"""Problems show no more of a field, because a misplaced one may hold an account number."""

_MOST_ADDENDA: Final = 9_999
"""Four digits number them. Source: Nacha Operating Rules, "Addenda Sequence Number"."""

_NAMED: Final = r"((?![ 0]{22}).{22})"
_ENTRY: Final = r"6(\d\d)(\d{9})((?![ 0]{17}).{17})(\d{10})(.{15})%s(..)"
_ALONE: Final = r"0(\d{15})\n"
_WITH_ADDENDUM: Final = r"(?:0(?!.{15}\n7)|1(?=.{15}\n7))(\d{8}(\d{7}))\n(?:705(.{80})0001\9\n)?"


def _sound(name: str, end: str) -> re.Pattern[str]:
    return re.compile(_ENTRY % name + end, re.ASCII)


_SOUND: Final = {
    sec_code: (
        _sound(name, _ALONE),
        _sound(name, _WITH_ADDENDUM) if codes.MOST_PAYMENT_ADDENDA[sec_code] else None,
    )
    for sec_code, name in {"PPD": _NAMED, "CCD": "(.{22})", "WEB": _NAMED, "TEL": _NAMED}.items()
}
"""Per class, entries without and with an addendum that break no rule of a single record."""

_NUMBERS: Final = {f"{code:02d}": code for code in codes.TRANSACTION_CODES}
_DEBITS: Final = frozenset(f"{code:02d}" for code in codes.DEBIT_CODES)


def values_of(notes: Notes, number: int, line: str, layout: Layout) -> tuple[str, ...] | None:
    """Cut a record into values; None, with its problems noted, if it cannot be read."""
    match = layout.pattern.fullmatch(line)
    if match:
        return match.groups()
    for place in layout.places(line):
        if not place.field.takes(place.text):
            found = f", not {place.text!r}" if len(place.text) <= _LONGEST_QUOTE else ""
            message = f"The {layout.name} must hold {place.field.rule} here{found}."
            notes.add(place.field.code, number, place.label, message)
    match = layout.tolerant.fullmatch(line)
    return match.groups() if match else None


class OpenBatch:
    """A batch whose control record has not come yet."""

    def __init__(self, line: int, sec_code: str, header: Batch | None, notes: Notes) -> None:
        self.line = line
        self.sec_code = sec_code
        self.header = header
        self.entries: list[Entry] = []
        self.records = 0
        self.is_broken = False
        """Some record could not be read, so that totals cannot be compared."""
        self._notes = notes
        self._layout = _layout_of(sec_code)
        self._is_foreign = sec_code in codes.OWN_RECORDS
        self._course = BatchCourse(sec_code, header)
        self._values: tuple[str, ...] | None = None
        self._entry_line = 0
        self._addenda: list[Addendum] = []
        self._payments = 0
        self._addendum_lost = False

    @property
    def totals(self) -> Totals:
        return self._course.totals

    def take_sound(self, text: str) -> bool:
        """Read some entries at once, each with its addenda, if they are certainly sound."""
        patterns = _SOUND.get(self.sec_code)
        if patterns is None or self.header is None or self.is_broken:
            return False
        self._close_entry()
        alone, with_addendum = patterns
        if "\n7" not in text:
            return self._take_alone(alone.findall(text), len(text))
        return with_addendum is not None and self._take_with_addenda(
            with_addendum.findall(text), len(text)
        )

    def _take_alone(self, rows: list[tuple[str, ...]], length: int) -> bool:
        amounts = [int(row[3]) for row in rows]
        if len(rows) * LINE != length or not self._proves(rows, amounts, 0):
            return False
        self.entries += [
            entry_of(
                (
                    _NUMBERS[code],
                    bank,
                    account.strip(),
                    amount,
                    identification.rstrip(),
                    name.rstrip(),
                    trace,
                    data.rstrip(),
                    (),
                )
            )
            for (code, bank, account, _, identification, name, data, trace), amount in zip(
                rows, amounts, strict=True
            )
        ]
        self.records += len(rows)
        return True

    def _take_with_addenda(self, rows: list[tuple[str, ...]], length: int) -> bool:
        amounts = [int(row[3]) for row in rows]
        addenda = sum([bool(row[9]) for row in rows])
        is_whole = (len(rows) + addenda) * LINE == length
        if not is_whole or not self._proves(rows, amounts, addenda):
            return False
        self.entries += [
            entry_of(
                (
                    _NUMBERS[code],
                    bank,
                    account.strip(),
                    amount,
                    identification.rstrip(),
                    name.rstrip(),
                    trace,
                    data.rstrip(),
                    (Payment(text.rstrip()),) if text else (),
                )
            )
            for (code, bank, account, _, identification, name, data, trace, _, text), amount in zip(
                rows, amounts, strict=True
            )
        ]
        self.records += len(rows) + addenda
        return True

    def _proves(self, rows: list[tuple[str, ...]], amounts: list[int], addenda: int) -> bool:
        """Let the batch's course prove columns, which adds them up."""
        distinct = frozenset({_NUMBERS.get(row[0], 0) for row in rows})
        debit_minor = None
        if not (distinct <= codes.DEBIT_CODES or distinct <= codes.CREDIT_CODES):
            pairs = zip(rows, amounts, strict=True)
            debit_minor = sum([amount for row, amount in pairs if row[0] in _DEBITS])
        banks = [row[1] for row in rows]
        traces = [row[7] for row in rows]
        return self._course.takes(distinct, banks, amounts, traces, debit_minor, addenda)

    def take(self, number: int, line: str) -> None:
        """Read one entry or addendum."""
        if line[0] == "6":
            self._entry(number, line)
        else:
            self._addendum(number, line)

    def _entry(self, number: int, line: str) -> None:
        self._close_entry()
        self._entry_line = number
        self.records += 1
        self._values = values_of(self._notes, number, line, self._layout)
        if self._values is None:
            self.is_broken = True

    def _addendum(self, number: int, line: str) -> None:
        if not self.records:
            self.is_broken = True
            self._notes.add("outside-entry", number, "", "An addendum belongs to no entry.")
            return
        self.records += 1
        if len(self._addenda) >= _MOST_ADDENDA:
            if not self._addendum_lost:
                message = f"An entry has no more than {_MOST_ADDENDA} addenda."
                self._notes.add("addenda-order", number, "", message)
            self._addendum_lost = True
            return
        layout = replies.layout_of(line)
        if layout is None or (layout is layouts.PAYMENT_ADDENDUM and self._is_foreign):
            self._addenda.append(OtherAddendum(line[1:3], line[3:]))
            return
        values = values_of(self._notes, number, line, layout)
        if values is None:
            self.is_broken = self._addendum_lost = True
        elif self._values is None:
            return  # Its entry was unreadable, and that has been said.
        elif layout is layouts.PAYMENT_ADDENDUM:
            self._payment(number, values, self._values[-1])
        else:
            self._addenda.append(replies.reply(values, layout))

    def _payment(self, number: int, values: tuple[str, ...], trace: str) -> None:
        layout = layouts.PAYMENT_ADDENDUM
        self._payments += 1
        due = self._payments
        if int(values[1]) != due:
            label = layout.label("Addenda sequence number")
            message = f"{values[1]} stands where {due:04d} must."
            self._notes.add("addenda-order", number, label, message)
        if values[2] != trace[-7:]:
            label = layout.label("Entry sequence number")
            message = f"{values[2]} is not the end of the entry's trace number."
            self._notes.add("addenda-trace", number, label, message)
        self._addenda.append(Payment(values[0].rstrip()))

    def close(self) -> None:
        """Read the last entry to its end."""
        self._close_entry()
        for line, fault in self._course.close():
            self._notes.faults(line, self._layout, [fault])

    def _close_entry(self) -> None:
        """Make the entry whose addenda have all been read."""
        values, self._values = self._values, None
        addenda, self._addenda, self._payments = tuple(self._addenda), [], 0
        is_whole, self._addendum_lost = not self._addendum_lost, False
        if values is None:
            return
        entry, indicator, stated = self._made(values, addenda)
        self.entries.append(entry)
        faults = [*entry_faults(entry, self.sec_code), *self._course.entry(entry, self._entry_line)]
        if is_whole:
            faults += _counted(indicator, stated, len(addenda))
        self._notes.faults(self._entry_line, self._layout, faults)

    def _made(
        self, values: tuple[str, ...], addenda: tuple[Addendum, ...]
    ) -> tuple[Entry, str, str]:
        """Make an entry; give also what it states of its addenda: whether any, and how many."""
        stated = ""
        if self._layout is layouts.INTERNATIONAL_ENTRY:
            code, bank, amount, account, indicator, trace = values
            identification = name = data = ""
        elif self._layout is layouts.COUNTED_ENTRY:
            code, bank, account, amount, identification, stated, name, data, *rest = values
            indicator, trace = rest
        else:
            code, bank, account, amount, identification, name, data, indicator, trace = values
        entry = Entry(
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


def _counted(indicator: str, stated: str, addenda: int) -> list[Fault]:
    faults = []
    if indicator in "01" and (indicator == "1") != bool(addenda):
        message = f"The indicator is {indicator}, but {addenda} addenda follow."
        faults.append(Fault("addenda-indicator", "Addenda indicator", message, ASK))
    if stated.isdigit() and int(stated) != addenda:
        message = f"{stated} addenda are stated, but {addenda} follow."
        faults.append(Fault("addenda-stated", "Number of addenda", message, ASK))
    return faults


def _layout_of(sec_code: str) -> Layout:
    if sec_code in codes.COUNTED_CLASSES:
        return layouts.COUNTED_ENTRY
    own = {"IAT": layouts.INTERNATIONAL_ENTRY, "ADV": layouts.ADVICE_ENTRY}
    return own.get(sec_code, layouts.ENTRY)
