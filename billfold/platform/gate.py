"""The gate to the outside: whatever changes the world beyond the database passes through it.

Whoever passes holds a lock that many may share, from the moment HOLD and the live mark are read
until the far side has answered or the deadline of the try is over. `hold on` writes HOLD and then
takes the same lock alone: once it has it, nothing is on its way and nothing starts any more. The
server keeps the lock for the connection, so a process that dies lets go of it. One that lives on
without its connection has lost the lock, too: it asks once more just before the last step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import psycopg
from django.db import Error, connection

from billfold.platform import brake, live_mark, locks
from billfold.platform.faults import fault
from billfold.platform.live_mark import MarkStatus
from billfold.platform.tenancy import Biller


class OutwardAct(StrEnum):
    """What changes the outside world; each word completes "waiting to …"."""

    SEND = "send"
    REMOVE = "remove"
    MAIL = "mail"


class GateClosed(Exception):
    """Nothing may leave; the text says why."""


class PassageLost(Exception):
    """The connection that holds the gate is lost: somebody else may have passed meanwhile."""


@dataclass(frozen=True, slots=True)
class Passage:
    """The right to carry out one outward act; only the gate gives one."""

    _session: psycopg.Connection

    def confirm(self) -> None:
        """Make sure that the gate is still held, before what cannot be undone.

        It asks on the very connection that took the lock, also within an event loop.
        Raises: PassageLost.
        """
        try:
            self._session.execute("SELECT 1")
        except psycopg.Error as error:
            raise PassageLost from error


ON_HOLD: Final = "the biller is on HOLD"
_TAKE = """
SELECT pg_advisory_lock_shared(hashtextextended(%s, 0)),
       set_config('application_name', %s, false)"""
_LET_GO = """
SELECT pg_advisory_unlock_shared(hashtextextended(%s, 0)),
       set_config('application_name', %s, false)"""
_INSIDE = """
SELECT a.application_name
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.mode = 'ShareLock' AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (l.classid::bigint << 32) | l.objid::bigint = hashtextextended(%s, 0)
ORDER BY 1"""
_LABEL_BYTES: Final = 63
"""What the server keeps of a connection's name."""


@contextmanager
def open(biller: Biller, act: OutwardAct, about: str = "") -> Iterator[Passage]:
    """Hold the gate open for one act, and say to whoever waits for it what is on its way.

    Never within a transaction: the act may take as long as the far side does.
    Raises: GateClosed.
    """
    name = _lock_name(biller)
    label = f"{act} {about}".strip().encode()[:_LABEL_BYTES].decode(errors="ignore")
    with connection.cursor() as cursor:
        cursor.execute("SHOW application_name")
        before = cursor.fetchone()[0]
        cursor.execute(_TAKE, [name, label])
    try:
        reason = why_closed(biller, act)
        if reason:
            raise GateClosed(reason)
        fault("gate_taken")
        yield Passage(connection.connection)
    finally:
        # A lost connection has let go of the lock already, and the body raises what broke it.
        with suppress(Error), connection.cursor() as cursor:
            cursor.execute(_LET_GO, [name, before])


def why_closed(biller: Biller, act: OutwardAct) -> str:
    """Say why an act may not happen at this moment; nothing if it may.

    The brake stops what goes to the bank and nothing else. The biller must be the one served.
    """
    mark = mark_status()
    if mark is not MarkStatus.MATCHES:
        return mark.value
    with connection.cursor() as cursor:
        cursor.execute("SELECT state FROM public.biller_state WHERE schema = %s", [biller.schema])
        row = cursor.fetchone()
    if row is None or row[0] != "open":
        return ON_HOLD
    return brake.reason(brake.standing()) if act is OutwardAct.SEND else ""


def mark_status() -> MarkStatus:
    """Compare this installation's live mark with the database, whichever biller is served."""
    with connection.cursor() as cursor:
        return live_mark.status(cursor)


def wait_until_empty(biller: Biller, on_wait: Callable[[Sequence[str]], None]) -> None:
    """Wait until nothing of the biller is on its way; `on_wait` learns first what is."""
    name = _lock_name(biller)
    with connection.cursor() as cursor:
        cursor.execute(_INSIDE, [name])
        labels = [label for (label,) in cursor.fetchall()]
    if labels:
        on_wait(labels)
    with locks.exclusive(name):
        pass


def _lock_name(biller: Biller) -> str:
    return f"{biller.schema}/gate"
