"""What the demo tells people: which accounts make what happen, and what a day brought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from billfold.bankdays import EASTERN
from billfold.simulator.bank import outcomes

_QUIET: Final = ("Delivered ", "message sent", "messages sent", "file released", "files released")
_AT_MOST: Final = 4


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table of account numbers."""

    ending: str
    sentence: str


def table() -> list[Row]:
    """List account numbers by their last two digits, and what the simulated bank does."""
    rows = [Row(outcome.ending, outcome.sentence) for outcome in outcomes.OUTCOMES]
    rows.sort(key=lambda row: row.ending)
    return [*rows, Row("any other", outcomes.ACCEPTED.sentence)]


def highlights(story: Sequence[str]) -> list[str]:
    """Pick the last few lines that matter to somebody watching."""
    told = [line for line in story if not any(word in line for word in _QUIET)]
    return told[-_AT_MOST:]


def moment(now: datetime) -> str:
    """Write a moment of the demo: Mon, Nov 23, 2026, 9:00 am ET."""
    at = now.astimezone(EASTERN)
    half = "am" if at.hour < 12 else "pm"
    return f"{at:%a, %b} {at.day}, {at.year}, {at.hour % 12 or 12}:{at:%M} {half} ET"
