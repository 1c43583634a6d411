"""One payment at a time: schedule, then Submitted; 8 clients against TPC-B, one against the ORM."""

from __future__ import annotations

import multiprocessing
import sys
import time
from datetime import UTC, datetime

from bench import _ground

CLIENTS = 8
SECONDS = 8
NOW = datetime(2026, 11, 16, 14, 0, tzinfo=UTC)


def _world(invoices: int) -> None:
    from bench import _people

    _people.make(invoices, now=NOW)


def _client(number: int, count: int, out: multiprocessing.Queue[float]) -> None:
    from django.db import connection

    connection.connection = None
    from bench import _people
    from billfold.platform import tenancy

    with tenancy.use(tenancy.biller("cedarline")):
        intents = _people.intents(number, count, now=NOW)
        _people.pay_one(intents[0], now=NOW)
        deadline = time.perf_counter() + SECONDS
        done = 0
        start = time.perf_counter()
        for intent in intents[1:]:
            if time.perf_counter() > deadline:
                break
            _people.pay_one(intent, now=NOW)
            done += 1
        out.put(done / (time.perf_counter() - start))


def main() -> int:
    """Measure and print."""
    with _ground.ground():
        _world(CLIENTS * 4_000)
        from django.db import connection

        connection.close()
        limit = _ground.pgbench(SECONDS, CLIENTS)
        out: multiprocessing.Queue[float] = multiprocessing.Queue()
        clients = [
            multiprocessing.Process(target=_client, args=(number, 4_000, out))
            for number in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        rate = sum(out.get() for _ in clients)
        for client in clients:
            client.join()
        _ground.report(
            "payments at 8 clients / pgbench TPC-B",
            rate / limit,
            0.5,
            note=f"{rate:,.0f}/s against {limit:,.0f}/s",
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
