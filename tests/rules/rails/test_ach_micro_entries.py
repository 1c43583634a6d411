"""Micro-entries: two amounts, three tries, fourteen days."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billfold.rails.ach import micro_entries as micro
from billfold.rails.ach.micro_entries import AmountsOutOfRange, Challenge, ChallengeState, NotOpen

SENT = datetime(2026, 11, 24, 14, tzinfo=UTC)
pair = st.tuples(st.integers(1, 49), st.integers(1, 49))


@given(pair, st.booleans())
def test_the_right_amounts_confirm_in_any_order(amounts, turned):
    guess = amounts[::-1] if turned else amounts

    confirmed = Challenge(amounts, SENT).answer(guess, now=SENT)

    assert confirmed.state(now=SENT + timedelta(days=400)) is ChallengeState.CONFIRMED


@given(pair, pair)
def test_wrong_amounts_use_up_a_try(amounts, guess):
    answered = Challenge(amounts, SENT).answer(guess, now=SENT)

    assert answered.is_confirmed == (sorted(guess) == sorted(amounts))
    assert answered.wrong_tries == (0 if answered.is_confirmed else 1)


def test_three_wrong_answers_lock_even_against_the_right_one():
    challenge = Challenge((12, 34), SENT)
    for _ in range(3):
        challenge = challenge.answer((1, 2), now=SENT)

    with pytest.raises(NotOpen) as refusal:
        challenge.answer((12, 34), now=SENT)

    assert refusal.value.state is ChallengeState.LOCKED


def test_after_fourteen_days_the_right_answer_is_too_late():
    challenge = Challenge((12, 34), SENT)
    last = SENT + timedelta(days=14) - timedelta(seconds=1)

    assert challenge.answer((12, 34), now=last).is_confirmed
    with pytest.raises(NotOpen) as refusal:
        challenge.answer((12, 34), now=SENT + timedelta(days=14))
    assert refusal.value.state is ChallengeState.EXPIRED


@pytest.mark.parametrize("guess", [(), (46,), (12, 34, 0), (12, 12), (1234,), (-12, 58)])
def test_an_answer_of_another_shape_is_a_wrong_one(guess):
    assert Challenge((12, 34), SENT).answer(guess, now=SENT).wrong_tries == 1


@given(st.integers(0), st.integers(0))
def test_any_two_numbers_make_amounts_below_half_a_dollar(first, second):
    amounts = micro.amounts_from(first, second)

    challenge = Challenge(amounts, SENT)

    assert challenge.offset_minor == sum(amounts) < 100


@pytest.mark.parametrize("amounts", [(0, 5), (50, 1), (5,), (1, 2, 3)])
def test_amounts_outside_the_rule_are_refused(amounts):
    with pytest.raises(AmountsOutOfRange):
        Challenge(amounts, SENT)


def test_the_amounts_are_not_in_what_a_log_would_show():
    assert "12" not in repr(Challenge((12, 34), SENT)).replace("2026", "")
