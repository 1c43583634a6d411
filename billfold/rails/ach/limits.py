"""Limits of a Nacha file: how many entries and how much money one file of a bank may hold.

Source: Nacha Operating Rules, field lengths; docs/bank-files.md#nacha.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, takewhile
from typing import Final

from billfold.money import Money
from billfold.rails.protocol import BankProfile

CURRENCY: Final = "USD"
LAST_SEQUENCE: Final = 9_999_999
"""Trace numbers have seven digits for the sequence. Source: field "Trace Number"."""
MOST_ENTRY_MINOR: Final = 9_999_999_999
"""Ten digits, for an offset credit too. Source: field "Amount"."""


class TooMuchMoney(Exception):
    """The collections come to more than one file of this bank may hold."""

    def __init__(self, *, requested: Money, allowed: Money) -> None:
        super().__init__(f"{requested} in one file, {allowed} allowed")
        self.requested = requested
        self.allowed = allowed


class TooManyCollections(Exception):
    """There are more collections than one file of this bank may hold, or than traces are left."""

    def __init__(self, *, requested: int, allowed: int) -> None:
        super().__init__(f"{requested} collections, {allowed} allowed")
        self.requested = requested
        self.allowed = allowed


def largest_total(bank: BankProfile) -> Money:
    """Return the largest sum of the debits of one file; an offset must hold it in one entry."""
    largest = min(bank.max_file_minor, MOST_ENTRY_MINOR) if bank.balanced else bank.max_file_minor
    return Money(largest, CURRENCY)


def room(amounts: Sequence[Money], *, bank: BankProfile) -> int:
    """Count how many of the amounts, from the first on, fit in one file of this bank."""
    largest = largest_total(bank).minor
    totals = accumulate(amount.minor for amount in amounts[: bank.max_entries])
    return sum(1 for _ in takewhile(lambda total: total <= largest, totals))


def check(count: int, debit: Money, bank: BankProfile, traces_left: int) -> None:
    """Refuse more collections or money than one file holds.

    Raises: TooManyCollections, TooMuchMoney.
    """
    allowed = min(bank.max_entries, traces_left)
    if count > allowed:
        raise TooManyCollections(requested=count, allowed=allowed)
    if debit.minor > largest_total(bank).minor:
        raise TooMuchMoney(requested=debit, allowed=largest_total(bank))
