"""How staff pages write moments: of today the time alone, else the day."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from billfold.pages.templatetags import formatting


def in_full(moment: datetime, *, now: datetime) -> str:
    """Write day and time; of today, the time alone."""
    if timezone.localdate(moment) == timezone.localdate(now):
        return formatting.moment(moment)
    return f"{formatting.short_day(moment)}, {formatting.moment(moment)}"


def in_brief(moment: datetime, *, now: datetime) -> str:
    """Write a moment for a narrow column: of today its time, else its day."""
    day, today = timezone.localdate(moment), timezone.localdate(now)
    if day == today:
        return formatting.moment(moment).rpartition(" ")[0]
    return formatting.short_day(moment) if day.year == today.year else formatting.day(moment)
