"""Reading Nacha files: bytes to records, lenient on line ends and blanks, strict on totals.

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
from billfold.formats.nacha.entry_reading import BatchReader, read_values
from billfold.formats.nacha.findings import ASK_SENDER, NachaFindings, Violation
from billfold.formats.nacha.layouts import PADDING, WIDTH
from billfold.formats.nacha.lines import LINE_LENGTH, RecordChunk
from billfold.formats.nacha.origination import NO_CONTEXT, OriginationContext
from billfold.formats.nacha.records import (
    ZERO_TOTALS,
    ControlTotals,
    NachaBatch,
    NachaFile,
    is_routing_number,
)
from billfold.formats.nacha.return_addenda import parse_day
from billfold.formats.nacha.rules import total_violations
from billfold.formats.problems import CUT_APART

_TOTALS: Final = ("Entry and addenda count", "Entry hash", "Total debits", "Total credits")
_ALREADY_RECEIVED: Final = "It was taken in before; do not take it in again."


def read(content: bytes, *, context: OriginationContext = NO_CONTEXT) -> NachaFile:
    """Read a file, all of it or none; every count, hash and total is recomputed.

    Raises: Unreadable with every problem, at most the first thousand.
    """
    reader = NachaReader(BytesIO(content), context=context)
    batches = tuple(reader)
    if hashlib.sha256(content).hexdigest() in context.known_files:
        reader.findings.add("duplicate-file", 1, "", "The same bytes are known.", _ALREADY_RECEIVED)
        reader.findings.refuse()
    return replace(reader.header(), batches=batches)


class NachaReader:
    """Reads a file from a stream; iterating yields its batches.

    Nothing is proved before the end, where the file control states the counts and totals.
    Iterating raises Unreadable there, with every problem, at most the first thousand.
    """

    def __init__(self, stream: BinaryIO, *, context: OriginationContext = NO_CONTEXT) -> None:
        self.findings = NachaFindings(reading=True)
        self._stream = stream
        self._context = context
        self._file: NachaFile | None = None
        self._has_header = False
        self._batch: BatchReader | None = None
        self._batch_count = 0
        self._last_batch = -1
        self._records = 0
        self._totals = ZERO_TOTALS
        self._is_broken = False
        self._has_payments = self._is_undated = False
        self._last = 0
        """The number of the last record."""
        self._control = 0
        """The number of the file control among the records; 0 before it."""
        self._has_second_file = False
        self._block_count: int | None = None
        self._has_advice = False

    def __iter__(self) -> Iterator[NachaBatch]:
        for chunk in lines.read_chunks(self._stream, self.findings):
            self._last = chunk.first + len(chunk.text) // LINE_LENGTH - 1
            yield from self._read_chunk(chunk)
        self._finish()

    def header(self) -> NachaFile:
        """Return the file without its batches, once they have all been read."""
        if self._file is None:
            raise AssertionError("an unreadable header left no problem behind")
        return replace(self._file, warnings=self.findings.warnings)

    def _read_chunk(self, chunk: RecordChunk) -> Iterator[NachaBatch]:
        """Read some records: consecutive entries at once if they are sound, else one by one."""
        text, start, unsound_until = chunk.text, 0, 0
        while start < len(text):
            if text[start] == "6" and start >= unsound_until and self._batch:
                control = text[start::LINE_LENGTH].find("8")
                end = start + control * LINE_LENGTH if control >= 0 else len(text)
                if self._batch.read_if_sound(text[start:end]):
                    start = end
                    continue
                unsound_until = end
            batch = self._read_record(
                chunk.first + start // LINE_LENGTH, text[start : start + WIDTH]
            )
            if batch:
                yield batch
            start += LINE_LENGTH

    def _read_record(self, number: int, line: str) -> NachaBatch | None:
        """Read one record; return the batch that it ends, if it ends one."""
        if self._control:
            self._read_after_control(number, line)
            return None
        match line[0]:
            case "1":
                self._read_file_header(number, line)
            case "5":
                self._read_batch_header(number, line)
            case "6" | "7" if self._batch:
                self._batch.read_record(number, line)
            case "6" | "7":
                kind = "An entry" if line[0] == "6" else "An addendum"
                self.findings.add("outside-batch", number, "", f"{kind} stands outside a batch.")
                self._is_broken = True
            case "8":
                return self._read_batch_control(number, line)
            case "9":
                self._read_file_control(number, line)
            case _:
                message = "No record begins with this character; 1, 5, 6, 7, 8 and 9 do."
                self.findings.add("record-type", number, "Record type, position 1", message)
        return None

    def _read_after_control(self, number: int, line: str) -> None:
        if line == PADDING or not line.strip():
            return
        if line[0] in "156789":
            if not self._has_second_file:
                message = "More records follow the file control: a second file begins here."
                self.findings.add("second-file", number, "", message, CUT_APART)
            self._has_second_file = True
        else:
            message = "Something follows the file control that is not padding."
            self.findings.add("after-control", number, "", message)

    def _read_file_header(self, number: int, line: str) -> None:
        if number != 1:
            message = "A file header stands in the middle of the file: a second file begins here."
            self.findings.add("second-header", number, "", message, CUT_APART)
            return
        self._has_header = True
        layout = layouts.FILE_HEADER
        values = read_values(self.findings, number, line, layout)
        if values is None:
            return
        destination = values[0].strip()
        created, moment = parse_day(values[2]), _parse_time(values[3])
        violations = []
        if len(destination) == 9 and destination.isdigit() and not is_routing_number(destination):
            message = f"{destination} is no routing number."
            violations.append(
                Violation("destination", "Immediate destination", message, ASK_SENDER)
            )
        if created is None and values[2].isdigit():
            violation = Violation(
                "creation-date", "File creation date", "This is no date.", "Write YYMMDD."
            )
            violations.append(violation)
        if moment is None and values[3].isdigit():
            violation = Violation(
                "creation-time", "File creation time", "This is no time.", "Write HHMM."
            )
            violations.append(violation)
        violations += self._context.header_violations(values[1].strip(), created, values[4])
        self.findings.add_violations(number, layout, violations)
        self._file = NachaFile(
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

    def _read_batch_header(self, number: int, line: str) -> None:
        self._abandon_batch(number)
        sec_code = line[50:53]
        layout = layouts.BATCH_HEADER
        if sec_code == "IAT":
            layout = layouts.INTERNATIONAL_BATCH_HEADER
        values = read_values(self.findings, number, line, layout)
        header = _build_header(values) if values else None
        if header and values:
            if header.effective_date is None and values[7].strip("0 ").isdigit():
                violation = Violation(
                    "effective-date", "Effective entry date", "This is no date.", ASK_SENDER
                )
                self.findings.add_violations(number, layout, [violation])
            self.findings.add_violations(number, layout, _batch_header_violations(header))
            if header.number <= self._last_batch:
                message = f"Batch {header.number} follows batch {self._last_batch}."
                violation = Violation(
                    "batch-order", "Batch number", message, "Number batches upward."
                )
                self.findings.add_violations(number, layout, [violation])
            self._last_batch = header.number
            self._is_undated |= header.effective_date is None
        self._batch = BatchReader(number, sec_code, header, self.findings)
        self._batch_count += 1
        self._has_advice |= sec_code == "ADV"

    def _read_batch_control(self, number: int, line: str) -> NachaBatch | None:
        batch, self._batch = self._batch, None
        if batch is None:
            self.findings.add(
                "outside-batch", number, "", "A batch control stands outside a batch."
            )
            return None
        self._add_batch(batch)
        layout = layouts.BATCH_CONTROL
        if batch.sec_code == "ADV":
            layout = layouts.ADVICE_BATCH_CONTROL
        values = read_values(self.findings, number, line, layout)
        if values is None:
            return None
        counted = {"Entry and addenda count": batch.records}
        if not batch.is_broken:
            counted |= _by_field(batch.totals)
        stated = dict(zip(_TOTALS, map(int, values[1:5]), strict=True))
        self.findings.add_violations(number, layout, total_violations("batch", stated, counted))
        header = batch.header
        if header is None:
            return None
        if not batch.records:
            self.findings.add("no-entries", number, "", "The batch is empty.")
        self.findings.add_violations(number, layout, _header_mismatches(values, header))
        return replace(header, entries=tuple(batch.entries))

    def _add_batch(self, batch: BatchReader) -> None:
        batch.close()
        self._records += batch.records
        self._totals += batch.totals
        self._is_broken |= batch.is_broken
        if not self._has_header:
            self._has_payments |= not all(entry.is_answer for entry in batch.entries)

    def _read_file_control(self, number: int, line: str) -> None:
        if line == PADDING:
            message = "Padding stands before the file control."
            self.findings.add("early-padding", number, "", message)
            return
        self._abandon_batch(number)
        self._control = number
        layout = layouts.FILE_CONTROL
        if self._has_advice:
            layout = layouts.ADVICE_FILE_CONTROL
        values = read_values(self.findings, number, line, layout)
        if values is None:
            return
        batch_count, self._block_count, *totals = map(int, values)
        stated = {"Batch count": batch_count, **dict(zip(_TOTALS, totals, strict=True))}
        counted = {"Batch count": self._batch_count, "Entry and addenda count": self._records}
        if not self._is_broken:
            counted |= _by_field(self._totals)
        self.findings.add_violations(number, layout, total_violations("file", stated, counted))

    def _abandon_batch(self, number: int) -> None:
        batch, self._batch = self._batch, None
        if batch:
            line = self.findings.line_of(batch.line)
            message = f"The batch of line {line} has no control record."
            self.findings.add("batch-open", number, "", message)
            self._add_batch(batch)
            self._is_broken = True

    def _finish(self) -> None:
        """Check the file as a whole.

        Raises: Unreadable with every problem, if one is an error.
        """
        last = max(self._last, 1)
        if not self._last:
            if not self.findings.problems:
                self.findings.add("no-header", 1, "", "The file is empty.")
            self.findings.refuse()
        self._abandon_batch(last)
        self._check_header_and_control(last)
        blocks = {-(-count // 10) for count in (last, self._control)}
        if self._block_count is not None and self._block_count not in blocks:
            label = layouts.FILE_CONTROL.label("Block count")
            message = f"The file control says {self._block_count}, the file has {max(blocks)}."
            self.findings.add("block-count", self._control, label, message)
        if self._file and self._file.created_on is None and self._is_undated:
            message = "Neither the file header nor a batch has a date, so that no year is known."
            self.findings.add("field", 1, layouts.FILE_HEADER.label("File creation date"), message)
        self.findings.refuse()

    def _check_header_and_control(self, last: int) -> None:
        """Check that there are header and control; a file of returns alone may come without both.

        A file with a header and no control was cut off, which nothing else would show if the cut
        is at the end of a batch.
        """
        has_control = bool(self._control)
        if self._has_header and has_control:
            return
        is_fragment = not (self._has_header or self._has_payments) and self._batch_count > 0
        if is_fragment:
            self._file = NachaFile("", "", None, None, "", (), is_fragment=True)
        if not self._has_header:
            code = "fragment-header" if is_fragment else "no-header"
            self.findings.add(code, 1, "", "The file does not begin with a file header.")
        if not has_control:
            code = "fragment-control" if is_fragment else "no-control"
            message = "The file ends without a file control; nothing proves that it is whole."
            self.findings.add(code, last, "", message)


def _build_header(values: tuple[str, ...]) -> NachaBatch:
    return NachaBatch(
        service_class=int(values[0]),
        company_name=values[1].rstrip(),
        company_data=values[2].rstrip(),
        company_id=values[3].rstrip(),
        sec_code=values[4],
        description=values[5].rstrip(),
        descriptive_date=values[6].rstrip(),
        effective_date=parse_day(values[7]) if values[7].strip("0 ") else None,
        settlement_day=int(values[8].strip() or 0) or None,
        originator_status=int(values[9]) if values[9].isdigit() else 0,
        odfi=values[10],
        number=int(values[11]),
        entries=(),
    )


def _batch_header_violations(header: NachaBatch) -> Iterator[Violation]:
    """Check a batch by its header alone."""
    sec_code = header.sec_code
    field = "Standard entry class code"
    fix = "Nothing is booked by itself; a person looks at its entries."
    if sec_code not in codes.KNOWN_CLASSES:
        yield Violation("sec-code", field, f"{sec_code} is no class of entries we know.", fix)
    elif sec_code in codes.RECEIVED_ONLY_CLASSES:
        message = f"{sec_code} entries are read, but not acted upon."
        yield Violation("sec-code-unsupported", field, message, fix)
    elif sec_code in codes.FOREIGN_CLASSES:
        message = f"{sec_code} entries are counted and summed, no more."
        yield Violation("foreign-class", field, message, fix)
    if header.service_class == codes.ADVICE_SERVICE_CLASS and sec_code != "ADV":
        message = "280 is for ADV batches only."
        yield Violation("service-class", "Service class code", message, ASK_SENDER)


def _header_mismatches(values: tuple[str, ...], header: NachaBatch) -> Iterator[Violation]:
    """Compare a batch control with its header."""
    expected = {
        "Service class code": (int(values[0]), header.service_class),
        "ODFI identification": (values[-2], header.odfi),
        "Batch number": (int(values[-1]), header.number),
    }
    if header.sec_code not in codes.UNPARSED_CLASSES:
        expected["Company identification"] = (values[5].strip(), header.company_id.strip())
    for name, (stated, in_header) in expected.items():
        if stated != in_header and not codes.has_rejection_mark(str(stated), str(in_header)):
            message = f"The batch control says {stated}, the batch header {in_header}."
            yield Violation("batch-mismatch", name, message, ASK_SENDER)


def _by_field(totals: ControlTotals) -> dict[str, int]:
    values = (totals.records, totals.entry_hash, totals.debit_minor, totals.credit_minor)
    return dict(zip(_TOTALS, values, strict=True))


def _parse_time(text: str) -> time | None:
    if not text.isdigit():
        return None
    hour, minute = int(text[:2]), int(text[2:])
    return time(hour, minute) if hour < 24 and minute < 60 else None
