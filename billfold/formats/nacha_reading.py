"""Nacha bytes to records: forgiving about line ends and blanks, strict about everything counted.

Source: Nacha Operating Rules, Appendix Three; docs/bank-files.md#nacha.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import time
from typing import Final

from billfold.formats import nacha_checks as checks
from billfold.formats import nacha_layouts as layouts
from billfold.formats import nacha_lines
from billfold.formats import nacha_replies as replies
from billfold.formats.nacha_checks import Fault
from billfold.formats.nacha_layouts import PADDING, Layout
from billfold.formats.nacha_records import (
    NOTHING,
    Addendum,
    Batch,
    Entry,
    File,
    OtherAddendum,
    Payment,
    Totals,
)
from billfold.formats.nacha_replies import day
from billfold.formats.problems import Findings

_ASK: Final = "Ask the sender for a correct file."
_LONGEST_QUOTE: Final = 3
"""Problems show no more of a field, because a misplaced one may hold an account number."""

_TOTALS: Final = ("Entry and addenda count", "Entry hash", "Total debits", "Total credits")

_NAMES_AFTER_COUNT: Final = frozenset({"CTX", "ENR", "TRX"})
"""Classes whose name field begins with four digits, the number of addenda."""


def read(content: bytes) -> File:
    """Read a whole file, recomputing every count, hash and total.

    Raises: Unreadable with every problem, at most the first thousand.
    """
    findings = Findings()
    lines = nacha_lines.cut(content, findings)
    if not lines:
        findings.add("empty", 1, "", "The file is empty.", _ASK)
        findings.refuse()
    reading = _Reading(findings)
    for number, line in enumerate(lines, 1):
        reading.take(number, line)
    return reading.finish(len(lines))


class _OpenBatch:
    """A batch whose control record has not come yet."""

    __slots__ = ("entries", "header", "is_broken", "last_trace", "line", "records", "sec_code")

    def __init__(self, line: int, sec_code: str, header: Batch | None) -> None:
        self.line = line
        self.sec_code = sec_code
        self.header = header
        self.entries: list[Entry] = []
        self.records = 0
        self.last_trace = ""
        self.is_broken = False


class _Reading:
    """One pass over the records of a file, with the problems found on the way."""

    def __init__(self, findings: Findings) -> None:
        self.problem = findings.add
        self.findings = findings
        self.has_header = False
        self.header: File | None = None
        self.batches: list[Batch] = []
        self.batch_count = 0
        self.records = 0
        self.totals = NOTHING
        self.is_broken = False
        self.batch: _OpenBatch | None = None
        self.entry: tuple[str, ...] | None = None
        self.entry_line = 0
        self.addenda: list[Addendum] = []
        self.addendum_lost = False
        self.control_line = 0
        self.block_count: int | None = None
        self.has_advice = False
        self.takers = {
            "1": self._file_header,
            "5": self._batch_header,
            "6": self._entry,
            "7": self._addendum,
            "8": self._batch_control,
            "9": self._file_control,
        }

    def faults(self, line: int, layout: Layout, *faults: Fault | None) -> None:
        for fault in faults:
            if fault:
                label = layout.label(fault.field)
                self.problem(fault.code, line, label, fault.message, fault.fix)

    def take(self, number: int, line: str) -> None:
        """Read one record in its place."""
        if self.control_line:
            if line != PADDING:
                message = "Something follows the file control that is not padding."
                self.problem("after-control", number, "", message, _ASK)
            return
        taker = self.takers.get(line[0])
        if taker is None:
            message = "No record begins with this character; 1, 5, 6, 7, 8 and 9 do."
            self.problem("record-type", number, "Record type, position 1", message, _ASK)
            return
        taker(number, line)

    def _values(self, number: int, line: str, layout: Layout) -> tuple[str, ...] | None:
        """Cut a record into values; None, with its problems noted, if a field breaks its rule."""
        match = layout.pattern.fullmatch(line)
        if match:
            return match.groups()
        for place in layout.places(line):
            if not place.field.takes(place.text):
                found = f", not {place.text!r}" if len(place.text) <= _LONGEST_QUOTE else ""
                message = f"The {layout.name} must hold {place.field.rule} here{found}."
                self.problem("field", number, place.label, message, _ASK)
        return None

    def _file_header(self, number: int, line: str) -> None:
        if number != 1:
            message = "A file header stands in the middle of the file."
            self.problem("second-header", number, "", message, _ASK)
            return
        self.has_header = True
        layout = layouts.FILE_HEADER
        values = self._values(number, line, layout)
        if values is None:
            return
        created, has_time = day(values[2]), bool(values[3].strip())
        moment = _time(values[3]) if has_time else None
        if created is None:
            label = layout.label("File creation date")
            self.problem("date", number, label, "This is no date.", "Write YYMMDD.")
            return
        if has_time and moment is None:
            label = layout.label("File creation time")
            self.problem("time", number, label, "This is no time.", "Write HHMM.")
        self.header = File(
            destination=values[0].strip(),
            origin=values[1].strip(),
            created_on=created,
            created_at=moment,
            modifier=values[4],
            batches=(),
            destination_name=values[5].strip(),
            origin_name=values[6].strip(),
            reference_code=values[7].rstrip(),
        )

    def _batch_header(self, number: int, line: str) -> None:
        self._end_batch(number)
        sec_code = line[50:53]
        layout = layouts.BATCH_HEADER
        if sec_code == "IAT":
            layout = layouts.INTERNATIONAL_BATCH_HEADER
        values = self._values(number, line, layout)
        header = self._batch(number, values, layout) if values else None
        self.batch = _OpenBatch(number, sec_code, header)
        self.batch_count += 1
        if sec_code == "ADV":
            self.has_advice = True

    def _batch(self, number: int, values: tuple[str, ...], layout: Layout) -> Batch:
        effective = values[7].strip("0 ")
        if effective and day(values[7]) is None:
            label = layout.label("Effective entry date")
            self.problem("date", number, label, "This is no date.", "Write YYMMDD.")
        return Batch(
            service_class=int(values[0]),
            company_name=values[1].strip(),
            company_data=values[2].rstrip(),
            company_id=values[3].strip(),
            sec_code=values[4],
            description=values[5].strip(),
            descriptive_date=values[6].rstrip(),
            effective_date=day(values[7]) if effective else None,
            settlement_day=int(values[8].strip() or 0) or None,
            originator_status=int(values[9]),
            odfi=values[10],
            number=int(values[11]),
            entries=(),
        )

    def _entry(self, number: int, line: str) -> None:
        if self.entry:
            self._close_entry()
        batch = self.batch
        self.entry_line = number
        if batch is None:
            self.problem("outside-batch", number, "", "An entry stands outside a batch.", _ASK)
            self.is_broken = True
            return
        batch.records += 1
        self.entry = self._values(number, line, _entry_layout(batch.sec_code))
        if self.entry is None:
            batch.is_broken = True
        elif batch.sec_code == "IAT":
            code, routing_number, amount, account, indicator, trace = self.entry
            self.entry = (code, routing_number, account, amount, "", "", "", indicator, trace)

    def _close_entry(self) -> None:
        """Make the entry whose addenda have all been read."""
        values, batch = self.entry, self.batch
        self.entry = None
        if values is None or batch is None:
            return
        code, routing_number, account, amount, identification, name, data, indicator, trace = values
        sec_code = batch.sec_code
        entry = Entry(
            int(code),
            routing_number,
            account.strip(),
            int(amount),
            identification.strip(),
            (name[4:20] if sec_code in _NAMES_AFTER_COUNT else name).strip(),
            trace,
            data.rstrip(),
            tuple(self.addenda),
        )
        if self.addenda:
            self.addenda = []
        batch.entries.append(entry)
        layout = _entry_layout(sec_code)
        if (indicator == "1") != bool(entry.addenda) and not self.addendum_lost:
            message = f"The indicator is {indicator}, but {len(entry.addenda)} addenda follow."
            label = layout.label("Addenda indicator")
            self.problem("addenda-indicator", self.entry_line, label, message, _ASK)
        faults = checks.entry_faults(entry, sec_code)
        self.faults(self.entry_line, layout, *faults)
        self.addendum_lost = False
        header = batch.header
        if header is None:
            return
        self.faults(
            self.entry_line,
            layout,
            checks.service_class_fault(header.service_class, entry.transaction_code),
        )
        if sec_code != "ADV" and entry.reply is None:
            order = checks.trace_fault(trace, last_trace=batch.last_trace, odfi=header.odfi)
            self.faults(self.entry_line, layout, order)
            batch.last_trace = trace

    def _addendum(self, number: int, line: str) -> None:
        batch = self.batch
        if batch is None or not batch.records:
            self.problem("outside-entry", number, "", "An addendum belongs to no entry.", _ASK)
            self.is_broken = True
            return
        batch.records += 1
        layout = replies.layout_of(line)
        if layout is None:
            self.addenda.append(OtherAddendum(line[1:3], line[3:]))
            return
        values = self._values(number, line, layout)
        if values is None:
            batch.is_broken = self.addendum_lost = True
        elif self.entry is None:
            return  # its entry was unreadable, and that has been said
        elif layout is layouts.PAYMENT_ADDENDUM:
            self._payment(number, values, self.entry[-1])
        else:
            self.addenda.append(replies.reply(values, layout))

    def _payment(self, number: int, values: tuple[str, ...], trace: str) -> None:
        layout = layouts.PAYMENT_ADDENDUM
        due = sum(isinstance(addendum, Payment) for addendum in self.addenda) + 1
        if int(values[1]) != due:
            label = layout.label("Addenda sequence number")
            message = f"{values[1]} stands where {due:04d} must."
            self.problem("addenda-order", number, label, message, _ASK)
        if values[2] != trace[-7:]:
            label = layout.label("Entry sequence number")
            message = f"{values[2]} is not the end of the entry's trace number."
            self.problem("addenda-trace", number, label, message, _ASK)
        self.addenda.append(Payment(values[0].rstrip()))

    def _batch_control(self, number: int, line: str) -> None:
        self._close_entry()
        batch, self.batch = self.batch, None
        if batch is None:
            message = "A batch control stands outside a batch."
            self.problem("outside-batch", number, "", message, _ASK)
            return
        layout = layouts.BATCH_CONTROL
        if batch.sec_code == "ADV":
            layout = layouts.ADVICE_BATCH_CONTROL
        values = self._values(number, line, layout)
        self.records += batch.records
        self.is_broken = self.is_broken or batch.is_broken
        entries = tuple(batch.entries)
        totals = Totals.of(entries)
        self.totals += totals
        if values is None:
            return
        counted = {"Entry and addenda count": batch.records}
        if not batch.is_broken:
            counted |= _named(totals)
        stated = dict(zip(_TOTALS, map(int, values[1:5]), strict=True))
        self.faults(number, layout, *checks.total_faults("batch", stated, counted))
        if batch.header:
            self._same_batch(number, layout, values, batch.header)
            self.batches.append(replace(batch.header, entries=entries))

    def _same_batch(
        self, number: int, layout: Layout, values: tuple[str, ...], header: Batch
    ) -> None:
        """Compare a batch control with its header, and the batch's number with the one before."""
        expected = {
            "Service class code": (int(values[0]), header.service_class),
            "ODFI identification": (values[-2], header.odfi),
            "Batch number": (int(values[-1]), header.number),
        }
        if header.sec_code not in checks.FOREIGN_CLASSES:
            expected["Company identification"] = (values[5].strip(), header.company_id)
        for name, (stated, opened) in expected.items():
            if stated != opened:
                message = f"The batch control says {stated}, the batch header {opened}."
                self.problem("batch-mismatch", number, layout.label(name), message, _ASK)
        if self.batches and header.number <= self.batches[-1].number:
            message = f"Batch {header.number} follows batch {self.batches[-1].number}."
            label = layout.label("Batch number")
            self.problem("batch-order", number, label, message, "Number batches upward.")

    def _file_control(self, number: int, line: str) -> None:
        if line == PADDING:
            message = "Padding stands before the file control."
            self.problem("early-padding", number, "", message, _ASK)
            return
        self._end_batch(number)
        self.control_line = number
        layout = layouts.FILE_CONTROL
        if self.has_advice:
            layout = layouts.ADVICE_FILE_CONTROL
        values = self._values(number, line, layout)
        if values is None:
            return
        batch_count, self.block_count, *totals = map(int, values)
        stated = {"Batch count": batch_count, **dict(zip(_TOTALS, totals, strict=True))}
        counted = {"Batch count": self.batch_count, "Entry and addenda count": self.records}
        if not self.is_broken:
            counted |= _named(self.totals)
        self.faults(number, layout, *checks.total_faults("file", stated, counted))

    def _end_batch(self, number: int) -> None:
        self._close_entry()
        if self.batch:
            message = f"The batch of line {self.batch.line} has no control record."
            self.problem("batch-open", number, "", message, _ASK)
            self.records += self.batch.records
            self.is_broken = True
            self.batch = None

    def finish(self, lines: int) -> File:
        """Close the file.

        Raises: Unreadable with all problems found so far.
        """
        if not self.has_header:
            message = "The file does not begin with a file header."
            self.problem("no-header", 1, "", message, _ASK)
        if not self.control_line:
            self._end_batch(lines)
            message = "The file ends without a file control; it was cut short."
            self.problem("no-control", lines, "", message, _ASK)
        blocks = {-(-count // 10) for count in (lines, self.control_line)}
        if self.block_count is not None and self.block_count not in blocks:
            label = layouts.FILE_CONTROL.label("Block count")
            message = f"The file control says {self.block_count}, the file has {max(blocks)}."
            self.problem("block-count", self.control_line, label, message, _ASK)
        self.findings.refuse()
        if self.header is None:
            raise AssertionError("an unreadable header left no problem behind")
        return replace(self.header, batches=tuple(self.batches))


def _named(totals: Totals) -> dict[str, int]:
    values = (totals.records, totals.entry_hash, totals.debit_minor, totals.credit_minor)
    return dict(zip(_TOTALS, values, strict=True))


def _entry_layout(sec_code: str) -> Layout:
    if sec_code == "IAT":
        return layouts.INTERNATIONAL_ENTRY
    return layouts.ADVICE_ENTRY if sec_code == "ADV" else layouts.ENTRY


def _time(text: str) -> time | None:
    hour, minute = int(text[:2]), int(text[2:])
    return time(hour, minute) if hour < 24 and minute < 60 else None
