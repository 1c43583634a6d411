"""Bank statements as rows: one statement per account and day, one deposit per line, each once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from billfold.banking import connections, statement_days
from billfold.banking.models import BankConnection, BankFile, Deposit, Statement
from billfold.banking.statement_days import Day
from billfold.money import EXPONENTS
from billfold.platform import sealing
from billfold.platform.ids import new_id


class OtherAccount(Exception):
    """The statement is about an account that is not set up here."""


class OtherCurrency(Exception):
    """The statement is in a currency that is not used here."""


class SaidOtherwise(Exception):
    """A statement of that day is here already, with other balances or lines."""


class DoesNotAddUp(Exception):
    """The lines of the statement do not lead from its opening balance to its closing one."""


def keep(file: BankFile, content: bytes) -> list[Deposit]:
    """Store a statement's days and lines; give the lines that are new. Takes BAI2 and camt.053.

    A day is told once: told again it must be the same in every balance and every line, and is
    then not news. Interim reports are only proved: the final one repeats them. Needs an open
    transaction. Raises: Unreadable, WaitsForAPerson, OtherAccount, OtherCurrency, SaidOtherwise,
    DoesNotAddUp.
    """
    fresh: list[Deposit] = []
    for day in statement_days.read(content):
        bank = BankConnection.objects.filter(
            account_fingerprint=connections.own_account(day.account_number)
        ).first()
        if bank is None:
            raise OtherAccount(f"ending {day.account_number[-4:]}")
        if day.currency not in EXPONENTS:
            raise OtherCurrency(day.currency)
        statement, is_new = _statement(file, bank, day)
        lines = _lines(statement, day)
        if is_new:
            _check_sum(statement, lines)
            Deposit.objects.bulk_create(lines)
            fresh.extend(lines)
        elif _identities(lines) != _identities(Deposit.objects.filter(statement=statement)):
            raise SaidOtherwise(day.as_of.isoformat())
    return fresh


def _check_sum(statement: Statement, lines: Iterable[Deposit]) -> None:
    """Refuse a day that does not add up, where the bank states both balances."""
    if statement.opening_minor is None or statement.closing_minor is None:
        return
    moved = sum(line.amount_minor if line.is_credit else -line.amount_minor for line in lines)
    if statement.opening_minor + moved != statement.closing_minor:
        raise DoesNotAddUp(statement.as_of.isoformat())


def _identities(lines: Iterable[Deposit]) -> set[tuple[object, ...]]:
    """Tell lines again: what makes them the same, and which way the money went."""
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


def _statement(file: BankFile, bank: BankConnection, day: Day) -> tuple[Statement, bool]:
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
    said = (statement.opening_minor, statement.closing_minor)
    if not is_new and said != (day.opening_minor, day.closing_minor):
        raise SaidOtherwise(day.as_of.isoformat())
    return statement, is_new


def _lines(statement: Statement, day: Day) -> Sequence[Deposit]:
    made = []
    for line in day.lines:
        deposit = Deposit(
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
        deposit.text_sealed = sealing.seal(
            line.text.encode(), context=f"banking_deposit|text|{deposit.id}"
        )
        made.append(deposit)
    return made
