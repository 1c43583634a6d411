"""Locks that the server keeps for us, and drops when our process or connection dies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import Error, connection


@contextmanager
def exclusive(name: str) -> Iterator[None]:
    """Wait until nobody else holds the lock `name`, then hold it. Holding it twice is allowed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])
    try:
        yield
    finally:
        # A lost connection has let go of the lock already, and the body raises what broke it.
        with suppress(Error), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])
