"""One payment at a time: schedule, then Submitted; 8 clients against TPC-B, one against the ORM."""

from __future__ import annotations

import statistics
import sys
import time
from datetime import UTC, datetime
from multiprocessing.synchronize import Barrier

from bench import _ground

CLIENTS = 8
SECONDS = 8
NOW = datetime(2026, 11, 16, 14, 0, tzinfo=UTC)


def _client(number: int, ready: Barrier) -> float:
    from bench import _people
    from billfold.platform import tenancy

    with tenancy.use(tenancy.biller("cedarline")):
        intents = _people.intents(number, 4_000, now=NOW)
        _people.pay_one(intents[0], now=NOW)
        ready.wait()  # Nobody prepares while others are measured.
        deadline = time.perf_counter() + SECONDS
        done = 0
        start = time.perf_counter()
        for intent in intents[1:]:
            if time.perf_counter() > deadline:
                break
            _people.pay_one(intent, now=NOW)
            done += 1
        return done / (time.perf_counter() - start)


BATCH = 1_000
ROW_BY_ROW = 150


def _in_one_batch(first: int = 40) -> float:
    """Give payments a second of one client that hands over a thousand at a time."""
    from django.db import transaction

    from bench import _people
    from billfold.payments.funnel import recording
    from billfold.payments.paying import scheduling
    from billfold.platform import tenancy
    from billfold.rails.protocol import Submitted

    with tenancy.use(tenancy.biller("cedarline")):
        rates = []
        for client in range(6):
            intents = _people.intents(first + client, BATCH, now=NOW)
            start = time.perf_counter()
            made = scheduling.schedule(intents, now=NOW)
            with transaction.atomic(durable=True):
                recording.record(
                    [Submitted(m.payment.reference, "submitted/b", NOW.date()) for m in made],
                    now=NOW,
                )
            rates.append(BATCH / (time.perf_counter() - start))
        return statistics.median(rates)


def _row_by_row() -> float:
    """Give payments a second of one client that writes the same rows one by one with the ORM."""
    from bench import _orm, _people
    from billfold.platform import tenancy

    with tenancy.use(tenancy.biller("cedarline")):
        intents = _people.intents(420, ROW_BY_ROW, now=NOW)
        start = time.perf_counter()
        for intent in intents:
            _orm.pay(intent, now=NOW)
        return ROW_BY_ROW / (time.perf_counter() - start)


def main() -> int:
    """Measure and print."""
    with _ground.ground():
        from bench import _people

        _people.make(2 * CLIENTS * 4_000, now=NOW)
        _in_one_batch()  # Plans made over empty tables would be nobody's.
        _people.vacuum()
        limit = _ground.pgbench(SECONDS, CLIENTS)
        rate = _ground.together(CLIENTS, _client)
        _ground.report(
            "payments at 8 clients / pgbench TPC-B",
            rate / limit,
            0.5,
            note=f"{rate:,.0f}/s against {limit:,.0f}/s",
        )
        batch, single = _in_one_batch(first=50), _row_by_row()
        _ground.report(
            "one client in batches / row by row with the ORM",
            batch / single,
            10,
            note=f"{batch:,.0f}/s against {single:,.0f}/s",
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
