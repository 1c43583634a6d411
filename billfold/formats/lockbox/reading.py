"""Reads a lockbox file by one profile, and checks its order, counts and totals.

Source: BAI lockbox communications standard and the guides of banks; docs/bank-files.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, time
from typing import Final

from billfold.formats.lockbox.layouts import RECORDS, LockboxProfile
from billfold.formats.lockbox.lines import (
    SEND_AGAIN,
    WRONG_LAYOUT,
    LockboxFindings,
    LockboxRecord,
    lines,
)
from billfold.formats.lockbox.records import (
    LockboxBatch,
    LockboxCheck,
    LockboxFile,
    LockboxRemittance,
)
from billfold.formats.problems import CUT_APART, Findings
from billfold.money import Money

_LOCKBOX_SERVICE: Final = "400"
_MORE, _LAST = "0", "9"
_CONTINUED: Final = frozenset({"", "4", "6"})
"""Records an overflow may continue: a check, at some banks an overflow. Source: bank guides."""

_FOLLOWERS: Final = {
    "": "1",
    "1": "2",
    "2": "589",
    "5": "67",
    "6": "467",
    "4": "467",
    "7": "58",
    "8": "59",
}
"""Records that may follow a record; after 7 also 6 and 7 if a record 5 opens several batches."""


def read_by_profile(profile: LockboxProfile, text: str) -> LockboxFile:
    """Read a file by one profile.

    Raises: Unreadable with every problem.
    """
    findings = LockboxFindings()
    return _LockboxReader(profile, findings).read(lines(text, profile.record_length))


@dataclass(slots=True)
class _BatchHeader:
    """The last record 5, which the batches after it belong to."""

    lockbox: str = ""
    deposit_date: date = date.min
    batch: int | None = None
    """Number of its batch, if it opens one; None where each batch states its own number."""
    destination: str = ""
    origin: str = ""


@dataclass(slots=True)
class _CheckTotals:
    """Number and sum of checks, to compare with a total record."""

    checks: int = 0
    amount_minor: int = 0
    is_sound: bool = True
    """False once an amount could not be read, so that the sum proves nothing."""

    def add(self, other: _CheckTotals) -> None:
        self.checks += other.checks
        self.amount_minor += other.amount_minor
        self.is_sound = self.is_sound and other.is_sound


@dataclass(slots=True)
class _UnfinishedCheck:
    """A check whose overflow records may still follow."""

    record: LockboxRecord
    batch: int | None
    item: int | None
    amount_minor: int
    remittances: list[LockboxRemittance] = field(default_factory=list)
    is_sound: bool = True
    """False once an amount of its invoices could not be read."""
    sequence: int | None = None
    last_overflow: LockboxRecord | None = None
    """Its last overflow record so far."""


@dataclass(slots=True)
class _UnfinishedBatch:
    """A batch whose total has not been read yet."""

    line: int
    number: int | None
    checks: list[LockboxCheck] = field(default_factory=list)
    totals: _CheckTotals = field(default_factory=_CheckTotals)
    last_item: int = -1


class _LockboxReader:
    """Reads the records of one file in their order."""

    def __init__(self, profile: LockboxProfile, findings: Findings) -> None:
        self._profile = profile
        self._findings = findings
        self._previous = ""
        self._batch_header = _BatchHeader()
        self._batch: _UnfinishedBatch | None = None
        self._check: _UnfinishedCheck | None = None
        self._batches: list[LockboxBatch] = []
        self._service_totals = _CheckTotals()
        self._service_start = 0
        """Index of the first batch that no service total covers yet."""
        self._keys: set[tuple[str, date, int, int]] = set()
        self._header: tuple[str, str, date, time | None] = ("", "", date.min, None)

    def read(self, numbered: Iterator[tuple[int, str]]) -> LockboxFile:
        """Read the numbered lines of a file."""
        count, number = 0, 1
        for count, (number, line) in enumerate(numbered, start=1):
            if self._previous == "9":
                message, fix = "The file goes on after its trailer, record 9", SEND_AGAIN
                if line[0] == "1":
                    message, fix = f"{message}: a second file begins here", CUT_APART
                self._findings.add("after-trailer", number, "", f"{message}.", fix)
                break
            layout = self._profile.layouts.get(line[0])
            if layout is None:
                known = ", ".join(code for code in RECORDS if code in self._profile.layouts)
                message = f"The line does not begin with a record code: {known}."
                place = "record code, position 1"
                self._findings.add("unknown-record", number, place, message, WRONG_LAYOUT)
                continue
            record = LockboxRecord(number, line, layout, self._findings)
            record.check_columns(self._profile.record_length)
            self._check_order(record)
            self._process(record, count)
            self._previous = record.code
        if self._previous != "9":
            message = "The file has no trailer, record 9, at its end."
            fix = f"It was cut short. {SEND_AGAIN}"
            self._findings.add("missing-trailer", number, "", message, fix)
        self._findings.refuse()
        return self._file()

    def _file(self) -> LockboxFile:
        destination, origin, created_date, created_time = self._header
        return LockboxFile(
            destination=destination or self._batch_header.destination,
            origin=origin or self._batch_header.origin,
            created_date=created_date,
            created_time=created_time,
            batches=tuple(self._batches),
            profile=self._profile.name,
            warnings=self._findings.warnings,
        )

    def _check_order(self, record: LockboxRecord) -> None:
        if record.code in self._allowed_after(self._previous):
            return
        if record.code == "1":
            message = "A file header stands in the middle of the file: a second file begins here."
            record.add("second-header", "record code, position 1", message, CUT_APART)
            return
        if not self._previous:
            message = (
                f"The file begins with a record {record.code}, not with a file header, record 1."
            )
        else:
            belongs = " or ".join(sorted(self._allowed_after(self._previous)))
            message = (
                f"A record {record.code} stands after a record {self._previous};"
                f" there belongs a record {belongs}."
            )
        fix = f"A record is missing or out of place. {SEND_AGAIN}"
        record.add("record-order", "record code, position 1", message, fix)

    def _allowed_after(self, previous: str) -> set[str]:
        """Return the records that may follow a record, past those this bank leaves out."""
        allowed: set[str] = set()
        for code in _FOLLOWERS[previous]:
            allowed |= {code} if code in self._profile.layouts else self._allowed_after(code)
        if previous == "7" and self._batch_header.batch is None:
            allowed |= {"6", "7"}
        return allowed

    def _process(self, record: LockboxRecord, count: int) -> None:
        match record.code:
            case "1":
                self._read_file_header(record)
            case "2":
                self._check_service(record)
            case "5":
                self._open_batches(record)
            case "6":
                self._open_check(record)
            case "4":
                self._read_overflow(record)
            case "7":
                self._close_batch(record)
            case "8":
                self._close_service(record)
            case _:
                self._check_record_count(record, count)

    def _read_file_header(self, record: LockboxRecord) -> None:
        created_date = record.day("created_date")
        if created_date is None and record.is_sound:
            message = "The file has no date of creation."
            record.add("no-created-date", "created_date", message, WRONG_LAYOUT)
        self._header = (
            record.text("destination"),
            record.text("origin"),
            created_date or date.min,
            record.clock("created_time"),
        )

    def _check_service(self, record: LockboxRecord) -> None:
        if record.text("service_type") not in {"", _LOCKBOX_SERVICE}:
            message = f"The service type is not {_LOCKBOX_SERVICE}, lockbox."
            fix = "Make sure that the bank sent the file you expect."
            record.warn("service-type", "service_type", message, fix)
        length = self._profile.record_length
        if record.whole_number("record_size") not in {None, length}:
            message = f"The record size is not the {length} of this layout."
            fix = "Many banks leave it as it once was; if fields look shifted, change the layout."
            record.warn("record-size", "record_size", message, fix)

    def _open_batches(self, record: LockboxRecord) -> None:
        self._close_batch_without_total()
        batch = record.whole_number("batch")
        opens = self._profile.opens
        header = _BatchHeader(
            lockbox=record.text("lockbox"),
            deposit_date=record.day("deposit_date") or date.min,
            batch=batch if opens == "batch" or (opens == "either" and batch) else None,
            destination=record.text("destination"),
            origin=record.text("origin"),
        )
        if not header.lockbox:
            record.add("no-lockbox-number", "lockbox", "The lockbox number is blank.", WRONG_LAYOUT)
        if header.deposit_date == date.min and record.is_sound:
            message = "The deposit has no date."
            record.add("no-deposit-date", "deposit_date", message, WRONG_LAYOUT)
        if opens == "batch" and batch is None and record.is_sound:
            message = "The batch has no number."
            record.add("batch-number", "batch", message, WRONG_LAYOUT)
        self._batch_header = header

    def _open_check(self, record: LockboxRecord) -> None:
        self._close_check()
        number, item = record.required_number("batch"), record.required_number("item")
        if self._batch is None:
            expected = self._batch_header.batch
            self._batch = _UnfinishedBatch(record.number, number if expected is None else expected)
        batch = self._batch
        if number is not None and number != batch.number:
            message = "The check bears another batch number than the batch it stands in."
            record.add("batch-number", "batch", message)
        if item is not None and number is not None:
            self._check_item(record, batch, number, item)
        amount_minor = record.required_number("amount")
        if amount_minor == 0:
            fix = "It moves no money; look at what the payer wrote."
            record.warn("zero-amount", "amount", "The check has no amount.", fix)
        batch.totals.add(_CheckTotals(1, amount_minor or 0, amount_minor is not None))
        self._check = _UnfinishedCheck(record, number, item, amount_minor or 0)
        self._add_remittances(self._check, record)

    def _check_item(
        self, record: LockboxRecord, batch: _UnfinishedBatch, number: int, item: int
    ) -> None:
        """Check that item numbers ascend and that no check has the key of another.

        Source: docs/bank-files.md; a check is lockbox, deposit date, batch and item.
        """
        key = (self._batch_header.lockbox, self._batch_header.deposit_date, number, item)
        if key in self._keys:
            message = "Another check of this file has the same lockbox, date, batch and item."
            record.add("duplicate-check", "item", message)
        elif item < batch.last_item:
            message = "The item numbers of the batch do not ascend."
            record.add("item-order", "item", message)
        self._keys.add(key)
        batch.last_item = max(batch.last_item, item)

    def _read_overflow(self, record: LockboxRecord) -> None:
        check = self._check
        number, item = record.required_number("batch"), record.required_number("item")
        if check is None or (number, item) != (check.batch, check.item):
            message = "The overflow bears another batch or item number than the check before it."
            record.add("overflow-item", "item", message)
        if check is None:
            return
        if record.text("continued") not in _CONTINUED:
            message = "The type of the record that is continued is not 6."
            record.warn("continued-record", "continued", message, WRONG_LAYOUT)
        self._check_sequence(record, check)
        self._check_last(check, expected=_MORE)
        check.last_overflow = record
        self._add_remittances(check, record)

    def _check_sequence(self, record: LockboxRecord, check: _UnfinishedCheck) -> None:
        """Check that no overflow of a check is missing; after the highest they start over."""
        if not record.has("sequence"):
            return
        first, highest = self._profile.overflow
        sequence = record.required_number("sequence")
        restarts = check.sequence is None or check.sequence >= highest
        expected = first if restarts else (check.sequence or 0) + 1
        if sequence is not None and sequence != expected:
            message = f"The overflow has sequence {sequence}; expected was {expected}."
            record.add("overflow-sequence", "sequence", message)
        check.sequence = expected if sequence is None else sequence

    def _check_last(self, check: _UnfinishedCheck, *, expected: str) -> None:
        """Check the last-record indicator of an overflow, once the record after it is known."""
        record = check.last_overflow
        if record is None or not record.has("last") or record.text("last") == expected:
            return
        what_happens = "goes on, yet" if expected == _MORE else "ends, yet"
        message = f"The remittance {what_happens} this record does not say {expected}."
        record.warn(
            "overflow-last", "last", message, "Compare the invoices with the payer's paper."
        )

    def _add_remittances(self, check: _UnfinishedCheck, record: LockboxRecord) -> None:
        for values in record.remittances():
            check.remittances.append(LockboxRemittance(*values, line=record.number))
        check.is_sound = check.is_sound and record.is_sound

    def _close_check(self) -> None:
        check, self._check = self._check, None
        if check is None or self._batch is None:
            return
        self._check_last(check, expected=_LAST)
        record = check.record
        amounts_minor = [
            remittance.amount_minor
            for remittance in check.remittances
            if remittance.amount_minor is not None
        ]
        if amounts_minor and sum(amounts_minor) != check.amount_minor and check.is_sound:
            message = (
                f"The invoices below add up to {_dollars(sum(amounts_minor))};"
                f" the check is {_dollars(check.amount_minor)}."
            )
            fix = "Decide what the difference is for."
            record.warn("remittance-total", "amount", message, fix)
        self._batch.checks.append(
            LockboxCheck(
                item=check.item or 0,
                amount_minor=check.amount_minor,
                routing_number=record.text("routing_number"),
                account_number=record.text("account_number"),
                check_number=record.text("check_number").lstrip("0"),
                check_date=record.day("check_date", is_lenient=True),
                remitter=record.text("remitter"),
                payee=record.text("payee"),
                remittances=tuple(check.remittances),
                line=record.number,
            )
        )

    def _close_batch(self, record: LockboxRecord) -> None:
        self._close_check()
        number = record.required_number("batch")
        batch, self._batch = self._batch, None
        if batch is None:
            expected = self._batch_header.batch
            batch = _UnfinishedBatch(record.number, number if expected is None else expected)
        if number is not None and number != batch.number:
            message = "The batch total bears another batch number than its batch."
            record.add("batch-number", "batch", message)
        self._check_lockbox(record, {self._batch_header.lockbox})
        self._check_date(record, {self._batch_header.deposit_date})
        self._check_totals(record, batch.totals, "batch")
        self._add_batch(batch)

    def _add_batch(self, batch: _UnfinishedBatch) -> None:
        self._service_totals.add(batch.totals)
        header, checks = self._batch_header, tuple(batch.checks)
        number = batch.number or 0
        self._batches.append(
            LockboxBatch(header.lockbox, header.deposit_date, number, checks, batch.line)
        )

    def _close_batch_without_total(self) -> None:
        """Close a batch that has no total; the check of the order of records reports that."""
        self._close_check()
        if self._batch is not None:
            self._add_batch(self._batch)
            self._batch = None

    def _close_service(self, record: LockboxRecord) -> None:
        self._close_batch_without_total()
        batches = self._batches[self._service_start :]
        self._check_lockbox(record, {batch.lockbox for batch in batches})
        self._check_date(record, {batch.deposit_date for batch in batches})
        self._check_totals(record, self._service_totals, "service")
        self._service_totals = _CheckTotals()
        self._service_start = len(self._batches)

    def _check_lockbox(self, record: LockboxRecord, expected: set[str]) -> None:
        """Check that a total states the lockbox of its batches; zeros stand for all lockboxes."""
        stated = record.text("lockbox")
        if not stated.strip("0") or expected in (set(), {stated}):
            return
        message = f"The {RECORDS[record.code]} bears another lockbox number than record 5."
        record.add("lockbox-number", "lockbox", message)

    def _check_date(self, record: LockboxRecord, expected: set[date]) -> None:
        stated = record.day("deposit_date")
        if stated is not None and expected not in (set(), {stated}):
            message = f"The {RECORDS[record.code]} bears another deposit date than record 5."
            record.add("deposit-date", "deposit_date", message)

    def _check_totals(self, record: LockboxRecord, totals: _CheckTotals, what: str) -> None:
        """Compare a total record with its checks. Source: records 7 and 8 of the format."""
        stated_checks, stated_minor = (
            record.required_number("check_count"),
            record.required_number("amount"),
        )
        if stated_checks is not None and stated_checks != totals.checks:
            message = f"The {what} total says {stated_checks} checks; counted {totals.checks}."
            record.add(f"{what}-count", "check_count", message)
        if stated_minor not in {None, totals.amount_minor} and totals.is_sound:
            message = (
                f"The {what} total says {_dollars(stated_minor or 0)};"
                f" its checks add up to {_dollars(totals.amount_minor)}."
            )
            record.add(f"{what}-total", "amount", message)

    def _check_record_count(self, record: LockboxRecord, count: int) -> None:
        self._close_batch_without_total()
        stated = record.required_number("record_count")
        if stated not in {None, count}:
            message = f"The trailer says {stated} records; counted {count}, 1 and 9 included."
            record.add("record-count", "record_count", message)


def _dollars(amount_minor: int) -> str:
    return Money(amount_minor).plain(grouped=True)
