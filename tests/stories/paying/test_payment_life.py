"""From the click to the ledger, and back when the bank says no."""

from __future__ import annotations

import pytest

from billfold.banking import connections
from billfold.banking.models import BankFile, BankLine
from billfold.ledger import book
from billfold.ledger.chart import CASH
from billfold.notices.models import Notice
from billfold.payments.method_models import PaymentMethod
from billfold.payments.models import Case, Instruction
from billfold.payments.outgoing import cutoff
from billfold.payments.paying import scheduling
from billfold.receivables.models import Invoice
from tests import privilege
from tests.world import eastern, usd

TUESDAY, WEDNESDAY, THURSDAY = (eastern(2026, 11, day) for day in (17, 18, 19))


def test_a_payment_is_scheduled_then_sent_then_paid(world):
    invoices = world.invoice("CL-1", "346.18"), world.invoice("CL-2", "1326.32")
    payment = world.pay(*invoices)

    assert world.state(payment) == "scheduled"
    assert world.open(invoices[0]) == usd("346.18")

    world.go_to(TUESDAY)

    assert world.state(payment) == "in_transit"
    assert book.balance(payment.in_transit) == usd("1672.50")
    assert world.open(invoices[0]) == usd("0")
    assert BankFile.objects.get(direction="out").state == "accepted"

    world.go_to(WEDNESDAY)

    assert world.state(payment) == "settled"
    assert payment.reflected_by == WEDNESDAY.date()
    assert book.balance(payment.in_transit) == usd("0")
    assert book.balance(CASH) == usd("1672.50")
    assert [notice.kind for notice in Notice.objects.order_by("queued_at", "id")] == [
        "received",
        "sent",
        "settled",
    ]
    assert not BankLine.objects.filter(explained_at=None).exists()


def test_a_returned_debit_reopens_its_invoice_and_bears_one_fee(world):
    invoice = world.invoice("CL-1", "120.00")
    payment = world.pay(invoice, account="440001")

    world.go_to(WEDNESDAY)

    assert world.state(payment) == "returned"
    assert world.open(invoice) == usd("120.00")
    fee = Invoice.objects.get(kind="charge")
    assert world.open(fee) == usd("25.00")

    world.go_to(THURSDAY)

    assert book.balance(payment.in_transit) == usd("0")
    assert book.balance(CASH) == usd("0")
    assert Invoice.objects.filter(kind="charge").count() == 1
    assert Notice.objects.filter(kind="returned").count() == 1
    assert not Case.objects.exists()


def test_no_fee_is_charged_where_the_state_is_unreviewed(world):
    world.customer.state = "CT"
    privilege.save(world.customer)
    payment = world.pay(world.invoice("CL-1", "120.00"), account="440001")

    world.go_to(WEDNESDAY)

    assert world.state(payment) == "returned"
    assert not Invoice.objects.filter(kind="charge").exists()


def test_an_unauthorised_return_bears_no_fee_and_stops_the_account(world):
    payment = world.pay(world.invoice("CL-1", "120.00"), account="440010")

    world.go_to(THURSDAY)

    assert world.state(payment) == "returned"
    assert not Invoice.objects.filter(kind="charge").exists()
    assert PaymentMethod.objects.get().state == "frozen"
    with pytest.raises(scheduling.MethodNotUsable):
        world.pay(world.invoice("CL-2", "5.00"), account="440010")


def test_a_notice_of_change_corrects_the_account_and_moves_no_money(world):
    payment = world.pay(world.invoice("CL-1", "120.00"), account="440011")

    world.go_to(THURSDAY)

    method = PaymentMethod.objects.get()
    assert world.state(payment) == "settled"
    assert method.account.number() == "440000"
    assert method.accounts.filter(replaces__isnull=False).count() == 1


def test_a_return_after_settlement_reopens_the_invoice(world):
    invoice = world.invoice("CL-1", "120.00")
    payment = world.pay(invoice, account="440060")

    world.go_to(THURSDAY)
    assert world.state(payment) == "settled"
    world.go_to(eastern(2026, 11, 30))

    assert world.state(payment) == "returned"
    assert world.open(invoice) == usd("120.00")
    assert book.balance(CASH) == usd("0")


def test_a_payment_can_be_canceled_until_its_cut_off(world):
    invoice = world.invoice("CL-1", "120.00")
    payment = world.pay(invoice)

    scheduling.cancel(payment, actor=world.actor(), now=world.now)
    world.go_to(WEDNESDAY)

    assert world.state(payment) == "canceled"
    assert not Instruction.objects.exists()
    assert world.open(invoice) == usd("120.00")


def test_a_payment_cannot_be_canceled_after_its_cut_off(world):
    payment = world.pay(world.invoice("CL-1", "120.00"))
    world.go_to(TUESDAY)

    with pytest.raises(scheduling.TooLateToCancel):
        scheduling.cancel(payment, actor=world.actor(), now=eastern(2026, 11, 16, 9))


def test_a_payment_cannot_be_canceled_while_its_cut_off_is_run(world):
    payment = world.pay(world.invoice("CL-1", "120.00"))
    connections.close_day(world.connection, payment.collect_on)

    with pytest.raises(scheduling.TooLateToCancel):
        scheduling.cancel(payment, actor=world.actor(), now=eastern(2026, 11, 16, 16, 59))


def test_promise_18_a_payment_that_no_cut_off_took_can_be_canceled_however_late(world):
    payment = world.pay(world.invoice("CL-1", "120.00"))

    scheduling.cancel(payment, actor=world.actor(), now=eastern(2026, 11, 17, 9))

    assert world.state(payment) == "canceled"


def test_promise_19_who_presses_in_time_but_comes_after_the_cut_off_gets_the_next_day(world):
    early = world.pay(world.invoice("CL-1", "120.00"))
    cutoff_time = eastern(2026, 11, 16, 17)
    cutoff.collect_due(world.connection, cutoff_time.date(), now=cutoff_time)

    world.now = eastern(2026, 11, 16, 16, 59)
    late = world.pay(world.invoice("CL-2", "5.00"))

    assert world.state(early) == "in_transit"
    assert late.collect_on == TUESDAY.date()
    assert late.reflected_by == THURSDAY.date()
    assert late.received_date == cutoff_time.date()
