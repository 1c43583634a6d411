"""Bookings at the same time: no two wait for each other, because all lock in one order."""

from __future__ import annotations

from datetime import date

from django.db import connection, transaction

from billfold.ledger import book
from billfold.ledger.chart import IN_TRANSIT, RECEIVABLE
from billfold.ledger.transfer import Transfer
from billfold.money import Money
from billfold.platform import tenancy
from tests import privilege, races, waiting
from tests.conftest import MONDAY

ACCOUNTS = (RECEIVABLE.of("invoice/A"), IN_TRANSIT.of("payment/P"))


def posted(key: str) -> None:
    first, second = ACCOUNTS
    transfer = Transfer(key, first, second, Money(100), date(2026, 11, 16), "invoice issued")
    with transaction.atomic():
        book.post([transfer], now=MONDAY)


def posted_as_rows_lie(key: str) -> None:
    """Post with plans that read the accounts in the order in which their rows lie."""
    with connection.cursor() as cursor:
        for way in ("nestloop", "mergejoin", "indexscan", "indexonlyscan", "bitmapscan"):
            cursor.execute(f"SET enable_{way} = off")
    posted(key)


def test_promise_2_bookings_lock_their_accounts_in_the_order_of_their_ids(desk):
    with tenancy.use(desk), races.runners(desk) as start, connection.cursor() as cursor:
        posted("one")
        cursor.execute("SELECT id FROM ledger_account WHERE subject <> '' ORDER BY id")
        low, high = (account_id for (account_id,) in cursor.fetchall())
        # Its row moves behind the other's, so that it is not met first by chance.
        cursor.execute("UPDATE ledger_account SET debits_minor = debits_minor WHERE id = %s", [low])
        with transaction.atomic():
            cursor.execute("SELECT FROM ledger_account WHERE id = %s FOR NO KEY UPDATE", [low])
            booking = start(lambda: posted_as_rows_lie("two"))
            races.wait_for_waiters(1, booking)
            cursor.execute(
                "SELECT id FROM ledger_account WHERE id = %s FOR NO KEY UPDATE SKIP LOCKED", [high]
            )
            free = cursor.fetchall()
        booking.result(waiting.HUNG_AFTER_SECONDS)

        assert free == [(high,)]
        assert book.balance(ACCOUNTS[0]) == Money(200)


def test_promise_9_who_posts_while_the_books_close_waits_and_books_on_an_open_day(desk):
    with tenancy.use(desk), races.runners(desk) as start:
        with transaction.atomic(), privilege.every_right(), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE ledger_books SET closed_through = '2026-11-16', closed_at = %s", [MONDAY]
            )
            booking = start(lambda: posted("late"))
            races.wait_for_waiters(1, booking)
        booking.result(waiting.HUNG_AFTER_SECONDS)

        [line] = book.bookings([ACCOUNTS[0]])
        assert (line.effective_date, line.booked_on) == (date(2026, 11, 16), date(2026, 11, 17))
