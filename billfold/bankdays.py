"""Banking days of the Federal Reserve Banks, and the dates that follow from a submission."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final, assert_never
from zoneinfo import ZoneInfo

EASTERN: Final = ZoneInfo("America/New_York")
"""The zone of the ACH operators: every cut-off is a time in it, never a fixed offset."""

RETRY_WINDOW_DAYS: Final = 180
"""Calendar days from the first settlement. Source: Nacha Operating Rules, reinitiation."""

PRENOTE_DAYS: Final = 3
"""Banking days from settlement. Source: Nacha Operating Rules, prenotification."""

PUBLISHED_THROUGH: Final = 2030
"""The last year whose holidays are published, and agree with `holiday_closings`.
Source: Federal Reserve Board, "K.8 Holidays Observed by the Federal Reserve System 2026-2030".
"""

MONDAY: Final = 0
THURSDAY: Final = 3
SUNDAY: Final = 6

_ONE_DAY: Final = timedelta(days=1)


class NaiveMoment(ValueError):
    """The moment has no zone, so its day is not known."""

    def __init__(self, moment: datetime) -> None:
        super().__init__(f"{moment.isoformat()} has no zone")
        self.moment = moment


class UnknownYear(ValueError):
    """The Reserve Banks had not published the holidays of that day's year: nobody knows them."""

    def __init__(self, day: date, published_through: int) -> None:
        super().__init__(f"{day} is past the banking calendar, which ends with {published_through}")
        self.day = day
        self.published_through = published_through


class ReturnWindow(StrEnum):
    """How long a bank may take to return an entry, as the rules abbreviate it."""

    TWO_BANKING_DAYS = "2BD"
    FIVE_BANKING_DAYS = "5BD"
    SIXTY_CALENDAR_DAYS = "60CD"


@dataclass(slots=True)
class Calendar:
    """A holiday schedule of the Reserve Banks, and closings announced outside it."""

    name: str
    extra_closings: set[date] = field(default_factory=set)
    """Filled once, when the program starts, from a setting of the installation."""
    published_through: int = PUBLISHED_THROUGH
    """The last year that is known; a setting may name a later one."""


# Two calendars: the Sundays and holidays announced for Fedwire do not apply to ACH.
ACH: Final = Calendar("ACH")
FEDWIRE: Final = Calendar("Fedwire")


class InvalidClosing(ValueError):
    """A closing that is not a date written as 2027-01-09."""


def parse_closings(text: str) -> set[date]:
    """Parse extraordinary closings: dates separated by commas. Raises: InvalidClosing."""
    closings = set()
    for word in filter(None, (part.strip() for part in text.split(","))):
        try:
            closings.add(date.fromisoformat(word))
        except ValueError:
            raise InvalidClosing(word) from None
    return closings


@lru_cache(maxsize=256)
def holiday_closings(year: int) -> frozenset[date]:
    """List the days of a year on which a holiday closes the Reserve Banks.

    A holiday on a Sunday closes the Monday; one on a Saturday closes nothing, Friday included.
    Source: Federal Reserve Banks, "Holiday Schedules".
    """
    fixed = [date(year, 1, 1), date(year, 7, 4), date(year, 11, 11), date(year, 12, 25)]
    if year >= 2022:
        fixed.append(date(year, 6, 19))
    moved = {day + _ONE_DAY if day.weekday() == SUNDAY else day for day in fixed}
    floating = {
        _nth_weekday(year, 1, MONDAY, 3),
        _nth_weekday(year, 2, MONDAY, 3),
        _nth_weekday(year, 6, MONDAY, 1) - timedelta(weeks=1),  # the last Monday of May
        _nth_weekday(year, 9, MONDAY, 1),
        _nth_weekday(year, 10, MONDAY, 2),
        _nth_weekday(year, 11, THURSDAY, 4),
    }
    return frozenset(day for day in moved | floating if day.weekday() < 5)


def _nth_weekday(year: int, month: int, weekday: int, count: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (count - 1))


def is_banking_day(day: date, *, calendar: Calendar = ACH) -> bool:
    """Tell whether the Reserve Banks settle on that day.

    Raises: UnknownYear, as does every function here that steps to such a day.
    """
    if day.year > calendar.published_through:
        raise UnknownYear(day, calendar.published_through)
    return (
        day.weekday() < 5
        and day not in holiday_closings(day.year)
        and day not in calendar.extra_closings
    )


def banking_day_on_or_after(day: date, *, calendar: Calendar = ACH) -> date:
    """Return the day itself if it is a banking day, else the next one."""
    while not is_banking_day(day, calendar=calendar):
        day += _ONE_DAY
    return day


def banking_day_on_or_before(day: date, *, calendar: Calendar = ACH) -> date:
    """Return the day itself if it is a banking day, else the one before."""
    while not is_banking_day(day, calendar=calendar):
        day -= _ONE_DAY
    return day


def next_banking_day(day: date, *, calendar: Calendar = ACH) -> date:
    """Find the first banking day strictly after the day."""
    return banking_day_on_or_after(day + _ONE_DAY, calendar=calendar)


def previous_banking_day(day: date, *, calendar: Calendar = ACH) -> date:
    """Find the last banking day strictly before the day."""
    return banking_day_on_or_before(day - _ONE_DAY, calendar=calendar)


def add_banking_days(day: date, count: int, *, calendar: Calendar = ACH) -> date:
    """Step that many banking days forward, or back if negative; zero gives the day itself."""
    step = next_banking_day if count > 0 else previous_banking_day
    for _ in range(abs(count)):
        day = step(day, calendar=calendar)
    return day


def cutoff_at(day: date, cutoff_eastern: time) -> datetime:
    """Compute the moment of that day's cut-off, in UTC."""
    return datetime.combine(day, cutoff_eastern, tzinfo=EASTERN).astimezone(UTC)


def file_day(submitted_at: datetime, *, cutoff_eastern: time, calendar: Calendar = ACH) -> date:
    """Find the banking day in whose file a payment submitted then is sent.

    That is the current day if it is a banking day whose cut-off is still to come, else the next.
    Raises: NaiveMoment if submitted_at has no zone.
    """
    if submitted_at.utcoffset() is None:
        raise NaiveMoment(submitted_at)
    today = submitted_at.astimezone(EASTERN).date()
    # A moment in Eastern time is compared in UTC: the hour that repeats in November is two hours.
    in_time = submitted_at.astimezone(UTC) < cutoff_at(today, cutoff_eastern)
    if in_time:
        return banking_day_on_or_after(today, calendar=calendar)
    return next_banking_day(today, calendar=calendar)


def effective_entry_date(
    submitted_at: datetime,
    *,
    cutoff_eastern: time,
    same_day: bool = False,
    calendar: Calendar = ACH,
) -> date:
    """Find the banking day on which an entry submitted then should settle.

    Raises: NaiveMoment if submitted_at has no zone.
    Source: Nacha Operating Rules, field "Effective Entry Date".
    """
    file_date = file_day(submitted_at, cutoff_eastern=cutoff_eastern, calendar=calendar)
    return file_date if same_day else next_banking_day(file_date, calendar=calendar)


def reflected_by(
    submitted_at: datetime,
    *,
    cutoff_eastern: time,
    days: int = 2,
    calendar: Calendar = ACH,
) -> date:
    """Find the day by whose end a payment submitted then is shown as Paid.

    Raises: NaiveMoment if submitted_at has no zone.
    """
    file_date = file_day(submitted_at, cutoff_eastern=cutoff_eastern, calendar=calendar)
    return add_banking_days(file_date, days, calendar=calendar)


def return_deadline(settlement: date, window: ReturnWindow, *, calendar: Calendar = ACH) -> date:
    """Find the banking day by whose opening the ODFI must have a return.

    Source: Nacha Operating Rules, return time frames; 60 days end at the opening of the 61st.
    """
    match window:
        case ReturnWindow.TWO_BANKING_DAYS:
            return add_banking_days(settlement, 2, calendar=calendar)
        case ReturnWindow.FIVE_BANKING_DAYS:
            return add_banking_days(settlement, 5, calendar=calendar)
        case ReturnWindow.SIXTY_CALENDAR_DAYS:
            return banking_day_on_or_after(settlement + timedelta(days=61), calendar=calendar)
        case _:
            assert_never(window)


def prenote_clear(settlement: date, *, calendar: Calendar = ACH) -> date:
    """Find the first day on which an account may be debited after a prenote."""
    return add_banking_days(settlement, PRENOTE_DAYS, calendar=calendar)


def retry_latest(original_settlement: date) -> date:
    """Find the last calendar day on which a returned debit may settle again."""
    return original_settlement + timedelta(days=RETRY_WINDOW_DAYS)
