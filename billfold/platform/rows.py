"""Adding many rows in one statement, the same way for one and for a hundred thousand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from django.db import connection, models

_CHUNK = 5_000


def insert(
    table: str, columns: Mapping[str, tuple[str, Sequence[Any]]], *, conflict: str = ""
) -> int:
    """Insert rows given as columns, `{"id": ("uuid", ids), …}`; give how many were added.

    `conflict` names the unique columns on which a row that is there already is passed over.
    Table and column names come from code, never from input.
    """
    statement = _statement(table, {name: kind for name, (kind, _) in columns.items()}, conflict)
    return _execute(statement, [list(column) for _, column in columns.values()])


def add(objects: Sequence[models.Model]) -> int:
    """Insert model objects of one class, exactly as they are; give how many were added."""
    if not objects:
        return 0
    statement, readers = _of_model(type(objects[0]))
    return _execute(statement, [[read(each) for each in objects] for read in readers])


@cache
def _of_model(model: type[models.Model]) -> tuple[str, list[Callable[[Any], Any]]]:
    fields = model._meta.local_concrete_fields
    kinds = {str(field.column): str(field.db_type(connection)) for field in fields}
    return _statement(model._meta.db_table, kinds, ""), [_reader(field) for field in fields]


def _reader(field: models.Field[Any, Any]) -> Callable[[Any], Any]:
    name = field.attname
    if isinstance(field, models.JSONField):
        return lambda each: field.get_db_prep_save(getattr(each, name), connection)
    return lambda each: getattr(each, name)


def _statement(table: str, kinds: Mapping[str, str], conflict: str) -> str:
    names = ", ".join(kinds)
    places = ", ".join(f"%s::{kind}[]" for kind in kinds.values())
    ending = f" ON CONFLICT ({conflict}) DO NOTHING" if conflict else ""
    return f"INSERT INTO {table} ({names}) SELECT * FROM unnest({places}){ending}"  # noqa: S608


def _execute(statement: str, columns: Sequence[list[Any]]) -> int:
    added = 0
    with connection.cursor() as cursor:
        for at in range(0, len(columns[0]), _CHUNK):
            cursor.execute(statement, [column[at : at + _CHUNK] for column in columns])
            added += cursor.rowcount
    return added
