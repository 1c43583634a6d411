"""Past the holidays that the Reserve Banks have published no day is promised, and nothing moves."""

from __future__ import annotations

import pytest
from django.test import Client

from billfold import bankdays, jobs
from billfold.bankdays import UnknownYear
from billfold.banking.models import BankFile
from billfold.payments.models import Payment
from billfold.payments.paying import scheduling
from tests.stories.portal.payer import Payer, text_of
from tests.world import eastern

PAYER_WORDS = (
    "We cannot say yet on which day after 2025 the banks take a payment, so nothing was paid"
)


@pytest.fixture
def payer(world, client) -> Payer:
    world.invoice("CL-1", "346.18")
    payer = Payer(world, client)
    payer.sign_in()
    return payer


@pytest.fixture
def ended(monkeypatch):
    """End the banking calendar before the day on which the stories are."""
    return lambda: monkeypatch.setattr(bankdays.ACH, "published_through", 2025)


def test_promise_19_a_payment_past_the_calendar_is_refused_with_words(payer, ended):
    ended()

    refused = payer.client.get(payer.choose("CL-1")["Location"])

    assert refused.status_code == 409
    assert PAYER_WORDS in text_of(refused)
    assert not Payment.objects.exists()


def test_promise_19_a_reviewed_payment_is_refused_once_its_day_is_unknown(payer, ended):
    reviewed = payer.review(payer.choose("CL-1"))
    ended()

    refused = payer.press(reviewed)

    assert refused.status_code == 409
    assert PAYER_WORDS in text_of(refused)
    assert not Payment.objects.exists()


def test_promise_19_bills_can_be_looked_at_and_nothing_is_promised(payer, ended):
    for url in ("/", "/pay"):
        assert "is reflected by" in text_of(payer.client.get(url))
    ended()

    for url in ("/", "/pay"):
        page = payer.client.get(url)
        assert page.status_code == 200
        assert "is reflected by" not in text_of(page)


def test_promise_19_no_door_schedules_a_payment_past_the_calendar(world, ended):
    intent = world.intent([world.invoice("CL-1", "120.00")])
    ended()

    with pytest.raises(UnknownYear):
        scheduling.schedule([intent], now=world.now)

    assert not Payment.objects.exists()


def test_promise_19_no_file_is_made_whose_settlement_day_is_unknown(world, ended):
    payment = world.pay(world.invoice("CL-1", "120.00"))
    ended()

    with pytest.raises(UnknownYear):
        jobs.cut_off(eastern(2026, 11, 16, 17))

    assert world.state(payment) == "scheduled"
    assert not BankFile.objects.exists()


def test_promise_19_staff_are_told_why_payments_cannot_wait_for_another_day(world, ended):
    world.pay(world.invoice("CL-1", "120.00"))
    jobs.cut_off(eastern(2026, 11, 16, 17))
    file = BankFile.objects.get()
    staff = Client()
    staff.force_login(world.treasurers[0])
    ended()

    refused = staff.post(
        f"/office/files/{file.id}/withdrawal", {"sha256": file.sha256, "reason": "Wrong name"}
    )

    assert refused.status_code == 409
    assert "This needs a banking day after 2025" in text_of(refused)
    assert BankFile.objects.get().state == "built"
    page = text_of(staff.get("/office/files"))
    assert "no next cut-off: banking days after 2025 are not known" in page


def test_promise_19_a_return_is_booked_though_its_deadline_lies_past_the_calendar(
    world, monkeypatch
):
    payment = world.pay(world.invoice("CL-1", "120.00"), account="440010")
    monkeypatch.setattr(bankdays.ACH, "published_through", 2026)

    world.go_to(eastern(2026, 11, 20))

    assert world.state(payment) == "returned"
    assert not BankFile.objects.filter(state="refused").exists()
