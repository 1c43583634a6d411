"""Inserting rows: one statement for 5,000 of them, the same way for one row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from django.db import connection, models

_CHUNK = 5_000


def insert(
    table: str, columns: Mapping[str, tuple[str, Sequence[Any]]], *, conflict: str = ""
) -> int:
    """Insert rows given as columns, `{"id": ("uuid", ids), …}`; return how many were inserted.

    `conflict` names the unique columns by which a row that is there already is skipped.
    Table and column names come from code, never from input.
    """
    statement = _insert_statement(
        table, {name: kind for name, (kind, _) in columns.items()}, conflict
    )
    return _execute(statement, list(columns.values()))


def insert_objects(objects: Sequence[models.Model]) -> int:
    """Insert model objects of one class, exactly as they are; return how many were inserted."""
    if not objects:
        return 0
    statement, readers = _model_insert(type(objects[0]))
    columns = [(kind, [read(instance) for instance in objects]) for kind, read in readers]
    return _execute(statement, columns)


@cache
def _model_insert(
    model: type[models.Model],
) -> tuple[str, list[tuple[str, Callable[[Any], Any]]]]:
    """Make the statement for a model, and for each column its type and how to read its value."""
    fields = model._meta.local_concrete_fields
    kinds = {str(field.column): str(field.db_type(connection)) for field in fields}
    readers = [(kinds[str(field.column)], _reader(field)) for field in fields]
    return _insert_statement(model._meta.db_table, kinds, ""), readers


def _reader(field: models.Field[Any, Any]) -> Callable[[Any], Any]:
    name = field.attname
    if isinstance(field, models.JSONField):
        return lambda instance: field.get_db_prep_save(getattr(instance, name), connection)
    return lambda instance: getattr(instance, name)


def _insert_statement(table: str, kinds: Mapping[str, str], conflict: str) -> str:
    names = ", ".join(kinds)
    arrays = ", ".join(f"%s::{kind}[]" for kind in kinds.values())
    ending = f" ON CONFLICT ({conflict}) DO NOTHING" if conflict else ""
    return f"INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays}){ending}"  # noqa: S608


_QUOTED = frozenset({"text", "jsonb"})
_BARE = frozenset({"uuid", "bigint", "int", "integer", "smallint", "date", "boolean"})


def array_literal(kind: str, values: Sequence[Any]) -> Any:
    """Write values as a PostgreSQL array literal, such as `{1,2,NULL}`.

    This replaces psycopg's own adaption of lists, which takes several times as long for texts and
    numbers. tests/stories/books/test_rows.py compares what is stored with what was written.
    Values not written here are returned as a list, for psycopg to adapt.
    Source: PostgreSQL, "Array Input and Output Syntax".
    """
    base = kind.partition("(")[0]
    if base in _BARE:
        return "{" + ",".join(["NULL" if v is None else str(v) for v in values]) + "}"
    if base in _QUOTED and values and all(type(v) is str for v in values):
        joined = "\0".join(values)
        # No text holds the separator: one with a NUL is left to psycopg, which refuses it.
        if joined.count("\0") == len(values) - 1:
            escaped = joined.replace("\\", "\\\\").replace('"', '\\"')
            return '{"' + escaped.replace("\0", '","') + '"}'
    return list(values)


def _execute(statement: str, columns: Sequence[tuple[str, Sequence[Any]]]) -> int:
    inserted = 0
    with connection.cursor() as cursor:
        for start in range(0, len(columns[0][1]), _CHUNK):
            end = start + _CHUNK
            chunk = [array_literal(kind, values[start:end]) for kind, values in columns]
            cursor.execute(statement, chunk)
            inserted += cursor.rowcount
    return inserted
