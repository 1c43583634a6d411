"""Staging: a file's rows in one temporary table, and what each would do in another."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import IO, Any, Final

from django.db import connection
from psycopg import sql

from billfold.platform.ids import new_ids
from billfold.receivables.imports.csv_file import MOST_PROBLEMS, CsvFile, ImportProblems
from billfold.receivables.imports.import_fields import KEY_FIELDS, ImportField

CHUNK: Final = 5_000


def load_rows(file: CsvFile, kind: str, *, archive: IO[bytes]) -> None:
    """Copy the file's good rows into the temporary table `incoming`, each with an id."""
    _create_table(file.fields)
    rows = file.read_rows(archive=archive)
    chunk = list(islice(rows, CHUNK))
    if not file.present:
        return
    columns = sql.SQL(", ").join(map(sql.Identifier, ("id", "line", *file.present)))
    statement = sql.SQL("COPY incoming ({}) FROM STDIN").format(columns)
    with connection.cursor() as cursor:
        with cursor.copy(statement) as copy:
            while chunk:
                for id, row in zip(new_ids(len(chunk)), chunk, strict=True):
                    copy.write_row((id, *row))
                chunk = list(islice(rows, CHUNK))
        cursor.execute("ANALYZE incoming")
    _refuse_repeats(kind, file)


def _create_table(fields: Mapping[str, ImportField]) -> None:
    columns = [
        sql.SQL("{} {} NOT NULL DEFAULT {}").format(
            sql.Identifier(field.name),
            sql.SQL(field.sql_type),
            sql.Literal(field.default)
            if field.sql_type in ("text", "boolean")
            else sql.SQL("NULL"),
        )
        for field in fields.values()
    ]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '64MB'")
        cursor.execute("DROP TABLE IF EXISTS pg_temp.classified, pg_temp.incoming")
        cursor.execute(
            sql.SQL(
                "CREATE TEMPORARY TABLE incoming (id uuid, line integer, {}) ON COMMIT DROP"
            ).format(sql.SQL(", ").join(columns))
        )


def _refuse_repeats(kind: str, file: CsvFile) -> None:
    """Add a problem for each row whose key another row has."""
    keys = KEY_FIELDS[kind]
    columns = sql.SQL(", ").join(map(sql.Identifier, keys))
    statement = sql.SQL(
        """SELECT again.line, first.line, concat_ws(' line ', {keys})
           FROM incoming again
           JOIN (SELECT {keys}, min(line) AS line FROM incoming GROUP BY {keys}
                 HAVING count(*) > 1) first USING ({keys})
           WHERE again.line > first.line"""
    ).format(keys=columns)
    for line, first, name in faulty_rows(statement, file.problems):
        file.problems.add(
            line,
            file.column(keys[0]),
            f"{name} stands on line {first} already",
            "Keep one row, even if both are alike: the totals count each of them.",
        )


def faulty_rows(
    statement: str | sql.Composed, problems: ImportProblems, arguments: Sequence[Any] = ()
) -> list[tuple[Any, ...]]:
    """Read the faulty rows, by line, as many as are reported; add the number of the others."""
    with connection.cursor() as cursor:
        query = statement if isinstance(statement, sql.Composed) else sql.SQL(statement)
        cursor.execute(
            sql.SQL("SELECT count(*) OVER (), wrong.* FROM ({}) wrong ORDER BY 2 LIMIT {}").format(
                query, sql.Literal(MOST_PROBLEMS)
            ),
            list(arguments),
        )
        rows = cursor.fetchall()
    if rows:
        problems.count += rows[0][0] - len(rows)
    return [row[1:] for row in rows]


def classify(statement: str, arguments: Mapping[str, Any]) -> dict[str, int]:
    """Make the temporary table `classified` from a query; return the number of rows by verdict."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMPORARY TABLE classified ON COMMIT DROP AS {statement}", dict(arguments)
        )
        cursor.execute("ANALYZE classified")
        cursor.execute("SELECT verdict, count(*) FROM classified GROUP BY verdict")
        return dict(cursor.fetchall())


def read_chunks(statement: str) -> Iterator[list[tuple[Any, ...]]]:
    """Read a query in chunks, through a server-side cursor."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement)
        while rows := cursor.fetchmany(CHUNK):
            yield rows


def execute(statement: str, arguments: Sequence[Any] = ()) -> int:
    """Execute a statement; return the number of rows it changed."""
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments)
        return int(cursor.rowcount)


def read_differences(statement: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Read rows of name, old and new JSON; yield, chunk by chunk, old and new values by name."""
    for rows in read_chunks(statement):
        yield (
            {name: json.loads(before) for name, before, _ in rows},
            {name: json.loads(after) for name, _, after in rows},
        )
