"""The simulated bank's reader of Nacha files: it accepts a file or refuses it with every reason.

It is written from the layout alone and shares no code with `formats`, so that each of the two shows
an error in the other. Source of every rule: docs/bank-files.md, Nacha Operating Rules.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from billfold import bankdays
from billfold.simulator.bank import entries
from billfold.simulator.bank.entries import EntryRecords, UploadEntry
from billfold.simulator.bank.records import (
    LINES_PER_BLOCK,
    UploadFindings,
    UploadProblem,
    UploadRecord,
    split,
)
from billfold.simulator.bank.terms import BankTerms

FARTHEST_EFFECTIVE: Final = timedelta(days=30)
"""An effective date further ahead is refused; the file is not warehoused."""

_MAY_FOLLOW: Final = {
    "nothing": {"1"},
    "1": {"5"},
    "5": {"6"},
    "6": {"6", "7", "8"},
    "7": {"6", "7", "8"},
    "8": {"5", "9"},
    "9": {"padding"},
    "padding": {"padding"},
}
_SERVICE_CLASSES: Final = {"200", "220", "225"}
_HASH: Final = 10**10
_MODIFIER: Final = re.compile(r"[A-Z0-9]")


@dataclass(frozen=True, slots=True)
class UploadBatch:
    """One batch of an uploaded file."""

    header: str
    """The 94 characters of the batch header, which returns repeat."""
    effective: date | None
    entries: Sequence[UploadEntry]


@dataclass(frozen=True, slots=True)
class CheckedUpload:
    """An upload as it was read; it is accepted only if it has no problems."""

    problems: Sequence[UploadProblem]
    origin: str = ""
    created: date | None = None
    modifier: str = ""
    batches: Sequence[UploadBatch] = ()

    @property
    def entries(self) -> list[UploadEntry]:
        """List the entries of all batches, in file order."""
        return [entry for batch in self.batches for entry in batch.entries]

    @property
    def debit_minor(self) -> int:
        """The sum of the debits, in cents."""
        return sum(entry.amount_minor for entry in self.entries if not entry.is_credit)

    @property
    def credit_minor(self) -> int:
        """The sum of the credits, in cents."""
        return sum(entry.amount_minor for entry in self.entries if entry.is_credit)


@dataclass(slots=True)
class _BatchRecords:
    header: UploadRecord
    entries: list[EntryRecords] = field(default_factory=list)
    control: UploadRecord | None = None


def read(content: bytes, *, terms: BankTerms, today: date) -> CheckedUpload:
    """Check an upload against every rule the bank knows. `today` is the bank's day."""
    findings = UploadFindings()
    records = split(content, findings)
    if findings.problems or not _are_in_order(records, findings):
        return CheckedUpload(findings.problems)
    header = records[0]
    created = _check_file_header(header, terms, today, findings)
    groups = _group(records)
    batches = [
        _read_batch(group, place, terms, today, findings)
        for place, group in enumerate(groups, start=1)
    ]
    _check_file_control(records, groups, batches, findings)
    return CheckedUpload(
        findings.problems, header.at(14, 23).strip(), created, header.at(34, 34), batches
    )


def _are_in_order(records: Sequence[UploadRecord], findings: UploadFindings) -> bool:
    previous = "nothing"
    for record in records:
        if record.kind not in _MAY_FOLLOW[previous]:
            findings.add(record.line, "record type", f"{record.kind} cannot follow {previous}")
            return False
        previous = record.kind
    if previous not in {"9", "padding"}:
        findings.add(
            0, "file", f"ends after a record of type {previous}, without its control record"
        )
        return False
    return True


def _group(records: Sequence[UploadRecord]) -> list[_BatchRecords]:
    groups: list[_BatchRecords] = []
    for record in records:
        if record.kind == "5":
            groups.append(_BatchRecords(record))
        elif record.kind == "6":
            groups[-1].entries.append(EntryRecords(record))
        elif record.kind == "7":
            groups[-1].entries[-1].addenda.append(record)
        elif record.kind == "8":
            groups[-1].control = record
    return groups


def _check_file_header(
    header: UploadRecord, terms: BankTerms, today: date, findings: UploadFindings
) -> date | None:
    findings.expect_equal(header, "priority code", header.at(2, 3), "01")
    findings.expect_equal(
        header, "immediate destination", header.at(4, 13), f" {terms.odfi_routing_number}"
    )
    findings.expect_equal(
        header, "immediate origin", header.at(14, 23).strip(), terms.immediate_origin.strip()
    )
    created = findings.day(header, 24, 29, "file creation date")
    if created and created > today:
        findings.add(header.line, "file creation date", f"{created} lies in the future")
    findings.expect(
        _MODIFIER.fullmatch(header.at(34, 34)) is not None,
        header,
        "file ID modifier",
        f"is {header.at(34, 34)!r}, expected A to Z or 0 to 9",
    )
    findings.expect_equal(header, "record size", header.at(35, 37), "094")
    findings.expect_equal(header, "blocking factor", header.at(38, 39), "10")
    findings.expect_equal(header, "format code", header.at(40, 40), "1")
    return created


def _read_batch(
    group: _BatchRecords, place: int, terms: BankTerms, today: date, findings: UploadFindings
) -> UploadBatch:
    effective = _check_batch_header(group.header, place, terms, today, findings)
    batch_entries = entries.read(group.header, group.entries, terms, findings)
    _check_direction(group.header, batch_entries, findings)
    _check_offset(group.header, batch_entries, terms, findings)
    assert group.control is not None, "the order of records was checked"
    _check_batch_control(group, group.control, batch_entries, findings)
    return UploadBatch(group.header.text, effective, batch_entries)


def _check_batch_header(
    header: UploadRecord, place: int, terms: BankTerms, today: date, findings: UploadFindings
) -> date | None:
    service_class = header.at(2, 4)
    findings.expect(
        service_class in _SERVICE_CLASSES,
        header,
        "service class",
        f"is {service_class!r}, expected 200, 220 or 225",
    )
    findings.expect(
        header.at(5, 20).strip(" 0") != "", header, "company name", "is blank or all zeros"
    )
    findings.expect_equal(
        header, "company identification", header.at(41, 50).strip(), terms.company_id.strip()
    )
    findings.expect(
        header.at(54, 63).strip(" 0") != "", header, "entry description", "is blank or all zeros"
    )
    findings.expect_equal(header, "settlement date", header.at(76, 78), "   ")
    findings.expect_equal(header, "originator status", header.at(79, 79), "1")
    findings.expect_equal(
        header, "ODFI identification", header.at(80, 87), terms.odfi_identification
    )
    findings.expect_equal(header, "batch number", header.at(88, 94), f"{place:07d}")
    return _check_effective_date(header, today, findings)


def _check_effective_date(
    header: UploadRecord, today: date, findings: UploadFindings
) -> date | None:
    effective = findings.day(header, 70, 75, "effective entry date")
    if effective is None:
        return None
    findings.expect(
        bankdays.is_banking_day(effective),
        header,
        "effective entry date",
        f"{effective} is not a banking day",
    )
    findings.expect(
        effective <= today + FARTHEST_EFFECTIVE,
        header,
        "effective entry date",
        f"{effective} is more than {FARTHEST_EFFECTIVE.days} days ahead",
    )
    return effective


def _check_direction(
    header: UploadRecord, entries: Sequence[UploadEntry], findings: UploadFindings
) -> None:
    service_class = header.at(2, 4)
    for entry in entries:
        if (service_class == "225" and entry.is_credit) or (
            service_class == "220" and not entry.is_credit
        ):
            findings.add(
                entry.line,
                "transaction code",
                f"{entry.code} is not allowed in class {service_class}",
            )


def _check_offset(
    header: UploadRecord, entries: Sequence[UploadEntry], terms: BankTerms, findings: UploadFindings
) -> None:
    offsets = [entry for entry in entries if entry.is_to(terms)]
    if not terms.balanced:
        for entry in offsets:
            findings.add(
                entry.line, "offset", "your files are unbalanced: an offset would settle twice"
            )
        return
    debit = sum(entry.amount_minor for entry in entries if not entry.is_credit)
    credit = sum(entry.amount_minor for entry in entries if entry.is_credit)
    findings.expect(
        debit == credit,
        header,
        "offset",
        f"your files are balanced: debits {debit} and credits {credit} must be equal",
    )
    if debit + credit:
        findings.expect(
            len(offsets) == 1 and entries[-1] is offsets[0],
            header,
            "offset",
            "the last entry, and only it, must be to your own account",
        )


def _check_batch_control(
    group: _BatchRecords,
    control: UploadRecord,
    entries: Sequence[UploadEntry],
    findings: UploadFindings,
) -> None:
    header = group.header
    findings.expect_equal(control, "service class", control.at(2, 4), header.at(2, 4))
    count = sum(1 + len(entry.addenda) for entry in group.entries)
    _check_totals(control, entries, count, (5, 11, 21, 33), findings)
    findings.expect_equal(control, "company identification", control.at(45, 54), header.at(41, 50))
    findings.expect_equal(control, "reserved", control.at(74, 79), " " * 6)
    findings.expect_equal(control, "ODFI identification", control.at(80, 87), header.at(80, 87))
    findings.expect_equal(control, "batch number", control.at(88, 94), header.at(88, 94))


def _check_file_control(
    records: Sequence[UploadRecord],
    groups: Sequence[_BatchRecords],
    batches: Sequence[UploadBatch],
    findings: UploadFindings,
) -> None:
    control = next(record for record in records if record.kind == "9")
    findings.expect_equal(
        control, "batch count", findings.number(control, 2, 7, "batch count"), len(groups)
    )
    if len(records) % LINES_PER_BLOCK:
        findings.add(0, "blocking", f"{len(records)} lines, expected a multiple of ten")
    blocks = -(-len(records) // LINES_PER_BLOCK)
    findings.expect_equal(
        control, "block count", findings.number(control, 8, 13, "block count"), blocks
    )
    count = sum(1 + len(entry.addenda) for group in groups for entry in group.entries)
    file_entries = [entry for batch in batches for entry in batch.entries]
    _check_totals(control, file_entries, count, (14, 22, 32, 44), findings)
    findings.expect_equal(control, "reserved", control.at(56, 94), " " * 39)


def _check_totals(
    control: UploadRecord,
    entries: Sequence[UploadEntry],
    count: int,
    starts: tuple[int, int, int, int],
    findings: UploadFindings,
) -> None:
    """Compare count, hash and sums. The four fields follow each other in both control records."""
    at_count, at_hash, at_debit, at_credit = starts
    widths = {
        "entry and addenda count": (at_count, at_hash - 1, count),
        "entry hash": (
            at_hash,
            at_debit - 1,
            sum(entry.hash_part for entry in entries) % _HASH,
        ),
        "total debits": (
            at_debit,
            at_credit - 1,
            sum(entry.amount_minor for entry in entries if not entry.is_credit),
        ),
        "total credits": (
            at_credit,
            at_credit + 11,
            sum(entry.amount_minor for entry in entries if entry.is_credit),
        ),
    }
    for name, (first, last, expected) in widths.items():
        findings.expect_equal(control, name, findings.number(control, first, last, name), expected)
