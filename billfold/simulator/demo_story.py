"""Texts of the demo: what each account number makes happen, and what happened on a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from billfold.bankdays import EASTERN
from billfold.simulator.bank import outcomes

_MINOR: Final = ("Delivered ", "message sent", "messages sent", "file released", "files released")
_MOST_LINES: Final = 4


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """One line of the table of account numbers."""

    ending: str
    sentence: str


def outcome_table() -> list[OutcomeRow]:
    """List account numbers by their last two digits, and what the simulated bank does."""
    rows = [OutcomeRow(outcome.ending, outcome.sentence) for outcome in outcomes.OUTCOMES]
    rows.sort(key=lambda row: row.ending)
    return [*rows, OutcomeRow("any other", outcomes.ACCEPTED.sentence)]


def highlights(story: Sequence[str]) -> list[str]:
    """Pick the last few lines, without those of minor events."""
    major = [line for line in story if not any(word in line for word in _MINOR)]
    return major[-_MOST_LINES:]


def format_moment(now: datetime) -> str:
    """Write a moment of the demo: Mon, Nov 23, 2026, 9:00 am ET."""
    at = now.astimezone(EASTERN)
    half = "am" if at.hour < 12 else "pm"
    return f"{at:%a, %b} {at.day}, {at.year}, {at.hour % 12 or 12}:{at:%M} {half} ET"
