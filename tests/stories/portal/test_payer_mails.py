"""What a payer is told by mail about a payment, from the click to its return."""

from __future__ import annotations

from datetime import date

import pytest

from billfold.notices.models import Notice
from billfold.payments.funnel import return_fees
from billfold.receivables.models import BillerProfile, Customer, FeeCap, Invoice
from tests import privilege
from tests.world import World, eastern, usd

WEDNESDAY = eastern(2026, 11, 18)


def mail(kind: str) -> Notice:
    return Notice.objects.get(kind=kind)


def test_the_first_mail_says_what_will_happen_and_holds_the_authorization(world: World) -> None:
    with privilege.every_right():
        BillerProfile.objects.update(support_phone="(555) 010-0142")

    payment = world.pay(world.invoice("CL-1", "325.00"))

    message = mail("received")
    assert message.subject == "Your payment of $325.00 to Cedarline is scheduled"
    for part in (
        "nothing was taken from your account yet",
        "Fee: $0.00",
        "Paid from: Checking ending 6789",
        "Paid to: Cedarline Communications, Inc., (555) 010-0142",
        "Payment date: Monday, November 16, 2026",
        "Reflected in your account by: Wednesday, November 18, 2026",
        "CL-1: $325.00",
        "You can cancel until 5:00 pm ET on Monday, November 16, 2026.",
        payment.mandate.text,
        payment.reference,
    ):
        assert part in message.body
    assert "received" not in message.subject + message.body


def test_the_cancel_moment_in_the_mail_is_in_the_billers_zone(world: World) -> None:
    with privilege.every_right():
        BillerProfile.objects.update(zone="America/Chicago")

    world.pay(world.invoice("CL-1", "10.00"))

    assert "until 4:00 pm CT on Monday, November 16, 2026." in mail("received").body


def test_the_mail_about_a_return_names_what_is_open_again_and_when_the_fee_is_due(
    world: World,
) -> None:
    world.pay(world.invoice("CL-1", "120.00"), world.invoice("CL-2", "5.00"), account="440001")
    world.go_to(WEDNESDAY)

    fee, message = Invoice.objects.get(kind="charge"), mail("returned")

    assert fee.due_date == fee.invoice_date + return_fees.TIME_TO_PAY == date(2026, 12, 2)
    for part in (
        "CL-1: $120.00",
        "CL-2: $5.00",
        f"A Return Fee of $25.00 was added to your account: {fee.number},",
        "due Wednesday, December 2, 2026.",
    ):
        assert part in message.body


@pytest.mark.parametrize(("cap_minor", "fee"), [(None, "0.00"), (2000, "20.00"), (9900, "25.00")])
def test_promise_15_a_fee_is_never_above_the_cap_and_none_where_nobody_reviewed_it(
    world: World, cap_minor: int | None, fee: str
) -> None:
    Customer.objects.update(state="NY")
    if cap_minor is not None:
        FeeCap.objects.create(
            state="NY", cap_minor=cap_minor, source="reviewed", reviewed_on=world.now.date()
        )
    profile = BillerProfile.objects.get()

    allowed = return_fees.fee_for(profile, "NY", return_fees.caps_by_state(["OH", "NY"]))
    world.pay(world.invoice("CL-1", "120.00"), account="440001")
    world.go_to(WEDNESDAY)

    charged = [invoice.amount for invoice in Invoice.objects.filter(kind="charge")]
    assert allowed == usd(fee)
    assert charged == ([allowed] if allowed else [])
