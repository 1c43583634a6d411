"""Doing in a story what the application may not: as the server's superuser, to be rolled back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, models, transaction


@contextmanager
def every_right() -> Iterator[None]:
    """Do anything with what is being served, in the story's own transaction."""
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute("SELECT session_user, current_setting('role')")
        login, role = cursor.fetchone()
        take_every_right()
        yield
        cursor.execute("SELECT set_config('session_authorization', %s, true)", [login])
        cursor.execute("SELECT set_config('role', %s, true)", [role])


@contextmanager
def every_right_and_no_triggers() -> Iterator[None]:
    """Do anything, with rows of tables that are only ever added to as well."""
    with every_right(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield
        cursor.execute("SET LOCAL session_replication_role = origin")


def take_every_right() -> None:
    """Do anything until the transaction that is open is rolled back."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL SESSION AUTHORIZATION DEFAULT")


def save(row: models.Model) -> None:
    """Save every column of a row."""
    with every_right():
        row.save()
