"""What must not be paid, or not twice, or not canceled: each refusal by its name."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import connection, transaction

from billfold import jobs
from billfold.banking import connections
from billfold.banking.models import BankConnection, BankFile
from billfold.payments.accounts import bank_accounts
from billfold.payments.method_models import PaymentMethod
from billfold.payments.models import Payment
from billfold.payments.paying import invoice_standing, scheduling
from billfold.payments.rules.lifecycle import State
from billfold.platform import tenancy
from tests import privilege, races, waiting
from tests.conftest import MONDAY
from tests.stories.incoming.bank_words import answer, return_of
from tests.world import World, eastern, run_job, usd


def test_promise_18_another_customers_invoice_cannot_be_paid(world):
    neighbour = world.add_customer("40-118-9999", "Marsh & Daughters")
    invoice = world.invoice("CL-1", "120.00", customer=neighbour)

    with pytest.raises(scheduling.NotYours):
        scheduling.schedule([world.intent([invoice])], now=world.now)

    assert not Payment.objects.exists()


@pytest.mark.parametrize("holder", ["personal", "business"])
def test_promise_18_another_customers_saved_account_cannot_pay(world, holder):
    neighbour = world.add_customer("40-118-9999", "Marsh & Daughters")
    theirs = bank_accounts.add(
        world.account(holder=holder),
        customer_id=neighbour.id,
        remember=True,
        actor=world.add_person("ines@marsh.example", "Ines Marsh").actor(),
        now=world.now,
    )
    intent = replace(world.intent([world.invoice("CL-1", "120.00")]), account=theirs)

    with pytest.raises(scheduling.NotYours):
        scheduling.schedule([intent], now=world.now)

    assert not Payment.objects.exists()


def test_promise_23_no_door_stores_a_number_that_looks_like_a_cards(world):
    invoice = world.invoice("CL-1", "120.00")

    with pytest.raises(bank_accounts.LooksLikeACard):
        world.pay(invoice, account="4111111111111111")

    assert not PaymentMethod.objects.exists()
    assert not Payment.objects.exists()


def test_promise_10_two_payments_of_one_batch_share_what_an_invoice_owes(world):
    invoice = world.invoice("CL-1", "120.00")
    intents = [world.intent([invoice], amounts=[usd(part)]) for part in ("100.00", "20.01")]

    with pytest.raises(invoice_standing.ExceedsPayable) as refusal:
        scheduling.schedule(intents, now=world.now)

    assert refusal.value.payable == usd("20.00")
    assert not Payment.objects.exists()


def test_promise_14_what_the_bank_may_have_debited_is_not_canceled_before_its_next_cut_off(world):
    payment = world.pay(world.invoice("CL-1", "120.00"))
    cut_off = eastern(2026, 11, 16, 17)
    jobs.cut_off(cut_off)
    world.release_all(cut_off)
    run_job("send", cut_off)
    world.now = eastern(2026, 11, 16, 18)
    file = BankFile.objects.get(direction="out")
    answer(world, file, "rejected", now=world.now)
    answer(world, file, "accepted", now=world.now)
    payment.refresh_from_db()
    assert payment.state == "scheduled"
    assert payment.collect_on > BankConnection.objects.get().closed_through

    with pytest.raises(scheduling.TooLateToCancel):
        scheduling.cancel(payment, actor=world.actor(), now=world.now)


@pytest.mark.parametrize("state", list(State))
def test_promise_12_a_payment_of_unknown_outcome_reserves_as_one_that_waits_does(world, state):
    invoice = world.invoice("CL-1", "120.00")
    payment = world.pay(invoice)
    with privilege.every_right():
        Payment.objects.filter(pk=payment.pk).update(state=state)

    reserved = invoice_standing.of_invoices([invoice.id])[invoice.id].reserved

    assert bool(reserved.minor) == (state in {State.SCHEDULED, State.UNKNOWN})


def test_promise_10_two_references_at_once_pay_one_invoice_once(desk, tmp_path):
    with tenancy.use(desk), races.runners(desk) as start:
        world = World(desk, tmp_path / "bank", MONDAY)
        invoice = world.invoice("CL-1", "120.00")
        intents = [world.intent([invoice]) for _ in range(2)]
        with transaction.atomic():
            privilege.take_every_right()
            with connection.cursor() as cursor:
                cursor.execute(f"LOCK TABLE {desk.schema}.payments_payment IN SHARE MODE")
            # Nobody can write a payment before both have looked at what the invoice owes.
            paying = [start(lambda i=i: scheduling.schedule([i], now=MONDAY)) for i in intents]
            races.wait_for_waiters(2, *paying)
        refusals = [each.exception(waiting.HUNG_AFTER_SECONDS) for each in paying]

        assert sorted(type(refusal).__name__ for refusal in refusals) == [
            "ExceedsPayable",
            "NoneType",
        ]
        assert Payment.objects.count() == 1


def test_promise_19_a_day_is_not_closed_while_a_payment_of_it_is_being_scheduled(desk, tmp_path):
    with tenancy.use(desk), races.runners(desk) as start:
        world = World(desk, tmp_path / "bank", MONDAY)
        with transaction.atomic():
            connections.keep_day_open()
            closing = start(lambda: connections.close_day(world.connection, MONDAY.date()))
            races.wait_for_waiters(1, closing)
            assert not closing.done()
        closing.result(waiting.HUNG_AFTER_SECONDS)

        assert BankConnection.objects.get().closed_through == MONDAY.date()


def test_promise_18_returns_are_recorded_between_two_files_never_while_one_is_filled(
    desk, tmp_path
):
    with tenancy.use(desk), races.runners(desk) as start:
        world = World(desk, tmp_path / "bank", MONDAY)
        payment = world.pay(world.invoice("CL-1", "120.00"), account="440010")
        world.go_to(eastern(2026, 11, 17, 12))
        run_job("fetch", world.now)
        entry = payment.instructions.get()
        content = return_of(world, entry, "R02", on=world.now.date())
        (world.folder / "from_bank" / "returns.ach").write_bytes(content)
        run_job("fetch", world.now)
        with transaction.atomic():  # As a cut-off has it while it fills a file.
            BankConnection.objects.select_for_update(no_key=True).get()
            reading = start(lambda: jobs.read(world.now))
            races.wait_for_waiters(1, reading)
            assert not reading.done()
            assert world.state(payment) == "in_transit"
        reading.result(waiting.HUNG_AFTER_SECONDS)

        assert world.state(payment) == "returned"
