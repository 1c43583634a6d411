"""Waiting for what other processes do, for as long as it takes: a busy machine fails no test.

How long something may take is measured in bench/, against a limit taken in the same run.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from django.db import connection

HUNG_AFTER_SECONDS: Final = 600
"""Long after all that tests do is over on the slowest machine: what takes longer never ends."""
ENDLESS_CPU_SECONDS: Final = 120


def wait_until(has_happened: Callable[[], object], what: str) -> None:
    """Look again and again until something has happened; fail if it never does."""
    give_up_at = time.monotonic() + HUNG_AFTER_SECONDS
    while not has_happened():
        assert time.monotonic() < give_up_at, f"never happened: {what}"
        time.sleep(0.01)


@contextmanager
def stopped_if_endless() -> Iterator[None]:
    """Fail an act that computes for minutes: it looks back again and again, or never ends."""

    def stop(_number: int, _frame: object) -> None:
        raise AssertionError(f"still computing after {ENDLESS_CPU_SECONDS} s")

    before = signal.signal(signal.SIGVTALRM, stop)
    # Counts only while this process computes, so not while others have the machine.
    signal.setitimer(signal.ITIMER_VIRTUAL, ENDLESS_CPU_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@contextmanager
def stopped_after_queries(at_most: int) -> Iterator[None]:
    """Fail an act that asks the database again and again, where it should have ended long ago."""
    count = 0

    def run(execute: Callable[..., Any], *query: Any) -> Any:
        nonlocal count
        count += 1
        if count > at_most:
            pytest.fail(f"still asking after {at_most} queries")  # No `except Exception` ends it.
        return execute(*query)

    with connection.execute_wrapper(run):
        yield
