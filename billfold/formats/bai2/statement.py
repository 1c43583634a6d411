"""The contents of a BAI2 file as values: groups, accounts, balances and transactions.

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
from billfold.formats.bai2.fields import Funds, parse_funds
from billfold.formats.bai2.type_codes import Direction
from billfold.formats.problems import FileProblem

_TAG: Final = re.compile(r"([A-Z]{4}): ?(.*)")


class GroupStatus(StrEnum):
    """How a group relates to one sent before; all but an update wait for a person."""

    UPDATE = "1"
    DELETION = "2"
    CORRECTION = "3"
    TEST = "4"


class AsOfDateModifier(StrEnum):
    """How final a group is: the final report of a day repeats its interim reports."""

    INTERIM_PRIOR_DAY = "1"
    FINAL_PRIOR_DAY = "2"
    INTERIM_SAME_DAY = "3"
    FINAL_SAME_DAY = "4"


@dataclass(frozen=True, slots=True)
class Bai2Balance:
    """A balance or total that the bank states for an account."""

    type_code: str
    amount_minor: int
    item_count: int | None
    funds: Funds


class Bai2Transaction(NamedTuple):
    """One transaction on an account. Its amount has no sign; `direction` tells in from out."""

    type_code: str
    amount_minor: int
    written_funds: str
    """The funds type and the fields that belong to it, as the bank wrote them."""
    bank_reference: str
    customer_reference: str
    written_text: str
    """The text with the line breaks of the bank."""
    line: int
    occurrence: int
    """Counts from 1 the transactions of the file that are alike but for line and funds."""

    @property
    def funds(self) -> Funds:
        return parse_funds(self.written_funds)

    @property
    def text_lines(self) -> tuple[str, ...]:
        return tuple(self.written_text.split("\n")) if self.written_text else ()

    @property
    def text(self) -> str:
        """Join the lines of text with blanks."""
        return self.written_text.replace("\n", " ")

    @property
    def unbroken_text(self) -> str:
        """Join the lines of text without blanks, as if line breaks had cut words or numbers."""
        return self.written_text.replace("\n", "")

    @property
    def tags(self) -> dict[str, str]:
        """Collect the lines of text of the form "EREF: value"; the first value of a tag counts."""
        values: dict[str, str] = {}
        for piece in self.text_lines:
            if match := _TAG.fullmatch(piece):
                values.setdefault(match[1], match[2].strip())
        return values

    @property
    def direction(self) -> Direction:
        return type_codes.direction(self.type_code)

    @property
    def meaning(self) -> str:
        return type_codes.meaning(self.type_code)


@dataclass(frozen=True, slots=True)
class Bai2Account:
    """One account in a group. Its number is text: leading zeros count."""

    number: str = field(repr=False)
    currency: str
    balances: tuple[Bai2Balance, ...]
    transactions: tuple[Bai2Transaction, ...]
    line: int

    def balance_minor(self, type_code: str) -> int | None:
        """Return the amount the bank states for a type; None if it states none."""
        amounts = (
            balance.amount_minor for balance in self.balances if balance.type_code == type_code
        )
        return next(amounts, None)


@dataclass(frozen=True, slots=True)
class Bai2Group:
    """A group: the accounts of one bank as of one day."""

    receiver: str
    originator: str
    status: GroupStatus
    as_of_date: date
    as_of_time: time | None
    currency: str
    modifier: AsOfDateModifier | None
    accounts: tuple[Bai2Account, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Bai2File:
    """One BAI2 file, whose counts and control totals all hold."""

    sender: str
    receiver: str
    created_date: date
    created_time: time | None
    file_id: str
    groups: tuple[Bai2Group, ...]
    warnings: tuple[FileProblem, ...] = field(default=(), compare=False)
    """What is unusual in the file, although it may be trusted."""

    def accounts(self) -> Iterator[tuple[Bai2Group, Bai2Account]]:
        """Yield all accounts in file order, each with its group."""
        for group in self.groups:
            for account in group.accounts:
                yield group, account

    def summary(self) -> dict[str, int | str]:
        """Count the parts of the file and add up its amounts, if all are of one currency."""
        accounts = [account for _, account in self.accounts()]
        currencies = {account.currency for account in accounts}
        summary: dict[str, int | str] = {
            "groups": len(self.groups),
            "accounts": len(accounts),
            "entries": sum(len(account.transactions) for account in accounts),
        }
        if len(currencies) <= 1:
            sums = {Direction.DEBIT: 0, Direction.CREDIT: 0}
            for account in accounts:
                for transaction in account.transactions:
                    if transaction.direction in sums:
                        sums[transaction.direction] += transaction.amount_minor
            summary["debit_minor"] = sums[Direction.DEBIT]
            summary["credit_minor"] = sums[Direction.CREDIT]
        return summary | {"currency": " ".join(sorted(currencies))}


@dataclass(frozen=True, slots=True)
class TransactionChunk:
    """The next transactions of the account that was yielded last."""

    transactions: list[Bai2Transaction]


@dataclass(frozen=True, slots=True)
class Proved:
    """The end of a file whose counts and control totals all hold: its parts may be acted on now."""

    accounts: int
    transactions: int
    warnings: tuple[FileProblem, ...] = ()


Part = Bai2File | Bai2Group | Bai2Account | TransactionChunk | Proved
"""A part of a file that is read as a stream; the first three come without what they contain."""
