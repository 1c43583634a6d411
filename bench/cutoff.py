"""A cut-off of 100,000 due payments, against one bare SQL function that writes the same rows."""

from __future__ import annotations

import multiprocessing
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench import _figures, _server, _size

NOW = datetime(2026, 11, 16, 14, 0, tzinfo=UTC)
CUTOFF = NOW + timedelta(hours=8)
SIZES = _size.choose(tiny=[20], usual=[100_000], large=[100_000, 1_000_000])
AT_ONCE = _size.choose(tiny=20, usual=2_000)
BARE = """
CREATE FUNCTION bare_cutoff(file uuid, at timestamptz) RETURNS void LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    day date := at::date;
    fed_transfers uuid := feed_row('transfers', gen_random_uuid(), at);
    fed_events uuid := feed_row('events', gen_random_uuid(), at);
BEGIN
    CREATE TEMP TABLE due ON COMMIT DROP AS
    SELECT p.id, p.reference, p.customer_id, p.amount_minor, row_number() OVER (ORDER BY p.id) AS n,
           r.invoice_id, i.number, r.amount_minor AS part, person.email, person.name,
           p.method_label,
           gen_random_uuid() AS transit, gen_random_uuid() AS unapplied,
           gen_random_uuid() AS submitted, l.id AS receivable
    FROM payments_payment p JOIN payments_remittance r ON r.payment_id = p.id
    JOIN receivables_invoice i ON i.id = r.invoice_id
    JOIN people_person person ON 'person/' || person.id = p.made_by_id
    JOIN ledger_account l ON l.code = 'receivable' AND l.subject = 'invoice/' || i.number
    WHERE p.state = 'scheduled';
    INSERT INTO ledger_account (id, code, subject, currency, party, debits_minor, credits_minor)
    SELECT transit, 'in_transit', 'payment/' || reference, 'USD', customer_id, amount_minor, 0
    FROM due
    UNION ALL
    SELECT unapplied, 'unapplied', 'payment/' || reference, 'USD', customer_id,
           amount_minor, amount_minor FROM due;
    INSERT INTO ledger_transfer (id, key, debit_id, credit_id, amount_minor, currency,
                                 effective_date, booked_on, posted_at, reason, evidence,
                                 feed_row_id)
    SELECT submitted, 'payment/' || reference || '/submitted/' || file, transit, unapplied,
           amount_minor, 'USD', day, day, at, 'submitted', 'bankfile/' || file, fed_transfers
    FROM due
    UNION ALL
    SELECT gen_random_uuid(),
           'payment/' || reference || '/submitted/' || file || '/invoice/' || number,
           unapplied, receivable, part, 'USD', day, day, at, 'applied', 'bankfile/' || file,
           fed_transfers
    FROM due;
    UPDATE ledger_account l SET credits_minor = l.credits_minor + due.part
    FROM due WHERE l.id = due.receivable;
    INSERT INTO payments_subjectevent (id, subject, key, kind, on_date, at, code, evidence,
                                       outcome, feed_row_id)
    SELECT gen_random_uuid(), 'payment/' || reference, 'submitted/' || file, 'submitted', day, at,
           '', 'bankfile/' || file, 'in_transit', fed_events FROM due;
    INSERT INTO payments_instruction (id, file_id, payment_id, kind, odfi, trace, amount_minor,
                                      currency, rdfi, method_label, is_live)
    SELECT gen_random_uuid(), file, id, 'payment', '09199904', '09199904' || lpad(n::text, 7, '0'),
           amount_minor, 'USD', '12999901', method_label, true FROM due;
    INSERT INTO notices_notice (id, key, kind, to_email, to_name, subject, body, about, queued_at)
    SELECT gen_random_uuid(), 'payment/' || reference || '/sent', 'sent', email, name,
           'Your payment is on its way', repeat('x', 330), 'payment/' || reference, at
    FROM due;
    UPDATE payments_payment p SET state = 'in_transit' FROM due WHERE p.id = due.id;
END $$;
"""


def _world(count: int) -> None:
    """Make invoices and a due payment for each."""
    from bench import _customers
    from billfold.payments.paying import scheduling
    from billfold.platform import tenancy

    _customers.add(count, now=NOW)
    with tenancy.use(_server.biller()):
        for first in range(0, count, AT_ONCE):
            intents = _customers.intents(first, AT_ONCE, now=NOW)
            scheduling.schedule(intents, now=NOW)
    _server.vacuum()


def _bare() -> float:
    """Write the same rows with nothing but SQL, then take them back."""
    from django.db import connection, transaction

    from billfold.banking import connections
    from billfold.platform import tenancy
    from billfold.platform.ids import new_id

    file = new_id()
    with tenancy.as_owner(_server.biller()), connection.cursor() as cursor:
        cursor.execute(BARE)
        cursor.execute(
            """INSERT INTO banking_bankfile (id, connection_id, direction, kind, name, sha256,
                   size, state, made_at, made_by, modifier, entry_count,
                   debit_minor, credit_minor, problems)
               VALUES (%s, %s, 'in', 'bare', 'bare', '', 0, 'void', now(), '', '', 0, 0, 0,
                       '[]')""",
            [file, connections.default().pk],
        )
        with transaction.atomic():
            start = time.perf_counter()
            cursor.execute("SELECT bare_cutoff(%s, %s)", [file, CUTOFF])
            seconds = time.perf_counter() - start
            transaction.set_rollback(True)
    _server.vacuum()
    return seconds


def _ours(folder: Path) -> float:
    """Run the real cut-off, and put its files on disk."""
    from billfold.banking import connections, exchange
    from billfold.payments.outgoing import cutoff
    from billfold.platform import tenancy

    with tenancy.use(_server.biller()):
        bank = connections.default()
        start = time.perf_counter()
        for file in cutoff.collect_due(bank, CUTOFF.date(), now=CUTOFF):
            (folder / file.name).write_bytes(exchange.unseal_content(file))
        return time.perf_counter() - start


def _measure(count: int, answer: multiprocessing.Queue[float]) -> None:
    """Measure and print one size; hand in its seconds. Another process makes the world."""
    with _server.running() as folder:
        _server.in_another_process(_world, count)
        bare = _bare()
        ours = _ours(folder)
        _figures.report(
            f"cut-off of {count:,} payments against bare SQL",
            bare / ours,
            0.4,
            note=f"{count / ours:,.0f}/s against {count / bare:,.0f}/s",
        )
        _figures.report("peak memory of it, MB", _figures.peak_mb(), 300, at_most=True)
    answer.put(ours)


def main() -> int:
    """Measure and print; `--large` adds a million payments, each size in a process of its own."""
    answer: multiprocessing.Queue[float] = multiprocessing.Queue()
    seconds = {}
    for count in SIZES:
        _server.in_another_process(_measure, count, answer)
        seconds[count] = answer.get()
    if len(seconds) == 2:
        (few, in_few), (many, in_many) = seconds.items()
        name = f"{many:,} payments / {few:,}"
        _figures.report(name, in_many / in_few, 11, at_most=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
