"""The same facts end in the same books, in whatever order and however often they arrive."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from billfold.ledger import book
from billfold.ledger.chart import CASH
from billfold.money import Money
from billfold.payments.cases.case_kinds import CaseKind
from billfold.payments.funnel import recording
from billfold.payments.models import Case, Payment
from billfold.rails.protocol import Returned, Settled, Submitted, TakenBack
from tests.environment import SHARING_A_FIXTURE
from tests.world import usd

ON = date(2026, 11, 17)


def facts(reference: str) -> list[object]:
    return [
        Settled(reference, "settled", ON),
        Returned(reference, "return/1/R01", ON, code="R01", amount=usd("120.00"), rdfi="12999901"),
        TakenBack(reference, "takenback", ON),
    ]


@settings(max_examples=30, suppress_health_check=SHARING_A_FIXTURE)
@given(
    order=st.lists(st.integers(0, 2), min_size=3, max_size=7).filter(lambda o: set(o) == {0, 1, 2}),
    in_one_batch=st.booleans(),
)
def test_promise_13_any_order_of_the_same_facts_ends_in_the_same_books(
    world_of_one, order, in_one_batch
):
    world, invoice, payment = world_of_one
    save = transaction.savepoint()
    try:
        events = [facts(payment.reference)[place] for place in order]
        for batch in [events] if in_one_batch else [[event] for event in events]:
            recording.record(batch, now=world.now)

        assert Payment.objects.get(pk=payment.pk).state == "returned"
        assert book.balance(payment.in_transit) == usd("0")
        assert book.balance(payment.unapplied) == usd("0")
        assert book.balance(CASH) == usd("0")
        assert world.open(invoice) == usd("120.00")
        assert book.applications_of([payment.unapplied]) == []
        assert not Case.objects.exists()
    finally:
        transaction.savepoint_rollback(save)


@pytest.mark.parametrize("place", [0, 2], ids=["settled", "taken back"])
def test_promise_17_a_second_bank_line_moves_the_money_of_a_payment_no_second_time(
    world_of_one, place
):
    world, _, payment = world_of_one
    event = facts(payment.reference)[place]
    recording.record(facts(payment.reference), now=world.now)
    cash = book.balance(CASH)

    again = replace(event, key=f"{event.key}/another line")
    recorded = recording.record([again], now=world.now)

    assert recorded == recording.Recorded(new=1, repeated=0, strays=1)
    assert book.balance(CASH) == cash
    assert payment.events.get(key=again.key).outcome == "stray"
    assert Case.objects.get().kind == CaseKind.STRAY_EVENT


def test_promise_17_two_lines_of_one_batch_move_the_money_of_a_payment_once(world_of_one):
    world, _, payment = world_of_one
    settled = facts(payment.reference)[0]
    returned = facts(payment.reference)[1]

    recorded = recording.record(
        [settled, returned, replace(settled, key="settled/another line")], now=world.now
    )

    assert recorded.strays == 1
    assert book.balance(CASH) == usd("120.00")


@pytest.fixture
def world_of_one(world):
    invoice = world.invoice("CL-1", "120.00")
    payment = world.pay(invoice)
    recording.record([Submitted(payment.reference, "submitted/f", ON)], now=world.now)
    return world, invoice, payment


def test_promise_13_what_may_not_follow_is_kept_and_asked_about(world_of_one):
    world, invoice, payment = world_of_one
    stray = Submitted(payment.reference, "submitted/again", ON)

    recorded = recording.record([stray, replace(stray)], now=world.now)

    assert (recorded.new, recorded.repeated, recorded.strays) == (1, 1, 1)
    assert payment.events.get(key="submitted/again").outcome == "stray"
    assert Case.objects.get().kind == "stray event"
    assert book.balance(payment.in_transit) == Money(12000)
    assert world.open(invoice) == usd("0")


def test_promise_12_an_event_for_no_payment_is_never_guessed(world):
    with pytest.raises(recording.UnknownPayment):
        recording.record([Settled("NOT-A-PAYMENT", "settled", ON)], now=world.now)
