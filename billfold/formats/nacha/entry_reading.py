"""Reading the entries of one batch: many at once where they are sound, else record by record.

Source: Nacha Operating Rules, Appendix Three; docs/bank-files.md#nacha.
"""

from __future__ import annotations

import re
from typing import Final

from billfold.formats.nacha import codes, layouts, return_addenda
from billfold.formats.nacha.findings import ASK_SENDER, NachaFindings, Violation
from billfold.formats.nacha.layouts import NachaLayout
from billfold.formats.nacha.lines import LINE_LENGTH
from billfold.formats.nacha.records import (
    Addendum,
    ControlTotals,
    NachaBatch,
    NachaEntry,
    OtherAddendum,
    PaymentAddendum,
    entry_from_values,
)
from billfold.formats.nacha.rules import BatchTally, entry_violations

_LONGEST_QUOTE: Final = 3
"""Problems quote no longer fields: a misplaced one may hold part of an account number."""

_MOST_ADDENDA: Final = 9_999
"""Four digits number them. Source: Nacha Operating Rules, "Addenda Sequence Number"."""

_NAMED: Final = r"((?![ 0]{22}).{22})"
_ENTRY: Final = r"6(\d\d)(\d{9})((?![ 0]{17}).{17})(\d{10})(.{15})%s(..)"
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

_NUMBERS: Final = {f"{code:02d}": code for code in codes.TRANSACTION_CODES}
_DEBITS: Final = frozenset(f"{code:02d}" for code in codes.DEBIT_CODES)


def read_values(
    findings: NachaFindings, number: int, line: str, layout: NachaLayout
) -> tuple[str, ...] | None:
    """Cut a record into its values; None, with its problems collected, if it cannot be read."""
    match = layout.pattern.fullmatch(line)
    if match:
        return match.groups()
    for position in layout.positions(line):
        if not position.field.allows(position.text):
            quote = f", not {position.text!r}" if len(position.text) <= _LONGEST_QUOTE else ""
            message = f"The {layout.name} must hold {position.field.rule} here{quote}."
            findings.add(position.field.code, number, position.label, message)
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
        patterns = _SOUND.get(self.sec_code)
        if patterns is None or self.header is None or self.is_broken:
            return False
        self._complete_entry()
        without_addendum, with_addendum = patterns
        if "\n7" not in text:
            return self._read_without_addenda(without_addendum.findall(text), len(text))
        return with_addendum is not None and self._read_with_addenda(
            with_addendum.findall(text), len(text)
        )

    def _read_without_addenda(self, rows: list[tuple[str, ...]], length: int) -> bool:
        amounts = [int(row[3]) for row in rows]
        if len(rows) * LINE_LENGTH != length or not self._add_if_sound(rows, amounts, 0):
            return False
        self.entries += [
            entry_from_values(
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

    def _read_with_addenda(self, rows: list[tuple[str, ...]], length: int) -> bool:
        amounts = [int(row[3]) for row in rows]
        addenda = sum([bool(row[9]) for row in rows])
        is_complete = (len(rows) + addenda) * LINE_LENGTH == length
        if not is_complete or not self._add_if_sound(rows, amounts, addenda):
            return False
        self.entries += [
            entry_from_values(
                (
                    _NUMBERS[code],
                    bank,
                    account.strip(),
                    amount,
                    identification.rstrip(),
                    name.rstrip(),
                    trace,
                    data.rstrip(),
                    (PaymentAddendum(text.rstrip()),) if text else (),
                )
            )
            for (code, bank, account, _, identification, name, data, trace, _, text), amount in zip(
                rows, amounts, strict=True
            )
        ]
        self.records += len(rows) + addenda
        return True

    def _add_if_sound(self, rows: list[tuple[str, ...]], amounts: list[int], addenda: int) -> bool:
        """Add the entries to the tally of the batch, if it finds them sound."""
        distinct_codes = frozenset({_NUMBERS.get(row[0], 0) for row in rows})
        debit_minor = None
        if not (distinct_codes <= codes.DEBIT_CODES or distinct_codes <= codes.CREDIT_CODES):
            pairs = zip(rows, amounts, strict=True)
            debit_minor = sum([amount for row, amount in pairs if row[0] in _DEBITS])
        banks = [row[1] for row in rows]
        traces = [row[7] for row in rows]
        return self._tally.add_if_sound(
            distinct_codes, banks, amounts, traces, debit_minor, addenda
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
                self._findings.add("addenda-order", number, "", message)
            self._has_lost_addendum = True
            return
        layout = return_addenda.addendum_layout(line)
        if layout is None or (layout is layouts.PAYMENT_ADDENDUM and self._is_unparsed):
            self._addenda.append(OtherAddendum(line[1:3], line[3:]))
            return
        values = read_values(self._findings, number, line, layout)
        if values is None:
            self.is_broken = self._has_lost_addendum = True
        elif self._values is None:
            return  # Its entry was unreadable, which is reported already.
        elif layout is layouts.PAYMENT_ADDENDUM:
            self._read_payment(number, values, self._values[-1])
        else:
            self._addenda.append(return_addenda.parse_return_or_change(values, layout))

    def _read_payment(self, number: int, values: tuple[str, ...], trace: str) -> None:
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
        self._addenda.append(PaymentAddendum(values[0].rstrip()))

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
