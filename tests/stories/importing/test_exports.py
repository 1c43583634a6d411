"""What became of payments, fees and credits goes back to the billing system."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.db import transaction

from billfold.ledger import book
from billfold.ledger.chart import FEE_INCOME
from billfold.payments.funnel import recording
from billfold.payments.reading import export, export_file, ledger_export
from billfold.platform import feed, tenancy
from billfold.platform.models import FeedRow
from billfold.rails.protocol import Returned, Settled, Submitted
from billfold.receivables import billing
from billfold.receivables.billing import NewCreditNote
from billfold.receivables.models import Customer, Invoice
from tests import privilege, waiting
from tests.conftest import MONDAY
from tests.world import World, usd

TUESDAY = date(2026, 11, 17)
WEDNESDAY = date(2026, 11, 18)


@pytest.fixture
def world(desk: tenancy.Biller, tmp_path: Path) -> Iterator[World]:
    """Set up a world whose acts are committed, so that the feed numbers them."""
    with tenancy.use(desk):
        yield World(desk, tmp_path / "bank", MONDAY)


def news(since=0):
    """Number all that was done; give what is new since a cursor."""

    def is_numbered() -> bool:
        feed.number()
        return not FeedRow.objects.filter(number=None).exists()

    waiting.wait_until(is_numbered, "all is numbered")
    return feed.window(since)


def exported(kind=export.PAYMENTS, *, since=0):
    """Export what is new since a cursor; give it as dictionaries."""
    written = io.StringIO()
    export_file.write_csv(kind, news(since), written)
    return list(csv.DictReader(io.StringIO(written.getvalue())))


def exported_json(kind, *, since=0):
    written = io.StringIO()
    export_file.write_json(kind, news(since), written)
    return json.loads(written.getvalue())


def record(world, *events):
    with transaction.atomic():
        recording.record(list(events), now=world.now)


def give_credit(world, number, amount, invoice=None, reason=""):
    note = NewCreditNote(number, world.customer.id, TUESDAY, usd(amount), reason, invoice)
    with transaction.atomic():
        billing.credit([note], now=world.now, on=TUESDAY)


def return_unpaid(world, payment):
    """Let a payment go out, settle and come back for want of money, which costs a fee."""
    record(world, Submitted(payment.reference, "s", TUESDAY))
    record(world, Settled(payment.reference, "t", WEDNESDAY))
    record(world, Returned(payment.reference, "r", WEDNESDAY, "R01", payment.amount, "12999901"))


def test_a_scheduled_payment_says_what_it_is_for_and_that_nothing_is_applied(world):
    payment = world.pay(world.invoice("INV-1", "120.00"), world.invoice("INV-2", "30.50"))

    rows = exported()

    assert [(r["invoice_number"], r["amount"], r["applied"]) for r in rows] == [
        ("INV-1", "120.00", "0.00"),
        ("INV-2", "30.50", "0.00"),
    ]
    assert {r["reference"] for r in rows} == {payment.reference}
    assert {(r["customer_number"], r["payment_amount"], r["state"]) for r in rows} == {
        ("40-118-2207", "150.50", "scheduled")
    }


def test_a_settled_payment_says_what_stands_on_which_invoice_and_since_when(world):
    reference = world.pay(world.invoice("INV-1", "120.00")).reference
    record(world, Submitted(reference, "s", TUESDAY), Settled(reference, "t", WEDNESDAY))

    (row,) = exported()

    assert (row["applied"], row["state"], row["settled_on"]) == ("120.00", "settled", "2026-11-18")
    assert (row["received_date"], row["returned_on"], row["return_code"]) == ("2026-11-16", "", "")


def test_a_returned_payment_says_when_and_why_and_that_nothing_is_left_on_the_invoice(world):
    payment = world.pay(world.invoice("INV-1", "120.00"))
    return_unpaid(world, payment)

    (row,) = [r for r in exported() if r["reference"] == payment.reference]

    assert (row["amount"], row["applied"], row["state"]) == ("120.00", "0.00", "returned")
    assert (row["returned_on"], row["return_code"]) == ("2026-11-18", "R01")


def test_promise_26_an_old_payment_is_told_again_once_something_happened_to_it(world):
    reference = world.pay(world.invoice("INV-1", "120.00")).reference
    cursor = news().through
    assert exported(since=cursor) == []

    record(world, Submitted(reference, "s", TUESDAY))

    assert [r["state"] for r in exported(since=cursor)] == ["in_transit"]


def test_names_that_look_like_formulas_are_disarmed_in_csv_and_exact_in_json(world):
    with privilege.every_right():
        Customer.objects.update(number="=1+1")
    world.pay(world.invoice("@SUM", "1.00"))
    Invoice.objects.get(number="@SUM")

    (row,) = exported()

    assert (row["customer_number"], row["invoice_number"]) == ("'=1+1", "'@SUM")
    assert exported_json(export.PAYMENTS)["rows"][0]["invoice_number"] == "@SUM"


@pytest.mark.parametrize(
    "kind",
    [export.PAYMENTS, ledger_export.FEES, ledger_export.CREDITS, ledger_export.APPLICATIONS],
    ids=lambda kind: kind.name,
)
def test_nothing_to_tell_is_an_empty_list(world, kind):
    assert exported_json(kind) == {
        "export": kind.name,
        "since": 0,
        "cursor": feed.window(0).through,
        "rows": [],
        "totals": [],
    }
    assert exported(kind) == []


def test_payments_are_added_up_by_the_day_they_came_each_once(world):
    world.pay(world.invoice("INV-1", "120.00"), world.invoice("INV-2", "30.50"))
    world.pay(world.invoice("INV-3", "9.50"))
    world.now += timedelta(days=1)
    world.pay(world.invoice("INV-4", "7.00"))

    document = exported_json(export.PAYMENTS)

    assert len(document["rows"]) == 4
    assert document["totals"] == [
        {"day": "2026-11-16", "currency": "USD", "count": 2, "amount": "160.00"},
        {"day": "2026-11-17", "currency": "USD", "count": 1, "amount": "7.00"},
    ]


def test_a_fee_says_who_owes_it_and_for_what(world):
    payment = world.pay(world.invoice("INV-1", "120.00"))
    cursor = news().through
    return_unpaid(world, payment)
    charge = Invoice.objects.get(kind="charge")

    document = exported_json(ledger_export.FEES, since=cursor)

    (row,) = document["rows"]
    assert (row["fee_number"], row["cause"]) == (charge.number, charge.cause)
    assert (row["customer_number"], row["amount"]) == ("40-118-2207", charge.amount.plain())
    (total,) = document["totals"]
    assert total["amount"] == (-book.balance(FEE_INCOME)).plain()
    assert exported(ledger_export.FEES, since=document["cursor"]) == []


def test_a_fee_that_was_taken_back_comes_again_below_zero_and_the_day_adds_up_to_nothing(world):
    return_unpaid(world, world.pay(world.invoice("INV-1", "120.00")))
    charge = Invoice.objects.select_related("present").get(kind="charge")
    issued = billing._issuance(charge, 1, charge.amount, on=WEDNESDAY)
    with transaction.atomic():
        waived = issued.reversal(key="waived", on=MONDAY.date(), reason="waived")
        book.post([waived], now=world.now)

    charged, taken_back = exported(ledger_export.FEES)

    assert taken_back["amount"] == f"-{charged['amount']}"
    assert (taken_back["key"], taken_back["takes_back"]) == ("waived", charged["key"])
    (total,) = exported_json(ledger_export.FEES)["totals"]
    assert (total["count"], total["amount"]) == (2, "0.00")


def test_a_credit_note_keeps_its_date_and_reason(world):
    give_credit(world, "CN-1", "40.00", reason="=goodwill")

    (row,) = exported(ledger_export.CREDITS)

    assert (row["credit_number"], row["amount"], row["currency"]) == ("CN-1", "40.00", "USD")
    assert (row["credit_date"], row["effective_date"]) == ("2026-11-17", "2026-11-17")
    assert (row["reason"], row["takes_back"]) == ("'=goodwill", "")


def test_applications_of_payments_and_credits_say_from_where_to_where_and_when_undone(world):
    invoice = world.invoice("INV-1", "120.00")
    give_credit(world, "CN-1", "20.00", invoice.id)
    payment = world.pay(invoice)
    return_unpaid(world, payment)

    credited, applied, taken_off = exported(ledger_export.APPLICATIONS)

    assert [r["source_kind"] for r in (credited, applied)] == ["credit", "payment"]
    assert {(r["target_kind"], r["target"]) for r in (credited, applied, taken_off)} == {
        ("invoice", "INV-1")
    }
    assert (credited["source"], credited["amount"]) == ("CN-1", "20.00")
    assert (applied["source"], applied["amount"]) == (payment.reference, "100.00")
    assert (taken_off["source"], taken_off["amount"]) == (payment.reference, "-100.00")
    assert taken_off["takes_back"] == applied["key"]
    assert exported_json(ledger_export.APPLICATIONS)["totals"] == [
        {"day": "2026-11-17", "currency": "USD", "count": 2, "amount": "120.00"},
        {"day": "2026-11-18", "currency": "USD", "count": 1, "amount": "-100.00"},
    ]
