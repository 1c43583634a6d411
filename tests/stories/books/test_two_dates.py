"""Each transfer has the day of its fact and a day of the books, which is never a closed one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import Error, connection, transaction

from billfold.ledger import book
from billfold.ledger.chart import BILLED, CASH, IN_TRANSIT, RECEIVABLE
from billfold.ledger.transfer import Transfer
from billfold.money import Money
from billfold.payments.funnel import recording
from billfold.rails.protocol import Settled, Submitted
from tests import privilege

pytestmark = pytest.mark.usefixtures("cedarline")
OCT_30, NOV_16 = date(2026, 10, 30), date(2026, 11, 16)
INVOICE = RECEIVABLE.of("invoice/A")


def issued(on: date, minor: int = 500, key: str = "a") -> Transfer:
    return Transfer(key, INVOICE, BILLED, Money(minor), on, "issued")


def close(through: date, at: datetime) -> None:
    """Close the books as the owner, who alone may."""
    with privilege.every_right(), connection.cursor() as cursor:
        cursor.execute("UPDATE ledger_books SET closed_through = %s, closed_at = %s", [through, at])


def days_of(key: str) -> tuple[date, date]:
    [line] = [each for each in book.bookings([INVOICE]) if each.key == key]
    return line.effective_date, line.booked_on


def test_while_nothing_is_closed_the_books_have_a_fact_on_its_own_day(now):
    book.post([issued(OCT_30)], now=now)

    assert days_of("a") == (OCT_30, OCT_30)


def test_promise_9_a_fact_of_a_closed_period_is_booked_on_the_first_open_day(now):
    close(date(2026, 10, 31), now)

    book.post([issued(OCT_30), issued(NOV_16, key="b")], now=now)

    assert days_of("a") == (OCT_30, date(2026, 11, 1))
    assert days_of("b") == (NOV_16, NOV_16)
    assert book.trial_balance(on=date(2026, 10, 31)) == []
    assert book.balance(BILLED, on=date(2026, 11, 1)) == Money(-500)


def test_promise_10_a_repeated_key_compares_the_day_of_the_fact_alone(now):
    book.post([issued(OCT_30)], now=now)
    close(date(2026, 10, 31), now)

    assert book.post([issued(OCT_30)], now=now).new == 0
    assert days_of("a") == (OCT_30, OCT_30)
    with pytest.raises(book.KeyReused), transaction.atomic():
        book.post([issued(date(2026, 11, 1))], now=now)


def test_promise_9_a_late_reversal_leaves_the_closed_period_as_it_was(now):
    original = issued(OCT_30)
    book.post([original], now=now)
    close(date(2026, 10, 31), now)
    before = book.trial_balance(on=date(2026, 10, 31))

    book.post([original.reversal(key="back", on=OCT_30, reason="wrong")], now=now)

    assert book.trial_balance(on=date(2026, 10, 31)) == before
    assert days_of("back") == (OCT_30, date(2026, 11, 1))
    assert book.balance(INVOICE, on=date(2026, 10, 31)) == Money(500)
    assert book.balance(INVOICE) == book.balance(INVOICE, on=NOV_16) == Money(0)


def test_promise_9_what_is_closed_stays_closed_and_only_the_owner_closes(now):
    close(date(2026, 10, 31), now)

    for through in ("'2026-10-30'", "NULL"):
        with (
            pytest.raises(Error, match="stays closed"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            privilege.take_every_right()
            cursor.execute(f"UPDATE ledger_books SET closed_through = {through}")
    for statement in (
        "UPDATE ledger_books SET closed_through = '2027-01-01'",
        "DELETE FROM ledger_books",
    ):
        with (
            pytest.raises(Error, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    for number in (1, 2):
        with (
            pytest.raises(Error, match="ledger_books"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute("INSERT INTO ledger_books (id) VALUES (%s)", [number])
    book.post([issued(OCT_30)], now=now)
    assert days_of("a") == (OCT_30, date(2026, 11, 1))


def test_promise_9_no_transfer_is_stored_on_a_day_before_its_fact(now):
    book.post([issued(NOV_16)], now=now)

    with (
        pytest.raises(Error, match="ledger_booked_after_fact"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            """INSERT INTO ledger_transfer (id, key, debit_id, credit_id, amount_minor, currency,
                   effective_date, booked_on, posted_at, reason, evidence,
                   feed_row_id)
               SELECT gen_random_uuid(), 'early', debit_id, credit_id, 1, currency,
                      effective_date, effective_date - 1, posted_at, reason, evidence,
                      feed_row_id
               FROM ledger_transfer"""
        )


def test_a_past_day_is_read_as_the_books_have_it_now_or_as_it_was_known_then(now):
    later = now + timedelta(days=3)
    known_on = now.date()
    book.post([issued(OCT_30)], now=now)
    cash_in = Transfer("c", CASH, IN_TRANSIT.of("payment/P"), Money(70), OCT_30, "settled")
    book.post([issued(OCT_30, 300, "late"), cash_in], now=later)

    def sums(**days: date) -> dict[str, int]:
        lines = book.trial_balance(**days)
        return {line.code: (line.debits - line.credits).minor for line in lines}

    assert sums(on=OCT_30) == {"receivable": 800, "billed": -800, "cash": 70, "in_transit": -70}
    assert sums(on=OCT_30, known_on=known_on) == {"receivable": 500, "billed": -500}
    assert sums(known_on=later.date()) == sums() == sums(on=OCT_30)
    assert sums(on=OCT_30 - timedelta(days=1), known_on=later.date()) == {}
    assert book.balance(CASH, on=OCT_30) == Money(70)
    assert book.balance(CASH, on=OCT_30, known_on=known_on) == Money(0)
    assert book.balance(INVOICE, known_on=known_on) == Money(500)
    assert book.balance(INVOICE, on=OCT_30) == Money(800)


def test_a_day_as_known_ends_with_its_last_moment_by_eastern_time():
    eleven_at_night = datetime(2026, 11, 17, 4, 59, 59, tzinfo=UTC)
    midnight = datetime(2026, 11, 17, 5, tzinfo=UTC)
    book.post([issued(OCT_30)], now=eleven_at_night)
    book.post([issued(OCT_30, 1, "b")], now=midnight)

    assert book.balance(INVOICE, known_on=NOV_16) == Money(500)
    assert book.balance(INVOICE, known_on=date(2026, 11, 17)) == Money(501)


def test_a_settlement_told_late_shows_both_days_on_its_payments_page(world, client):
    payment = world.pay(world.invoice("CL-1", "120.00"))
    close(date(2026, 11, 17), world.now)

    recording.record(
        [
            Submitted(payment.reference, "submitted/f", NOV_16),
            Settled(payment.reference, "settled/l", date(2026, 11, 18)),
        ],
        now=world.now,
    )

    assert book.balance(payment.in_transit, on=date(2026, 11, 17)) == Money(0)
    client.force_login(world.clerk)
    page = client.get(f"/office/payments/{payment.reference}").content.decode()
    assert "Nov 16, in the books Nov 18" in page
    assert "Nov 18, in the books" not in page
