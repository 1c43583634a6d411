"""Micro-entries: small credits that show whether a customer can see into a bank account.

Source: Nacha Operating Rules, Micro-Entries (Article Two, 2.7);
docs/bank-files.md#account-validation.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

DESCRIPTION: Final = "ACCTVERIFY"
COUNT: Final = 2
LARGEST_MINOR: Final = 49
"""The rules allow anything below a dollar; small ones cost less when they are not taken back."""
TRIES: Final = 3
VALID_FOR: Final = timedelta(days=14)


class State(StrEnum):
    """Where a challenge stands; only `confirmed` lets the account be debited."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    LOCKED = "locked"
    EXPIRED = "expired"


class NotOpen(Exception):
    """The challenge was answered, locked or has expired: it takes no more answers."""

    def __init__(self, state: State) -> None:
        super().__init__(str(state))
        self.state = state


class AmountsOutOfRange(ValueError):
    """Micro-entries are two amounts from 1 to 49 cents."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """The amounts sent to one account, and how often they were guessed wrong."""

    amounts_minor: tuple[int, ...] = field(repr=False)
    """Never shown to anybody, staff included."""
    sent_at: datetime
    wrong_tries: int = 0
    is_confirmed: bool = False
    tries: int = TRIES
    valid_for: timedelta = VALID_FOR

    def __post_init__(self) -> None:
        in_range = all(1 <= amount <= LARGEST_MINOR for amount in self.amounts_minor)
        if len(self.amounts_minor) != COUNT or not in_range:
            raise AmountsOutOfRange

    @property
    def offset_minor(self) -> int:
        """Give the debit that takes the credits back: never more than they are."""
        return sum(self.amounts_minor)

    def state(self, *, now: datetime) -> State:
        """Tell where the challenge stands at a moment."""
        if self.is_confirmed:
            return State.CONFIRMED
        if self.wrong_tries >= self.tries:
            return State.LOCKED
        return State.EXPIRED if now >= self.sent_at + self.valid_for else State.OPEN

    def answered(self, guess_minor: Iterable[int], *, now: datetime) -> Challenge:
        """Take one answer, the amounts in any order: confirmed, or one wrong try more.

        Raises: NotOpen.
        """
        state = self.state(now=now)
        if state is not State.OPEN:
            raise NotOpen(state)
        if hmac.compare_digest(_said(guess_minor), _said(self.amounts_minor)):
            return replace(self, is_confirmed=True)
        return replace(self, wrong_tries=self.wrong_tries + 1)


def _said(amounts_minor: Iterable[int]) -> bytes:
    return ",".join(map(str, sorted(amounts_minor))).encode()


def amounts(first: int, second: int) -> tuple[int, int]:
    """Turn two random whole numbers into the two amounts; the same numbers give the same ones."""
    return first % LARGEST_MINOR + 1, second % LARGEST_MINOR + 1
