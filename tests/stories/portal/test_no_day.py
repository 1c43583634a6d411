"""While the brake stands, and on HOLD, payments are taken in and no page or mail names a day."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.db import connection

from billfold import jobs
from billfold.banking.models import BankFile
from billfold.notices.models import Notice
from billfold.pages import biller_context
from billfold.payments.models import Payment
from billfold.payments.outgoing import withdrawal
from billfold.platform import audit, brake, clock, tenancy
from billfold.platform.models import BrakeKind
from billfold.receivables.models import BillerProfile
from tests import privilege
from tests.stories.portal.payer import Payer, text_of
from tests.world import World, eastern

PROMISES = ("Reflected", "reflected", "business days", "Nov 18", "November 18", "5:00 pm")
CUTOFF, AFTER = eastern(2026, 11, 16, 17), eastern(2026, 11, 16, 18)
TUESDAY = eastern(2026, 11, 17, 17)


def set_brake(seen: dict[str, str], *, world: World) -> None:
    brake.observe(
        BrakeKind.FINDING,
        seen,
        lifts_when_clean=True,
        actor=audit.job("verify"),
        seen_at=world.now,
        now=world.now,
    )


def set_hold(world: World) -> None:
    """Put the biller on HOLD; the web learns it from the directory, by the host's name."""
    held = replace(world.biller, state="hold")
    tenancy._hosts["testserver"] = (math.inf, held)
    tenancy._service.set(replace(tenancy._service.get(), biller=held))
    with privilege.every_right(), connection.cursor() as cursor:
        cursor.execute("UPDATE public.biller SET state = 'hold' WHERE schema = 'cedarline'")


@pytest.fixture
def payer(world: World, client) -> Payer:
    world.invoice("CL-1", "120.00")
    world.invoice("CL-2", "60.00")
    at_the_pages = Payer(world, client)
    at_the_pages.sign_in()
    return at_the_pages


@pytest.fixture(params=["brake", "hold"])
def stopped(request, payer: Payer) -> Iterator[Payer]:
    """Give a payer of a biller whose payments are kept back."""
    served = tenancy._service.get()
    if request.param == "brake":
        set_brake({"a": "A is broken"}, world=payer.world)
    else:
        set_hold(payer.world)
    yield payer
    tenancy._service.set(served)


def words(payer: Payer, url: str) -> str:
    """Read a page without the words of the authorization, which say from when on.

    What a check by mail takes is left out, too: nothing keeps those back.
    """
    text = text_of(payer.client.get(url))
    text = text.replace(biller_context.reflected_text(BillerProfile.objects.get().check_days), "")
    for payment in Payment.objects.select_related("mandate"):
        text = text.replace(payment.mandate.text, "")
    return text


def named(text: str) -> list[str]:
    return [promise for promise in PROMISES if promise in text]


@pytest.mark.parametrize(
    "url",
    [
        "/",
        "/pay",
        "/help/how-do-i-make-a-payment",
        "/help/why-does-my-payment-say-processing",
    ],
)
def test_promise_21_kept_back_no_page_promises_a_day(stopped, url):
    text = words(stopped, url)

    assert named(text) == []
    assert "Payments are taken in and go out later: we cannot name a day just now." in text


def test_promise_21_kept_back_the_review_names_no_day(stopped):
    page = text_of(stopped.client.get(stopped.choose("CL-1")["Location"]))

    assert "Payment date Later It goes out later: we cannot name a day just now." in page
    assert "You can cancel until it goes out." in page
    before_the_words = page.partition("I authorize")[0]
    assert named(before_the_words) == []


def test_promise_21_kept_back_a_payment_is_taken_in_and_no_day_is_promised(stopped):
    stopped.pay("CL-1")
    payment = Payment.objects.get()

    for url in (f"/payments/{payment.reference}", "/payments"):
        assert named(words(stopped, url)) == []
    receipt = words(stopped, f"/payments/{payment.reference}")
    assert "Your payment is taken in It goes out later" in receipt
    assert payment.reflected_by is None
    letter = Notice.objects.get(kind="received").body
    assert named(letter.replace(payment.mandate.text, "")) == []
    assert "taken in and goes out later: we cannot name a day just now." in letter
    assert "You can cancel until it goes out." in letter


def test_promise_21_kept_back_what_was_promised_before_is_promised_no_more(payer):
    payer.pay("CL-1")
    payment = Payment.objects.get()
    assert named(words(payer, f"/payments/{payment.reference}")) != []
    set_brake({"a": "A is broken"}, world=payer.world)

    for url in (f"/payments/{payment.reference}", "/payments"):
        assert named(words(payer, url)) == []


def test_promise_21_kept_back_past_its_cut_off_a_payment_can_be_canceled(stopped):
    stopped.pay("CL-1")
    clock.move_to(AFTER)
    payment = Payment.objects.get()

    page = text_of(stopped.client.get(f"/payments/{payment.reference}/cancellation"))
    assert "You can cancel until it goes out." in page
    stopped.client.post(f"/payments/{payment.reference}/cancellation")

    assert stopped.world.state(payment) == "canceled"


def test_promise_21_a_file_sent_back_while_braked_promises_no_day(payer):
    payer.pay("CL-1")
    jobs.cut_off(CUTOFF)
    set_brake({"a": "A is broken"}, world=payer.world)
    file = BankFile.objects.get(direction="out")

    withdrawal.withdraw_unsent(
        file.pk, file.sha256, why="Wrong", actor=payer.world.clerk.actor(), now=CUTOFF
    )

    letter = Notice.objects.get(kind="withdrawn").body
    assert "We will send it again later: we cannot name a day just now." in letter
    assert named(letter) == []


def test_promise_21_once_it_goes_out_a_day_is_promised_and_not_called_late(payer):
    set_brake({"a": "A is broken"}, world=payer.world)
    payer.pay("CL-1")
    set_brake({}, world=payer.world)

    jobs.cut_off(TUESDAY)

    payment = Payment.objects.get()
    assert payment.reflected_by == eastern(2026, 11, 19).date()
    letter = Notice.objects.get(kind="sent").body
    assert "It will be reflected in your account by Thursday, November 19, 2026." in letter
    assert "late" not in letter
