"""Bank statements: read, held against those stored already, and stored by day and line.

A statement that joins the days stored already and that the bank delivered is stored at once. One
that raises a doubt waits for two people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

from django.db.models import Q

from billfold import typed_text
from billfold.banking import account_fingerprints, statement_days
from billfold.banking.models import (
    REFERENCE_END,
    BankConnection,
    BankFile,
    BankLine,
    Statement,
)
from billfold.banking.statement_days import StatementDay, StatementLine
from billfold.banking.statement_seams import DayBalances, Seam, find_seams
from billfold.money import EXPONENTS, Money
from billfold.platform import sealing
from billfold.platform.ids import new_id

_TEXT: Final = "statement text"
MOST_MISSING_DAYS: Final = 20
"""Banking days that may be missing before a statement for it to be stored without people."""

# People are shown the docstrings of these exceptions, as the reason why a file was refused.


class UnknownAccount(Exception):
    """The statement is about an account that is not set up here."""


class UnknownCurrency(Exception):
    """The statement is in a currency that is not used here."""


class DayNotOver(Exception):
    """The statement is of a day that is not over yet where the bank is. Add it when it is."""


class ContradictsItself(Exception):
    """The statement tells a day twice, with other balances or lines."""


class DoesNotAddUp(Exception):
    """The lines of the statement do not lead from its opening balance to its closing one."""


@dataclass(frozen=True, slots=True)
class AccountDay:
    """One day of one of the biller's accounts."""

    bank: BankConnection
    day: StatementDay


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a statement waits for two people, in their words, and whether they may accept it."""

    text: str
    is_acceptable: bool = True


@dataclass(frozen=True, slots=True)
class StatementReading:
    """What a statement brings that is not stored yet, and why people must look at it first."""

    new_days: Sequence[AccountDay]
    seams: Sequence[tuple[BankConnection, Seam]]
    doubts: Sequence[Doubt]


def read(file: BankFile, content: bytes, *, now: datetime) -> StatementReading:
    """Read a statement, BAI2 or camt.053, and hold it against the days stored already.

    A day that is stored already in the same words adds nothing. Interim reports are read but bring
    no days: the final statement repeats them. Locks the accounts until the end of the open
    transaction, which it needs. Raises: Unreadable, NeedsReview, UnknownAccount, UnknownCurrency,
    DayNotOver, ContradictsItself, DoesNotAddUp.
    """
    days = _read_days(content, ZoneInfo(file.connection.zone), now)
    banks = {each.bank.pk for each in days}
    list(BankConnection.objects.select_for_update(no_key=True).filter(pk__in=banks).order_by("pk"))
    stored = _load_stored(days)
    changed = [each for each in days if _is_stored_otherwise(each, stored)]
    new_days = [each for each in days if _key(each) not in stored]
    seams = [*_find_seams(new_days)]
    doubts = []
    if file.added_by_id and (new_days or changed):
        doubts.append(Doubt("It was added by hand; the bank did not deliver it."))
    doubts += [
        Doubt(
            f"The statement of {each.day.as_of} is here already with other balances or lines. A "
            "second one can be accepted once what was booked can be taken back; until then it can "
            "only be refused.",
            is_acceptable=False,
        )
        for each in changed
    ]
    doubts += [doubt for _, seam in seams for doubt in _doubts_at(seam)]
    return StatementReading(new_days, seams, doubts)


def store(file: BankFile, new_days: Iterable[AccountDay]) -> None:
    """Store the new days of a statement and their lines. Needs the transaction of `read`."""
    for each in new_days:
        statement = Statement.objects.create(
            id=new_id(),
            connection=each.bank,
            file=file,
            as_of=each.day.as_of,
            opening_minor=each.day.opening_minor,
            closing_minor=each.day.closing_minor,
            currency=each.day.currency,
        )
        BankLine.objects.bulk_create(_bank_lines(statement, each.day))


def _read_days(content: bytes, zone: ZoneInfo, now: datetime) -> list[AccountDay]:
    """Read the days of a statement, each once, by account and day; check each by itself."""
    days: dict[tuple[str, date], AccountDay] = {}
    for day in statement_days.read(content, zone=zone):
        bank = BankConnection.objects.filter(
            account_fingerprint=account_fingerprints.of_own_account(day.account_number)
        ).first()
        if bank is None:
            raise UnknownAccount(f"ending {day.account_number[-4:]}")
        if day.currency not in EXPONENTS:
            raise UnknownCurrency(day.currency)
        if day.as_of >= now.astimezone(ZoneInfo(bank.zone)).date():
            raise DayNotOver(day.as_of.isoformat())
        _check_sum(day)
        account_day = AccountDay(bank, day)
        earlier = days.setdefault(_key(account_day), account_day)
        if earlier is not account_day and _facts_of(earlier.day) != _facts_of(day):
            raise ContradictsItself(day.as_of.isoformat())
    return [days[key] for key in sorted(days)]


def _key(account_day: AccountDay) -> tuple[str, date]:
    return str(account_day.bank.pk), account_day.day.as_of


def _check_sum(day: StatementDay) -> None:
    """Refuse a day whose lines do not add up, if the bank states both balances."""
    if day.opening_minor is None or day.closing_minor is None:
        return
    net = sum(line.amount_minor if line.is_credit else -line.amount_minor for line in day.lines)
    if day.opening_minor + net != day.closing_minor:
        raise DoesNotAddUp(day.as_of.isoformat())


def _facts_of(day: StatementDay) -> tuple[object, ...]:
    """Return what must be the same when a day is told again: balances, and lines in any order."""
    lines = {
        (
            line.type_code,
            line.is_credit,
            line.amount_minor,
            line.bank_reference,
            typed_text.mask_numbers(line.customer_reference),
            sealing.fingerprint(_words(line), purpose=_TEXT),
            line.occurrence,
        )
        for line in day.lines
    }
    return day.opening_minor, day.closing_minor, day.currency, lines


def _load_stored(days: Iterable[AccountDay]) -> Mapping[tuple[str, date], Statement]:
    """Load the statements of these days that are stored already."""
    either = Q(pk__in=[])
    for each in days:
        either |= Q(connection=each.bank, as_of=each.day.as_of)
    statements = Statement.objects.filter(either)
    return {(str(each.connection_id), each.as_of): each for each in statements}


def _is_stored_otherwise(
    account_day: AccountDay, stored: Mapping[tuple[str, date], Statement]
) -> bool:
    statement = stored.get(_key(account_day))
    if statement is None:
        return False
    lines = {
        (
            line.type_code,
            line.is_credit,
            line.amount_minor,
            line.bank_reference,
            line.customer_reference,
            line.text_fingerprint,
            line.occurrence,
        )
        for line in BankLine.objects.filter(statement=statement).defer("text_sealed")
    }
    facts = (statement.opening_minor, statement.closing_minor, statement.currency, lines)
    return facts != _facts_of(account_day.day)


def _find_seams(new_days: Sequence[AccountDay]) -> Iterable[tuple[BankConnection, Seam]]:
    """Find where new days meet each other and those stored already, account by account."""
    for (bank, currency), group in groupby(
        new_days, key=lambda each: (each.bank, each.day.currency)
    ):
        days = [each.day for each in group]
        new = [
            DayBalances(day.as_of, day.opening_minor, day.closing_minor, currency, is_new=True)
            for day in days
        ]
        stored = Statement.objects.filter(connection=bank, currency=currency)
        first, last = days[0].as_of, days[-1].as_of
        neighbours = [
            *stored.filter(as_of__lt=first).order_by("-as_of")[:1],
            *stored.filter(as_of__gt=first, as_of__lt=last),
            *stored.filter(as_of__gt=last).order_by("as_of")[:1],
        ]
        known = [
            DayBalances(each.as_of, each.opening_minor, each.closing_minor, currency, is_new=False)
            for each in neighbours
        ]
        yield from ((bank, seam) for seam in find_seams([*new, *known]))


def _doubts_at(seam: Seam) -> Iterable[Doubt]:
    """Say what is doubtful where two statements meet; a short gap between them is not."""
    before, after = seam.before, seam.after
    if len(seam.missing) > MOST_MISSING_DAYS:
        yield Doubt(
            f"Between the statements of {before.as_of} and {after.as_of}, {len(seam.missing)} "
            "banking days are missing."
        )
    elif not seam.missing and not seam.joins:
        yield Doubt(describe_break(seam))


def describe_break(seam: Seam) -> str:
    """Put in words that two statements do not join."""
    before, after = seam.before, seam.after
    opening = Money(after.opening_minor or 0, after.currency).formatted()
    closing = Money(before.closing_minor or 0, before.currency).formatted()
    return (
        f"The statement of {after.as_of} opens with {opening}, but that of {before.as_of} "
        f"closed with {closing}."
    )


def _words(line: StatementLine) -> str:
    """Join what strangers wrote in a line: it is sealed, since it may hold an account number."""
    return f"{line.customer_reference}{REFERENCE_END}{line.text}"


def _bank_lines(statement: Statement, day: StatementDay) -> Sequence[BankLine]:
    lines = []
    for line in day.lines:
        words = _words(line)
        bank_line = BankLine(
            id=new_id(),
            connection=statement.connection,
            statement=statement,
            as_of=statement.as_of,
            type_code=line.type_code,
            is_credit=line.is_credit,
            amount_minor=line.amount_minor,
            currency=day.currency,
            bank_reference=line.bank_reference,
            customer_reference=typed_text.mask_numbers(line.customer_reference),
            text_fingerprint=sealing.fingerprint(words, purpose=_TEXT),
            occurrence=line.occurrence,
            line=line.line,
        )
        bank_line.text_sealed = sealing.seal(
            words.encode(), context=f"banking_bankline|text|{bank_line.id}"
        )
        lines.append(bank_line)
    return lines
