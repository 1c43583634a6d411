"""BAI2 bank statements: balances and movements of accounts, prior-day and intraday.

Source: BAI, Cash Management Balance Reporting Specifications, version 2; docs/bank-files.md.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, time
from enum import StrEnum
from typing import Final

from billfold.formats import bai2_codes
from billfold.formats.bai2_codes import Direction
from billfold.formats.bai2_records import (
    SEND_AGAIN,
    Fields,
    Funds,
    Misaligned,
    Record,
    records,
)
from billfold.formats.problems import Problem, Unreadable

_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_TYPE_CODE: Final = re.compile(r"[0-9]{3}")
_TAG: Final = re.compile(r"([A-Z]{4}): ?(.*)")


class GroupStatus(StrEnum):
    """What a group does to one sent before; all but an update wait for a person."""

    UPDATE = "1"
    DELETION = "2"
    CORRECTION = "3"
    TEST = "4"


class Modifier(StrEnum):
    """How settled a group's day is: a final prior day repeats what an interim same day said."""

    INTERIM_PRIOR_DAY = "1"
    FINAL_PRIOR_DAY = "2"
    INTERIM_SAME_DAY = "3"
    FINAL_SAME_DAY = "4"


@dataclass(frozen=True, slots=True)
class Balance:
    """A balance or a total the bank states for an account."""

    type_code: str
    amount_minor: int
    item_count: int | None
    funds: Funds


@dataclass(frozen=True, slots=True)
class Transaction:
    """One movement on an account; `direction` says which way, the amount has no sign."""

    type_code: str
    amount_minor: int
    funds: Funds
    bank_reference: str
    customer_reference: str
    text_lines: tuple[str, ...]
    line: int
    occurrence: int
    """Counts from 1 the movements of this file that are alike in all but their line."""

    @property
    def text(self) -> str:
        """Join the lines of text by a blank."""
        return " ".join(self.text_lines)

    @property
    def unbroken_text(self) -> str:
        """Join the lines of text as if a line break had cut a word or a number."""
        return "".join(self.text_lines)

    @property
    def tags(self) -> dict[str, str]:
        """Collect the lines of text that read "EREF: value"; the first of a name stands."""
        found: dict[str, str] = {}
        for piece in self.text_lines:
            if match := _TAG.fullmatch(piece):
                found.setdefault(match[1], match[2].strip())
        return found

    @property
    def direction(self) -> Direction:
        return bai2_codes.direction(self.type_code)

    @property
    def meaning(self) -> str:
        return bai2_codes.meaning(self.type_code)


@dataclass(frozen=True, slots=True)
class BankAccount:
    """What a group reports of one account. Its number is text: leading zeros count."""

    number: str
    currency: str
    balances: tuple[Balance, ...]
    transactions: tuple[Transaction, ...]
    line: int

    def balance_minor(self, type_code: str) -> int | None:
        """Find what the bank states for a type, if it states it."""
        amounts = (each.amount_minor for each in self.balances if each.type_code == type_code)
        return next(amounts, None)


@dataclass(frozen=True, slots=True)
class Group:
    """The accounts of one bank, as of one day."""

    receiver: str
    originator: str
    status: GroupStatus
    as_of_date: date
    as_of_time: time | None
    currency: str
    modifier: Modifier | None
    accounts: tuple[BankAccount, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Statement:
    """One BAI2 file whose counts and totals all hold."""

    sender: str
    receiver: str
    created_date: date
    created_time: time | None
    file_id: str
    groups: tuple[Group, ...]


def read(content: bytes) -> Statement:
    """Read a BAI2 file, all of it or none.

    Raises: Unreadable with every problem found, and nothing else, whatever the bytes.
    """
    problems: list[Problem] = []
    found = list(records(content, problems))
    if not found or found[0].code != "01":
        raise Unreadable([_not_bai2(found)])
    statement = _Reader(problems).read(found)
    if problems:
        raise Unreadable(sorted(problems, key=lambda problem: problem.line))
    return statement


def _not_bai2(found: list[Record]) -> Problem:
    return Problem(
        code="not-bai2",
        severity="error",
        line=found[0].lines[0].number if found else 1,
        field="record code",
        message="The file does not begin with a BAI2 file header, record 01.",
        fix="Check that this is a BAI2 statement, whole and not encrypted.",
    )


@dataclass(slots=True)
class _Level:
    """A file, group or account that is open, and what its trailer must say."""

    code: str
    line: int
    lines: int = 0
    children: int = 0
    total: int = 0
    is_sound: bool = True
    """False once an amount in it could not be read, so that its total proves nothing."""


@dataclass(slots=True)
class _OpenGroup(_Level):
    receiver: str = ""
    originator: str = ""
    status: GroupStatus = GroupStatus.UPDATE
    as_of_date: date = date.min
    as_of_time: time | None = None
    currency: str = "USD"
    modifier: Modifier | None = None
    accounts: list[BankAccount] = field(default_factory=list)


@dataclass(slots=True)
class _OpenAccount(_Level):
    number: str = ""
    currency: str = "USD"
    balances: list[Balance] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)


_NAMES: Final = {"01": "file", "02": "group", "03": "account"}
_TRAILERS: Final = {"01": "99", "02": "98", "03": "49"}
_CHILDREN: Final = {"01": "number of groups", "02": "number of accounts"}


class _Reader:
    """Follow the records of one file; totals are kept for the file, its group and its account."""

    def __init__(self, problems: list[Problem]) -> None:
        self._problems = problems
        self._file = _Level("01", line=1)
        self._group: _OpenGroup | None = None
        self._account: _OpenAccount | None = None
        self._groups: list[Group] = []
        self._seen: Counter[tuple[object, ...]] = Counter()

    def read(self, found: list[Record]) -> Statement:
        """Read the records from the file header on."""
        statement = self._header(found[0])
        is_ended = False
        for record in found[1:]:
            fields = Fields(record, self._problems)
            if is_ended:
                fields.report("after-trailer", "", "The file goes on after its trailer, record 99.")
                break
            self._count(record)
            match record.code:
                case "02":
                    self._open_group(fields, record)
                case "03":
                    self._open_account(fields, record)
                case "16":
                    self._transaction(fields)
                case "49":
                    self._close_account(fields)
                case "98":
                    self._close_group(fields)
                case "99":
                    self._close_file(fields)
                    is_ended = True
                case _:
                    fields.report("second-header", "", "A second file begins inside this one.")
        if not is_ended:
            self._abandon_group()
            self._missing_trailer(self._file)
        return replace(statement, groups=tuple(self._groups))

    def _count(self, record: Record) -> None:
        for level in (self._file, self._group, self._account):
            if level is not None:
                level.lines += len(record.lines)

    def _header(self, record: Record) -> Statement:
        self._file.line = record.lines[0].number
        self._file.lines = len(record.lines)
        fields = Fields(record, self._problems)
        statement = Statement(
            sender=fields.take(),
            receiver=fields.take(),
            created_date=fields.day("file creation date"),
            created_time=fields.clock("file creation time"),
            file_id=fields.take(),
            groups=(),
        )
        fields.optional_count("physical record length")
        fields.optional_count("block size")
        if fields.take() != "2":
            fields.report("version", "version number", "The file is not of BAI version 2.")
        fields.finish()
        return statement

    def _open_group(self, fields: Fields, record: Record) -> None:
        self._abandon_group()
        group = _OpenGroup("02", line=fields.line, lines=len(record.lines))
        group.receiver = fields.take()
        group.originator = fields.take()
        status = fields.take()
        if status in set(GroupStatus):
            group.status = GroupStatus(status)
        else:
            fields.report("group-status", "group status", "The group status is not 1, 2, 3 or 4.")
        group.as_of_date = fields.day("as-of date")
        group.as_of_time = fields.clock("as-of time")
        group.currency = _currency(fields, otherwise="USD")
        modifier = fields.take()
        if modifier in set(Modifier):
            group.modifier = Modifier(modifier)
        elif modifier:
            fields.report("modifier", "as-of-date modifier", "The modifier is not 1, 2, 3 or 4.")
        fields.finish()
        self._group = group

    def _open_account(self, fields: Fields, record: Record) -> None:
        self._abandon_account()
        if self._group is None:
            fields.report("out-of-place", "", "An account stands outside a group, record 02.")
        account = _OpenAccount("03", line=fields.line, lines=len(record.lines))
        account.number = fields.take()
        if not account.number:
            fields.report("no-account-number", "account number", "The account has no number.")
        otherwise = self._group.currency if self._group else "USD"
        account.currency = _currency(fields, otherwise=otherwise)
        try:
            while fields.has_more():
                self._balance(fields, account)
        except Misaligned:
            pass
        account.is_sound = fields.is_sound
        self._account = account

    def _balance(self, fields: Fields, account: _OpenAccount) -> None:
        type_code = fields.take()
        if type_code and not _TYPE_CODE.fullmatch(type_code):
            _refuse_type_code(fields)
            raise Misaligned
        amount_minor = fields.optional_amount("amount")
        item_count = fields.optional_count("item count")
        funds = fields.funds()
        if amount_minor is None:
            return  # What a bank does not report, it leaves empty.
        if not type_code:
            _refuse_type_code(fields)
        account.total += amount_minor
        account.balances.append(Balance(type_code, amount_minor, item_count, funds))

    def _transaction(self, fields: Fields) -> None:
        account = self._account
        if account is None:
            fields.report("out-of-place", "", "A transaction stands outside an account, record 03.")
            self._distrust()
            return
        line = fields.line
        type_code = fields.take()
        if not _TYPE_CODE.fullmatch(type_code):
            _refuse_type_code(fields)
        is_message = bai2_codes.direction(type_code) is Direction.MESSAGE
        amount_minor = fields.amount("amount", empty=0 if is_message else None)
        account.total += amount_minor
        try:
            funds = fields.funds()
        except Misaligned:
            account.is_sound = False
            return
        bank_reference, customer_reference = fields.take(), fields.take()
        text_lines = fields.text_lines()
        account.is_sound = account.is_sound and fields.is_sound
        day = (self._group.as_of_date, self._group.modifier) if self._group else ()
        references = (bank_reference, customer_reference, text_lines)
        alike = (account.number, day, type_code, amount_minor, references)
        self._seen[alike] += 1
        account.transactions.append(
            Transaction(
                type_code=type_code,
                amount_minor=amount_minor,
                funds=funds,
                bank_reference=bank_reference,
                customer_reference=customer_reference,
                text_lines=text_lines,
                line=line,
                occurrence=self._seen[alike],
            )
        )

    def _close_account(self, fields: Fields) -> None:
        if self._account is None:
            fields.report("out-of-place", "", "An account trailer has no account, record 03.")
            return
        self._prove(fields, self._account)
        self._keep_account(self._account)

    def _close_group(self, fields: Fields) -> None:
        self._abandon_account()
        if self._group is None:
            fields.report("out-of-place", "", "A group trailer has no group, record 02.")
            return
        self._prove(fields, self._group)
        self._keep_group(self._group)

    def _close_file(self, fields: Fields) -> None:
        self._abandon_group()
        self._prove(fields, self._file)

    def _abandon_account(self) -> None:
        if self._account is not None:
            self._missing_trailer(self._account)
            self._keep_account(self._account)

    def _abandon_group(self) -> None:
        self._abandon_account()
        if self._group is not None:
            self._missing_trailer(self._group)
            self._keep_group(self._group)

    def _keep_account(self, account: _OpenAccount) -> None:
        self._account = None
        if self._group is None:
            self._distrust()
            return
        self._group.children += 1
        self._group.total += account.total
        self._group.is_sound = self._group.is_sound and account.is_sound
        self._group.accounts.append(
            BankAccount(
                number=account.number,
                currency=account.currency,
                balances=tuple(account.balances),
                transactions=tuple(account.transactions),
                line=account.line,
            )
        )

    def _keep_group(self, group: _OpenGroup) -> None:
        self._group = None
        self._file.children += 1
        self._file.total += group.total
        self._file.is_sound = self._file.is_sound and group.is_sound
        self._groups.append(
            Group(
                receiver=group.receiver,
                originator=group.originator,
                status=group.status,
                as_of_date=group.as_of_date,
                as_of_time=group.as_of_time,
                currency=group.currency,
                modifier=group.modifier,
                accounts=tuple(group.accounts),
                line=group.line,
            )
        )

    def _distrust(self) -> None:
        for level in (self._file, self._group):
            if level is not None:
                level.is_sound = False

    def _missing_trailer(self, level: _Level) -> None:
        name, trailer = _NAMES[level.code], _TRAILERS[level.code]
        self._problems.append(
            Problem(
                code="missing-trailer",
                severity="error",
                line=level.line,
                field="",
                message=f"The {name} that begins here has no trailer, record {trailer}.",
                fix=f"The file was cut short or damaged. {SEND_AGAIN}",
            )
        )

    def _prove(self, fields: Fields, level: _Level) -> None:
        """Compare a trailer with what was read.

        Source: BAI2, records 49, 98 and 99; amounts are added whatever their direction, and
        continuations are counted as records.
        """
        name = _NAMES[level.code]
        total = fields.whole("control total")
        is_comparable = fields.is_sound and level.is_sound
        if is_comparable and total != level.total:
            fields.report(
                "control-total",
                "control total",
                f"The {name} trailer says {total}; its amounts add up to {level.total}.",
            )
        counts = [("number of records", level.lines)]
        if level.code in _CHILDREN:
            counts.insert(0, (_CHILDREN[level.code], level.children))
        for field_name, counted in counts:
            stated = fields.optional_count(field_name)
            if stated != counted:
                said = "nothing" if stated is None else stated
                fields.report(
                    "count",
                    field_name,
                    f"The {name} trailer says {said}; counted were {counted}.",
                )
        fields.finish()


def _refuse_type_code(fields: Fields) -> None:
    fields.report(
        "type-code",
        "type code",
        "The type code is not three digits.",
        f"A funds type the bank fills in differently does this too. {SEND_AGAIN}",
    )


def _currency(fields: Fields, *, otherwise: str) -> str:
    stated = fields.take().upper() or otherwise
    if not _CURRENCY.fullmatch(stated):
        fields.report("currency", "currency", "The currency is not three letters.")
    return stated
