"""Calls to far sides: to banks and the mail server, each in a thread, apart from the loop.

There is one at a time for each biller and far side, so that one that keeps silent holds up nobody
else. A silent far side is called again after 15 seconds, then after longer and longer.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from django.db import DEFAULT_DB_ALIAS, Error, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from billfold import jobs
from billfold.jobs import NetworkJob
from billfold.platform import clock, far_sides, locks, tenancy
from billfold.platform.tenancy import Biller

log = logging.getLogger("billfold.calls")
NETWORK_JOBS: Final = tuple(job for job in jobs.JOBS if isinstance(job, NetworkJob))
LOOK_SECONDS: Final = min(job.every_seconds for job in NETWORK_JOBS)
"""How often a biller's calls are looked for."""
PAUSE_SECONDS: Final = 0.5
PAUSE_AFTER_ERROR_SECONDS: Final = 15.0
ANSWERS_WITHIN_SECONDS: Final = 2.0
"""A call that takes longer is taken to wait for a silent far side: it gives up its place."""
PLACES: Final = 8
"""Calls that have just begun, at most."""
PLACES_FOR_SILENT: Final = 4
"""Calls to far sides that are known to be silent, at most."""
MOST_CALLS: Final = 32
"""All calls at a time; each has a database connection."""


@dataclass(frozen=True, slots=True)
class Call:
    """One job of one biller with one of its far sides."""

    job: NetworkJob
    biller: Biller
    far_side: str
    is_to_silent: bool = False

    @property
    def name(self) -> tuple[str, str, str]:
        return self.biller.schema, self.job.name, self.far_side

    @property
    def line(self) -> tuple[str, str]:
        """What only one call may use at a time."""
        return self.biller.schema, self.far_side


class UnderWay:
    """The calls under way, and whether there is a place for another."""

    def __init__(self, on_end: Callable[[], None]) -> None:
        self._threads = ThreadPoolExecutor(
            MOST_CALLS, thread_name_prefix="call", initializer=self._keep_connection
        )
        self._on_end = on_end
        self._begun: dict[tuple[str, str], _Begun] = {}
        self._connections: list[BaseDatabaseWrapper] = []

    def _keep_connection(self) -> None:
        """Let a new thread keep its connection from call to call; `end` closes it."""
        connections[DEFAULT_DB_ALIAS].inc_thread_sharing()
        self._connections.append(connections[DEFAULT_DB_ALIAS])

    def begin(self, call: Call, make: Callable[[Call], None]) -> bool:
        """Begin a call if its line is free and there is a place; say whether it has begun."""
        self._begun = {line: each for line, each in self._begun.items() if not each.future.done()}
        if call.line in self._begun or not self._has_place(call):
            return False
        future = self._threads.submit(make, call)
        self._begun[call.line] = _Begun(future, time.monotonic(), call.is_to_silent)
        future.add_done_callback(lambda _future: self._on_end())
        return True

    def _has_place(self, call: Call) -> bool:
        calls = self._begun.values()
        if len(calls) >= MOST_CALLS:
            return False
        if call.is_to_silent:
            return sum(each.is_to_silent for each in calls) < PLACES_FOR_SILENT
        recently = time.monotonic() - ANSWERS_WITHIN_SECONDS
        return sum(each.at > recently and not each.is_to_silent for each in calls) < PLACES

    def end(self) -> None:
        """Wait until all have ended; each has a deadline. Then close their connections."""
        self._threads.shutdown()
        for kept in self._connections:
            kept.close()


@dataclass(frozen=True, slots=True)
class _Begun:
    future: Future[None]
    at: float
    is_to_silent: bool


class Dispatcher:
    """Finds which calls are due, and begins those first that are due longest."""

    def __init__(self) -> None:
        self._due_at: dict[tuple[str, ...], float] = {}
        self._waiting: dict[tuple[str, ...], Call] = {}
        self._has_changed = threading.Event()
        self.under_way = UnderWay(on_end=self._has_changed.set)

    def run(self, stopped: threading.Event) -> None:
        """Begin calls until stopped; then wait until those under way have ended."""
        try:
            while not stopped.is_set():
                try:
                    self.look(tenancy.billers())
                except Error as error:
                    log.error("the database does not answer: %s", error)
                    connection.close()
                    stopped.wait(PAUSE_AFTER_ERROR_SECONDS)
                else:
                    self._has_changed.wait(PAUSE_SECONDS)
        finally:
            stopped.set()  # Without calls the worker is of no use: whoever watches it begins anew.
            connection.close()
            self.under_way.end()

    def look(self, billers: Sequence[Biller]) -> bool:
        """Find the calls that are due, and begin what can be begun; say whether any wait."""
        self._has_changed.clear()
        for biller in billers:
            for call in self._due_calls(biller):
                self._waiting.setdefault(call.name, call)
        for call in sorted(self._waiting.values(), key=lambda call: self._due_at[call.name]):
            if self.under_way.begin(call, self._make):
                del self._waiting[call.name]
                self._wait(call.job.every_seconds, *call.name)
        return bool(self._waiting)

    def _due_calls(self, biller: Biller) -> Iterator[Call]:
        if not self._is_due(biller.schema):
            return
        self._wait(LOOK_SECONDS, biller.schema)
        try:
            with tenancy.use(biller):
                may_call = [job for job in NETWORK_JOBS if not jobs.is_held(job, biller)]
                names = [
                    (job, far_side)
                    for job in jobs.with_work(may_call, now=clock.now())
                    for far_side in job.far_sides()
                ]
                next_tries = far_sides.next_tries() if names else {}
        except Error:
            log.exception("the calls of %s cannot be listed", biller.schema)
            connection.close()
            return
        for job, far_side in names:
            next_try_at = next_tries.get((job.name, far_side))
            call = Call(job, biller, far_side, is_to_silent=next_try_at is not None)
            if self._is_due(*call.name) and (next_try_at is None or next_try_at <= clock.now()):
                yield call

    def _make(self, call: Call) -> None:
        """Make a call, in a thread and with a connection of its own."""
        try:
            make(call)
        except Exception:
            log.exception(
                "%s of %s failed; it will be tried again", call.job.name, call.biller.schema
            )
            self._wait(PAUSE_AFTER_ERROR_SECONDS, *call.name)
            connection.close()

    def _is_due(self, *name: str) -> bool:
        return time.monotonic() >= self._due_at.setdefault(name, 0.0)

    def _wait(self, seconds: float, *name: str) -> None:
        self._due_at[name] = time.monotonic() + seconds


def make(call: Call) -> None:
    """Make a call and record whether its far side answered, unless another worker is at it."""
    with (
        tenancy.use(call.biller),
        locks.if_free(jobs.line_lock(call.biller, call.far_side)) as is_free,
    ):
        contact = call.job.run(call.far_side, clock.now()) if is_free else None
        if contact is not None:
            far_sides.record(call.job.name, call.far_side, contact, now=clock.now())
