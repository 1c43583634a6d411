"""What statements say, whatever their format: days of an account, each with its lines. Pure.

Type codes are those of BAI2. A camt.053 entry has one where the bank says so, else one of its kind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from billfold.formats import bai2
from billfold.formats.bai2 import GroupStatus, Modifier
from billfold.formats.bai2.type_codes import Direction
from billfold.formats.iso20022 import camt
from billfold.formats.sniffing import Format, sniff

OPENING_LEDGER: Final = "010"
CLOSING_LEDGER: Final = "015"
_INTERIM: Final = frozenset({Modifier.INTERIM_PRIOR_DAY, Modifier.INTERIM_SAME_DAY})
_TYPES: Final = (
    ("PMNT/IDDT", True, "166"),
    ("PMNT/IDDT", False, "557"),
    ("PMNT/RCDT/ATXN", True, "142"),
    ("PMNT/RCDT", True, "195"),
    ("PMNT/RRCT", True, "195"),
    ("PMNT/LBOX", True, "115"),
    ("PMNT/RCHQ", True, "175"),
    ("PMNT/ICDT", False, "495"),
    ("", True, "399"),
    ("", False, "699"),
)
"""Beginning of ISO 20022's code and direction -> BAI2 type code; the first that fits."""


class WaitsForAPerson(Exception):
    """A group withdraws or replaces what the bank said before, or is only a test."""


@dataclass(frozen=True, slots=True)
class Line:
    """One movement of a day."""

    type_code: str
    is_credit: bool
    amount_minor: int
    bank_reference: str
    customer_reference: str
    text: str
    line: int
    occurrence: int = 1
    """Counts from 1 the lines of a day that are alike."""


@dataclass(frozen=True, slots=True)
class Day:
    """One day of one account. A balance the bank does not state is None."""

    account_number: str = field(repr=False)
    currency: str
    as_of: date
    opening_minor: int | None
    closing_minor: int | None
    lines: Sequence[Line]


def read(content: bytes) -> Iterator[Day]:
    """Read the final days of a statement; interim reports give none.

    Raises: Unreadable, WaitsForAPerson.
    """
    if sniff(content).format is Format.CAMT053:
        return _camt_days(camt.read(content))
    return _bai2_days(bai2.read(content))


def _bai2_days(read: bai2.Statement) -> Iterator[Day]:
    for group in read.groups:
        if group.status is not GroupStatus.UPDATE:
            raise WaitsForAPerson(group.status.name.lower())
        if group.modifier in _INTERIM:
            continue
        for account in group.accounts:
            yield Day(
                account_number=account.number,
                currency=account.currency,
                as_of=group.as_of_date,
                opening_minor=account.balance_minor(OPENING_LEDGER),
                closing_minor=account.balance_minor(CLOSING_LEDGER),
                lines=[*_bai2_lines(account)],
            )


def _bai2_lines(account: bai2.BankAccount) -> Iterator[Line]:
    for each in account.transactions:
        if each.direction in {Direction.CREDIT, Direction.DEBIT}:
            yield Line(
                type_code=each.type_code,
                is_credit=each.direction is Direction.CREDIT,
                amount_minor=each.amount_minor,
                bank_reference=each.bank_reference,
                customer_reference=each.customer_reference,
                text=each.text,
                line=each.line,
                occurrence=each.occurrence,
            )


def _camt_days(document: camt.Document) -> Iterator[Day]:
    for statement in document.statements:
        if statement.as_of_date is None:
            raise WaitsForAPerson("the statement names no day")
        yield Day(
            account_number=statement.account.number,
            currency=statement.account.currency,
            as_of=statement.as_of_date,
            opening_minor=_opening(statement),
            closing_minor=statement.balance_minor("CLBD"),
            lines=[*_camt_lines(statement)],
        )


def _opening(statement: camt.Statement) -> int | None:
    opening = statement.balance_minor("OPBD")
    return statement.balance_minor("PRCD") if opening is None else opening


def _camt_lines(statement: camt.Statement) -> Iterator[Line]:
    seen: Counter[Line] = Counter()
    for entry in statement.entries:
        if entry.status is not camt.Status.BOOKED:
            continue
        line = Line(
            type_code=entry.bai_code or _type_code(entry),
            is_credit=entry.is_credit,
            amount_minor=entry.amount_minor,
            bank_reference=entry.servicer_reference or entry.reference,
            customer_reference=next(
                (each.end_to_end_id for each in entry.details if each.end_to_end_id), ""
            ),
            text=" ".join(_words(entry)),
            line=0,
        )
        seen[line] += 1
        yield replace(line, line=entry.number, occurrence=seen[line])


def _type_code(entry: camt.Entry) -> str:
    return next(
        code
        for beginning, is_credit, code in _TYPES
        if is_credit is entry.is_credit and entry.bank_code.startswith(beginning)
    )


def _words(entry: camt.Entry) -> Iterator[str]:
    """Say what the entry says: who pays, what for, and its references."""
    if entry.payer:
        yield entry.payer
    for detail in entry.details:
        yield from detail.references
    yield from (line.number for line in entry.lines if line.number)
    yield from entry.texts
