"""BAI2 files read: records followed through file, groups and accounts, every total proved.

Source: BAI, Cash Management Balance Reporting Specifications, version 2; docs/bank-files.md#bai2.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO, Final

from billfold.formats.bai2 import type_codes
from billfold.formats.bai2.blocks import JOINT, SEND_AGAIN, Block, blocks, is_untidy
from billfold.formats.bai2.columns import ROWS, Columns, Doubt, Occurrences, Row, written
from billfold.formats.bai2.heads import account_head, file_head, group_head, movement
from billfold.formats.bai2.records import Fields, Misaligned, record
from billfold.formats.bai2.statement import (
    BankAccount,
    Group,
    GroupStatus,
    Movements,
    Part,
    Proved,
    Statement,
    Transaction,
)
from billfold.formats.bai2.type_codes import Direction
from billfold.formats.problems import Findings


def read(content: bytes) -> Statement:
    """Read a BAI2 file, all of it or none.

    Raises: Unreadable with every problem found, and nothing else, whatever the bytes.
    """
    groups: list[tuple[Group, list[tuple[BankAccount, list[Transaction]]]]] = []
    for part in stream(io.BytesIO(content)):
        match part:
            case Statement():
                head = part
            case Group():
                groups.append((part, []))
            case BankAccount():
                groups[-1][1].append((part, []))
            case Movements():
                groups[-1][1][-1][1].extend(part.transactions)
            case Proved():
                warnings = part.warnings
    return replace(
        head,
        groups=tuple(
            replace(
                group,
                accounts=tuple(
                    replace(account, transactions=tuple(transactions))
                    for account, transactions in accounts
                ),
            )
            for group, accounts in groups
        ),
        warnings=warnings,
    )


def stream(file: BinaryIO) -> Iterator[Part]:
    """Read a BAI2 file bit by bit; of what was given, some twenty bytes a movement are kept.

    Gives the file's head, each group's head, each account's head with its balances and then its
    movements, a few hundred at a time. Totals stand at the end, in trailers: nothing of a file
    may be acted on before Proved is given, which is the last. After a problem nothing is given.

    Raises: Unreadable with every problem found, whatever the bytes.
    """
    findings = Findings()
    reader = _Reader(findings)
    for block in blocks(file, findings):
        parts = reader.read(block)
        if not _has_errors(findings):
            yield from parts
        if reader.is_after_end:
            break
    proved = reader.finish()
    findings.refuse()
    yield replace(proved, warnings=findings.warnings)


def _has_errors(findings: Findings) -> bool:
    return any(problem.severity == "error" for problem in findings.problems)


@dataclass(slots=True)
class _Level:
    """A file, group or account that is open, and what its trailer must say."""

    code: str
    line: int
    records: int = 0
    children: int = 0
    total: int = 0
    is_sound: bool = True
    """False once an amount in it could not be read, so that its total proves nothing."""
    is_begun: bool = False

    def include(self, child: _Level) -> None:
        """Add what is in a group to its file, or what is in an account to its group."""
        self.children += 1
        self.total += child.total
        self.is_sound = self.is_sound and child.is_sound


def _rows(block: Block) -> tuple[list[Row], list[int]]:
    """Find a block's records, and which of them are no ordinary movements."""
    rows: list[Row] = ROWS.findall(block.text)
    return rows, [at for at, row in enumerate(rows) if not row[0]]


_NAMES: Final = {"01": "file", "02": "group", "03": "account"}
_TRAILERS: Final = {"01": "99", "02": "98", "03": "49"}
_CHILDREN: Final = {"01": "group", "02": "account"}


class _Reader:
    """Follow the records of one file; totals are kept for the file, its group and its account."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._file = _Level("01", line=1)
        self._group: _Level | None = None
        self._account: _Level | None = None
        self._currency = "USD"
        self._day: tuple[object, ...] = ()
        self._alike = 0
        """Marks the account and the day of the movements being read."""
        self._occurrences = Occurrences()
        self._columns = Columns(self._occurrences)
        self._warned: set[str] = set()
        self._parts: list[Part] = []
        self._movements: list[Transaction] = []
        self._accounts = 0
        self._transactions = 0
        self._is_ended = False
        self.is_after_end = False

    def read(self, block: Block) -> list[Part]:
        """Read the records of the next block; give what they say."""
        rows, others = _rows(block)
        if any(is_untidy(rows[at][-1]) for at in others):
            block = block.tidied()
            rows, others = _rows(block)
        line, start = block.first_line, 0
        for at in [*others, len(rows)]:
            if start < at:
                line = self._run(rows[start:at], line)
            if at < len(rows) and not self.is_after_end:
                line = self._record(rows[at][-1], line)
            if self.is_after_end:
                break
            start = at + 1
        self._flush()
        parts, self._parts = self._parts, []
        return parts

    def finish(self) -> Proved:
        """End the file; what is still open then has no trailer."""
        if not self._is_ended:
            self._abandon_group()
            self._missing_trailer(self._file)
        return Proved(accounts=self._accounts, transactions=self._transactions)

    def _flush(self) -> None:
        if self._movements:
            self._parts.append(Movements(self._movements))
            self._transactions += len(self._movements)
            self._movements = []

    def _run(self, rows: list[Row], line: int) -> int:
        """Read ordinary movements at once, or each by itself if need be; give the next line."""
        account = self._account
        try:
            if account is None or self._is_ended:
                raise Doubt
            run = self._columns.run(rows, line, self._alike)
        except Doubt:
            for row in rows:
                line = self._record(written(row), line)
                if self.is_after_end:
                    break
            return line
        self._count(run.record_count)
        account.total += run.total_minor
        codes = [row[0] for row in rows]
        for code in set(codes) - self._warned:
            self._look_at(code, run.transactions[codes.index(code)].line)
        self._movements += run.transactions
        return line + run.line_count

    def _record(self, text: str, line: int) -> int:
        """Read a record field by field; give the next line."""
        found = record(text, line)
        fields = Fields(found, self._findings)
        if self._is_ended:
            fields.report("after-trailer", "", "The file goes on after its trailer, record 99.")
            self.is_after_end = True
        elif not found.code:
            self._unknown(line, len(found.lines) - 1)
        else:
            self._count(len(found.lines))
            self._act(found.code, fields, len(found.lines))
        return line + 1 + text.count(JOINT)

    def _act(self, code: str, fields: Fields, records: int) -> None:
        match code:
            case "01":
                self._open_file(fields, records)
            case "02":
                self._open_group(fields, records)
            case "03":
                self._open_account(fields, records)
            case "16":
                self._movement(fields)
            case "49":
                self._close_account(fields)
            case "98":
                self._close_group(fields)
            case "99":
                self._abandon_group()
                self._prove(fields, self._file)
                self._is_ended = True

    def _count(self, records: int) -> None:
        for level in (self._file, self._group, self._account):
            if level is not None:
                level.records += records

    def _unknown(self, line: int, later_records: int) -> None:
        self._findings.add(
            "unknown-record",
            line,
            "record code",
            "The line does not begin with a BAI2 record code: 01, 02, 03, 16, 49, 88, 98, 99.",
            f"A line break inside a text does this too. {SEND_AGAIN}",
        )
        self._count(later_records)
        self._distrust()

    def _open_file(self, fields: Fields, records: int) -> None:
        if self._file.is_begun:
            fields.report("second-header", "", "A second file begins inside this one.")
            return
        self._file = _Level("01", line=fields.line, records=records, is_begun=True)
        self._parts.append(file_head(fields))

    def _open_group(self, fields: Fields, records: int) -> None:
        self._abandon_group()
        self._group = _Level("02", line=fields.line, records=records)
        head = group_head(fields)
        self._currency = head.currency
        self._day = (head.as_of_date, head.modifier)
        self._parts.append(head)
        if head.status is not GroupStatus.UPDATE and head.status not in self._warned:
            self._warned.add(head.status)
            self._findings.warn(
                "not-an-update",
                head.line,
                "group status",
                f"The group is marked as a {head.status.name.lower()}, not as an update.",
                "A person must decide what it means for what the bank said before.",
            )

    def _open_account(self, fields: Fields, records: int) -> None:
        self._abandon_account()
        if self._group is None:
            fields.report("out-of-place", "", "An account stands outside a group, record 02.")
        account = _Level("03", line=fields.line, records=records)
        head = account_head(fields, currency=self._currency)
        account.total = sum(balance.amount_minor for balance in head.balances)
        account.is_sound = fields.is_sound
        self._account = account
        self._alike = hash((head.number, self._day))
        self._accounts += 1
        self._parts.append(head)

    def _movement(self, fields: Fields) -> None:
        account = self._account
        if account is None:
            fields.report("out-of-place", "", "A transaction stands outside an account, record 03.")
            self._distrust()
            return
        try:
            found = movement(fields)
        except Misaligned:
            account.is_sound = False
            return
        account.total += found.amount_minor
        account.is_sound = account.is_sound and fields.is_sound
        self._look_at(found.type_code, found.line)
        key = (self._alike, *found[:2], *found[3:6])
        (occurrence,) = self._occurrences.number([key])
        self._movements.append(found._replace(occurrence=occurrence))

    def _look_at(self, type_code: str, line: int) -> None:
        """Warn once of a type code that moves nothing.

        Source: BAI2, appendix A, ranges of type codes.
        """
        if type_code in self._warned:
            return
        self._warned.add(type_code)
        match type_codes.direction(type_code):
            case Direction.UNKNOWN:
                message = f"Type code {type_code} is in no range that says which way money went."
                self._findings.warn(
                    "unknown-type-code", line, "type code", message, "Ask the bank what it means."
                )
            case Direction.STATUS:
                message = f"Type code {type_code} is that of a balance, yet it is in a movement."
                self._findings.warn(
                    "balance-as-movement", line, "type code", message, "It moves no money here."
                )

    def _close_account(self, fields: Fields) -> None:
        if self._account is None:
            fields.report("out-of-place", "", "An account trailer has no account, record 03.")
            return
        self._prove(fields, self._account)
        self._end_account()

    def _close_group(self, fields: Fields) -> None:
        self._abandon_account()
        if self._group is None:
            fields.report("out-of-place", "", "A group trailer has no group, record 02.")
            return
        self._prove(fields, self._group)
        self._end_group()

    def _abandon_account(self) -> None:
        if self._account is not None:
            self._missing_trailer(self._account)
            self._end_account()

    def _abandon_group(self) -> None:
        self._abandon_account()
        if self._group is not None:
            self._missing_trailer(self._group)
            self._end_group()

    def _end_account(self) -> None:
        self._flush()
        account, self._account = self._account, None
        if account is not None and self._group is not None:
            self._group.include(account)
        else:
            self._distrust()

    def _end_group(self) -> None:
        group, self._group = self._group, None
        if group is not None:
            self._file.include(group)

    def _distrust(self) -> None:
        for level in (self._file, self._group, self._account):
            if level is not None:
                level.is_sound = False

    def _missing_trailer(self, level: _Level) -> None:
        name, trailer = _NAMES[level.code], _TRAILERS[level.code]
        message = f"The {name} that begins here has no trailer, record {trailer}."
        fix = f"The file was cut short or damaged. {SEND_AGAIN}"
        self._findings.add("missing-trailer", level.line, "", message, fix)

    def _prove(self, fields: Fields, level: _Level) -> None:
        """Compare a trailer with what was read.

        Source: BAI2, records 49, 98 and 99; amounts are added whatever their direction, and
        continuations are counted as records.
        """
        name = _NAMES[level.code]
        total = fields.whole("control total")
        if fields.is_sound and level.is_sound and total != level.total:
            message = f"The {name} trailer says {total}; its amounts add up to {level.total}."
            fields.report("control-total", "control total", message)
        counts = [("record", level.records)]
        if child := _CHILDREN.get(level.code):
            counts.insert(0, (child, level.children))
        for counted, number in counts:
            field_name = f"number of {counted}s"
            stated = fields.optional_count(field_name)
            if stated != number:
                said = "nothing" if stated is None else stated
                message = f"The {name} trailer says {said}; counted were {number}."
                fields.report(f"{counted}-count", field_name, message)
        fields.finish()
