"""Writing Nacha files: records to bytes, with counts, hashes, totals and padding.

Source: Nacha Operating Rules, Appendix Three; docs/bank-files.md#nacha.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from io import BytesIO
from itertools import chain
from typing import BinaryIO, Final

from billfold.formats.nacha import codes, layouts, origination
from billfold.formats.nacha.entry_writing import EntryWriter
from billfold.formats.nacha.findings import NachaFindings, Violation
from billfold.formats.nacha.layouts import PADDING
from billfold.formats.nacha.origination import NO_CONTEXT, OriginationContext
from billfold.formats.nacha.record_writer import LineEnd, RecordWriter
from billfold.formats.nacha.records import (
    ZERO_TOTALS,
    ControlTotals,
    NachaBatch,
    NachaFile,
    is_routing_number,
)
from billfold.formats.problems import Unreadable, Unwritable

BLOCKING_FACTOR: Final = 10


def write(
    file: NachaFile, *, line_end: LineEnd = "\n", context: OriginationContext = NO_CONTEXT
) -> bytes:
    """Write a file; the counts and totals of its control records are computed.

    `settlement_day` stays blank, because the operator fills it in.
    Raises: Unwritable with everything the bank would refuse.
    """
    stream = BytesIO()
    write_to(stream, file, file.batches, line_end=line_end, context=context)
    content = stream.getvalue()
    if context.known_files and hashlib.sha256(content).hexdigest() in context.known_files:
        findings = NachaFindings(reading=False)
        findings.add("duplicate-file", 1, "", "The same bytes were made before.", "Do not send it.")
        raise Unwritable(findings.problems)
    return content


def write_to(
    stream: BinaryIO,
    header: NachaFile,
    batches: Iterable[NachaBatch],
    *,
    line_end: LineEnd = "\n",
    context: OriginationContext = NO_CONTEXT,
) -> ControlTotals:
    """Write a file batch by batch; batches that `header` itself has are ignored.

    Raises: Unwritable with everything the bank would refuse; what was written before is void.
    """
    writer = _FileWriter(RecordWriter(stream, line_end), header, context)
    try:
        return writer.write(batches)
    except Unreadable as refusal:
        raise Unwritable(refusal.problems) from None


class _FileWriter:
    """Writes one file, record by record."""

    def __init__(
        self, writer: RecordWriter, header: NachaFile, context: OriginationContext
    ) -> None:
        self._writer = writer
        self._header = header
        self._context = context

    def write(self, batches: Iterable[NachaBatch]) -> ControlTotals:
        self._write_header()
        totals, last_number, count, entries = ZERO_TOTALS, 0, 0, 0
        for batch in batches:
            totals += self._write_batch(batch, last_number)
            last_number = batch.number
            entries += len(batch.entries)
            count += 1
        if not count:
            message = "The file asks for nothing."
            self._writer.findings.add(
                "no-batches", self._writer.lines, "", message, "Do not send it."
            )
        blocks = -(-(self._writer.lines + 1) // BLOCKING_FACTOR)
        sums = (totals.records, totals.entry_hash, totals.debit_minor, totals.credit_minor)
        self._writer.write_record(layouts.FILE_CONTROL, count, blocks, *sums)
        violations = self._context.file_violations(totals, entries)
        self._writer.findings.add_violations(self._writer.lines, layouts.FILE_CONTROL, violations)
        padding = blocks * BLOCKING_FACTOR - self._writer.lines
        self._writer.write_lines((PADDING + "\n") * padding, padding)
        self._writer.findings.refuse()
        return totals

    def _write_header(self) -> None:
        header = self._header
        self._writer.write_record(
            layouts.FILE_HEADER,
            header.destination,
            header.origin,
            f"{header.created_on:%y%m%d}" if header.created_on else "",
            f"{header.created_at:%H%M}" if header.created_at else "",
            header.modifier,
            header.destination_name,
            header.origin_name,
            header.reference_code,
        )
        violations = list(
            self._context.header_violations(header.origin, header.created_on, header.modifier)
        )
        if not is_routing_number(header.destination):
            message = f"{header.destination} is no routing number."
            fix = "Write the routing number the bank gave as destination."
            violations.append(Violation("destination", "Immediate destination", message, fix))
        self._writer.findings.add_violations(self._writer.lines, layouts.FILE_HEADER, violations)

    def _write_batch(self, batch: NachaBatch, last_number: int) -> ControlTotals:
        self._writer.write_record(
            layouts.BATCH_HEADER,
            f"{batch.service_class}",
            batch.company_name,
            batch.company_data,
            batch.company_id,
            batch.sec_code,
            batch.description,
            batch.descriptive_date,
            f"{batch.effective_date:%y%m%d}" if batch.effective_date else "",
            "",
            f"{batch.originator_status}",
            batch.odfi,
            batch.number,
        )
        header_line = self._writer.lines
        totals = EntryWriter(self._writer, batch, self._header, self._context).write()
        violations = chain(
            _batch_violations(batch, last_number),
            origination.description_violations(batch),
            origination.same_day_violations(batch, self._header.created_on),
            self._context.batch_violations(batch, totals),
        )
        self._writer.findings.add_violations(header_line, layouts.BATCH_HEADER, violations)
        self._writer.write_record(
            layouts.BATCH_CONTROL,
            f"{batch.service_class}",
            totals.records,
            totals.entry_hash,
            totals.debit_minor,
            totals.credit_minor,
            batch.company_id,
            batch.odfi,
            batch.number,
        )
        return totals


def _batch_violations(batch: NachaBatch, last_number: int) -> Iterator[Violation]:
    if batch.sec_code not in codes.ORIGINATED_CLASSES:
        message = f"{batch.sec_code} batches are received, never sent."
        field = "Standard entry class code"
        code = "sec-code-unsupported" if batch.sec_code in codes.KNOWN_CLASSES else "sec-code"
        yield Violation(code, field, message, "Use PPD, CCD, CTX, WEB or TEL.")
    if batch.service_class == codes.ADVICE_SERVICE_CLASS:
        message = "280 is for advice, which a biller never sends."
        yield Violation("service-class", "Service class code", message, "Use 200, 220 or 225.")
    if batch.originator_status != 1:
        message = "An originator that is not a federal agency has status 1."
        yield Violation("originator-status", "Originator status code", message, "Write 1.")
    if not batch.entries:
        yield Violation("no-entries", "", "The batch is empty.", "Leave it out.")
    if batch.number <= last_number:
        message = f"Batch {batch.number} follows batch {last_number}."
        yield Violation("batch-order", "Batch number", message, "Number batches upward.")
