"""The books, on a real server."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from django.db import Error, connection, transaction

from billfold.ledger import book
from billfold.ledger.chart import BILLED, CASH, IN_TRANSIT, RECEIVABLE, UNAPPLIED, AccountCode
from billfold.ledger.transfer import NotATransfer, Transfer
from billfold.money import Money
from tests import privilege

pytestmark = pytest.mark.usefixtures("cedarline")
ON = date(2026, 11, 16)


def issued(number: str, minor: int) -> Transfer:
    return Transfer(
        key=f"invoice/{number}/issued/1",
        debit=RECEIVABLE.of(f"invoice/{number}"),
        credit=BILLED,
        amount=Money(minor),
        effective_date=ON,
        reason="invoice issued",
    )


def test_promise_1_a_booking_moves_both_of_its_accounts(now):
    book.post([issued("A", 500), issued("B", 700)], now=now)

    assert book.balance(RECEIVABLE.of("invoice/A")) == Money(500)
    assert book.balance(BILLED) == Money(-1200)
    assert sum(line.debits.minor - line.credits.minor for line in book.trial_balance()) == 0


def test_an_account_without_bookings_has_a_balance_of_zero(now):
    accounts = [RECEIVABLE.of("invoice/none"), BILLED]

    assert [book.balance(account) for account in accounts] == [Money(0), Money(0)]


def test_promise_1_nothing_but_a_positive_amount_between_two_accounts_is_a_transfer():
    with pytest.raises(NotATransfer):
        issued("A", 0)
    with pytest.raises(NotATransfer):
        replace(issued("A", 1), credit=RECEIVABLE.of("invoice/A"))


def test_promise_10_the_same_key_and_content_is_booked_once(now):
    again = book.post([issued("A", 500)], now=now), book.post([issued("A", 500)], now=now)

    assert [posted.new for posted in again] == [1, 0]
    assert book.balance(RECEIVABLE.of("invoice/A")) == Money(500)


def test_promise_10_the_same_key_with_other_content_is_refused(now):
    book.post([issued("A", 500)], now=now)

    with pytest.raises(book.KeyReused), transaction.atomic():
        book.post([replace(issued("A", 500), amount=Money(501))], now=now)


def test_promise_10_the_same_key_twice_in_one_batch_is_booked_once(now):
    posted = book.post([issued("A", 500), issued("A", 500), issued("B", 1)], now=now)

    assert posted.new == 2
    assert book.balance(RECEIVABLE.of("invoice/A")) == Money(500)
    assert book.balance(BILLED) == Money(-501)
    with pytest.raises(book.KeyReused), transaction.atomic():
        book.post([issued("C", 500), issued("C", 501)], now=now)


def test_promise_3_the_application_cannot_change_or_remove_posted_rows(now):
    book.post([issued("A", 500)], now=now)

    for statement in (
        "UPDATE ledger_transfer SET amount_minor = 1",
        "DELETE FROM ledger_transfer",
        "TRUNCATE ledger_transfer CASCADE",
    ):
        with (
            pytest.raises(Error, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


def test_promise_3_even_the_owner_is_stopped_by_the_belt(now):
    book.post([issued("A", 500)], now=now)

    with (
        pytest.raises(Error, match="never changed"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        privilege.take_every_right()
        cursor.execute("UPDATE ledger_transfer SET amount_minor = 1")


def test_promise_3_a_reversal_names_and_mirrors_what_it_takes_back(now):
    original = issued("A", 500)
    book.post([original], now=now)
    back = original.reversal(key="x", on=ON, reason="wrong")

    with pytest.raises(book.NothingToReverse), transaction.atomic():
        book.post([replace(back, amount=Money(499))], now=now)
    book.post([back], now=now)

    assert book.balance(RECEIVABLE.of("invoice/A")) == Money(0)


def test_promise_6_an_invoice_is_never_paid_below_zero(now):
    book.post([issued("A", 500)], now=now)
    too_much = Transfer(
        key="p/applied",
        debit=UNAPPLIED.of("payment/P"),
        credit=RECEIVABLE.of("invoice/A"),
        amount=Money(501),
        effective_date=ON,
        reason="applied",
    )
    arrived = Transfer(
        key="p/submitted",
        debit=IN_TRANSIT.of("payment/P"),
        credit=UNAPPLIED.of("payment/P"),
        amount=Money(501),
        effective_date=ON,
        reason="submitted",
    )

    with pytest.raises(book.WrongSide), transaction.atomic():
        book.post([arrived, too_much], now=now)


def test_promise_2_control_accounts_keep_no_sum_and_roll_up_changes_no_total(now):
    for number in range(5):
        book.post([issued(str(number), 100 + number)], now=now)
    before = book.trial_balance()

    gone = book.roll_up()

    assert gone == 8
    assert book.trial_balance() == before
    assert book.balance(BILLED) == Money(-510)
    assert book.balance(CASH) == Money(0)
    assert {line.code for line in before} == {AccountCode.RECEIVABLE, AccountCode.BILLED}
