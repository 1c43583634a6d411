"""Micro-entries: small credits that prove that a customer has access to a bank account.

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
"""The rules allow amounts below a dollar; small ones cost less if they cannot be debited back."""
TRIES: Final = 3
VALID_FOR: Final = timedelta(days=14)


class ChallengeState(StrEnum):
    """State of a challenge; only after `confirmed` may the account be debited."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    LOCKED = "locked"
    EXPIRED = "expired"


class NotOpen(Exception):
    """The challenge is confirmed, locked or expired: it takes no more answers."""

    def __init__(self, state: ChallengeState) -> None:
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
        """Return the amount of the debit that takes the credits back: their sum."""
        return sum(self.amounts_minor)

    def state(self, *, now: datetime) -> ChallengeState:
        """Return the state of the challenge at a moment."""
        if self.is_confirmed:
            return ChallengeState.CONFIRMED
        if self.wrong_tries >= self.tries:
            return ChallengeState.LOCKED
        return (
            ChallengeState.EXPIRED if now >= self.sent_at + self.valid_for else ChallengeState.OPEN
        )

    def answer(self, guess_minor: Iterable[int], *, now: datetime) -> Challenge:
        """Return the challenge after an answer: confirmed, or with one wrong try more.

        The amounts may be in any order. Raises: NotOpen.
        """
        state = self.state(now=now)
        if state is not ChallengeState.OPEN:
            raise NotOpen(state)
        if hmac.compare_digest(_sorted_bytes(guess_minor), _sorted_bytes(self.amounts_minor)):
            return replace(self, is_confirmed=True)
        return replace(self, wrong_tries=self.wrong_tries + 1)


def _sorted_bytes(amounts_minor: Iterable[int]) -> bytes:
    return ",".join(map(str, sorted(amounts_minor))).encode()


def amounts_from(first: int, second: int) -> tuple[int, int]:
    """Map two random whole numbers to the two amounts; the same numbers give the same amounts."""
    return first % LARGEST_MINOR + 1, second % LARGEST_MINOR + 1
