"""Bank statements of any format as days of an account, each with its lines. Pure.

Type codes are BAI2's. A camt.053 entry has one if the bank states it; else its kind decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, tzinfo
from typing import Final, NamedTuple

from billfold.formats import bai2
from billfold.formats.bai2 import AsOfDateModifier, GroupStatus
from billfold.formats.bai2.type_codes import Direction
from billfold.formats.iso20022 import camt
from billfold.formats.sniffing import Format, sniff

OPENING_LEDGER: Final = "010"
CLOSING_LEDGER: Final = "015"
_INTERIM: Final = frozenset({AsOfDateModifier.INTERIM_PRIOR_DAY, AsOfDateModifier.INTERIM_SAME_DAY})
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
"""Start of the ISO 20022 code, is it a credit, BAI2 type code; the first row that fits counts."""


# People are shown this docstring, as the reason why a file was refused.
class NeedsReview(Exception):
    """A group withdraws or replaces what the bank said before, or is only a test."""


class StatementLine(NamedTuple):
    """One line of a day; a tuple, for a day may have hundreds of thousands."""

    type_code: str
    is_credit: bool
    amount_minor: int
    bank_reference: str
    customer_reference: str
    text: str
    line: int
    occurrence: int = 1
    """Which of the day's identical lines this is, from 1."""


@dataclass(frozen=True, slots=True)
class StatementDay:
    """One day of one account. A balance the bank does not state is None."""

    account_number: str = field(repr=False)
    currency: str
    as_of: date
    opening_minor: int | None
    closing_minor: int | None
    lines: Sequence[StatementLine]


def read(content: bytes, *, zone: tzinfo) -> Iterator[StatementDay]:
    """Read the final days of a statement; interim reports are skipped.

    Moments become days in the bank's `zone`.

    Raises: Unreadable, NeedsReview.
    """
    if sniff(content).format is Format.CAMT053:
        return _camt_days(camt.read(content, zone=zone))
    return _bai2_days(bai2.read(content))


def _bai2_days(statement: bai2.Bai2File) -> Iterator[StatementDay]:
    for group in statement.groups:
        if group.status is not GroupStatus.UPDATE:
            raise NeedsReview(group.status.name.lower())
        if group.modifier in _INTERIM:
            continue
        for account in group.accounts:
            yield StatementDay(
                account_number=account.number,
                currency=account.currency,
                as_of=group.as_of_date,
                opening_minor=account.balance_minor(OPENING_LEDGER),
                closing_minor=account.balance_minor(CLOSING_LEDGER),
                lines=[*_bai2_lines(account)],
            )


def _bai2_lines(account: bai2.Bai2Account) -> Iterator[StatementLine]:
    for transaction in account.transactions:
        direction = transaction.direction
        if direction is Direction.CREDIT or direction is Direction.DEBIT:
            yield StatementLine(
                type_code=transaction.type_code,
                is_credit=direction is Direction.CREDIT,
                amount_minor=transaction.amount_minor,
                bank_reference=transaction.bank_reference,
                customer_reference=transaction.customer_reference,
                text=transaction.text,
                line=transaction.line,
                occurrence=transaction.occurrence,
            )


def _camt_days(document: camt.CamtMessage) -> Iterator[StatementDay]:
    for statement in document.statements:
        if statement.as_of_date is None:
            raise NeedsReview("the statement names no day")
        yield StatementDay(
            account_number=statement.account.number,
            currency=statement.account.currency,
            as_of=statement.as_of_date,
            opening_minor=_opening(statement),
            closing_minor=statement.balance_minor("CLBD"),
            lines=[*_camt_lines(statement)],
        )


def _opening(statement: camt.CamtStatement) -> int | None:
    opening = statement.balance_minor("OPBD")
    return statement.balance_minor("PRCD") if opening is None else opening


def _camt_lines(statement: camt.CamtStatement) -> Iterator[StatementLine]:
    occurrences: Counter[StatementLine] = Counter()
    for entry in statement.entries:
        if entry.status is not camt.CamtStatus.BOOKED:
            continue
        line = StatementLine(
            type_code=entry.bai_code or _type_code(entry),
            is_credit=entry.is_credit,
            amount_minor=entry.amount_minor,
            bank_reference=entry.servicer_reference or entry.reference,
            customer_reference=next(
                (detail.end_to_end_id for detail in entry.details if detail.end_to_end_id), ""
            ),
            text=" ".join(_words(entry)),
            line=0,
        )
        occurrences[line] += 1
        yield line._replace(line=entry.number, occurrence=occurrences[line])


def _type_code(entry: camt.CamtEntry) -> str:
    return next(
        code
        for prefix, is_credit, code in _TYPES
        if is_credit is entry.is_credit and entry.bank_code.startswith(prefix)
    )


def _words(entry: camt.CamtEntry) -> Iterator[str]:
    """Yield the words of an entry: who pays, what for, and its references."""
    if entry.payer:
        yield entry.payer
    for detail in entry.details:
        yield from detail.references
    yield from (line.number for line in entry.lines if line.number)
    yield from entry.texts
