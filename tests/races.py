"""Acts at the same time, on connections of their own, against a biller whose rows are committed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from django.db import connection

from billfold.platform import tenancy
from tests import waiting

Start = Callable[[Callable[[], object]], "Future[object]"]


@contextmanager
def runners(biller: tenancy.Biller) -> Iterator[Start]:
    """Give what starts an act in a thread, with a connection of its own that serves the biller."""

    def act_alone(act: Callable[[], object]) -> object:
        try:
            with tenancy.use(biller):
                return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        yield lambda act: threads.submit(act_alone, act)


def wait_for_waiters(count: int, *acts: Future[object]) -> None:
    """Wait until so many transactions wait for a lock, or an act is over without having waited."""
    waiting.wait_until(
        lambda: _waiters() >= count or any(act.done() for act in acts),
        f"{count} transactions wait for a lock",
    )


def _waiters() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
        [(count,)] = cursor.fetchall()
    return count
