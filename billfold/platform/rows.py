"""Adding many rows in one statement, the same way for one and for a hundred thousand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection

_CHUNK = 5_000


def insert(
    table: str, columns: Mapping[str, tuple[str, Sequence[Any]]], *, conflict: str = ""
) -> int:
    """Insert rows given as columns, `{"id": ("uuid", ids), …}`; give how many were added.

    `conflict` names the unique columns on which a row that is there already is passed over.
    Table and column names come from code, never from input.
    """
    names = ", ".join(columns)
    places = ", ".join(f"%s::{kind}[]" for kind, _ in columns.values())
    ending = f" ON CONFLICT ({conflict}) DO NOTHING" if conflict else ""
    statement = f"INSERT INTO {table} ({names}) SELECT * FROM unnest({places}){ending}"  # noqa: S608
    values = [list(column) for _, column in columns.values()]
    added = 0
    with connection.cursor() as cursor:
        for at in range(0, len(values[0]), _CHUNK):
            cursor.execute(statement, [column[at : at + _CHUNK] for column in values])
            added += cursor.rowcount
    return added
