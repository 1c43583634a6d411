"""Nacha records to bytes: upper case, padded, with counts, hashes and totals.

Source: Nacha Operating Rules, Appendix Three; docs/bank-files.md#nacha.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from typing import Final, Literal

from billfold.formats import nacha_checks as checks
from billfold.formats import nacha_layouts as layouts
from billfold.formats.nacha_checks import Fault
from billfold.formats.nacha_layouts import PADDING, Layout
from billfold.formats.nacha_records import NOTHING, Batch, Entry, File, Payment, Totals
from billfold.formats.problems import Problem, Unwritable

BLOCKING_FACTOR: Final = 10

ORIGINATED_CLASSES: Final = frozenset({"PPD", "CCD", "WEB"})
ORIGINATED_CODES: Final = frozenset({22, 27, 28, 32, 37, 38})

_UNDECOMPOSED: Final = str.maketrans(
    {
        **dict(zip("ØøŁłĐđÐðı", "OoLlDdDdi", strict=True)),
        **{"Æ": "AE", "æ": "ae", "Œ": "OE", "œ": "oe", "Þ": "TH", "þ": "th", "ß": "ss"},
        **{"\u2018": "'", "\u2019": "'", "\u2013": "-", "\u2014": "-"},
    }
)
"""Letters and marks that Unicode does not take apart into an ASCII one and an accent."""


def plain(text: str) -> str:
    """Put text in the characters a bank takes: upper case, accents off, what is left over dropped.

    Source: Nacha Operating Rules, Appendix One (character set).
    """
    if text.isascii() and text.isprintable():
        return text.strip().upper()
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.translate(_UNDECOMPOSED))
    return "".join(letter for letter in text if " " <= letter <= "~").strip().upper()


def write(file: File, *, line_end: Literal["\n", "\r\n"] = "\n") -> bytes:
    """Write a file of debits and credits to customers.

    Counts, hashes, totals and padding come from the records; `settlement_day` stays blank.
    Raises: Unwritable with everything the bank would refuse.
    """
    writing = _Writing()
    writing.file(file)
    if writing.problems:
        raise Unwritable(writing.problems)
    return (line_end.join(writing.lines) + line_end).encode("ascii")


class _Writing:
    """The lines of one file, with the problems found on the way."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.problems: list[Problem] = []

    def faults(self, layout: Layout, faults: Iterable[Fault]) -> None:
        """Note problems of the record written last."""
        for fault in faults:
            label = layout.label(fault.field) if fault.field else ""
            self.problems.append(
                Problem(fault.code, "error", len(self.lines), label, fault.message, fault.fix)
            )

    def record(self, layout: Layout, *values: object) -> None:
        """Write any record but an entry."""
        line = layout.form % values
        if not (line.isascii() and line.isprintable()):
            values = tuple(plain(v) if isinstance(v, str) else v for v in values)
            line = layout.form % values
        line = line.upper()
        self.lines.append(line)
        if not layout.pattern.fullmatch(line):
            self.faults(layout, _misfits(layout, values))

    def file(self, file: File) -> None:
        self.record(
            layouts.FILE_HEADER,
            file.destination,
            file.origin,
            f"{file.created_on:%y%m%d}",
            f"{file.created_at:%H%M}" if file.created_at else "",
            file.modifier,
            file.destination_name,
            file.origin_name,
            file.reference_code,
        )
        if not file.batches:
            fault = Fault("no-batches", "", "The file asks for nothing.", "Do not send it.")
            self.faults(layouts.FILE_HEADER, [fault])
        totals, last_number = NOTHING, 0
        for batch in file.batches:
            totals += self.batch(batch, last_number)
            last_number = batch.number
        blocks = -(-(len(self.lines) + 1) // BLOCKING_FACTOR)
        self.record(
            layouts.FILE_CONTROL,
            len(file.batches),
            blocks,
            totals.records,
            totals.entry_hash,
            totals.debit_minor,
            totals.credit_minor,
        )
        self.lines.extend([PADDING] * (blocks * BLOCKING_FACTOR - len(self.lines)))

    def batch(self, batch: Batch, last_number: int) -> Totals:
        effective = f"{batch.effective_date:%y%m%d}" if batch.effective_date else ""
        self.record(
            layouts.BATCH_HEADER,
            f"{batch.service_class}",
            batch.company_name,
            batch.company_data,
            batch.company_id,
            batch.sec_code,
            batch.description,
            batch.descriptive_date,
            effective,
            "",
            f"{batch.originator_status}",
            batch.odfi,
            batch.number,
        )
        self.faults(layouts.BATCH_HEADER, _batch_faults(batch, last_number))
        self.entries(batch)
        totals = batch.totals
        self.record(
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

    def entries(self, batch: Batch) -> None:
        """Write a batch's entries: the loop that a hundred thousand payments go through."""
        form, pattern = layouts.ENTRY.form, layouts.ENTRY.pattern
        sec_code, service_class, odfi = batch.sec_code, batch.service_class, batch.odfi
        last_trace = ""
        for given in batch.entries:
            entry, values = given, _values(given)
            line = form % values
            if not (line.isascii() and line.isprintable()):
                entry = _plain_entry(entry)
                values = _values(entry)
                line = form % values
            line = line.upper()
            self.lines.append(line)
            faults = checks.entry_faults(entry, sec_code)
            if not pattern.fullmatch(line):
                faults.extend(_misfits(layouts.ENTRY, values))
            if entry.transaction_code not in ORIGINATED_CODES:
                faults.append(_NOT_ORIGINATED)
            wrong_kind = checks.service_class_fault(service_class, entry.transaction_code)
            if wrong_kind:
                faults.append(wrong_kind)
            out_of_order = checks.trace_fault(entry.trace, last_trace=last_trace, odfi=odfi)
            if out_of_order:
                faults.append(out_of_order)
            if faults:
                self.faults(layouts.ENTRY, faults)
            last_trace = entry.trace
            if entry.addenda:
                self.addenda(entry)

    def addenda(self, entry: Entry) -> None:
        for sequence, addendum in enumerate(entry.addenda, 1):
            information = addendum.information if isinstance(addendum, Payment) else ""
            self.record(layouts.PAYMENT_ADDENDUM, information, sequence, entry.trace[-7:])
            if not isinstance(addendum, Payment):
                message = "Only payment addenda are written."
                fault = Fault("addenda-type", "", message, "Leave the others out.")
                self.faults(layouts.PAYMENT_ADDENDUM, [fault])


_NOT_ORIGINATED: Final = Fault(
    "not-originated",
    "Transaction code",
    "Entries of this code are received, never sent.",
    "Use 22, 27 or 28 for checking and 32, 37 or 38 for savings.",
)


def _values(entry: Entry) -> tuple[object, ...]:
    return (
        entry.transaction_code,
        entry.routing_number,
        entry.account_number,
        entry.amount_minor,
        entry.identification,
        entry.name,
        entry.discretionary,
        "1" if entry.addenda else "0",
        entry.trace,
    )


def _plain_entry(entry: Entry) -> Entry:
    return replace(
        entry,
        account_number=plain(entry.account_number),
        identification=plain(entry.identification),
        name=plain(entry.name),
        discretionary=plain(entry.discretionary),
    )


def _batch_faults(batch: Batch, last_number: int) -> Iterable[Fault]:
    if batch.sec_code not in ORIGINATED_CLASSES:
        message = f"{batch.sec_code} batches are received, never sent."
        field = "Standard entry class code"
        yield Fault("not-originated", field, message, "Use PPD, CCD or WEB.")
    if batch.effective_date is None:
        message = "The batch does not say when it is to settle."
        yield Fault("date", "Effective entry date", message, "Name a banking day.")
    if not batch.entries:
        yield Fault("no-entries", "", "The batch is empty.", "Leave it out.")
    if batch.number <= last_number:
        message = f"Batch {batch.number} follows batch {last_number}."
        yield Fault("batch-order", "Batch number", message, "Number batches upward.")


def _misfits(layout: Layout, values: Iterable[object]) -> Iterable[Fault]:
    """Find the fields whose value does not fit; never shows the value."""
    valued = (field for field in layout.fields if field.valued)
    for field, value in zip(valued, values, strict=True):
        if not field.takes((field.written % value).upper()):
            message = f"The {layout.name} must hold {field.rule} here, at most {field.width} long."
            yield Fault("field", field.name, message, "Correct or shorten the value.")
