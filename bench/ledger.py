"""The ledger when it is busy and when it is large."""

from __future__ import annotations

import itertools
import statistics
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from multiprocessing.synchronize import Barrier

from bench import _figures, _server, _size
from billfold.ledger.transfer import Transfer

NOW = datetime(2026, 11, 16, 14, 0, tzinfo=UTC)
ON = date(2026, 11, 16)
CLIENTS = _size.choose(tiny=2, usual=8)
SECONDS = _size.choose(tiny=0.1, usual=6.0)
SMALL = _size.choose(tiny=100, usual=10_000)
ROWS = _size.choose(tiny=1_000, usual=1_000_000, large=10_000_000)
BATCH = _size.choose(tiny=10, usual=1_000)
ROUNDS = _size.choose(tiny=2, usual=40)
WARMING = _size.choose(tiny=0, usual=5)
LARGE_BILLER = "harborpoint"
FILL = """
INSERT INTO ledger_account (id, code, subject, currency, debits_minor, credits_minor)
SELECT md5('a' || n)::uuid, 'receivable', 'invoice/old-' || n, 'USD', 1000, 0
FROM generate_series(%(from)s / 10, (%(to)s - 1) / 10) n;
INSERT INTO ledger_account (id, code, subject, currency, debits_minor, credits_minor)
VALUES (md5('billed')::uuid, 'billed', '', 'USD', 0, 0) ON CONFLICT DO NOTHING;
INSERT INTO ledger_transfer (id, key, debit_id, credit_id, amount_minor, currency,
                             effective_date, booked_on, posted_at, reason, evidence,
                             feed_row_id)
SELECT md5('t' || n)::uuid, 'old/' || n, md5('a' || n / 10)::uuid,
       (SELECT id FROM ledger_account WHERE code = 'billed' AND subject = ''), 100, 'USD',
       date '2025-01-01' + n %% 600, date '2025-01-01' + n %% 600, now(), 'issued', '',
       (SELECT feed_row('transfers', gen_random_uuid(), now()))
FROM generate_series(%(from)s, %(to)s - 1) n;
INSERT INTO ledger_movement (code, currency, booked_on, batch, debits_minor, credits_minor)
SELECT c.code, 'USD', day, gen_random_uuid(),
       CASE c.code WHEN 'receivable' THEN minor ELSE 0 END,
       CASE c.code WHEN 'billed' THEN minor ELSE 0 END
FROM (SELECT date '2025-01-01' + n %% 600 AS day, count(*) * 100 AS minor
      FROM generate_series(%(from)s, %(to)s - 1) n GROUP BY 1) d,
     (VALUES ('receivable'), ('billed')) AS c (code);
"""
SCAN = """
SELECT code, sum(debit)::bigint, sum(credit)::bigint FROM (
    SELECT a.code, t.amount_minor AS debit, 0 AS credit
    FROM ledger_transfer t JOIN ledger_account a ON a.id = t.debit_id
    UNION ALL
    SELECT a.code, 0, t.amount_minor
    FROM ledger_transfer t JOIN ledger_account a ON a.id = t.credit_id
) side GROUP BY code ORDER BY code
"""


def _transfer(number: int, client: int, *, hot: bool) -> Transfer:
    from billfold.ledger.chart import CASH, IN_TRANSIT, UNAPPLIED
    from billfold.money import Money

    subject = f"payment/{'hot' if hot else 'own'}-{client}-{number}"
    return Transfer(
        key=subject,
        debit=CASH if hot else IN_TRANSIT.of(subject),
        credit=UNAPPLIED.of(subject),
        amount=Money(100),
        effective_date=ON,
        reason="bench",
    )


def _client(client: int, ready: Barrier, *, hot: bool) -> float:
    from django.db import transaction

    from billfold.ledger import book
    from billfold.platform import tenancy

    with tenancy.use(_server.biller()):
        ready.wait()
        start = time.perf_counter()
        posted = 0
        while time.perf_counter() - start < SECONDS:
            with transaction.atomic(durable=True):
                book.post([_transfer(posted, client, hot=hot)], now=NOW)
            posted += 1
        return posted / (time.perf_counter() - start)


def _rate(*, hot: bool) -> float:
    return _server.together(CLIENTS, lambda client, ready: _client(client, ready, hot=hot))


def _hot_account() -> None:
    """Everybody books on one control account, then nobody does; the better of two rounds each."""
    rates = [(_rate(hot=True), _rate(hot=False)) for _ in range(2)]
    hot, own = (max(column) for column in zip(*rates, strict=True))
    _figures.report(
        f"{CLIENTS} clients on a hot control account / without one",
        hot / own,
        0.9,
        note=f"{hot:,.0f}/s against {own:,.0f}/s",
    )


def _fill(schema: str, rows: int) -> None:
    """Make old transfers with nothing but SQL."""
    from django.db import connection

    from billfold.platform import tenancy

    step = 1_000_000
    with tenancy.as_owner(_server.biller(schema)), connection.cursor() as cursor:
        for at in range(0, rows, step):
            for statement in FILL.split(";\n")[:-1]:
                cursor.execute(statement, {"from": at, "to": min(at + step, rows)})
    _server.vacuum(schema)


def _post(schema: str, numbers: Iterator[int]) -> float:
    """Measure the seconds of posting a batch of transfers."""
    from django.db import transaction

    from billfold.ledger import book
    from billfold.platform import tenancy

    with tenancy.use(_server.biller(schema)):
        start = time.perf_counter()
        with transaction.atomic(durable=True):
            book.post([_transfer(next(numbers), 0, hot=False) for _ in range(BATCH)], now=NOW)
        return time.perf_counter() - start


def _at_size() -> None:
    """Post at few rows and at many, in turn; add up many, rolled up and raw."""
    from billfold.platform import tenancy

    _fill(_server.BILLER, SMALL)
    _fill(LARGE_BILLER, ROWS)
    numbers = itertools.count()
    pairs = [(_post(_server.BILLER, numbers), _post(LARGE_BILLER, numbers)) for _ in range(ROUNDS)]
    ratio = statistics.median(many / few for few, many in pairs[WARMING:])
    _figures.report(f"posting at {ROWS:,} rows / at {SMALL:,}", ratio, 1.2, at_most=True)
    with tenancy.use(_server.biller(LARGE_BILLER)):
        _trial_balance()


def _trial_balance() -> None:
    from django.db import connection, transaction

    from billfold.ledger import book

    with transaction.atomic():
        book.roll_up()
    rolled = min(_figures.seconds(book.trial_balance) for _ in range(5))
    lines = [(line.code, line.debits.minor, line.credits.minor) for line in book.trial_balance()]
    with connection.cursor() as cursor:
        start = time.perf_counter()
        cursor.execute(SCAN)
        raw_lines = cursor.fetchall()
        raw = time.perf_counter() - start
    assert lines == raw_lines, (lines, raw_lines)
    _figures.report(f"trial balance at {ROWS:,} rows, raw scan / rolled up", raw / rolled, 20)


def main() -> int:
    """Measure and print."""
    with _server.running():
        _at_size()
        _hot_account()
    return 0


if __name__ == "__main__":
    sys.exit(main())
