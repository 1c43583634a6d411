"""Waiting money is put on what its customer owes, taken off, and put on again."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from django.db import transaction

from billfold.ledger import book
from billfold.ledger.chart import CASH, RECEIVABLE, UNAPPLIED
from billfold.ledger.transfer import Transfer
from billfold.payments.models import Decision
from billfold.payments.paying import applications, invoice_standing
from billfold.payments.paying.applications import NewApplication
from billfold.payments.paying.invoice_standing import ExceedsPayable, NotPositive
from billfold.platform import audit, tenancy
from billfold.receivables import billing
from tests import races, waiting
from tests.conftest import MONDAY
from tests.world import World, usd

ON = date(2026, 11, 16)
CLERK = audit.Actor(id="person/cleo", name="Cleo Park")
CREDIT = UNAPPLIED.of("credit/CR-1")


@pytest.fixture
def credited(world: World) -> World:
    """Give the customer a credit of 90.00 that nothing was said about."""
    give_credit(world)
    return world


def give_credit(world: World) -> None:
    note = billing.NewCreditNote("CR-1", world.customer.id, ON, usd("90.00"), "goodwill")
    billing.credit([note], now=world.now, on=ON)


def put(world: World, *shares: NewApplication) -> Decision:
    return applications.apply(shares, "asked by phone", actor=CLERK, now=world.now, on=ON)


def take_off(world: World, *keys: str) -> Decision:
    return applications.take_off(keys, "wrong invoice", actor=CLERK, now=world.now, on=ON)


def test_promise_6_a_waiting_credit_is_applied_and_its_transfer_names_who_decided(credited):
    invoice = credited.invoice("CL-1", "120.00")

    decision = put(credited, NewApplication(CREDIT, invoice.id, usd("50.00")))

    [applied] = book.applications_of([CREDIT])
    assert (applied.target, applied.amount) == (invoice.receivable, usd("50.00"))
    assert applied.evidence == decision.evidence
    assert (decision.actor_name, decision.why) == ("Cleo Park", "asked by phone")
    assert book.balance(CREDIT) == usd("-40.00")
    assert credited.open(invoice) == usd("70.00")


def test_promise_6_the_same_pair_is_applied_taken_off_and_applied_again(credited):
    invoice = credited.invoice("CL-1", "120.00")
    share = NewApplication(CREDIT, invoice.id, usd("90.00"))
    put(credited, share)
    [first] = book.applications_of([CREDIT])

    take_off(credited, first.key)
    assert book.applications_of([CREDIT]) == []
    assert (book.balance(CREDIT), credited.open(invoice)) == (usd("-90.00"), usd("120.00"))

    put(credited, share)
    [again] = book.applications_of([CREDIT])
    assert again.key != first.key
    assert credited.open(invoice) == usd("30.00")


def test_promise_6_what_was_taken_off_is_not_taken_off_again(credited):
    invoice = credited.invoice("CL-1", "120.00")
    put(credited, NewApplication(CREDIT, invoice.id, usd("90.00")))
    [applied] = book.applications_of([CREDIT])
    take_off(credited, applied.key)

    with pytest.raises(applications.NotApplied):
        take_off(credited, applied.key)

    assert book.balance(CREDIT) == usd("-90.00")


def test_promise_17_no_more_is_applied_than_waits(credited):
    invoices = [credited.invoice(f"CL-{n}", "60.00") for n in (1, 2)]

    with pytest.raises(applications.NotThatMuchWaits):
        put(credited, *(NewApplication(CREDIT, i.id, usd("60.00")) for i in invoices))

    assert book.applications_of([CREDIT]) == []
    assert not Decision.objects.exists()


def test_promise_12_what_payments_reserve_is_not_paid_by_a_credit(credited):
    invoice = credited.invoice("CL-1", "120.00")
    credited.pay(invoice)

    with pytest.raises(ExceedsPayable) as refusal:
        put(credited, NewApplication(CREDIT, invoice.id, usd("1.00")))

    assert refusal.value.payable == usd("0.00")


def test_promise_12_two_shares_of_one_decision_pay_no_more_than_is_payable(credited):
    invoice = credited.invoice("CL-1", "50.00")
    share = NewApplication(CREDIT, invoice.id, usd("30.00"))

    with pytest.raises(ExceedsPayable) as refusal:
        put(credited, share, share)

    assert refusal.value.payable == usd("20.00")


@pytest.mark.parametrize("amount", ["0.00", "-5.00"])
def test_promise_1_nothing_is_applied_that_is_not_above_zero(credited, amount):
    invoice = credited.invoice("CL-1", "120.00")

    with pytest.raises(NotPositive):
        put(credited, NewApplication(CREDIT, invoice.id, usd(amount)))


def test_promise_6_a_credit_never_pays_another_customers_invoice(credited):
    other = credited.add_customer("40-118-9999", "Another one")
    invoice = credited.invoice("CL-1", "120.00", customer=other)

    with pytest.raises(applications.OtherCustomers):
        put(credited, NewApplication(CREDIT, invoice.id, usd("50.00")))

    assert credited.open(invoice) == usd("120.00")


@pytest.mark.parametrize(
    ("debit", "credit"),
    [(CASH, RECEIVABLE.of("invoice/CL-1")), (CREDIT, UNAPPLIED.of("payment/P"))],
)
def test_promise_6_the_ledger_applies_waiting_money_to_what_is_owed_and_nothing_else(
    credited, debit, credit
):
    credited.invoice("CL-1", "120.00")
    transfer = Transfer(
        "odd", debit, credit, usd("5.00"), ON, "applied", party=credited.customer.id
    )

    book.post([replace(transfer, key="moved", reason="moved")], now=credited.now)
    with pytest.raises(book.NotAnApplication, match="odd"):
        book.post([transfer], now=credited.now)


def test_promise_6_two_who_take_one_application_off_take_it_off_once(desk, tmp_path):
    with tenancy.use(desk), races.runners(desk) as start:
        world = World(desk, tmp_path / "bank", MONDAY)
        give_credit(world)
        invoice = world.invoice("CL-1", "120.00")
        put(world, NewApplication(CREDIT, invoice.id, usd("90.00")))
        [applied] = book.applications_of([CREDIT])
        with transaction.atomic():
            invoice_standing.lock([invoice.id])
            both = [start(lambda: take_off(world, applied.key)) for _ in range(2)]
            races.wait_for_waiters(2, *both)
        refusals = [each.exception(waiting.HUNG_AFTER_SECONDS) for each in both]

        assert sorted(type(refusal).__name__ for refusal in refusals) == ["NoneType", "NotApplied"]
        assert book.balance(CREDIT) == usd("-90.00")
