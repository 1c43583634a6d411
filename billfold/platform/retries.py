"""A unit of work that the server undid for another's sake is carried out again, as a whole."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

from django.db import Error, InterfaceError, OperationalError

TRIES: Final = 3
PAUSE_SECONDS: Final = 0.05
"""Lets whoever we were undone for take its locks; at once, we could take them from it again."""
UNDONE: Final = frozenset({"40001", "40P01"})
"""Serialization failure, deadlock. Source: PostgreSQL, appendix A."""
EXISTS: Final = frozenset({"23505"})
"""Somebody wrote the same key first: the next try finds it."""
READ_ONLY: Final = "25006"
T = TypeVar("T")


def sqlstate(refused: BaseException) -> str:
    """Name the server's reason; empty if it gave none."""
    return getattr(refused.__cause__, "sqlstate", None) or ""


def whole(unit: Callable[[], T], *, after: frozenset[str] = UNDONE) -> T:
    """Carry out a unit that opens its own transaction, again after these refusals, thrice at most.

    A lost connection is not among them: whether the unit was done is looked up by its key when
    the same request comes again.
    """
    for number in range(1, TRIES):
        try:
            return unit()
        except Error as refused:
            if sqlstate(refused) not in after:
                raise
            if sqlstate(refused) in UNDONE:
                time.sleep(PAUSE_SECONDS * number)
    return unit()


def passes(refused: BaseException | None) -> bool:
    """Say whether the database cannot serve now, but the same request may succeed later."""
    if isinstance(refused, OperationalError | InterfaceError):
        return True
    return isinstance(refused, Error) and sqlstate(refused) == READ_ONLY
