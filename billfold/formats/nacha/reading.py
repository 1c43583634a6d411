"""Nacha bytes to records: forgiving about line ends and blanks, strict about everything counted.

Source: Nacha Operating Rules, Appendix Three; docs/bank-files.md#nacha.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import time
from io import BytesIO
from typing import BinaryIO, Final

from billfold.formats.nacha import codes, layouts, lines
from billfold.formats.nacha.entries import OpenBatch, values_of
from billfold.formats.nacha.facts import NO_FACTS, Facts
from billfold.formats.nacha.layouts import PADDING, WIDTH
from billfold.formats.nacha.lines import LINE, Block
from billfold.formats.nacha.notes import ASK, Fault, Notes
from billfold.formats.nacha.records import NOTHING, Batch, File, Totals, is_routing_number
from billfold.formats.nacha.replies import day
from billfold.formats.nacha.rules import total_faults

_TOTALS: Final = ("Entry and addenda count", "Entry hash", "Total debits", "Total credits")
_AGAIN: Final = "It was taken in before; do not take it in again."


def read(content: bytes, *, facts: Facts = NO_FACTS) -> File:
    """Read a whole file, recomputing every count, hash and total.

    Raises: Unreadable with every problem, at most the first thousand.
    """
    reader = Reader(BytesIO(content), facts=facts)
    batches = tuple(reader)
    if hashlib.sha256(content).hexdigest() in facts.files:
        reader.notes.add("duplicate-file", 1, "", "The same bytes are known.", _AGAIN)
        reader.notes.refuse()
    return replace(reader.head(), batches=batches)


class Reader:
    """Reads a file from a stream, batch by batch.

    Nothing is proved before the end: only then are the file's own counts and totals known.
    Iterating raises Unreadable there, with every problem, at most the first thousand.
    """

    def __init__(self, stream: BinaryIO, *, facts: Facts = NO_FACTS) -> None:
        self.notes = Notes(reading=True)
        self._stream = stream
        self._facts = facts
        self._head: File | None = None
        self._has_header = False
        self._batch: OpenBatch | None = None
        self._batch_count = 0
        self._last_number = -1
        self._records = 0
        self._totals = NOTHING
        self._is_broken = False
        self._has_payments = self._is_undated = False
        self._lines = 0
        self._control_line = 0
        self._block_count: int | None = None
        self._has_advice = False

    def __iter__(self) -> Iterator[Batch]:
        for block in lines.blocks(self._stream, self.notes):
            self._lines = block.first_line + len(block.text) // LINE - 1
            yield from self._block(block)
        self._finish()

    def head(self) -> File:
        """Give the file without its batches, when they have all been read."""
        if self._head is None:
            raise AssertionError("an unreadable header left no problem behind")
        return replace(self._head, warnings=self.notes.warnings)

    def _block(self, block: Block) -> Iterator[Batch]:
        """Read some lines: a run of entries at once if it is sound, else record by record."""
        text, start, doubtful = block.text, 0, 0
        while start < len(text):
            if text[start] == "6" and start >= doubtful and self._batch:
                control = text.find("\n8", start)
                end = control + 1 if control >= 0 else len(text)
                if self._batch.take_sound(text[start:end]):
                    start = end
                    continue
                doubtful = end
            closed = self._take(block.first_line + start // LINE, text[start : start + WIDTH])
            if closed:
                yield closed
            start += LINE

    def _take(self, number: int, line: str) -> Batch | None:
        """Read one record in its place; give the batch it closes."""
        if self._control_line:
            self._behind_control(number, line)
            return None
        match line[0]:
            case "1":
                self._file_header(number, line)
            case "5":
                self._batch_header(number, line)
            case "6" | "7" if self._batch:
                self._batch.take(number, line)
            case "6" | "7":
                kind = "An entry" if line[0] == "6" else "An addendum"
                self.notes.add("outside-batch", number, "", f"{kind} stands outside a batch.")
                self._is_broken = True
            case "8":
                return self._batch_control(number, line)
            case "9":
                self._file_control(number, line)
            case _:
                message = "No record begins with this character; 1, 5, 6, 7, 8 and 9 do."
                self.notes.add("record-type", number, "Record type, position 1", message)
        return None

    def _behind_control(self, number: int, line: str) -> None:
        if line == PADDING or not line.strip():
            return
        if line[0] in "156789":
            message = "More records follow the file control; they would not be read."
            fix = "If two files were joined, cut them apart."
            self.notes.add("second-file", number, "", message, fix)
        else:
            message = "Something follows the file control that is not padding."
            self.notes.add("after-control", number, "", message)

    def _file_header(self, number: int, line: str) -> None:
        if number != 1:
            message = "A file header stands in the middle of the file."
            self.notes.add("second-header", number, "", message)
            return
        self._has_header = True
        layout = layouts.FILE_HEADER
        values = values_of(self.notes, number, line, layout)
        if values is None:
            return
        destination = values[0].strip()
        created, moment = day(values[2]), _time(values[3])
        faults = []
        if len(destination) == 9 and destination.isdigit() and not is_routing_number(destination):
            message = f"{destination} is no routing number."
            faults.append(Fault("destination", "Immediate destination", message, ASK))
        if created is None and values[2].isdigit():
            fault = Fault(
                "creation-date", "File creation date", "This is no date.", "Write YYMMDD."
            )
            faults.append(fault)
        if moment is None and values[3].isdigit():
            fault = Fault("creation-time", "File creation time", "This is no time.", "Write HHMM.")
            faults.append(fault)
        faults += self._facts.header_faults(values[1].strip(), created, values[4])
        self.notes.faults(number, layout, faults)
        self._head = File(
            destination=destination,
            origin=values[1].strip(),
            created_on=created,
            created_at=moment,
            modifier=values[4].strip(),
            batches=(),
            destination_name=values[5].rstrip(),
            origin_name=values[6].rstrip(),
            reference_code=values[7].rstrip(),
        )

    def _batch_header(self, number: int, line: str) -> None:
        self._end_batch(number)
        sec_code = line[50:53]
        layout = layouts.BATCH_HEADER
        if sec_code == "IAT":
            layout = layouts.INTERNATIONAL_BATCH_HEADER
        values = values_of(self.notes, number, line, layout)
        header = _header(values) if values else None
        if header and values:
            if header.effective_date is None and values[7].strip("0 ").isdigit():
                fault = Fault("effective-date", "Effective entry date", "This is no date.", ASK)
                self.notes.faults(number, layout, [fault])
            self.notes.faults(number, layout, header_faults(header))
            if header.number <= self._last_number:
                message = f"Batch {header.number} follows batch {self._last_number}."
                fault = Fault("batch-order", "Batch number", message, "Number batches upward.")
                self.notes.faults(number, layout, [fault])
            self._last_number = header.number
            self._is_undated |= header.effective_date is None
        self._batch = OpenBatch(number, sec_code, header, self.notes)
        self._batch_count += 1
        self._has_advice |= sec_code == "ADV"

    def _batch_control(self, number: int, line: str) -> Batch | None:
        batch, self._batch = self._batch, None
        if batch is None:
            self.notes.add("outside-batch", number, "", "A batch control stands outside a batch.")
            return None
        self._close(batch)
        layout = layouts.BATCH_CONTROL
        if batch.sec_code == "ADV":
            layout = layouts.ADVICE_BATCH_CONTROL
        values = values_of(self.notes, number, line, layout)
        if values is None:
            return None
        counted = {"Entry and addenda count": batch.records}
        if not batch.is_broken:
            counted |= _named(batch.totals)
        stated = dict(zip(_TOTALS, map(int, values[1:5]), strict=True))
        self.notes.faults(number, layout, total_faults("batch", stated, counted))
        header = batch.header
        if header is None:
            return None
        if not batch.records:
            self.notes.add("no-entries", number, "", "The batch is empty.")
        self.notes.faults(number, layout, _differences(values, header))
        return replace(header, entries=tuple(batch.entries))

    def _close(self, batch: OpenBatch) -> None:
        batch.close()
        self._records += batch.records
        self._totals += batch.totals
        self._is_broken |= batch.is_broken
        if not self._has_header:
            self._has_payments |= any(entry.reply is None for entry in batch.entries)

    def _file_control(self, number: int, line: str) -> None:
        if line == PADDING:
            message = "Padding stands before the file control."
            self.notes.add("early-padding", number, "", message)
            return
        self._end_batch(number)
        self._control_line = number
        layout = layouts.FILE_CONTROL
        if self._has_advice:
            layout = layouts.ADVICE_FILE_CONTROL
        values = values_of(self.notes, number, line, layout)
        if values is None:
            return
        batch_count, self._block_count, *totals = map(int, values)
        stated = {"Batch count": batch_count, **dict(zip(_TOTALS, totals, strict=True))}
        counted = {"Batch count": self._batch_count, "Entry and addenda count": self._records}
        if not self._is_broken:
            counted |= _named(self._totals)
        self.notes.faults(number, layout, total_faults("file", stated, counted))

    def _end_batch(self, number: int) -> None:
        batch, self._batch = self._batch, None
        if batch:
            message = f"The batch of line {batch.line} has no control record."
            self.notes.add("batch-open", number, "", message)
            self._close(batch)
            self._is_broken = True

    def _finish(self) -> None:
        """Prove the whole. Raises: Unreadable with all problems found so far."""
        last = max(self._lines, 1)
        if not self._lines:
            if not self.notes.problems:
                self.notes.add("no-header", 1, "", "The file is empty.")
            self.notes.refuse()
        self._end_batch(last)
        self._frame(last)
        blocks = {-(-count // 10) for count in (last, self._control_line)}
        if self._block_count is not None and self._block_count not in blocks:
            label = layouts.FILE_CONTROL.label("Block count")
            message = f"The file control says {self._block_count}, the file has {max(blocks)}."
            self.notes.add("block-count", self._control_line, label, message)
        if self._head and self._head.created_on is None and self._is_undated:
            message = "Neither the file header nor a batch has a date, so that no year is known."
            self.notes.add("field", 1, layouts.FILE_HEADER.label("File creation date"), message)
        self.notes.refuse()

    def _frame(self, last: int) -> None:
        """Ask for header and control; a file of returns alone may come without both.

        One with a header and no control was cut: at the end of a batch nothing else would tell.
        """
        has_control = bool(self._control_line)
        if self._has_header and has_control:
            return
        is_fragment = not (self._has_header or self._has_payments) and self._batch_count > 0
        if is_fragment:
            self._head = File("", "", None, None, "", (), is_fragment=True)
        if not self._has_header:
            code = "fragment-header" if is_fragment else "no-header"
            self.notes.add(code, 1, "", "The file does not begin with a file header.")
        if not has_control:
            code = "fragment-control" if is_fragment else "no-control"
            message = "The file ends without a file control; nothing proves that it is whole."
            self.notes.add(code, last, "", message)


def _header(values: tuple[str, ...]) -> Batch:
    return Batch(
        service_class=int(values[0]),
        company_name=values[1].rstrip(),
        company_data=values[2].rstrip(),
        company_id=values[3].rstrip(),
        sec_code=values[4],
        description=values[5].rstrip(),
        descriptive_date=values[6].rstrip(),
        effective_date=day(values[7]) if values[7].strip("0 ") else None,
        settlement_day=int(values[8].strip() or 0) or None,
        originator_status=int(values[9]) if values[9].isdigit() else 0,
        odfi=values[10],
        number=int(values[11]),
        entries=(),
    )


def header_faults(header: Batch) -> Iterator[Fault]:
    """Find what is odd about a batch by its header alone."""
    sec_code = header.sec_code
    field = "Standard entry class code"
    fix = "Nothing is booked by itself; a person looks at its entries."
    if sec_code not in codes.KNOWN_CLASSES:
        yield Fault("sec-code", field, f"{sec_code} is no class of entries we know.", fix)
    elif sec_code in codes.REPORTED_CLASSES:
        message = f"{sec_code} entries are read, but not acted upon."
        yield Fault("sec-code-unsupported", field, message, fix)
    elif sec_code in codes.FOREIGN_CLASSES:
        message = f"{sec_code} entries are counted and summed, no more."
        yield Fault("foreign-class", field, message, fix)
    if header.service_class == codes.ADVICE and sec_code != "ADV":
        message = "280 is for ADV batches only."
        yield Fault("service-class", "Service class code", message, ASK)


def _differences(values: tuple[str, ...], header: Batch) -> Iterator[Fault]:
    """Compare a batch control with its header."""
    expected = {
        "Service class code": (int(values[0]), header.service_class),
        "ODFI identification": (values[-2], header.odfi),
        "Batch number": (int(values[-1]), header.number),
    }
    if header.sec_code not in codes.OWN_RECORDS:
        expected["Company identification"] = (values[5].strip(), header.company_id.strip())
    for name, (stated, opened) in expected.items():
        if stated != opened:
            message = f"The batch control says {stated}, the batch header {opened}."
            yield Fault("batch-mismatch", name, message, ASK)


def _named(totals: Totals) -> dict[str, int]:
    values = (totals.records, totals.entry_hash, totals.debit_minor, totals.credit_minor)
    return dict(zip(_TOTALS, values, strict=True))


def _time(text: str) -> time | None:
    if not text.isdigit():
        return None
    hour, minute = int(text[:2]), int(text[2:])
    return time(hour, minute) if hour < 24 and minute < 60 else None
