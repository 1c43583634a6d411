"""Repeat an act whose transaction the server rolled back for the sake of another."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

from django.db import Error, InterfaceError, OperationalError

TRIES: Final = 3
PAUSE_SECONDS: Final = 0.05
"""Lets the transaction we were rolled back for take its locks before we ask for them again."""
UNDONE: Final = frozenset({"40001", "40P01"})
"""Serialization failure, deadlock. Source: PostgreSQL, appendix A."""
EXISTS: Final = frozenset({"23505"})
"""Unique violation: another transaction wrote the same key first, and the next try reads it."""
READ_ONLY: Final = "25006"
P = ParamSpec("P")
T = TypeVar("T")


def sqlstate(error: BaseException) -> str:
    """Return the SQLSTATE the server gave; empty if it gave none."""
    return getattr(error.__cause__, "sqlstate", None) or ""


def retried(*, after: frozenset[str] = UNDONE) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Make a function that opens its own transaction run again after these SQLSTATEs.

    It runs three times at most; then the error stands.
    A lost connection is not among them: whether the act was committed is looked up by its key when
    the same request comes again.
    """

    def decorate(act: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(act)
        def act_with_retries(*args: P.args, **kwargs: P.kwargs) -> T:
            for number in range(1, TRIES):
                try:
                    return act(*args, **kwargs)
                except Error as error:
                    if sqlstate(error) not in after:
                        raise
                    if sqlstate(error) in UNDONE:
                        time.sleep(PAUSE_SECONDS * number)
            return act(*args, **kwargs)

        return act_with_retries

    return decorate


def is_temporary(error: BaseException | None) -> bool:
    """Say whether the database cannot serve now, but the same request may succeed later."""
    if isinstance(error, OperationalError | InterfaceError):
        return True
    return isinstance(error, Error) and sqlstate(error) == READ_ONLY
