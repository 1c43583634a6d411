"""How many bytes a payment adds to the write-ahead log: scheduled, cut off, sealed, numbered."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from bench import _figures, _server, _size

NOW = datetime(2026, 11, 16, 15, 0, tzinfo=UTC)
CUTOFF = datetime(2026, 11, 16, 22, 0, tzinfo=UTC)
PAYMENTS = _size.choose(tiny=20, usual=10_000)
AT_ONCE = _size.choose(tiny=20, usual=1_000)
WARM_UP = _size.choose(tiny=2, usual=1_000)
"""Payments before the first one counted, so that tables and indexes are not empty."""


def _position() -> int:
    """Read how far the write-ahead log has been written, in bytes."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
        (position,) = cursor.fetchone()
    return int(position)


def _checkpoint() -> None:
    """Begin with no page written since the last checkpoint, as each figure does."""
    import psycopg

    from billfold.platform.postgres.server import SUPERUSER, PrivateServer

    server = PrivateServer(Path(os.environ["BILLFOLD_STATE"]))
    with psycopg.connect(server.dsn("postgres", user=SUPERUSER), autocommit=True) as connection:
        connection.execute("CHECKPOINT")


def _schedule(first: int, count: int) -> None:
    from bench import _customers
    from billfold.payments.paying import scheduling

    for start in range(first, first + count, AT_ONCE):
        some = min(AT_ONCE, first + count - start)
        scheduling.schedule(_customers.intents(start, some, now=NOW), now=NOW)


def _cut_off() -> None:
    from billfold.banking import connections
    from billfold.payments.outgoing import cutoff

    cutoff.collect_due(connections.default(), CUTOFF.date(), now=CUTOFF)


def _seal() -> None:
    from billfold.platform import audit

    while audit.seal(now=CUTOFF):
        pass


def _number() -> None:
    from billfold.platform import feed

    while feed.number():
        pass


def main() -> int:
    """Measure and print."""
    with _server.running():
        from bench import _customers
        from billfold.platform import tenancy

        _customers.add(WARM_UP + PAYMENTS, now=NOW)
        biller = _server.biller()
        with tenancy.use(biller):
            _schedule(0, WARM_UP)
            _seal()
            _number()
        bytes_by_step = {}
        steps = {
            "schedule": lambda: _schedule(WARM_UP, PAYMENTS),
            "cut-off": _cut_off,
            "seal": _seal,
            "number": _number,
        }
        for name, act in steps.items():
            _checkpoint()
            with tenancy.use(biller):
                before = _position()
                act()
                payments = PAYMENTS + (WARM_UP if name == "cut-off" else 0)
                bytes_by_step[name] = (_position() - before) / payments
    _figures.report(
        "kB of write-ahead log a payment",
        sum(bytes_by_step.values()) / 1_000,
        9,
        at_most=True,
        note=", ".join(f"{name} {count:,.0f} B" for name, count in bytes_by_step.items()),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
