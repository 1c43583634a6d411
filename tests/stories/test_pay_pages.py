"""Choose, review, done: paying invoices from a bank account, on the pages."""

from __future__ import annotations

import pytest
from django.test import Client

from billfold.payments.models import Mandate, Payment, PaymentMethod
from tests.stories.payer import Payer, text_of
from tests.world import World, usd


@pytest.fixture
def payer(world: World, client: Client) -> Payer:
    at_the_pages = Payer(world, client)
    at_the_pages.sign_in()
    return at_the_pages


def test_two_invoices_are_paid_from_a_new_account(payer, world):
    world.invoice("CL-1", "346.18")
    world.invoice("CL-2", "1326.32")

    chosen = payer.choose("CL-1", "CL-2")
    assert chosen.status_code == 303
    review = text_of(payer.client.get(chosen["Location"]))
    assert "Pay $1,672.50" in review
    assert "Reflected by Wednesday, Nov 18" in review
    assert "You can cancel until 5:00 pm ET today." in review
    assert "Cedarline Communications, Inc." in review
    assert "Checking ending 6789" in review

    done = payer.press(payer.review(chosen))

    assert done.status_code == 303
    payment = Payment.objects.get()
    assert done["Location"] == f"/payments/{payment.reference}"
    assert payment.amount == usd("1672.50")
    receipt = text_of(payer.client.get(done["Location"]))
    assert payment.reference in receipt
    assert "Processing" in receipt
    assert "Your payment is on its way" in receipt
    assert "Cancel this payment" in receipt
