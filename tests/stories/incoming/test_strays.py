"""A return that cannot follow another one speaks to nobody but the person who gets its case."""

from __future__ import annotations

import pytest

from billfold.payments.models import Case, Instruction, Payment
from tests.stories.incoming.bank_words import leave, return_of
from tests.stories.portal.payer import Payer, text_of
from tests.world import World, eastern

WEDNESDAY, THURSDAY = eastern(2026, 11, 18, 12), eastern(2026, 11, 19)


@pytest.fixture
def payment(world: World) -> Payment:
    """Return a settled debit as not authorised, and once more for want of money."""
    paid = world.pay(world.invoice("CL-1", "120.00"))
    world.go_to(WEDNESDAY)
    entry = Instruction.objects.get()
    for name, code in (("first.ach", "R10"), ("second.ach", "R01")):
        returns = return_of(world, entry, code, on=WEDNESDAY.date())
        assert leave(world, name, returns, now=WEDNESDAY).state == "read"
    return paid


def test_staff_read_the_reason_that_counted(world, client, payment):
    client.force_login(world.clerk)

    answer = client.get(f"/office/payments/{payment.reference}")
    page = answer.context["page"]

    assert page.status.word == "Returned R10"
    assert "(R10)" in page.notices[0].title
    assert page.steps[-1].title == "Returned R10" and page.steps[-1].is_current
    assert [step.title for step in page.steps].count("Returned R01") == 0
    assert "It did not fit the payment, so it moved nothing" in text_of(answer)


def test_the_payer_reads_the_reason_that_counted(world, client, payment):
    payer = Payer(world, client)
    payer.sign_in()

    receipt = client.get(f"/payments/{payment.reference}").context["page"]
    overview = client.get("/").context["page"]

    assert "R10" in receipt.notice.text and "R01" not in receipt.notice.text
    assert [step.title for step in receipt.steps].count("Returned") == 1
    assert "R10" in overview.notices[0].text and "R01" not in overview.notices[0].text


def test_the_case_of_a_stray_says_in_words_what_came(world, payment):
    stray = Case.objects.get(kind="stray event")

    assert stray.title == "Not enough money (R01) for a payment that is returned"
    assert stray.payment == payment
