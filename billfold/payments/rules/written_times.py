"""How days and times are written in letters and authorisations."""

from __future__ import annotations

from datetime import date, datetime


def day(on: date) -> str:
    """Write a day: Nov 16, 2026."""
    return f"{on:%b} {on.day}, {on.year}"


def long_day(on: date) -> str:
    """Write a day as letters do: Wednesday, November 25, 2026."""
    return f"{on:%A, %B} {on.day}, {on.year}"


def time_of_day(at: datetime) -> str:
    """Write the time of a moment in its own zone: 5:00 pm ET."""
    zone = at.tzname() or ""
    if len(zone) == 3 and zone.endswith(("ST", "DT")):
        zone = f"{zone[0]}T"  # What people call it all year round.
    return f"{at.hour % 12 or 12}:{at:%M} {'am' if at.hour < 12 else 'pm'} {zone}"


def moment(at: datetime) -> str:
    """Write a moment in its own zone: 5:00 pm ET on Monday, November 16, 2026."""
    return f"{time_of_day(at)} on {long_day(at)}"
