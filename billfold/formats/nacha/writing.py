"""Nacha records to bytes: upper case, padded, with counts, hashes and totals.

Source: Nacha Operating Rules, Appendix Three; docs/bank-files.md#nacha.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from io import BytesIO
from itertools import chain
from typing import BinaryIO, Final

from billfold.formats.nacha import codes, facts, layouts
from billfold.formats.nacha.columns import EntrySheet
from billfold.formats.nacha.facts import NO_FACTS, Facts
from billfold.formats.nacha.layouts import PADDING
from billfold.formats.nacha.notes import Fault, Notes
from billfold.formats.nacha.records import NOTHING, Batch, File, Totals, is_routing_number
from billfold.formats.nacha.sheet import LineEnd, Sheet
from billfold.formats.problems import Unreadable, Unwritable

BLOCKING_FACTOR: Final = 10


def write(file: File, *, line_end: LineEnd = "\n", facts: Facts = NO_FACTS) -> bytes:
    """Write a file of debits and credits to customers.

    Counts, hashes, totals and padding come from the records; `settlement_day` stays blank.
    Raises: Unwritable with everything the bank would refuse.
    """
    stream = BytesIO()
    write_to(stream, file, file.batches, line_end=line_end, facts=facts)
    content = stream.getvalue()
    if facts.files and hashlib.sha256(content).hexdigest() in facts.files:
        notes = Notes(reading=False)
        notes.add("duplicate-file", 1, "", "The same bytes were made before.", "Do not send it.")
        raise Unwritable(notes.problems)
    return content


def write_to(
    stream: BinaryIO,
    head: File,
    batches: Iterable[Batch],
    *,
    line_end: LineEnd = "\n",
    facts: Facts = NO_FACTS,
) -> Totals:
    """Write a file batch by batch; the batches of `head` itself are not looked at.

    Raises: Unwritable with everything the bank would refuse; what was written till then is void.
    """
    writing = _Writing(Sheet(stream, line_end), head, facts)
    try:
        return writing.file(batches)
    except Unreadable as refusal:
        raise Unwritable(refusal.problems) from None


class _Writing:
    """One file on its way, record by record."""

    def __init__(self, sheet: Sheet, head: File, facts: Facts) -> None:
        self._sheet = sheet
        self._head = head
        self._facts = facts

    def file(self, batches: Iterable[Batch]) -> Totals:
        self._header()
        totals, last_number, count, entries = NOTHING, 0, 0, 0
        for batch in batches:
            totals += self._batch(batch, last_number)
            last_number = batch.number
            entries += len(batch.entries)
            count += 1
        if not count:
            message = "The file asks for nothing."
            self._sheet.notes.add("no-batches", self._sheet.lines, "", message, "Do not send it.")
        blocks = -(-(self._sheet.lines + 1) // BLOCKING_FACTOR)
        sums = (totals.records, totals.entry_hash, totals.debit_minor, totals.credit_minor)
        self._sheet.record(layouts.FILE_CONTROL, count, blocks, *sums)
        faults = self._facts.file_faults(totals, entries)
        self._sheet.notes.faults(self._sheet.lines, layouts.FILE_CONTROL, faults)
        padding = blocks * BLOCKING_FACTOR - self._sheet.lines
        self._sheet.put((PADDING + "\n") * padding, padding)
        self._sheet.notes.refuse()
        return totals

    def _header(self) -> None:
        head = self._head
        self._sheet.record(
            layouts.FILE_HEADER,
            head.destination,
            head.origin,
            f"{head.created_on:%y%m%d}" if head.created_on else "",
            f"{head.created_at:%H%M}" if head.created_at else "",
            head.modifier,
            head.destination_name,
            head.origin_name,
            head.reference_code,
        )
        faults = list(self._facts.header_faults(head.origin, head.created_on, head.modifier))
        if not is_routing_number(head.destination):
            message = f"{head.destination} is no routing number."
            fix = "Write the routing number the bank gave as destination."
            faults.append(Fault("destination", "Immediate destination", message, fix))
        self._sheet.notes.faults(self._sheet.lines, layouts.FILE_HEADER, faults)

    def _batch(self, batch: Batch, last_number: int) -> Totals:
        self._sheet.record(
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
        header_line = self._sheet.lines
        totals = EntrySheet(self._sheet, batch, self._head, self._facts).write()
        faults = chain(
            _batch_faults(batch, last_number),
            facts.description_faults(batch),
            facts.same_day_faults(batch, self._head.created_on),
            self._facts.batch_faults(batch, totals),
        )
        self._sheet.notes.faults(header_line, layouts.BATCH_HEADER, faults)
        self._sheet.record(
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


def _batch_faults(batch: Batch, last_number: int) -> Iterator[Fault]:
    if batch.sec_code not in codes.ORIGINATED_CLASSES:
        message = f"{batch.sec_code} batches are received, never sent."
        field = "Standard entry class code"
        code = "sec-code-unsupported" if batch.sec_code in codes.KNOWN_CLASSES else "sec-code"
        yield Fault(code, field, message, "Use PPD, CCD, CTX, WEB or TEL.")
    if batch.service_class == codes.ADVICE:
        message = "280 is for advice, which a biller never sends."
        yield Fault("service-class", "Service class code", message, "Use 200, 220 or 225.")
    if batch.originator_status != 1:
        message = "An originator that is not a federal agency has status 1."
        yield Fault("originator-status", "Originator status code", message, "Write 1.")
    if not batch.entries:
        yield Fault("no-entries", "", "The batch is empty.", "Leave it out.")
    if batch.number <= last_number:
        message = f"Batch {batch.number} follows batch {last_number}."
        yield Fault("batch-order", "Batch number", message, "Number batches upward.")
