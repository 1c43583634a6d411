"""What a BAI2 statement says: groups, their accounts, balances and movements.

Source: BAI, Cash Management Balance Reporting Specifications, version 2; docs/bank-files.md#bai2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, time
from enum import StrEnum
from typing import Final, NamedTuple

from billfold.formats.bai2 import type_codes
from billfold.formats.bai2.records import Funds, funds
from billfold.formats.bai2.type_codes import Direction
from billfold.formats.problems import Problem

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


class Transaction(NamedTuple):
    """One movement on an account; `direction` says which way, the amount has no sign."""

    type_code: str
    amount_minor: int
    written_funds: str
    """The funds type and the fields it brings with it, as the bank wrote them."""
    bank_reference: str
    customer_reference: str
    written_text: str
    """The text with the line breaks of the bank."""
    line: int
    occurrence: int
    """Counts from 1 the movements of this file that are alike in all but line and funds."""

    @property
    def funds(self) -> Funds:
        return funds(self.written_funds)

    @property
    def text_lines(self) -> tuple[str, ...]:
        return tuple(self.written_text.split("\n")) if self.written_text else ()

    @property
    def text(self) -> str:
        """Join the lines of text by a blank."""
        return self.written_text.replace("\n", " ")

    @property
    def unbroken_text(self) -> str:
        """Join the lines of text as if a line break had cut a word or a number."""
        return self.written_text.replace("\n", "")

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
        return type_codes.direction(self.type_code)

    @property
    def meaning(self) -> str:
        return type_codes.meaning(self.type_code)


@dataclass(frozen=True, slots=True)
class BankAccount:
    """What a group reports of one account. Its number is text: leading zeros count."""

    number: str = field(repr=False)
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
    warnings: tuple[Problem, ...] = field(default=(), compare=False)
    """What is odd but may be trusted."""

    def accounts(self) -> Iterator[tuple[Group, BankAccount]]:
        """Walk through all accounts in file order, each with its group."""
        for group in self.groups:
            for account in group.accounts:
                yield group, account

    def summary(self) -> dict[str, int | str]:
        """Count what is in the file; sums are left out where currencies differ."""
        accounts = [account for _, account in self.accounts()]
        currencies = {account.currency for account in accounts}
        found: dict[str, int | str] = {
            "groups": len(self.groups),
            "accounts": len(accounts),
            "entries": sum(len(account.transactions) for account in accounts),
        }
        if len(currencies) <= 1:
            moved = {Direction.DEBIT: 0, Direction.CREDIT: 0}
            for account in accounts:
                for each in account.transactions:
                    if each.direction in moved:
                        moved[each.direction] += each.amount_minor
            found["debit_minor"] = moved[Direction.DEBIT]
            found["credit_minor"] = moved[Direction.CREDIT]
        return found | {"currency": " ".join(sorted(currencies))}


@dataclass(frozen=True, slots=True)
class Movements:
    """The next movements of the account that was given last."""

    transactions: list[Transaction]


@dataclass(frozen=True, slots=True)
class Proved:
    """All totals and counts of the file hold: what was given before may now be acted on."""

    accounts: int
    transactions: int
    warnings: tuple[Problem, ...] = ()


Part = Statement | Group | BankAccount | Movements | Proved
"""A piece of a statement that is read bit by bit; the first three without what is in them."""
