"""When entries settle, from the operator's schedule."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billfold import bankdays
from billfold.bankdays import EASTERN, NaiveMoment
from billfold.rails.ach import windows


def eastern(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=EASTERN)


@pytest.mark.parametrize(
    ("sent", "window"),
    [
        ("2026-11-24 10:30", "SD1300"),
        ("2026-11-24 10:31", "SD1700"),
        ("2026-11-24 14:45", "SD1700"),
        ("2026-11-24 16:45", "SD1800"),
    ],
)
def test_a_file_takes_the_first_window_it_reaches(sent, window):
    assert windows.same_day_window(eastern(sent)).descriptive_date == window


@pytest.mark.parametrize("sent", ["2026-11-24 16:46", "2026-11-26 09:00", "2026-11-28 09:00"])
def test_after_the_last_window_and_on_closed_days_nothing_settles_the_same_day(sent):
    assert windows.same_day_window(eastern(sent)) is None


def test_a_bank_that_wants_files_earlier_closes_each_window_earlier():
    window = windows.same_day_window(eastern("2026-11-24 10:01"), lead=timedelta(minutes=30))

    assert window.descriptive_date == "SD1700"


@pytest.mark.parametrize(
    ("sent", "effective", "same_day", "settles"),
    [
        ("2026-11-24 09:00", "2026-11-24", True, "2026-11-24 13:00"),
        ("2026-11-24 09:00", "2026-11-24", False, "2026-11-25 08:30"),
        ("2026-11-24 17:00", "2026-11-24", True, "2026-11-25 08:30"),
        ("2026-11-24 17:00", "2026-11-25", False, "2026-11-25 08:30"),
        ("2026-11-25 02:15", "2026-11-25", False, "2026-11-25 08:30"),
        ("2026-11-25 02:16", "2026-11-25", False, "2026-11-27 08:30"),
        ("2026-11-25 17:00", "2026-11-26", False, "2026-11-27 08:30"),
        ("2026-11-20 17:00", "2026-11-30", False, "2026-11-30 08:30"),
        ("2026-10-30 22:00", "2026-11-02", False, "2026-11-02 08:30"),
    ],
)
def test_an_entry_settles_in_its_window(sent, effective, same_day, settles):
    moment = windows.settles_at(
        eastern(sent), effective_date=date.fromisoformat(effective), takes_same_day=same_day
    )

    assert moment == eastern(settles)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2030, 12, 15), timezones=st.just(EASTERN)),
    st.integers(-5, 10),
    st.booleans(),
)
def test_nothing_settles_before_it_was_sent_or_on_a_closed_day(sent, days, same_day):
    effective = sent.date() + timedelta(days=days)

    settles = windows.settles_at(sent, effective_date=effective, takes_same_day=same_day)

    assert settles > sent
    assert bankdays.is_banking_day(settles.astimezone(EASTERN).date())


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(NaiveMoment):
        windows.same_day_window(datetime(2026, 11, 24, 9))
    with pytest.raises(NaiveMoment):
        windows.settles_at(
            datetime(2026, 11, 24, 9), effective_date=date(2026, 11, 24), takes_same_day=True
        )
