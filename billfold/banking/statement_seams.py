"""Where statements of an account meet: each opens with what the one before closed with. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from billfold import bankdays


@dataclass(frozen=True, slots=True)
class DayBalances:
    """The balances of one day of an account. One the bank does not state is None."""

    as_of: date
    opening_minor: int | None
    closing_minor: int | None
    currency: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class Seam:
    """Two statements with none between them, and the banking days that are missing there."""

    before: DayBalances
    after: DayBalances
    missing: Sequence[date]

    @property
    def joins(self) -> bool:
        """Tell whether the later day opens with what the earlier one closed with.

        A balance the bank does not state is not compared.
        """
        closing, opening = self.before.closing_minor, self.after.opening_minor
        return closing is None or opening is None or closing == opening


def find_seams(days: Iterable[DayBalances]) -> list[Seam]:
    """Find the seams at new days, in order. The days are of one account and one currency."""
    ordered = sorted(days, key=lambda day: day.as_of)
    return [
        Seam(before, after, _banking_days_between(before.as_of, after.as_of))
        for before, after in pairwise(ordered)
        if before.is_new or after.is_new
    ]


def _banking_days_between(first: date, last: date) -> list[date]:
    days = []
    day = bankdays.next_banking_day(first)
    while day < last:
        days.append(day)
        day = bankdays.next_banking_day(day)
    return days
