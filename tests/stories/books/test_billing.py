"""What becomes owed, in the books."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import transaction

from billfold.ledger import book
from billfold.ledger.chart import BILLED, CASH, FEE_INCOME, IN_TRANSIT, UNAPPLIED
from billfold.ledger.transfer import Transfer
from billfold.money import Money
from billfold.platform.ids import new_id
from billfold.platform.models import AuditEntry
from billfold.receivables import billing
from billfold.receivables.models import Customer, Invoice

pytestmark = pytest.mark.usefixtures("cedarline")
ON = date(2026, 11, 16)


@pytest.fixture
def customer(now):
    return Customer.objects.create(id=new_id(), number="C-1", name="Bluewater Cafe", created_at=now)


def bill(customer, number, minor, now):
    billing.issue(
        [billing.NewInvoice(number, customer.id, date(2026, 11, 1), date(2026, 12, 1), minor)],
        now=now,
        on=ON,
    )
    return Invoice.objects.get(number=number)


def pay(invoice, amount, now, name="P"):
    payment = f"payment/{name}"
    book.post(
        [
            Transfer(f"{name}/in", IN_TRANSIT.of(payment), UNAPPLIED.of(payment), amount, ON, "x"),
            Transfer(f"{name}/on", UNAPPLIED.of(payment), invoice.receivable, amount, ON, "x"),
        ],
        now=now,
    )


def test_an_issued_invoice_is_owed_by_its_customer(customer, now):
    invoice = bill(customer, "INV-1", Money(12_000), now)

    assert billing.open_amounts([invoice]) == {invoice.id: Money(12_000)}
    assert book.balance(BILLED) == Money(-12_000)
    assert book.party_balance(customer.id, invoice.receivable.code) == Money(12_000)


def test_an_issued_invoice_is_booked_on_the_day_it_came_whatever_its_own_date(customer, now):
    invoice = bill(customer, "INV-1", Money(12_000), now)

    (line,) = book.bookings([invoice.receivable])
    assert (line.effective_date, line.key) == (ON, "invoice/INV-1/issued/1")


def test_promise_10_a_number_is_issued_once(customer, now):
    bill(customer, "INV-1", Money(12_000), now)

    with pytest.raises(billing.NumberTaken, match="INV-1"), transaction.atomic():
        bill(customer, "INV-1", Money(12_000), now)


def test_promise_3_a_revision_takes_the_old_booking_back_and_books_anew(customer, now):
    invoice = bill(customer, "INV-1", Money(12_000), now)

    for minor in (9_000, 15_000):
        billing.revise([billing.Revision(invoice.id, Money(minor))], now=now, on=ON)

    invoice.refresh_from_db()
    assert (invoice.amount, invoice.present.revision) == (Money(15_000), 3)
    assert billing.open_amounts([invoice]) == {invoice.id: Money(15_000)}
    assert sorted(line.key for line in book.bookings([invoice.receivable])) == [
        "invoice/INV-1/issued/1",
        "invoice/INV-1/issued/1/reversed",
        "invoice/INV-1/issued/2",
        "invoice/INV-1/issued/2/reversed",
        "invoice/INV-1/issued/3",
    ]


def test_a_revision_to_the_same_amount_books_nothing(customer, now):
    invoice = bill(customer, "INV-1", Money(12_000), now)

    billing.revise([billing.Revision(invoice.id, Money(12_000))], now=now, on=ON)

    assert len(book.bookings([invoice.receivable])) == 1


def test_an_invoice_money_was_put_on_keeps_its_amount(customer, now):
    invoice = bill(customer, "INV-1", Money(12_000), now)
    pay(invoice, Money(5_000), now)

    with pytest.raises(billing.HasActivity, match="INV-1"):
        billing.revise([billing.Revision(invoice.id, Money(13_000))], now=now, on=ON)


def test_an_invoice_whose_payment_was_returned_keeps_its_amount_too(customer, now):
    invoice = bill(customer, "INV-1", Money(12_000), now)
    pay(invoice, Money(5_000), now)
    put_on = Transfer("P/on", UNAPPLIED.of("payment/P"), invoice.receivable, Money(5_000), ON, "x")
    book.post([put_on.reversal(key="P/off", on=ON, reason="returned")], now=now)

    assert billing.open_amounts([invoice]) == {invoice.id: Money(12_000)}
    assert billing.ids_with_activity([invoice]) == {invoice.id}


def test_a_credit_note_waits_for_its_customer_to_use_it(customer, now):
    note = billing.NewCreditNote("CR-1", customer.id, ON, Money(700), "goodwill")

    billing.credit([note], now=now, on=ON)

    assert book.balance(UNAPPLIED.of("credit/CR-1")) == Money(-700)
    assert book.balance(BILLED) == Money(700)


def test_promise_6_credit_notes_pay_an_invoice_down_to_zero_and_no_further(customer, now):
    invoice = bill(customer, "INV-1", Money(1_000), now)
    notes = [
        billing.NewCreditNote(number, customer.id, ON, Money(700), invoice_id=invoice.id)
        for number in ("CR-1", "CR-2", "CR-3")
    ]

    billing.credit(notes, now=now, on=ON)

    assert billing.open_amounts([invoice]) == {invoice.id: Money(0)}
    left = [book.balance(UNAPPLIED.of(f"credit/CR-{n}")).minor for n in (1, 2, 3)]
    assert left == [0, -400, -700]


def test_a_credit_note_is_not_put_on_somebody_elses_invoice(customer, now):
    invoice = bill(customer, "INV-1", Money(1_000), now)
    other = Customer.objects.create(id=new_id(), number="C-2", name="Other", created_at=now)
    note = billing.NewCreditNote("CR-1", other.id, ON, Money(700), invoice_id=invoice.id)

    with pytest.raises(billing.OtherCustomersInvoice):
        billing.credit([note], now=now, on=ON)


def fee(customer, cause, minor=2_500):
    return billing.NewCharge(customer.id, cause, Money(minor), "Returned payment fee", ON, ON)


def test_promise_15_a_fee_is_charged_once_for_its_cause(customer, now):
    charges = [fee(customer, "return/1"), fee(customer, "return/2")]

    first = billing.charge(charges, now=now, on=ON)
    again = billing.charge([*charges, fee(customer, "return/3")], now=now, on=ON)

    assert [i.number for i in first] == [i.number for i in again[:2]]
    assert book.balance(FEE_INCOME) == Money(-7_500)
    assert all(i.number.startswith("RF-") and len(i.number) == 13 for i in again)
    assert billing.open_amounts(again) == {i.id: Money(2_500) for i in again}


def test_promise_10_a_cause_with_another_amount_is_refused(customer, now):
    billing.charge([fee(customer, "return/1")], now=now, on=ON)

    with pytest.raises(billing.CauseReused), transaction.atomic():
        billing.charge([fee(customer, "return/1", 3_000)], now=now, on=ON)


def test_promise_25_every_run_leaves_an_audit_row(customer, now):
    invoice = bill(customer, "INV-1", Money(12_000), now)
    billing.revise([billing.Revision(invoice.id, Money(9_000))], now=now, on=ON)
    billing.charge([fee(customer, "return/1")], now=now, on=ON)

    entries = AuditEntry.objects.order_by("id")
    assert [e.action for e in entries] == ["invoices issued", "invoices revised", "fees charged"]
    assert (entries[1].before, entries[1].after) == ({"INV-1": 12_000}, {"INV-1": 9_000})
    assert book.balance(CASH) == Money(0)


def test_nothing_asked_changes_nothing(now):
    billing.issue([], now=now, on=ON)
    billing.credit([], now=now, on=ON)
    billing.revise([], now=now, on=ON)

    assert billing.charge([], now=now, on=ON) == []
    assert not AuditEntry.objects.exists()
