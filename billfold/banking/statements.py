"""Storing bank statements: one row for each account and day, and one for each of its lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from billfold.banking import connections, statement_days
from billfold.banking.models import BankConnection, BankFile, BankLine, Statement
from billfold.banking.statement_days import StatementDay
from billfold.money import EXPONENTS
from billfold.platform import sealing
from billfold.platform.ids import new_id

# People are shown the docstrings of these exceptions, as the reason why a file was refused.


class UnknownAccount(Exception):
    """The statement is about an account that is not set up here."""


class UnknownCurrency(Exception):
    """The statement is in a currency that is not used here."""


class ContradictsStored(Exception):
    """A statement of that day is here already, with other balances or lines."""


class DoesNotAddUp(Exception):
    """The lines of the statement do not lead from its opening balance to its closing one."""


def store(file: BankFile, content: bytes) -> list[BankLine]:
    """Store a statement's days and lines; return the lines that are new. Reads BAI2 and camt.053.

    A day that is stored already must be the same in every balance and line; then it adds nothing.
    Interim reports are read but not stored: the final statement repeats them. Needs an open
    transaction. Raises: Unreadable, NeedsReview, UnknownAccount, UnknownCurrency,
    ContradictsStored, DoesNotAddUp.
    """
    new_lines: list[BankLine] = []
    for day in statement_days.read(content):
        bank = BankConnection.objects.filter(
            account_fingerprint=connections.account_fingerprint(day.account_number)
        ).first()
        if bank is None:
            raise UnknownAccount(f"ending {day.account_number[-4:]}")
        if day.currency not in EXPONENTS:
            raise UnknownCurrency(day.currency)
        statement, is_new = _get_or_add(file, bank, day)
        lines = _bank_lines(statement, day)
        if is_new:
            _check_sum(statement, lines)
            BankLine.objects.bulk_create(lines)
            new_lines.extend(lines)
        elif _identities(lines) != _identities(BankLine.objects.filter(statement=statement)):
            raise ContradictsStored(day.as_of.isoformat())
    return new_lines


def _check_sum(statement: Statement, lines: Iterable[BankLine]) -> None:
    """Refuse a day whose lines do not add up, if the bank states both balances."""
    if statement.opening_minor is None or statement.closing_minor is None:
        return
    net = sum(line.amount_minor if line.is_credit else -line.amount_minor for line in lines)
    if statement.opening_minor + net != statement.closing_minor:
        raise DoesNotAddUp(statement.as_of.isoformat())


def _identities(lines: Iterable[BankLine]) -> set[tuple[object, ...]]:
    """Return what identifies each line, and its direction, for comparing statements."""
    return {
        (
            line.type_code,
            line.is_credit,
            line.amount_minor,
            line.currency,
            line.bank_reference,
            line.customer_reference,
            line.text_fingerprint,
            line.occurrence,
        )
        for line in lines
    }


def _get_or_add(file: BankFile, bank: BankConnection, day: StatementDay) -> tuple[Statement, bool]:
    statement, is_new = Statement.objects.get_or_create(
        connection=bank,
        as_of=day.as_of,
        defaults={
            "id": new_id(),
            "file": file,
            "opening_minor": day.opening_minor,
            "closing_minor": day.closing_minor,
            "currency": day.currency,
        },
    )
    balances = (statement.opening_minor, statement.closing_minor)
    if not is_new and balances != (day.opening_minor, day.closing_minor):
        raise ContradictsStored(day.as_of.isoformat())
    return statement, is_new


def _bank_lines(statement: Statement, day: StatementDay) -> Sequence[BankLine]:
    lines = []
    for line in day.lines:
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
            customer_reference=line.customer_reference,
            text_fingerprint=sealing.fingerprint(line.text, purpose="statement text"),
            occurrence=line.occurrence,
            line=line.line,
        )
        bank_line.text_sealed = sealing.seal(
            line.text.encode(), context=f"banking_bankline|text|{bank_line.id}"
        )
        lines.append(bank_line)
    return lines
