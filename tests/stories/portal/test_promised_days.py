"""What payers and staff read while a file waits, and once a promised day has passed."""

from __future__ import annotations

import pytest
from django.db import transaction

from billfold import jobs
from billfold.banking.models import BankFile, BankLine
from billfold.notices.models import Notice
from billfold.payments.funnel import recording
from billfold.payments.models import Case, Instruction, Payment
from billfold.payments.outgoing import withdrawal
from billfold.payments.proof import records
from billfold.payments.proof.check import Inspection
from billfold.platform import clock
from billfold.rails.protocol import Corrected
from tests.stories.incoming.bank_words import leave, line, statement
from tests.stories.portal.payer import Payer, text_of
from tests.world import World, eastern, run_job

CUTOFF = eastern(2026, 11, 16, 17)
WEDNESDAY, THURSDAY = eastern(2026, 11, 18, 12), eastern(2026, 11, 19, 12)
FRIDAY = eastern(2026, 11, 20, 12)


@pytest.fixture
def payment(world: World) -> Payment:
    """Put a payment into Monday's file, which nobody has released."""
    scheduled = world.pay(world.invoice("CL-1", "120.00"))
    jobs.cut_off(CUTOFF)
    clock.move_to(CUTOFF)
    return scheduled


@pytest.fixture
def payer(world: World, client) -> Payer:
    at_the_pages = Payer(world, client)
    at_the_pages.sign_in()
    return at_the_pages


def steps(payer: Payer, payment: Payment) -> list[str]:
    page = payer.client.get(f"/payments/{payment.reference}").context["page"]
    return [step.title for step in page.steps]


def send(world: World) -> None:
    world.release_all(CUTOFF)
    run_job("send", CUTOFF)


def test_a_receipt_says_sent_only_of_a_file_that_left(world, payer, payment):
    going = ["In your account", "Final"]
    assert steps(payer, payment) == ["Authorized", "In the next bank file", *going]

    send(world)

    assert steps(payer, payment) == ["Authorized", "Sent to the bank", *going]


def test_promise_26_no_message_claims_that_a_waiting_file_was_sent(payment):
    notice = Notice.objects.get(kind="sent")

    assert notice.subject == "Your payment of $120.00 is being processed"
    assert "It goes to the bank with the file of Monday, November 16, 2026" in notice.body
    assert "We asked the bank" not in notice.body


def test_promise_26_a_payment_that_goes_into_another_file_is_told_so(world, payer, payment):
    file = BankFile.objects.get(direction="out")
    withdrawal.withdraw_unsent(
        file.pk, file.sha256, why="Wrong", actor=world.clerk.actor(), now=CUTOFF
    )
    assert steps(payer, payment)[:2] == ["Authorized", "Not sent; goes out again"]

    jobs.cut_off(eastern(2026, 11, 17, 17))

    bodies = [n.body for n in Notice.objects.filter(kind="sent").order_by("queued_at")]
    assert "file of Monday, November 16" in bodies[0]
    assert "file of Tuesday, November 17" in bodies[1]
    untold = next(c for c in records.CHECKS if c.title.startswith("Every fact a payer"))
    assert not untold.find(Inspection(world.biller, CUTOFF)).count


def test_promise_19_a_payer_reads_that_a_promised_day_has_passed(world, payer, payment):
    send(world)
    sentence = "Expected by Nov 18. We are looking into it."
    pages = ("/", "/payments", f"/payments/{payment.reference}")
    clock.move_to(WEDNESDAY)
    assert not [url for url in pages if sentence in text_of(payer.client.get(url))]

    clock.move_to(FRIDAY)
    payer.sign_in()

    assert [url for url in pages if sentence in text_of(payer.client.get(url))] == list(pages)


def test_promise_19_staff_see_what_is_late_and_the_case_that_may_say_why(world, client, payment):
    send(world)
    client.force_login(world.clerk)
    tabs = client.get("/office/payments").context["page"].tabs
    assert "Late" not in [tab.label for tab in tabs]
    short = line(142, 11_900, "ACH", on=WEDNESDAY.date())
    leave(world, "day.bai", statement(world, WEDNESDAY.date(), [short]), now=THURSDAY)
    jobs.reconcile(THURSDAY)
    assert not BankLine.objects.get().explained_at
    clock.move_to(FRIDAY)
    client.force_login(world.clerk)

    listed = client.get("/office/payments", {"view": "late"}).context["page"]
    detail = client.get(f"/office/payments/{payment.reference}").context["page"]

    assert [(tab.label, tab.count) for tab in listed.tabs if tab.is_current] == [("Late", 1)]
    assert [row.status.word for row in listed.rows] == ["Late"]
    late = detail.steps[-1]
    assert late.note == "Expected Nov 18, not seen yet"
    assert late.link.url == f"/office/cases/{Case.objects.get().id}"
    assert "Late" in text_of(client.get(f"/office/payments/{payment.reference}"))


def test_the_late_view_is_empty_once_the_money_is_in(world, client):
    world.pay(world.invoice("CL-1", "120.00"))
    world.go_to(FRIDAY)
    client.force_login(world.clerk)

    page = client.get("/office/payments", {"view": "late"}).context["page"]

    assert page.rows == ()


def record_correction(payment: Payment, code: str, corrected: str) -> None:
    entry = Instruction.objects.get(payment=payment)
    event = Corrected(
        payment.reference, f"noc/{code}", CUTOFF.date(), code, corrected, entry.rdfi, evidence="e/1"
    )
    with transaction.atomic():
        recording.record([event], now=CUTOFF)


@pytest.mark.parametrize(
    ("code", "corrected", "title"),
    [
        ("C04", "DANA R OSEI", "Notice of change: Other name (C04) needs a person"),
        ("C09", "40-118-2207", "Notice of change: Other customer number (C09) needs a person"),
        ("C01", "?", "Notice of change: New account number (C01) cannot be trusted"),
    ],
)
def test_a_notice_of_change_that_changes_nothing_is_a_case(
    world, client, payment, code, corrected, title
):
    record_correction(payment, code, corrected)

    assert Case.objects.get().title == title
    client.force_login(world.clerk)
    events = client.get(f"/office/payments/{payment.reference}").context["page"].events
    assert events[-1].title == "Notice of change"


def test_a_notice_of_change_that_changed_the_account_is_called_so(world, client, payment):
    record_correction(payment, "C01", "4417006700")

    assert not Case.objects.exists()
    client.force_login(world.clerk)
    events = client.get(f"/office/payments/{payment.reference}").context["page"].events
    assert events[-1].title == "Account corrected"
