"""Bank statements as rows: one statement per account and day, one deposit per line, each once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from billfold.banking import connections
from billfold.banking.models import BankConnection, BankFile, Deposit, Statement
from billfold.formats import bai2
from billfold.formats.bai2_codes import Direction
from billfold.money import EXPONENTS
from billfold.platform import sealing
from billfold.platform.ids import new_id

OPENING_LEDGER = "010"
CLOSING_LEDGER = "015"


class WaitsForAPerson(Exception):
    """A group withdraws or replaces what the bank said before, or is only a test."""


class OtherAccount(Exception):
    """The statement is about an account that is not set up here."""


class OtherCurrency(Exception):
    """The statement is in a currency that is not used here."""


class SaidOtherwise(Exception):
    """A statement of that day is here already, with other balances or lines."""


class DoesNotAddUp(Exception):
    """The lines of the statement do not lead from its opening balance to its closing one."""


def keep(file: BankFile, content: bytes) -> list[Deposit]:
    """Store a BAI2 file's statements and lines; give the lines that are new.

    A day is told once: told again it must be the same in every balance and every line, and is
    then not news. Needs an open transaction. Raises: Unreadable, WaitsForAPerson, OtherAccount,
    OtherCurrency, SaidOtherwise, DoesNotAddUp.
    """
    fresh: list[Deposit] = []
    for group, account in _accounts(bai2.read(content)):
        bank = BankConnection.objects.filter(
            account_fingerprint=connections.own_account(account.number)
        ).first()
        if bank is None:
            raise OtherAccount(f"ending {account.number[-4:]}")
        if account.currency not in EXPONENTS:
            raise OtherCurrency(account.currency)
        statement, is_new = _statement(file, bank, group, account)
        lines = _lines(statement, account)
        if is_new:
            _check_sum(statement, lines)
            Deposit.objects.bulk_create(lines)
            fresh.extend(lines)
        elif _identities(lines) != _identities(Deposit.objects.filter(statement=statement)):
            raise SaidOtherwise(group.as_of_date.isoformat())
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


def _accounts(read: bai2.Statement) -> Iterator[tuple[bai2.Group, bai2.BankAccount]]:
    for group in read.groups:
        if group.status is not bai2.GroupStatus.UPDATE:
            raise WaitsForAPerson(group.status.name.lower())
        for account in group.accounts:
            yield group, account


def _statement(
    file: BankFile, bank: BankConnection, group: bai2.Group, account: bai2.BankAccount
) -> tuple[Statement, bool]:
    opening = account.balance_minor(OPENING_LEDGER)
    closing = account.balance_minor(CLOSING_LEDGER)
    statement, is_new = Statement.objects.get_or_create(
        connection=bank,
        as_of=group.as_of_date,
        defaults={
            "id": new_id(),
            "file": file,
            "opening_minor": opening,
            "closing_minor": closing,
            "currency": account.currency,
        },
    )
    said = (statement.opening_minor, statement.closing_minor)
    if not is_new and said != (opening, closing):
        raise SaidOtherwise(group.as_of_date.isoformat())
    return statement, is_new


def _lines(statement: Statement, account: bai2.BankAccount) -> Sequence[Deposit]:
    made = []
    for line in account.transactions:
        if line.direction not in {Direction.CREDIT, Direction.DEBIT}:
            continue
        deposit = Deposit(
            id=new_id(),
            connection=statement.connection,
            statement=statement,
            as_of=statement.as_of,
            type_code=line.type_code,
            is_credit=line.direction is Direction.CREDIT,
            amount_minor=line.amount_minor,
            currency=account.currency,
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
