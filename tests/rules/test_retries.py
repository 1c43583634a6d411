"""A unit of work is carried out again only after refusals that another try can mend."""

from __future__ import annotations

import time
from collections.abc import Callable

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, OperationalError

from billfold.platform import retries


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """List the seconds that are waited, without waiting."""
    seconds: list[float] = []
    monkeypatch.setattr(time, "sleep", seconds.append)
    return seconds


def refusals(*reasons: type[psycopg.Error]) -> Callable[[], int]:
    """Make a unit that is refused for each reason in turn and then gives how often it began."""
    left = list(reasons)

    def unit() -> int:
        if not left:
            return len(reasons) + 1
        reason = left.pop(0)
        kind = IntegrityError if reason.sqlstate == "23505" else OperationalError
        raise kind from reason()

    return unit


def test_who_was_given_up_in_a_deadlock_leaves_the_other_time_before_each_new_try(pauses):
    unit = refusals(psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)

    assert retries.retried()(unit)() == 3
    assert pauses == [0.05, 0.1]


def test_after_three_tries_the_refusal_stands(pauses):
    with pytest.raises(OperationalError):
        retries.retried()(refusals(*[psycopg.errors.DeadlockDetected] * 3))()

    assert len(pauses) == 2


def test_a_key_that_somebody_wrote_first_is_looked_up_at_once(pauses):
    after = retries.UNDONE | retries.EXISTS

    assert retries.retried(after=after)(refusals(psycopg.errors.UniqueViolation))() == 2
    assert pauses == []


@pytest.mark.parametrize("reason", [psycopg.errors.UniqueViolation, psycopg.errors.AdminShutdown])
def test_any_other_refusal_is_not_tried_again(reason, pauses):
    unit = refusals(reason)

    with pytest.raises(DatabaseError):
        retries.retried()(unit)()
    assert unit() == 2
    assert pauses == []
