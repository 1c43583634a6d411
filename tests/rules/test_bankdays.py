"""Banking days, cut-offs and the days promised to a payer."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billfold import bankdays
from billfold.bankdays import EASTERN, Calendar, NaiveMoment, ReturnWindow, UnknownYear

FIVE_PM = time(17)

SCHEDULE = {
    2026: "0101 0119 0216 0525 0619 0907 1012 1111 1126 1225",
    2027: "0101 0118 0215 0531 0705 0906 1011 1111 1125",
    2028: "0117 0221 0529 0619 0704 0904 1009 1123 1225",
    2029: "0101 0115 0219 0528 0619 0704 0903 1008 1112 1122 1225",
    2030: "0101 0121 0218 0527 0619 0704 0902 1014 1111 1128 1225",
    2031: "0101 0120 0217 0526 0619 0704 0901 1013 1111 1127 1225",
}
"""The closings as the Reserve Banks publish them, month and day."""

days = st.dates(date(2000, 1, 1), date(2099, 12, 31))
moments = st.datetimes(
    datetime(2000, 1, 1), datetime(2099, 12, 31), timezones=st.sampled_from([UTC, EASTERN])
)
cutoffs = st.times().map(lambda moment: moment.replace(microsecond=0, fold=0))


@pytest.fixture(scope="module", autouse=True)
def published_to_2110() -> Iterator[None]:
    """Let the rules be tried on years that nobody has published yet."""
    before, bankdays.ACH.published_through = bankdays.ACH.published_through, 2110
    yield
    bankdays.ACH.published_through = before


def eastern(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=EASTERN)


@pytest.mark.parametrize("year", SCHEDULE)
def test_the_year_closes_on_the_published_days(year):
    published = {datetime.strptime(f"{year}{day}", "%Y%m%d") for day in SCHEDULE[year].split()}

    closings = bankdays.holiday_closings(year)

    assert closings == {day.date() for day in published}


@pytest.mark.parametrize("day", [date(2031, 1, 1), date(2031, 1, 4), date(2099, 6, 1)])
def test_promise_19_a_day_past_the_published_calendar_is_unknown(day):
    calendar = Calendar("ACH")

    with pytest.raises(UnknownYear) as refusal:
        bankdays.is_banking_day(day, calendar=calendar)

    assert (refusal.value.day, refusal.value.published_through) == (day, 2030)
    assert bankdays.is_banking_day(date(2030, 12, 31), calendar=calendar)


def test_promise_19_no_day_is_promised_past_the_published_calendar():
    calendar = Calendar("ACH", published_through=2026)
    last_hours = eastern("2026-12-30T18:00")  # Past the cut-off, so in the file of the 31st.

    assert bankdays.file_day(last_hours, cutoff_eastern=FIVE_PM, calendar=calendar).day == 31
    with pytest.raises(UnknownYear):
        bankdays.reflected_by(last_hours, cutoff_eastern=FIVE_PM, calendar=calendar)
    with pytest.raises(UnknownYear):
        bankdays.effective_entry_date(last_hours, cutoff_eastern=FIVE_PM, calendar=calendar)


def test_every_year_to_2100_agrees_with_the_holidays_package():
    # The package knows this calendar from 1999 on.
    listed = holidays.financial_holidays("XFED", years=range(1999, 2101))

    ours = {day for year in range(1999, 2101) for day in bankdays.holiday_closings(year)}

    assert ours == {day for day in listed if day.weekday() < 5}


@pytest.mark.parametrize(
    "friday",
    [
        date(2026, 7, 3),
        date(2027, 6, 18),
        date(2027, 12, 24),
        date(2027, 12, 31),
        date(2028, 11, 10),
    ],
)
def test_a_saturday_holiday_leaves_its_friday_open(friday):
    assert bankdays.is_banking_day(friday)
    assert bankdays.next_banking_day(friday) == friday + timedelta(days=3)


def test_a_sunday_holiday_closes_the_monday():
    assert not bankdays.is_banking_day(date(2027, 7, 5))
    assert bankdays.next_banking_day(date(2027, 7, 2)) == date(2027, 7, 6)


def test_new_year_on_a_saturday_closes_nothing():
    assert bankdays.next_banking_day(date(2027, 12, 31)) == date(2028, 1, 3)


def test_juneteenth_closes_from_2022_only():
    assert bankdays.is_banking_day(date(2020, 6, 19))
    assert not bankdays.is_banking_day(date(2022, 6, 20))


@pytest.mark.parametrize("day", [date(2026, 4, 3), date(2026, 11, 27)])
def test_good_friday_and_the_day_after_thanksgiving_are_banking_days(day):
    assert bankdays.is_banking_day(day)


def test_an_extraordinary_closing_moves_what_would_settle_on_it():
    mourning = bankdays.Calendar("ACH", {date(2026, 6, 10)})

    submitted = eastern("2026-06-09T10:00")
    settles = bankdays.effective_entry_date(submitted, cutoff_eastern=FIVE_PM, calendar=mourning)

    assert settles == date(2026, 6, 11)
    assert bankdays.effective_entry_date(submitted, cutoff_eastern=FIVE_PM) == date(2026, 6, 10)
    assert bankdays.return_deadline(
        date(2026, 6, 9), ReturnWindow.TWO_BANKING_DAYS, calendar=mourning
    ) == date(2026, 6, 12)


@pytest.mark.parametrize(
    ("submitted", "reflected"),
    [
        ("2026-11-25T20:00", date(2026, 12, 1)),
        ("2026-07-03T10:00", date(2026, 7, 7)),
        ("2026-07-04T10:00", date(2026, 7, 8)),
        ("2026-07-05T23:59", date(2026, 7, 8)),
        ("2026-11-26T09:00", date(2026, 12, 1)),
        ("2027-12-31T10:00", date(2028, 1, 4)),
    ],
)
def test_a_payment_is_reflected_by_the_second_banking_day(submitted, reflected):
    promise = bankdays.reflected_by(eastern(submitted), cutoff_eastern=FIVE_PM)

    assert promise == reflected


def test_mailed_cheques_are_promised_in_five_banking_days():
    promise = bankdays.reflected_by(eastern("2026-11-25T09:00"), cutoff_eastern=FIVE_PM, days=5)

    assert promise == date(2026, 12, 3)


def test_the_cut_off_itself_is_too_late():
    before = eastern("2026-06-09T16:59:59")
    at = eastern("2026-06-09T17:00")

    assert bankdays.file_day(before, cutoff_eastern=FIVE_PM) == date(2026, 6, 9)
    assert bankdays.file_day(at, cutoff_eastern=FIVE_PM) == date(2026, 6, 10)


def test_the_day_is_the_banks_not_the_payers():
    late_in_honolulu = datetime.fromisoformat("2026-06-09T23:30-10:00")

    assert bankdays.file_day(late_in_honolulu, cutoff_eastern=FIVE_PM) == date(2026, 6, 10)


@pytest.mark.parametrize(
    ("day", "utc"),
    [
        (date(2026, 3, 6), datetime(2026, 3, 6, 22, tzinfo=UTC)),
        (date(2026, 3, 9), datetime(2026, 3, 9, 21, tzinfo=UTC)),
        (date(2026, 10, 30), datetime(2026, 10, 30, 21, tzinfo=UTC)),
        (date(2026, 11, 2), datetime(2026, 11, 2, 22, tzinfo=UTC)),
    ],
)
def test_the_cut_off_follows_daylight_saving(day, utc):
    cutoff = bankdays.cutoff_at(day, FIVE_PM)

    assert cutoff == utc
    assert cutoff.tzinfo is UTC
    assert bankdays.file_day(utc - timedelta(seconds=1), cutoff_eastern=FIVE_PM) == day
    assert bankdays.file_day(utc, cutoff_eastern=FIVE_PM) > day


def test_a_same_day_entry_settles_on_its_file_day():
    submitted = eastern("2026-11-25T10:00")

    same = bankdays.effective_entry_date(submitted, cutoff_eastern=FIVE_PM, same_day=True)

    assert same == date(2026, 11, 25)
    assert bankdays.effective_entry_date(submitted, cutoff_eastern=FIVE_PM) == date(2026, 11, 27)


@pytest.mark.parametrize(
    "rule", [bankdays.file_day, bankdays.effective_entry_date, bankdays.reflected_by]
)
def test_a_moment_without_a_zone_is_refused(rule):
    with pytest.raises(NaiveMoment):
        rule(datetime(2026, 6, 9, 10), cutoff_eastern=FIVE_PM)


@pytest.mark.parametrize(
    ("settled", "window", "deadline"),
    [
        (date(2026, 11, 25), ReturnWindow.TWO_BANKING_DAYS, date(2026, 11, 30)),
        (date(2026, 11, 25), ReturnWindow.FIVE_BANKING_DAYS, date(2026, 12, 3)),
        (date(2026, 6, 1), ReturnWindow.SIXTY_CALENDAR_DAYS, date(2026, 8, 3)),
        (date(2026, 6, 2), ReturnWindow.SIXTY_CALENDAR_DAYS, date(2026, 8, 3)),
        (date(2026, 6, 3), ReturnWindow.SIXTY_CALENDAR_DAYS, date(2026, 8, 3)),
        (date(2026, 6, 4), ReturnWindow.SIXTY_CALENDAR_DAYS, date(2026, 8, 4)),
    ],
)
def test_a_return_must_arrive_by_its_deadline(settled, window, deadline):
    assert bankdays.return_deadline(settled, window) == deadline


def test_a_prenote_clears_three_banking_days_after_it_settles():
    assert bankdays.prenote_clear(date(2026, 11, 25)) == date(2026, 12, 1)


def test_a_retry_must_settle_within_180_days_of_the_first_settlement():
    assert bankdays.retry_latest(date(2026, 1, 5)) == date(2026, 7, 4)


def test_wires_and_ach_have_calendars_of_their_own():
    assert bankdays.ACH != bankdays.FEDWIRE


@given(days)
def test_on_or_after_is_the_day_itself_only_if_it_is_a_banking_day(day):
    first = bankdays.banking_day_on_or_after(day)

    assert (first == day) is bankdays.is_banking_day(day)
    assert first >= day
    assert not any(
        bankdays.is_banking_day(day + timedelta(days=n)) for n in range((first - day).days)
    )


@given(days)
def test_next_and_previous_banking_days_undo_each_other(day):
    after = bankdays.next_banking_day(day)
    before = bankdays.previous_banking_day(day)

    assert before < day < after
    assert bankdays.previous_banking_day(after) == bankdays.banking_day_on_or_before(day)
    assert bankdays.next_banking_day(before) == bankdays.banking_day_on_or_after(day)


def banking_days_between(start, end):
    """Count the banking days after start up to and including end; backwards it is negative."""
    if end < start:
        return -sum(
            bankdays.is_banking_day(end + timedelta(days=n)) for n in range((start - end).days)
        )
    return sum(
        bankdays.is_banking_day(start + timedelta(days=n)) for n in range(1, (end - start).days + 1)
    )


@given(days, st.integers(-40, 40))
def test_counting_undoes_adding(day, count):
    there = bankdays.add_banking_days(day, count)

    assert banking_days_between(day, there) == count
    assert count == 0 or bankdays.is_banking_day(there)


@given(days, st.integers(0, 30), st.integers(0, 30))
def test_adding_in_two_steps_is_adding_at_once(day, first, second):
    stepwise = bankdays.add_banking_days(bankdays.add_banking_days(day, first), second)

    assert stepwise == bankdays.add_banking_days(day, first + second)


@given(moments, cutoffs)
def test_what_makes_the_file_was_submitted_before_its_cut_off(submitted, cutoff):
    day = bankdays.file_day(submitted, cutoff_eastern=cutoff)

    assert bankdays.is_banking_day(day)
    assert submitted.astimezone(UTC) < bankdays.cutoff_at(day, cutoff)
    assert bankdays.cutoff_at(bankdays.previous_banking_day(day), cutoff) <= submitted.astimezone(
        UTC
    ) or (bankdays.previous_banking_day(day) < submitted.astimezone(EASTERN).date())


@given(moments, moments, cutoffs)
def test_submitting_later_never_settles_earlier(one, other, cutoff):
    earlier, later = sorted((one.astimezone(UTC), other.astimezone(UTC)))

    first = bankdays.effective_entry_date(earlier, cutoff_eastern=cutoff)
    second = bankdays.effective_entry_date(later, cutoff_eastern=cutoff)

    assert first <= second


def test_extraordinary_closings_are_read_from_text():
    assert bankdays.parse_closings(" 2027-01-09, 2028-03-01,") == {
        date(2027, 1, 9),
        date(2028, 3, 1),
    }
    assert bankdays.parse_closings("") == set()


@pytest.mark.parametrize("text", ["09.01.2027", "2027-02-30", "2027-01-09;2027-01-10"])
def test_a_closing_that_is_no_day_is_refused_by_name(text):
    with pytest.raises(bankdays.InvalidClosing, match=text[:10]):
        bankdays.parse_closings(text)
