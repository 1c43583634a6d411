"""What became of payments goes back to the billing system."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, timedelta

from django.db import transaction

from billfold.payments.funnel import recording
from billfold.payments.reading import export
from billfold.rails.protocol import Returned, Settled, Submitted
from billfold.receivables.models import Customer, Invoice
from tests import privilege

TUESDAY = date(2026, 11, 17)
WEDNESDAY = date(2026, 11, 18)


def exported(world, *, days=0):
    """Export what changed in the last days; give it as dictionaries."""
    written = io.StringIO()
    export.write_csv(export.rows(since=world.now - timedelta(days=days)), written)
    return list(csv.DictReader(io.StringIO(written.getvalue())))


def record(world, *events):
    with transaction.atomic():
        recording.record(list(events), now=world.now)


def test_a_scheduled_payment_says_what_it_is_for_and_that_nothing_is_applied(world):
    payment = world.pay(world.invoice("INV-1", "120.00"), world.invoice("INV-2", "30.50"))

    rows = exported(world)

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

    (row,) = exported(world)

    assert (row["applied"], row["state"], row["settled_on"]) == ("120.00", "settled", "2026-11-18")
    assert (row["received_date"], row["returned_on"], row["return_code"]) == ("2026-11-16", "", "")


def test_a_returned_payment_says_when_and_why_and_that_nothing_is_left_on_the_invoice(world):
    payment = world.pay(world.invoice("INV-1", "120.00"))
    reference = payment.reference
    record(world, Submitted(reference, "s", TUESDAY), Settled(reference, "t", WEDNESDAY))
    record(world, Returned(reference, "r", WEDNESDAY, "R01", payment.amount, "12999901"))

    (row,) = [r for r in exported(world) if r["reference"] == reference]

    assert (row["amount"], row["applied"], row["state"]) == ("120.00", "0.00", "returned")
    assert (row["returned_on"], row["return_code"]) == ("2026-11-18", "R01")


def test_an_old_payment_is_told_again_once_something_happened_to_it(world):
    reference = world.pay(world.invoice("INV-1", "120.00")).reference
    world.now += timedelta(days=5)
    assert exported(world, days=1) == []

    record(world, Submitted(reference, "s", TUESDAY))

    assert [r["state"] for r in exported(world, days=1)] == ["in_transit"]


def test_names_that_look_like_formulas_are_disarmed_in_csv_and_exact_in_json(world):
    with privilege.every_right():
        Customer.objects.update(number="=1+1")
    world.pay(world.invoice("@SUM", "1.00"))
    Invoice.objects.get(number="@SUM")

    (row,) = exported(world)
    written = io.StringIO()
    export.write_json(export.rows(since=world.now), written)

    assert (row["customer_number"], row["invoice_number"]) == ("'=1+1", "'@SUM")
    assert json.loads(written.getvalue())[0]["invoice_number"] == "@SUM"


def test_nothing_to_tell_is_an_empty_list(world):
    written = io.StringIO()

    assert export.write_json(export.rows(since=world.now), written) == 0
    assert json.loads(written.getvalue()) == []
    assert exported(world) == []
