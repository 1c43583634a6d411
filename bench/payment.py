"""One payment at a time: schedule, then Submitted; 8 clients against TPC-B, one against the ORM."""

from __future__ import annotations

import statistics
import sys
import time
from datetime import UTC, datetime
from multiprocessing.synchronize import Barrier

from bench import _figures, _server, _size

CLIENTS = _size.choose(tiny=2, usual=8)
SECONDS = _size.choose(tiny=1, usual=8)
A_CLIENT = _size.choose(tiny=5, usual=4_000)
BATCH = _size.choose(tiny=5, usual=1_000)
BATCHES = _size.choose(tiny=1, usual=6)
ROW_BY_ROW = _size.choose(tiny=2, usual=150)
NOW = datetime(2026, 11, 16, 14, 0, tzinfo=UTC)


def _client(number: int, ready: Barrier) -> float:
    from bench import _customers
    from billfold.platform import tenancy

    with tenancy.use(_server.biller()):
        intents = _customers.intents(number * A_CLIENT, A_CLIENT, now=NOW)
        _customers.pay_one(intents[0], now=NOW)
        ready.wait()  # Nobody prepares while others are measured.
        deadline = time.perf_counter() + SECONDS
        payments = 0
        start = time.perf_counter()
        for intent in intents[1:]:
            if time.perf_counter() > deadline:
                break
            _customers.pay_one(intent, now=NOW)
            payments += 1
        return payments / (time.perf_counter() - start)


def _in_batches(first: int) -> float:
    """Measure payments a second of one client that hands over a thousand at a time."""
    from django.db import transaction

    from bench import _customers
    from billfold.payments.funnel import recording
    from billfold.payments.paying import scheduling
    from billfold.platform import tenancy
    from billfold.rails.protocol import Submitted

    with tenancy.use(_server.biller()):
        rates = []
        for number in range(BATCHES):
            intents = _customers.intents(first + number * BATCH, BATCH, now=NOW)
            start = time.perf_counter()
            payments = [each.payment for each in scheduling.schedule(intents, now=NOW)]
            with transaction.atomic(durable=True):
                recording.record(
                    [Submitted(each.reference, "submitted/b", NOW.date()) for each in payments],
                    now=NOW,
                )
            rates.append(BATCH / (time.perf_counter() - start))
        return statistics.median(rates)


def _one_by_one(first: int) -> float:
    """Measure payments a second of one client that writes the same rows one by one with the ORM."""
    from bench import _customers, _row_by_row
    from billfold.platform import tenancy

    with tenancy.use(_server.biller()):
        intents = _customers.intents(first, ROW_BY_ROW, now=NOW)
        start = time.perf_counter()
        for intent in intents:
            _row_by_row.pay(intent, now=NOW)
        return ROW_BY_ROW / (time.perf_counter() - start)


def main() -> int:
    """Measure and print."""
    warming = CLIENTS * A_CLIENT
    measured = warming + BATCHES * BATCH
    single_rows = measured + BATCHES * BATCH
    with _server.running():
        from bench import _customers

        _customers.add(single_rows + ROW_BY_ROW, now=NOW)
        _in_batches(warming)  # Plans made over empty tables would be nobody's.
        _server.vacuum()
        limit = _server.pgbench(SECONDS, CLIENTS)
        rate = _server.together(CLIENTS, _client)
        _figures.report(
            f"payments at {CLIENTS} clients / pgbench TPC-B",
            rate / limit,
            0.5,
            note=f"{rate:,.0f}/s against {limit:,.0f}/s",
        )
        batch, single = _in_batches(measured), _one_by_one(single_rows)
        _figures.report(
            "one client in batches / row by row with the ORM",
            batch / single,
            10,
            note=f"{batch:,.0f}/s against {single:,.0f}/s",
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
