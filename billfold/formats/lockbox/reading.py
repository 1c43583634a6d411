"""A lockbox file read by one layout: records in order, counts and totals proved.

Source: BAI lockbox communications standard and the guides of banks; docs/bank-files.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, time
from typing import Final

from billfold.formats.lockbox.layouts import RECORDS, Profile
from billfold.formats.lockbox.lines import SEND_AGAIN, WRONG_LAYOUT, Notes, Row, lines
from billfold.formats.lockbox.records import Batch, Check, Deposits, Remittance
from billfold.formats.problems import Findings
from billfold.money import Money

_LOCKBOX_SERVICE: Final = "400"
_MORE, _LAST = "0", "9"
_CONTINUED: Final = frozenset({"", "4", "6"})
"""An overflow continues a check, or by another reading an overflow. Source: bank guides."""

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
"""What may stand after a record; after 7 also 6 and 7 where one record 5 opens several batches."""


def read_by(profile: Profile, text: str) -> Deposits:
    """Read a whole file by one layout.

    Raises: Unreadable with every problem found.
    """
    notes = Notes()
    return _Reader(profile, notes).read(lines(text, profile.record_length))


@dataclass(slots=True)
class _Opened:
    """What the last record 5 says of the batches below it."""

    lockbox: str = ""
    deposit_date: date = date.min
    batch: int | None = None
    """Its batch, if it opens one; None where each batch says its own number."""
    destination: str = ""
    origin: str = ""


@dataclass(slots=True)
class _Count:
    """Checks counted and added up, as a total must say it."""

    checks: int = 0
    amount_minor: int = 0
    is_sound: bool = True
    """False once an amount could not be read, so that the total proves nothing."""

    def add(self, other: _Count) -> None:
        self.checks += other.checks
        self.amount_minor += other.amount_minor
        self.is_sound = self.is_sound and other.is_sound


@dataclass(slots=True)
class _OpenCheck:
    row: Row
    batch: int | None
    item: int | None
    amount_minor: int
    remittances: list[Remittance] = field(default_factory=list)
    is_sound: bool = True
    """False once an amount of its invoices could not be read."""
    sequence: int | None = None
    last_row: Row | None = None
    """Its last overflow record so far."""


@dataclass(slots=True)
class _OpenBatch:
    line: int
    number: int | None
    checks: list[Check] = field(default_factory=list)
    count: _Count = field(default_factory=_Count)
    last_item: int = -1


class _Reader:
    """Follow the records of one file."""

    def __init__(self, profile: Profile, notes: Findings) -> None:
        self._profile = profile
        self._notes = notes
        self._previous = ""
        self._opened = _Opened()
        self._batch: _OpenBatch | None = None
        self._check: _OpenCheck | None = None
        self._batches: list[Batch] = []
        self._unserved = _Count()
        self._unserved_from = 0
        """Where among the batches those begin that no service total covers yet."""
        self._keys: set[tuple[str, date, int, int]] = set()
        self._header: tuple[str, str, date, time | None] = ("", "", date.min, None)

    def read(self, numbered: Iterator[tuple[int, str]]) -> Deposits:
        """Read the lines of a file."""
        count, number = 0, 1
        for count, (number, line) in enumerate(numbered, start=1):
            if self._previous == "9":
                message = "The file goes on after its trailer, record 9."
                fix = "If these are several files in one, split them."
                self._notes.add("after-trailer", number, "", message, fix)
                break
            layout = self._profile.layouts.get(line[0])
            if layout is None:
                known = ", ".join(code for code in RECORDS if code in self._profile.layouts)
                message = f"The line does not begin with a record code: {known}."
                place = "record code, position 1"
                self._notes.add("unknown-record", number, place, message, WRONG_LAYOUT)
                continue
            row = Row(number, line, layout, self._notes)
            row.check_columns(self._profile.record_length)
            self._check_order(row)
            self._take(row, count)
            self._previous = row.code
        if self._previous != "9":
            message = "The file has no trailer, record 9, at its end."
            fix = f"It was cut short. {SEND_AGAIN}"
            self._notes.add("missing-trailer", number, "", message, fix)
        self._notes.refuse()
        return self._deposits()

    def _deposits(self) -> Deposits:
        destination, origin, created_date, created_time = self._header
        return Deposits(
            destination=destination or self._opened.destination,
            origin=origin or self._opened.origin,
            created_date=created_date,
            created_time=created_time,
            batches=tuple(self._batches),
            profile=self._profile.name,
            warnings=self._notes.warnings,
        )

    def _check_order(self, row: Row) -> None:
        if row.code in self._allowed(self._previous):
            return
        if not self._previous:
            message = f"The file begins with a record {row.code}, not with a file header, record 1."
        else:
            belongs = " or ".join(sorted(self._allowed(self._previous)))
            message = (
                f"A record {row.code} stands after a record {self._previous};"
                f" there belongs a record {belongs}."
            )
        fix = f"A record is missing or out of place. {SEND_AGAIN}"
        row.add("record-order", "record code, position 1", message, fix)

    def _allowed(self, previous: str) -> set[str]:
        """Find what may stand after a record, passing over those this bank leaves out."""
        allowed: set[str] = set()
        for code in _FOLLOWERS[previous]:
            allowed |= {code} if code in self._profile.layouts else self._allowed(code)
        if previous == "7" and self._opened.batch is None:
            allowed |= {"6", "7"}
        return allowed

    def _take(self, row: Row, count: int) -> None:
        match row.code:
            case "1":
                self._file_header(row)
            case "2":
                self._service(row)
            case "5":
                self._open(row)
            case "6":
                self._open_check(row)
            case "4":
                self._overflow(row)
            case "7":
                self._close_batch(row)
            case "8":
                self._prove_service(row)
            case _:
                self._prove_file(row, count)

    def _file_header(self, row: Row) -> None:
        created_date = row.day("created_date")
        if created_date is None and row.is_sound:
            message = "The file has no date of creation."
            row.add("no-created-date", "created_date", message, WRONG_LAYOUT)
        self._header = (
            row.text("destination"),
            row.text("origin"),
            created_date or date.min,
            row.clock("created_time"),
        )

    def _service(self, row: Row) -> None:
        if row.text("service_type") not in {"", _LOCKBOX_SERVICE}:
            message = f"The service type is not {_LOCKBOX_SERVICE}, lockbox."
            fix = "Make sure that the bank sent the file you expect."
            row.warn("service-type", "service_type", message, fix)
        length = self._profile.record_length
        if row.number_of("record_size") not in {None, length}:
            message = f"The record size is not the {length} of this layout."
            fix = "Many banks leave it as it once was; if fields look shifted, change the layout."
            row.warn("record-size", "record_size", message, fix)

    def _open(self, row: Row) -> None:
        self._abandon()
        batch = row.number_of("batch")
        opens = self._profile.opens
        opened = _Opened(
            lockbox=row.text("lockbox"),
            deposit_date=row.day("deposit_date") or date.min,
            batch=batch if opens == "batch" or (opens == "either" and batch) else None,
            destination=row.text("destination"),
            origin=row.text("origin"),
        )
        if not opened.lockbox:
            row.add("no-lockbox-number", "lockbox", "The lockbox number is blank.", WRONG_LAYOUT)
        if opened.deposit_date == date.min and row.is_sound:
            message = "The deposit has no date."
            row.add("no-deposit-date", "deposit_date", message, WRONG_LAYOUT)
        if opens == "batch" and batch is None and row.is_sound:
            message = "The batch has no number."
            row.add("batch-number", "batch", message, WRONG_LAYOUT)
        self._opened = opened

    def _open_check(self, row: Row) -> None:
        self._close_check()
        number, item = row.required("batch"), row.required("item")
        if self._batch is None:
            expected = self._opened.batch
            self._batch = _OpenBatch(row.number, number if expected is None else expected)
        batch = self._batch
        if number is not None and number != batch.number:
            message = "The check bears another batch number than the batch it stands in."
            row.add("batch-number", "batch", message)
        if item is not None and number is not None:
            self._check_item(row, batch, number, item)
        amount_minor = row.required("amount")
        if amount_minor == 0:
            fix = "It moves no money; look at what the payer wrote."
            row.warn("zero-amount", "amount", "The check has no amount.", fix)
        batch.count.add(_Count(1, amount_minor or 0, amount_minor is not None))
        self._check = _OpenCheck(row, number, item, amount_minor or 0)
        self._take_remittances(self._check, row)

    def _check_item(self, row: Row, batch: _OpenBatch, number: int, item: int) -> None:
        """Check that item numbers ascend, and that no check has the key of another.

        Source: docs/bank-files.md; a check is lockbox, deposit date, batch and item.
        """
        key = (self._opened.lockbox, self._opened.deposit_date, number, item)
        if key in self._keys:
            message = "Another check of this file has the same lockbox, date, batch and item."
            row.add("duplicate-check", "item", message)
        elif item < batch.last_item:
            message = "The item numbers of the batch do not ascend."
            row.add("item-order", "item", message)
        self._keys.add(key)
        batch.last_item = max(batch.last_item, item)

    def _overflow(self, row: Row) -> None:
        check = self._check
        number, item = row.required("batch"), row.required("item")
        if check is None or (number, item) != (check.batch, check.item):
            message = "The overflow bears another batch or item number than the check before it."
            row.add("overflow-item", "item", message)
        if check is None:
            return
        if row.text("continued") not in _CONTINUED:
            message = "The type of the record that is continued is not 6."
            row.warn("continued-record", "continued", message, WRONG_LAYOUT)
        self._check_sequence(row, check)
        self._check_last(check, expected=_MORE)
        check.last_row = row
        self._take_remittances(check, row)

    def _check_sequence(self, row: Row, check: _OpenCheck) -> None:
        """Check that the overflows of a check are all there; past the highest they start over."""
        if not row.has("sequence"):
            return
        first, highest = self._profile.overflow
        sequence = row.required("sequence")
        restarts = check.sequence is None or check.sequence >= highest
        expected = first if restarts else (check.sequence or 0) + 1
        if sequence is not None and sequence != expected:
            message = f"The overflow has sequence {sequence}; expected was {expected}."
            row.add("overflow-sequence", "sequence", message)
        check.sequence = expected if sequence is None else sequence

    def _check_last(self, check: _OpenCheck, *, expected: str) -> None:
        """Check the indicator of the overflow before, now that it is known what follows it."""
        row = check.last_row
        if row is None or not row.has("last") or row.text("last") == expected:
            return
        said = "goes on, yet" if expected == _MORE else "ends, yet"
        message = f"The remittance {said} this record does not say {expected}."
        row.warn("overflow-last", "last", message, "Compare the invoices with the payer's paper.")

    def _take_remittances(self, check: _OpenCheck, row: Row) -> None:
        for read in row.remittances():
            check.remittances.append(Remittance(*read, line=row.number))
        check.is_sound = check.is_sound and row.is_sound

    def _close_check(self) -> None:
        check, self._check = self._check, None
        if check is None or self._batch is None:
            return
        self._check_last(check, expected=_LAST)
        row = check.row
        said = [each.amount_minor for each in check.remittances if each.amount_minor is not None]
        if said and sum(said) != check.amount_minor and check.is_sound:
            message = (
                f"The invoices below add up to {_dollars(sum(said))};"
                f" the check is {_dollars(check.amount_minor)}."
            )
            fix = "Decide what the difference is for."
            row.warn("remittance-total", "amount", message, fix)
        self._batch.checks.append(
            Check(
                item=check.item or 0,
                amount_minor=check.amount_minor,
                routing_number=row.text("routing_number"),
                account_number=row.text("account_number"),
                check_number=row.text("check_number").lstrip("0"),
                check_date=row.day("check_date", is_lenient=True),
                remitter=row.text("remitter"),
                payee=row.text("payee"),
                remittances=tuple(check.remittances),
                line=row.number,
            )
        )

    def _close_batch(self, row: Row) -> None:
        self._close_check()
        number = row.required("batch")
        batch, self._batch = self._batch, None
        if batch is None:
            expected = self._opened.batch
            batch = _OpenBatch(row.number, number if expected is None else expected)
        if number is not None and number != batch.number:
            message = "The batch total bears another batch number than its batch."
            row.add("batch-number", "batch", message)
        self._check_lockbox(row, {self._opened.lockbox})
        self._check_date(row, {self._opened.deposit_date})
        self._prove(row, batch.count, "batch")
        self._keep(batch)

    def _keep(self, batch: _OpenBatch) -> None:
        self._unserved.add(batch.count)
        opened, checks = self._opened, tuple(batch.checks)
        number = batch.number or 0
        self._batches.append(Batch(opened.lockbox, opened.deposit_date, number, checks, batch.line))

    def _abandon(self) -> None:
        """Put away a batch without its total, which the order of records reports."""
        self._close_check()
        if self._batch is not None:
            self._keep(self._batch)
            self._batch = None

    def _prove_service(self, row: Row) -> None:
        self._abandon()
        batches = self._batches[self._unserved_from :]
        self._check_lockbox(row, {batch.lockbox for batch in batches})
        self._check_date(row, {batch.deposit_date for batch in batches})
        self._prove(row, self._unserved, "service")
        self._unserved = _Count()
        self._unserved_from = len(self._batches)

    def _check_lockbox(self, row: Row, expected: set[str]) -> None:
        """Check that a total names the lockbox of its batches; zeros stand for all of them."""
        stated = row.text("lockbox")
        if not stated.strip("0") or expected in (set(), {stated}):
            return
        message = f"The {RECORDS[row.code]} bears another lockbox number than record 5."
        row.add("lockbox-number", "lockbox", message)

    def _check_date(self, row: Row, expected: set[date]) -> None:
        stated = row.day("deposit_date")
        if stated is not None and expected not in (set(), {stated}):
            message = f"The {RECORDS[row.code]} bears another deposit date than record 5."
            row.add("deposit-date", "deposit_date", message)

    def _prove(self, row: Row, counted: _Count, what: str) -> None:
        """Compare a total with what was read. Source: records 7 and 8 of the format."""
        stated_checks, stated_minor = row.required("check_count"), row.required("amount")
        if stated_checks is not None and stated_checks != counted.checks:
            message = f"The {what} total says {stated_checks} checks; counted {counted.checks}."
            row.add(f"{what}-count", "check_count", message)
        if stated_minor not in {None, counted.amount_minor} and counted.is_sound:
            message = (
                f"The {what} total says {_dollars(stated_minor or 0)};"
                f" its checks add up to {_dollars(counted.amount_minor)}."
            )
            row.add(f"{what}-total", "amount", message)

    def _prove_file(self, row: Row, count: int) -> None:
        self._abandon()
        stated = row.required("record_count")
        if stated not in {None, count}:
            message = f"The trailer says {stated} records; counted {count}, 1 and 9 included."
            row.add("record-count", "record_count", message)


def _dollars(amount_minor: int) -> str:
    return Money(amount_minor).plain(grouped=True)
