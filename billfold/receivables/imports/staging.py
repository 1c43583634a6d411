"""The temporary table an import is judged in, and the plan of what its rows would do."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import IO, Any, Final

from django.db import connection
from psycopg import sql

from billfold.platform.ids import new_ids
from billfold.receivables.imports.columns import KEYS, Field
from billfold.receivables.imports.csv_files import MOST_PROBLEMS, Problems, Reading

CHUNK: Final = 5_000


def fill(reading: Reading, kind: str, *, keep: IO[bytes]) -> None:
    """Stream the file's good rows into the temporary table `incoming`, each with an id."""
    _make(reading.fields)
    rows = reading.values(keep=keep)
    head = list(islice(rows, CHUNK))
    if not reading.present:
        return
    columns = sql.SQL(", ").join(map(sql.Identifier, ("id", "line", *reading.present)))
    statement = sql.SQL("COPY incoming ({}) FROM STDIN").format(columns)
    with connection.cursor() as cursor:
        with cursor.copy(statement) as copy:
            while head:
                for id, row in zip(new_ids(len(head)), head, strict=True):
                    copy.write_row((id, *row))
                head = list(islice(rows, CHUNK))
        cursor.execute("ANALYZE incoming")
    _find_repeats(kind, reading)


def _make(fields: Mapping[str, Field]) -> None:
    columns = [
        sql.SQL("{} {} NOT NULL DEFAULT {}").format(
            sql.Identifier(known.name),
            sql.SQL(known.sql_type),
            sql.Literal(known.default)
            if known.sql_type in ("text", "boolean")
            else sql.SQL("NULL"),
        )
        for known in fields.values()
    ]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '64MB'")
        cursor.execute("DROP TABLE IF EXISTS pg_temp.judged, pg_temp.incoming")
        cursor.execute(
            sql.SQL(
                "CREATE TEMPORARY TABLE incoming (id uuid, line integer, {}) ON COMMIT DROP"
            ).format(sql.SQL(", ").join(columns))
        )


def _find_repeats(kind: str, reading: Reading) -> None:
    keys = KEYS[kind]
    named = sql.SQL(", ").join(map(sql.Identifier, keys))
    statement = sql.SQL(
        """SELECT again.line, first.line, concat_ws(' line ', {keys})
           FROM incoming again
           JOIN (SELECT {keys}, min(line) AS line FROM incoming GROUP BY {keys}
                 HAVING count(*) > 1) first USING ({keys})
           WHERE again.line > first.line"""
    ).format(keys=named)
    for line, first, name in failing(statement, reading.problems):
        reading.problems.add(
            line,
            reading.column(keys[0]),
            f"{name} stands on line {first} already",
            "Keep one row, even if both are alike: the totals count each of them.",
        )


def failing(
    statement: str | sql.Composed, problems: Problems, arguments: Sequence[Any] = ()
) -> list[tuple[Any, ...]]:
    """Read the rows that are wrong, by line, as many as are shown; count the others unseen."""
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


def judge(statement: str, arguments: Mapping[str, Any]) -> dict[str, int]:
    """Make the table `judged` from a query; count its rows by verdict."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMPORARY TABLE judged ON COMMIT DROP AS {statement}", dict(arguments)
        )
        cursor.execute("ANALYZE judged")
        cursor.execute("SELECT verdict, count(*) FROM judged GROUP BY verdict")
        return dict(cursor.fetchall())


def chunks(statement: str) -> Iterator[list[tuple[Any, ...]]]:
    """Read a query in pieces, through a cursor of the server's."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement)
        while rows := cursor.fetchmany(CHUNK):
            yield rows


def execute(statement: str, arguments: Sequence[Any] = ()) -> int:
    """Carry out a statement; give the number of rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments)
        return int(cursor.rowcount)


def differences(statement: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Read name, value before and value after of what changed, as pairs of dictionaries."""
    for rows in chunks(statement):
        yield (
            {name: json.loads(before) for name, before, _ in rows},
            {name: json.loads(after) for name, _, after in rows},
        )
