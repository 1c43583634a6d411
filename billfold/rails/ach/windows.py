"""Settlement windows of the ACH operator, same-day and next-day, on the Eastern clock.

Source: Federal Reserve Banks, "FedACH Processing Schedule"; docs/bank-files.md#effective-date.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from billfold import bankdays
from billfold.bankdays import ACH, EASTERN, Calendar, NaiveMoment


@dataclass(frozen=True, slots=True)
class Window:
    """One deadline of the operator, and when the entries received by then settle."""

    deadline_eastern: time
    settles_eastern: time
    descriptive_date: str
    """Descriptive date of a batch header that requests it: `SD1300`."""


SAME_DAY: Final = (
    Window(time(10, 30), time(13), "SD1300"),
    Window(time(14, 45), time(17), "SD1700"),
    Window(time(16, 45), time(18), "SD1800"),
)
NEXT_DAY_SETTLES_EASTERN: Final = time(8, 30)
LAST_DEADLINE_EASTERN: Final = time(2, 15)
"""In the night after a processing day: entries received by then settle the next banking day."""


def same_day_window(
    sent_at: datetime, *, lead: timedelta = timedelta(0), calendar: Calendar = ACH
) -> Window | None:
    """Return the same-day window that a file reaches if sent then; None after the last of the day.

    `lead` is how long before the operator's deadline the biller's bank wants the file.
    Raises: NaiveMoment.
    """
    if sent_at.utcoffset() is None:
        raise NaiveMoment(sent_at)
    today = sent_at.astimezone(EASTERN).date()
    if not bankdays.is_banking_day(today, calendar=calendar):
        return None
    arrives_at = sent_at.astimezone(UTC) + lead
    for window in SAME_DAY:
        if arrives_at <= bankdays.cutoff_at(today, window.deadline_eastern):
            return window
    return None


def settles_at(
    sent_at: datetime,
    *,
    effective_date: date,
    takes_same_day: bool,
    lead: timedelta = timedelta(0),
    calendar: Calendar = ACH,
) -> datetime:
    """Return the moment at which an entry settles if it is sent then.

    An effective date that is past, or that came too late for its windows, means the next
    opportunity. `takes_same_day` says that the entry may settle the same day: its amount is within
    the limit and its class allows it. Raises: NaiveMoment.
    """
    if sent_at.utcoffset() is None:
        raise NaiveMoment(sent_at)
    window = same_day_window(sent_at, lead=lead, calendar=calendar)
    today = sent_at.astimezone(EASTERN).date()
    if takes_same_day and window and effective_date <= today:
        return bankdays.cutoff_at(today, window.settles_eastern)
    earliest = bankdays.next_banking_day(_processing_day(sent_at + lead), calendar=calendar)
    day = max(earliest, bankdays.banking_day_on_or_after(effective_date, calendar=calendar))
    return bankdays.cutoff_at(day, NEXT_DAY_SETTLES_EASTERN)


def _processing_day(moment: datetime) -> date:
    """Return the operator's day of a moment; a day ends in the night with its last deadline."""
    eastern = moment.astimezone(EASTERN)
    if eastern.time() <= LAST_DEADLINE_EASTERN:
        return eastern.date() - timedelta(days=1)
    return eastern.date()
