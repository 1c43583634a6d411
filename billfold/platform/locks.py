"""Locks that the server keeps for us, and drops when our process or connection dies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import Error, connection
from django.db.transaction import TransactionManagementError

from billfold.platform import tenancy


@contextmanager
def exclusive(name: str) -> Iterator[None]:
    """Wait until nobody else holds the lock `name`, then hold it. Holding it twice is allowed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])
    try:
        yield
    finally:
        _let_go(name)


@contextmanager
def if_free(name: str) -> Iterator[bool]:
    """Hold the lock `name` unless somebody else has it; say whether it is held. Never waits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name])
        is_held = cursor.fetchone()[0]
    try:
        yield is_held
    finally:
        if is_held:
            _let_go(name)


def _let_go(name: str) -> None:
    # A lost connection has let go of the lock already, and the body raises what broke it.
    with suppress(Error), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])


def until_commit(name: str, *, is_shared: bool = False) -> None:
    """Wait for the lock `name` of this biller, then hold it until the open transaction ends.

    Several may hold it shared; while one holds it otherwise, nobody else does. Locks are the whole
    server's: without the schema in their names, billers would wait for each other.
    Raises: TransactionManagementError outside a transaction, where it would be let go at once.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError(name)
    kind = "pg_advisory_xact_lock_shared" if is_shared else "pg_advisory_xact_lock"
    key = f"{tenancy.current().schema}/{name}"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {kind}(hashtextextended(%s, 0))", [key])
