"""The feed: a row for each command and kind of fact, numbered so that a reader's cursor skips none.

A row is written in the transaction of its facts, which name it. It has no number yet, as
transactions do not commit in the order in which they begin. A job numbers rows a moment later,
behind the oldest transaction that still writes: what is numbered is committed, and whatever commits
afterwards gets a higher number. A reader keeps the last number it read as its cursor.

Transaction ids mean nothing in another cluster. So the place where they were counted is kept: in
another one, rows that wait are numbered at once, in a new series that begins above every number
given before. A cursor of before, even of a day that a restore took back, is never ahead of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from billfold.platform import locks, tenancy
from billfold.platform.faults import fault
from billfold.platform.ids import new_id

SERIES_SIZE: Final = 1_000_000_000_000
"""How many numbers a series has: that of the n-th place after the first begins above n times it."""
HAS_WORK: Final = """(EXISTS (
    SELECT FROM platform_feedrow WHERE number IS NULL
    AND (xid < pg_snapshot_xmin(pg_current_snapshot())
         OR NOT EXISTS (SELECT FROM platform_feedseries))) OR feed_has_moved())"""
"""Whether `number` has something to do: an SQL condition."""
_NUMBER_AT_MOST: Final = 10_000
_NO_ID: Final = UUID(int=0).hex


class FeedKind(StrEnum):
    """The kinds of facts that name a row of the feed."""

    PAYMENTS = "payments"
    """Payments scheduled."""
    EVENTS = "events"
    """Events of payments."""
    TRANSFERS = "transfers"
    """Transfers booked."""


class CursorAhead(Exception):
    """A cursor names a number that was not given yet."""

    def __init__(self, *, cursor: int, last: int) -> None:
        super().__init__(f"{cursor}: the last number is {last}")
        self.cursor = cursor
        self.last = last


@dataclass(frozen=True, slots=True)
class FeedWindow:
    """The rows of the feed that a reader reads next: above `since`, up to `through`."""

    since: int
    through: int
    """The reader's next cursor."""
    first_id: UUID
    last_id: UUID
    """Between which the ids of all these rows are. Facts lie in that order, so that a coarse index
    finds those of a window."""


@dataclass(frozen=True, slots=True)
class FeedHolder:
    """The oldest transaction that still writes: rows as young as it have to wait for it."""

    pid: int | None
    """None of one that was prepared for a commit in two phases."""
    application: str
    since: datetime | None
    """None where the server does not tell us, as of another login's."""


@dataclass(frozen=True, slots=True)
class FeedLag:
    """What waits for its number."""

    waiting: int
    oldest_at: datetime | None
    holder: FeedHolder | None
    """None if nothing waits, or nobody has to be waited for."""


def row(kind: FeedKind, *, now: datetime) -> UUID:
    """Give the row that facts of this kind are to name in the open transaction, adding it once."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT feed_row(%s, %s, %s)", [kind.value, new_id(), now])
        (row_id,) = cursor.fetchone()
        return UUID(str(row_id))


def number() -> int:
    """Number the rows that wait for nobody; return how many. One numbers at a time."""
    fault("feed_begun")
    with transaction.atomic(durable=True):
        locks.until_commit("feed")
        with connection.cursor() as cursor:
            cursor.execute(
                """INSERT INTO platform_feedseries (number, place)
                   SELECT coalesce(max(number) + 1, 0), feed_place() FROM platform_feedseries
                   HAVING feed_has_moved() OR (
                       max(number) IS NULL
                       AND EXISTS (SELECT FROM platform_feedrow WHERE number IS NULL))"""
            )
            # Also the first time: a dump may have been restored before any number was given.
            is_elsewhere = cursor.rowcount > 0
            cursor.execute(
                """WITH waiting AS (
                       SELECT id, row_number() OVER (ORDER BY xid, id) AS place
                       FROM platform_feedrow
                       WHERE number IS NULL AND (
                           %(is_elsewhere)s OR xid < pg_snapshot_xmin(pg_current_snapshot()))
                       ORDER BY xid, id LIMIT %(at_most)s
                   ), last AS (
                       SELECT greatest(
                           (SELECT coalesce(max(number), 0) FROM platform_feedrow),
                           (SELECT max(number) * %(series_size)s FROM platform_feedseries)
                       ) AS number
                   )
                   UPDATE platform_feedrow f SET number = last.number + waiting.place
                   FROM waiting, last WHERE f.id = waiting.id""",
                {
                    "is_elsewhere": is_elsewhere,
                    # What was counted elsewhere cannot be compared a second time.
                    "at_most": None if is_elsewhere else _NUMBER_AT_MOST,
                    "series_size": SERIES_SIZE,
                },
            )
            count: int = cursor.rowcount
        fault("feed_inside")
    fault("feed_committed")
    return count


def window(since: int) -> FeedWindow:
    """Read which rows come after a cursor; 0 is before the first. Raises: CursorAhead."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT greatest((SELECT coalesce(max(number), 0) FROM platform_feedrow),
                               (SELECT max(number) * %s FROM platform_feedseries)),
                      min(id::text), max(id::text)
               FROM platform_feedrow WHERE number > %s""",
            [SERIES_SIZE, since],
        )
        last, first_id, last_id = cursor.fetchone()
    if since > last:
        raise CursorAhead(cursor=since, last=last)
    return FeedWindow(since, last, UUID(first_id or _NO_ID), UUID(last_id or _NO_ID))


def lag() -> FeedLag:
    """Read what waits for its number in the biller's feed, and for whom."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT count(*), min(at), bool_and(xid >= pg_snapshot_xmin(pg_current_snapshot()))
               FROM platform_feedrow WHERE number IS NULL"""
        )
        waiting, oldest_at, is_held = cursor.fetchone()
    return FeedLag(waiting, oldest_at, _oldest_writer() if is_held else None)


def _oldest_writer() -> FeedHolder | None:
    """Find the transaction that holds back the rows of all others, in whatever database it is."""
    # Since when a session works is told to its own login, which a biller's role is not.
    with tenancy.no_biller(), connection.cursor() as cursor:
        cursor.execute(
            """WITH oldest AS (SELECT pg_snapshot_xmin(pg_current_snapshot())::xid AS xid)
               SELECT pid, application_name, xact_start FROM pg_stat_activity, oldest
               WHERE backend_xid = xid
               UNION ALL
               SELECT NULL, 'prepared transaction ' || gid, prepared FROM pg_prepared_xacts, oldest
               WHERE transaction = xid"""
        )
        holder = cursor.fetchone()
    return FeedHolder(*holder) if holder else None
