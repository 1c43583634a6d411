"""Limits of a Nacha file: how many entries and how much money one file of a bank may hold.

Source: Nacha Operating Rules, field lengths; docs/bank-files.md#nacha.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, takewhile
from typing import Final

from billfold import money
from billfold.money import Money
from billfold.rails.protocol import BankProfile, Direction, Order

CURRENCY: Final = "USD"
LAST_SEQUENCE: Final = 9_999_999
"""Trace numbers have seven digits for the sequence. Source: field "Trace Number"."""
MOST_ENTRY_MINOR: Final = 9_999_999_999
"""Ten digits, for an offset too. Source: field "Amount"."""


class TooMuchMoney(Exception):
    """The orders come to more than one file of this bank may hold."""

    def __init__(self, *, requested: Money, allowed: Money) -> None:
        super().__init__(f"{requested} in one file, {allowed} allowed")
        self.requested = requested
        self.allowed = allowed


class TooManyOrders(Exception):
    """There are more orders than one file of this bank may hold, or than traces are left."""

    def __init__(self, *, requested: int, allowed: int) -> None:
        super().__init__(f"{requested} orders, {allowed} allowed")
        self.requested = requested
        self.allowed = allowed


def largest_total(bank: BankProfile) -> Money:
    """Return the largest sum of one direction of one file; an offset must hold it in one entry."""
    largest = min(bank.max_file_minor, MOST_ENTRY_MINOR) if bank.balanced else bank.max_file_minor
    return Money(largest, CURRENCY)


def room(amounts: Sequence[Money], *, bank: BankProfile) -> int:
    """Count how many of the amounts, from the first on, fit in one file of this bank."""
    largest = largest_total(bank).minor
    totals = accumulate(amount.minor for amount in amounts[: bank.max_entries])
    return sum(1 for _ in takewhile(lambda total: total <= largest, totals))


def check(count: int, debit: Money, credit: Money, *, bank: BankProfile, traces_left: int) -> None:
    """Refuse more orders or money than one file holds.

    In a balanced file each debit has its credit, so both directions together fill it.
    Raises: TooManyOrders, TooMuchMoney.
    """
    allowed = min(bank.max_entries, traces_left)
    if count > allowed:
        raise TooManyOrders(requested=count, allowed=allowed)
    largest = debit + credit if bank.balanced else max(debit, credit)
    if largest > largest_total(bank):
        raise TooMuchMoney(requested=largest, allowed=largest_total(bank))


def sum_of(orders: Sequence[Order], direction: Direction) -> Money:
    """Add up the orders of one direction."""
    return money.total((each.amount for each in orders if each.direction == direction), CURRENCY)
