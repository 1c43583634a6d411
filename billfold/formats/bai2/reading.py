"""Reading BAI2 files: files, groups and accounts with every count and control total proved.

Source: BAI, Cash Management Balance Reporting Specifications, version 2; docs/bank-files.md#bai2.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO, Final

from billfold.formats.bai2 import type_codes
from billfold.formats.bai2.fields import FieldReader, Misaligned, parse_record
from billfold.formats.bai2.ordinary_transactions import (
    ROW_PATTERN,
    NotOrdinary,
    Occurrences,
    OrdinaryReader,
    TransactionRow,
    row_text,
)
from billfold.formats.bai2.physical_records import (
    BLANK_LINE_MARK,
    CONTINUATION_MARK,
    SEND_AGAIN,
    RecordBlock,
    is_unjoined,
    read_blocks,
)
from billfold.formats.bai2.records import (
    read_account,
    read_file_header,
    read_group_header,
    read_transaction,
)
from billfold.formats.bai2.statement import (
    Bai2Account,
    Bai2File,
    Bai2Group,
    Bai2Transaction,
    GroupStatus,
    Part,
    Proved,
    TransactionChunk,
)
from billfold.formats.bai2.type_codes import Direction
from billfold.formats.problems import CUT_APART, NOTHING_TO_DO, Findings


def read(content: bytes) -> Bai2File:
    """Read a BAI2 file, all of it or none.

    Raises: Unreadable with every problem, and nothing else, whatever the bytes.
    """
    groups: list[tuple[Bai2Group, list[tuple[Bai2Account, list[Bai2Transaction]]]]] = []
    for part in stream(io.BytesIO(content)):
        match part:
            case Bai2File():
                file = part
            case Bai2Group():
                groups.append((part, []))
            case Bai2Account():
                groups[-1][1].append((part, []))
            case TransactionChunk():
                groups[-1][1][-1][1].extend(part.transactions)
            case Proved():
                warnings = part.warnings
    return replace(
        file,
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
    """Read a BAI2 file as a stream, keeping some twenty bytes of each transaction in memory.

    Yields the file header, each group header, each account with its balances, then its
    transactions, a few hundred at a time. Control totals stand at the end, in trailers, so nothing
    may be acted on before Proved, which comes last. After a problem nothing more is yielded.

    Raises: Unreadable with every problem, whatever the bytes.
    """
    findings = Findings()
    reader = _Bai2Reader(findings)
    for block in read_blocks(file, findings):
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
class _OpenSection:
    """A file, group or account whose trailer is still to come, and what it must state."""

    code: str
    line: int
    records: int = 0
    children: int = 0
    total: int = 0
    is_sound: bool = True
    """False once an amount in it could not be read, so that its total cannot be compared."""
    is_begun: bool = False

    def include(self, child: _OpenSection) -> None:
        """Add the total of a group to its file, or of an account to its group."""
        self.children += 1
        self.total += child.total
        self.is_sound = self.is_sound and child.is_sound


def _rows(block: RecordBlock) -> tuple[list[TransactionRow], list[int]]:
    """Cut a block into rows, and find those that are not ordinary transactions."""
    rows: list[TransactionRow] = ROW_PATTERN.findall(block.text)
    return rows, [at for at, row in enumerate(rows) if not row[0]]


_NAMES: Final = {"01": "file", "02": "group", "03": "account"}
_TRAILERS: Final = {"01": "99", "02": "98", "03": "49"}
_CHILDREN: Final = {"01": "group", "02": "account"}


class _Bai2Reader:
    """Reads the records of one file, adding up the open file, group and account."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._file = _OpenSection("01", line=1)
        self._group: _OpenSection | None = None
        self._account: _OpenSection | None = None
        self._currency = "USD"
        self._day: tuple[object, ...] = ()
        self._account_day = 0
        """Hash of the account and the day of the transactions being read."""
        self._occurrences = Occurrences()
        self._ordinary_reader = OrdinaryReader(self._occurrences)
        self._warned_of: set[str] = set()
        self._parts: list[Part] = []
        self._pending: list[Bai2Transaction] = []
        self._accounts = 0
        self._transactions = 0
        self._is_ended = False
        self.is_after_end = False

    def read(self, block: RecordBlock) -> list[Part]:
        """Read the records of the next block, and return the parts of the file in them."""
        rows, others = _rows(block)
        if any(is_unjoined(rows[at][-1]) for at in others):
            block = block.with_stray_lines_joined()
            rows, others = _rows(block)
        line, start = block.first_line, 0
        for at in [*others, len(rows)]:
            if start < at:
                line = self._read_ordinary(rows[start:at], line)
            if at < len(rows) and not self.is_after_end:
                line = self._read_record(rows[at][-1], line)
            if self.is_after_end:
                break
            start = at + 1
        self._flush()
        parts, self._parts = self._parts, []
        return parts

    def finish(self) -> Proved:
        """Report what is still open at the end of the file, and count what was read."""
        if not self._is_ended:
            self._abandon_group()
            self._report_missing_trailer(self._file)
        return Proved(accounts=self._accounts, transactions=self._transactions)

    def _flush(self) -> None:
        if self._pending:
            self._parts.append(TransactionChunk(self._pending))
            self._transactions += len(self._pending)
            self._pending = []

    def _read_ordinary(self, rows: list[TransactionRow], line: int) -> int:
        """Read ordinary transactions at once, or one by one if need be; return the next line."""
        account = self._account
        try:
            if account is None or self._is_ended:
                raise NotOrdinary
            run = self._ordinary_reader.read(rows, line, self._account_day)
        except NotOrdinary:
            for row in rows:
                line = self._read_record(row_text(row), line)
                if self.is_after_end:
                    break
            return line
        if run.record_count < run.line_count:
            for row, transaction in zip(rows, run.transactions, strict=True):
                self._note_blank_lines(row[5], transaction.line)
        self._count(run.record_count)
        account.total += run.total_minor
        codes = [row[0] for row in rows]
        for code in set(codes) - self._warned_of:
            self._check_type_code(code, run.transactions[codes.index(code)].line)
        self._pending += run.transactions
        return line + run.line_count

    def _read_record(self, text: str, line: int) -> int:
        """Read a record field by field; return the next line."""
        self._note_blank_lines(text, line)
        record = parse_record(text, line)
        fields = FieldReader(record, self._findings)
        if self._is_ended:
            message, fix = "The file goes on after its trailer, record 99", SEND_AGAIN
            if record.code == "01":
                message, fix = f"{message}: a second file begins here", CUT_APART
            fields.report("after-trailer", "", f"{message}.", fix)
            self.is_after_end = True
        elif not record.code:
            self._report_unknown_record(line, len(record.lines) - 1)
        else:
            self._count(len(record.lines))
            self._read_known_record(record.code, fields, len(record.lines))
        return line + 1 + text.count(CONTINUATION_MARK)

    def _note_blank_lines(self, text: str, line: int) -> None:
        """Warn once of a blank line below a record that begins on `line`."""
        if BLANK_LINE_MARK in text and BLANK_LINE_MARK not in self._warned_of:
            self._warned_of.add(BLANK_LINE_MARK)
            line += text.count(CONTINUATION_MARK, 0, text.index(BLANK_LINE_MARK))
            message = "There are blank lines between the records."
            fix = f"{NOTHING_TO_DO}: they count as lines, but not as records."
            self._findings.warn("blank-lines", line, "", message, fix)

    def _read_known_record(self, code: str, fields: FieldReader, records: int) -> None:
        match code:
            case "01":
                self._open_file(fields, records)
            case "02":
                self._open_group(fields, records)
            case "03":
                self._open_account(fields, records)
            case "16":
                self._read_transaction(fields)
            case "49":
                self._close_account(fields)
            case "98":
                self._close_group(fields)
            case "99":
                self._abandon_group()
                self._check_trailer(fields, self._file)
                self._is_ended = True

    def _count(self, records: int) -> None:
        for section in (self._file, self._group, self._account):
            if section is not None:
                section.records += records

    def _report_unknown_record(self, line: int, later_records: int) -> None:
        self._findings.add(
            "unknown-record",
            line,
            "record code",
            "The line does not begin with a BAI2 record code: 01, 02, 03, 16, 49, 88, 98, 99.",
            f"A line break inside a text does this too. {SEND_AGAIN}",
        )
        self._count(later_records)
        self._distrust()

    def _open_file(self, fields: FieldReader, records: int) -> None:
        if self._file.is_begun:
            message = "A second file begins inside this one."
            fields.report("second-header", "", message, CUT_APART)
            return
        self._file = _OpenSection("01", line=fields.line, records=records, is_begun=True)
        self._parts.append(read_file_header(fields))

    def _open_group(self, fields: FieldReader, records: int) -> None:
        self._abandon_group()
        self._group = _OpenSection("02", line=fields.line, records=records)
        header = read_group_header(fields)
        self._currency = header.currency
        self._day = (header.as_of_date, header.modifier)
        self._parts.append(header)
        if header.status is not GroupStatus.UPDATE and header.status not in self._warned_of:
            self._warned_of.add(header.status)
            self._findings.warn(
                "not-an-update",
                header.line,
                "group status",
                f"The group is marked as a {header.status.name.lower()}, not as an update.",
                "A person must decide what it means for what the bank said before.",
            )

    def _open_account(self, fields: FieldReader, records: int) -> None:
        self._abandon_account()
        if self._group is None:
            fields.report("out-of-place", "", "An account stands outside a group, record 02.")
        section = _OpenSection("03", line=fields.line, records=records)
        account = read_account(fields, currency=self._currency)
        section.total = sum(balance.amount_minor for balance in account.balances)
        section.is_sound = fields.is_sound
        self._account = section
        self._account_day = hash((account.number, self._day))
        self._accounts += 1
        self._parts.append(account)

    def _read_transaction(self, fields: FieldReader) -> None:
        account = self._account
        if account is None:
            fields.report("out-of-place", "", "A transaction stands outside an account, record 03.")
            self._distrust()
            return
        try:
            transaction = read_transaction(fields)
        except Misaligned:
            account.is_sound = False
            return
        account.total += transaction.amount_minor
        account.is_sound = account.is_sound and fields.is_sound
        self._check_type_code(transaction.type_code, transaction.line)
        key = (self._account_day, *transaction[:2], *transaction[3:6])
        (occurrence,) = self._occurrences.number([key])
        self._pending.append(transaction._replace(occurrence=occurrence))

    def _check_type_code(self, type_code: str, line: int) -> None:
        """Warn of a type code that moves no money, once for each code.

        Source: BAI2, appendix A, ranges of type codes.
        """
        if type_code in self._warned_of:
            return
        self._warned_of.add(type_code)
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

    def _close_account(self, fields: FieldReader) -> None:
        if self._account is None:
            fields.report("out-of-place", "", "An account trailer has no account, record 03.")
            return
        self._check_trailer(fields, self._account)
        self._end_account()

    def _close_group(self, fields: FieldReader) -> None:
        self._abandon_account()
        if self._group is None:
            fields.report("out-of-place", "", "A group trailer has no group, record 02.")
            return
        self._check_trailer(fields, self._group)
        self._end_group()

    def _abandon_account(self) -> None:
        if self._account is not None:
            self._report_missing_trailer(self._account)
            self._end_account()

    def _abandon_group(self) -> None:
        self._abandon_account()
        if self._group is not None:
            self._report_missing_trailer(self._group)
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
        for section in (self._file, self._group, self._account):
            if section is not None:
                section.is_sound = False

    def _report_missing_trailer(self, section: _OpenSection) -> None:
        name, trailer = _NAMES[section.code], _TRAILERS[section.code]
        message = f"The {name} that begins here has no trailer, record {trailer}."
        fix = f"The file was cut short or damaged. {SEND_AGAIN}"
        self._findings.add("missing-trailer", section.line, "", message, fix)

    def _check_trailer(self, fields: FieldReader, section: _OpenSection) -> None:
        """Compare a trailer with the total and the counts of what was read.

        Amounts are added whatever their direction, and continuations count as records.
        Source: BAI2, records 49, 98 and 99.
        """
        name = _NAMES[section.code]
        total = fields.whole_number("control total")
        if fields.is_sound and section.is_sound and total != section.total:
            message = f"The {name} trailer says {total}; its amounts add up to {section.total}."
            fields.report("control-total", "control total", message)
        counts = [("record", section.records)]
        if child := _CHILDREN.get(section.code):
            counts.insert(0, (child, section.children))
        for counted, number in counts:
            field_name = f"number of {counted}s"
            stated = fields.optional_count(field_name)
            if stated != number:
                stated_text = "nothing" if stated is None else stated
                message = f"The {name} trailer says {stated_text}; counted were {number}."
                fields.report(f"{counted}-count", field_name, message)
        fields.finish()
