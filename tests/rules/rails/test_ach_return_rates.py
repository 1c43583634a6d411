"""The return-rate meter against its three limits."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billfold.rails.ach import return_rates as meter
from billfold.rails.ach.return_rates import Measure, Rate, RateLevel


def levels(debits: int, **returned: int) -> dict[str, str]:
    return {rate.measure: rate.level for rate in meter.rates(debits=debits, returned=returned)}


@pytest.mark.parametrize(
    ("count", "level"),
    [(2, RateLevel.BELOW), (3, RateLevel.NEAR), (4, RateLevel.NEAR), (5, RateLevel.OVER)],
)
def test_unauthorised_returns_are_held_to_half_a_percent(count, level):
    assert levels(1_000, R10=count)["unauthorised"] is level


@pytest.mark.parametrize(
    ("count", "level"),
    [(17, RateLevel.BELOW), (18, RateLevel.NEAR), (29, RateLevel.NEAR), (30, RateLevel.OVER)],
)
def test_administrative_returns_are_held_to_three_percent(count, level):
    assert levels(1_000, R03=count)["administrative"] is level


@pytest.mark.parametrize(
    ("count", "level"),
    [(89, RateLevel.BELOW), (90, RateLevel.NEAR), (149, RateLevel.NEAR), (150, RateLevel.OVER)],
)
def test_all_returns_are_held_to_fifteen_percent(count, level):
    assert levels(1_000, R01=count)["overall"] is level


def test_each_code_counts_where_it_belongs():
    codes = ["R01", "R02", "R03", "R04", "R05", "R07", "R10", "R11", "R29", "R51"]

    counts = {
        rate.measure: rate.returned
        for rate in meter.rates(debits=1_000, returned=dict.fromkeys(codes, 1))
    }

    assert counts == {"unauthorised": 6, "administrative": 3, "overall": 10}


def test_a_share_is_written_with_its_decimals():
    assert Rate(Measure.OVERALL, 1, 8).percent == "12.50"
    assert Rate(Measure.OVERALL, 0, 0).percent == "0.00"


def test_returns_without_any_debit_are_over_the_limit():
    assert levels(0, R01=1)["overall"] is RateLevel.OVER
    assert levels(0)["overall"] is RateLevel.BELOW


@given(st.integers(1, 10**7), st.integers(0, 10**7))
def test_the_level_follows_the_exact_share(debits, returned):
    level = Rate(Measure.OVERALL, returned, debits).level

    assert (level is RateLevel.OVER) == (returned * 100 >= 15 * debits and returned > 0)


def test_the_window_is_sixty_days_with_today():
    assert meter.window(date(2026, 11, 24)) == (date(2026, 9, 26), date(2026, 11, 24))
