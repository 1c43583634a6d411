"""Simulated days: what is due happens on the way, in order, and once."""

from __future__ import annotations

import shutil
import threading
from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connection
from django.test import override_settings

from billfold import bankdays, jobs
from billfold.bankdays import EASTERN
from billfold.banking import file_approvals
from billfold.banking.models import BankFile, FileApproval, Statement
from billfold.ledger import book
from billfold.ledger.chart import CASH
from billfold.money import Money
from billfold.notices.models import Notice
from billfold.payments.accounts import account_validation
from billfold.payments.accounts.bank_accounts import TypedAccount
from billfold.payments.accounts.mandates import Consent
from billfold.payments.models import CutOff, Payment, ProofRun
from billfold.payments.paying import scheduling
from billfold.people.models import Person
from billfold.platform import brake, clock, tenancy
from billfold.platform.models import AuditEntry
from billfold.receivables.models import Invoice
from billfold.simulator import cedarline, days, demo, demo_story, validation
from billfold.simulator.bank import outcomes
from tests import databases, environment
from tests.waiting import HUNG_AFTER_SECONDS
from tests.world import eastern, last_move_of_the_clock, usd


def stands_at() -> datetime:
    """Read to what minute the demo's clock was moved last, Eastern; it runs on from there."""
    return last_move_of_the_clock().astimezone(EASTERN).replace(second=0, microsecond=0)


@pytest.mark.parametrize(
    ("begins", "count", "ends"),
    [
        (eastern(2026, 11, 16), 1, eastern(2026, 11, 17)),
        (eastern(2026, 11, 16, 7), 1, eastern(2026, 11, 17)),
        (eastern(2026, 11, 16, 18), 1, eastern(2026, 11, 17)),
        (eastern(2026, 11, 21, 23, 30), 1, eastern(2026, 11, 23)),
        (eastern(2026, 11, 25), 1, eastern(2026, 11, 27)),
        (eastern(2026, 11, 24), 3, eastern(2026, 11, 30)),
        (eastern(2026, 12, 31), 1, eastern(2027, 1, 4)),
        (eastern(2026, 12, 24, 12), 2, eastern(2026, 12, 29)),
        (eastern(2026, 10, 30), 2, eastern(2026, 11, 3)),
    ],
)
def test_it_stops_at_nine_eastern_of_a_banking_day(world, begins, count, ends):
    clock.move_to(begins)

    days.advance(world.biller, days=count, now=begins)

    assert stands_at() == ends


def test_a_payment_made_on_a_saturday_night_is_paid_on_wednesday(world):
    world.now = eastern(2026, 11, 21, 23, 30)
    clock.move_to(world.now)
    payment = world.pay(world.invoice("CL-1", "120.00"))

    days.advance(world.biller, now=world.now)
    assert world.state(payment) == "scheduled"
    days.advance(world.biller, now=clock.now())
    assert world.state(payment) == "in_transit"
    days.advance(world.biller, now=clock.now())

    assert world.state(payment) == "settled"
    assert payment.reflected_by == stands_at().date() == eastern(2026, 11, 25).date()


def test_a_payment_made_before_thanksgiving_is_paid_on_the_monday_after(world):
    world.now = eastern(2026, 11, 25)
    clock.move_to(world.now)
    payment = world.pay(world.invoice("CL-1", "120.00"))

    days.advance(world.biller, now=world.now)
    assert world.state(payment) == "in_transit"
    days.advance(world.biller, now=clock.now())

    assert world.state(payment) == "settled"
    assert payment.reflected_by == stands_at().date() == eastern(2026, 11, 30).date()
    assert not CutOff.objects.filter(business_date=eastern(2026, 11, 26).date()).exists()


def test_a_payment_made_before_new_year_is_paid_in_the_new_one(world):
    world.now = eastern(2026, 12, 31)
    clock.move_to(world.now)
    payment = world.pay(world.invoice("CL-1", "120.00"))

    days.advance(world.biller, days=2, now=world.now)

    assert world.state(payment) == "settled"
    assert payment.reflected_by == stands_at().date() == eastern(2027, 1, 5).date()


def test_several_days_at_once_are_the_same_as_one_after_the_other(world):
    payment = world.pay(world.invoice("CL-1", "120.00"), account="440060")

    story = days.advance(world.biller, days=8, now=world.now)

    assert world.state(payment) == "returned"
    assert Statement.objects.count() == 8
    assert story == sorted(story, key=lambda line: datetime.strptime(line[:16], "%a %d %b %H:%M"))
    assert [line for line in story if "came back" in line] == [
        "Wed 25 Nov 06:30 1 payment came back"
    ]


def test_two_named_people_of_the_demo_release_the_file(world):
    world.pay(world.invoice("CL-1", "120.00"))

    days.advance(world.biller, now=world.now)

    approvals = FileApproval.objects.order_by("actor_id")
    assert [each.actor_name for each in approvals] == ["Demo treasurer 1", "Demo treasurer 2"]
    assert len({each.actor_id for each in approvals}) == 2


def test_the_demo_adds_the_yes_that_is_missing(world):
    world.pay(world.invoice("CL-1", "120.00"))
    at_cutoff = eastern(2026, 11, 16, 17)
    days.run_until(world.biller, at_cutoff, now=world.now, release=lambda _now: 0)
    file = BankFile.objects.get(direction="out")
    assert file.state == "built"

    file_approvals.approve(file.pk, file.sha256, actor=world.treasurers[0].actor(), now=at_cutoff)
    days.advance(world.biller, now=at_cutoff)

    file.refresh_from_db()
    assert file.state == "accepted"
    assert set(file.approvals.values_list("actor_name", flat=True)) == {
        "Priya Raman",
        "Demo treasurer 1",
    }


def test_days_that_somebody_lived_already_are_not_lived_again(world):
    payment = world.pay(world.invoice("CL-1", "120.00"))
    days.advance(world.biller, now=world.now)
    count_before = payment.events.count()

    story = days.advance(world.biller, now=world.now)

    assert story == []
    assert stands_at() == eastern(2026, 11, 17)
    assert payment.events.count() == count_before


def test_a_live_instance_has_no_simulated_days(world):
    before = (settings.STATE_DIR / "clock").read_text()

    with override_settings(IS_LIVE=True), pytest.raises(clock.NotMovable):
        days.advance(world.biller, now=world.now)

    assert (settings.STATE_DIR / "clock").read_text() == before
    assert not AuditEntry.objects.filter(subject__startswith="bankfile/").exists()


def test_every_account_number_with_an_outcome_is_explained():
    endings = [row.ending for row in demo_story.outcome_table()]

    assert {outcome.ending for outcome in outcomes.OUTCOMES} <= set(endings)
    assert validation.CLOSED_ENDING in endings
    assert len(endings) == len(set(endings))


@pytest.mark.parametrize(
    ("at", "written"),
    [
        (eastern(2026, 11, 23), "Mon, Nov 23, 2026, 9:00 am ET"),
        (eastern(2026, 11, 23, 0, 5), "Mon, Nov 23, 2026, 12:05 am ET"),
        (eastern(2026, 7, 4, 12, 30), "Sat, Jul 4, 2026, 12:30 pm ET"),
        (eastern(2026, 7, 4, 17), "Sat, Jul 4, 2026, 5:00 pm ET"),
    ],
)
def test_the_bar_writes_its_moment_for_people(at, written):
    assert demo_story.format_moment(at) == written


SCHEMA = "days_story"


@pytest.fixture
def demonstration(django_db_setup, django_db_blocker):
    """Load a demo for real, so that another worker can see it."""
    with django_db_blocker.unblock():
        demo.load(datetime(2026, 11, 23, 14, tzinfo=UTC), schema=SCHEMA, hosts=["days.story"])
        biller = tenancy.biller(SCHEMA)
        with tenancy.use(biller):
            [bank] = days.banks()
            yield biller
        databases.remove_biller(environment.SERVER, SCHEMA)
        shutil.rmtree(bank.folder)


def pay(invoice: Invoice, amount: Money, account_number: str) -> UUID:
    account = TypedAccount(
        routing_number=cedarline.PACIFIC_LANTERN,
        account_number=account_number,
        account_type="checking",
        holder="personal",
        holder_name="Dana Osei",
    )
    now = clock.now()
    payer = Person.objects.get(email=cedarline.DANA).actor()
    intent = scheduling.Intent(
        reference=f"AAAA-BBBB-CCCC-{account_number}",
        customer_id=invoice.customer_id,
        shares={invoice.id: amount},
        account=account,
        authority=Consent("I authorize this debit.", payer, "192.0.2.7", "test"),
        actor=payer,
        validation=account_validation.validate(account, setting="bank_service", now=now),
    )
    return scheduling.schedule([intent], now=now)[0].payment.id


def test_promise_21_a_demo_lives_two_weeks_and_is_proved_each_day_unbraked(demonstration):
    days.advance(demonstration, days=10, now=clock.now())

    runs = dict(ProofRun.objects.values_list("day", "broken"))
    assert {day: broken for day, broken in runs.items() if broken} == {}
    assert {bankdays.add_banking_days(eastern(2026, 11, 23).date(), n) for n in range(11)} <= set(
        runs
    )
    assert brake.standing() == ()


def test_nothing_is_done_twice_while_a_worker_runs_at_the_same_time(demonstration):
    invoice = Invoice.objects.get(number="CL-209377")
    cash = book.balance(CASH)
    kept = pay(invoice, usd("100.00"), "4400")
    returned = pay(invoice, usd("60.00"), "4401")
    stop = threading.Event()
    failures: list[Exception] = []

    def work() -> None:
        try:
            while not stop.is_set():
                jobs.run_once(demonstration, now=clock.now())
                days.run_banks(demonstration)
        except Exception as failed:
            failures.append(failed)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    try:
        days.advance(demonstration, days=3, now=clock.now())
    finally:
        stop.set()
        for worker in workers:
            worker.join(HUNG_AFTER_SECONDS)

    assert failures == []
    assert not any(worker.is_alive() for worker in workers)
    assert stands_at() == eastern(2026, 11, 27)
    assert Payment.objects.get(pk=kept).state == "settled"
    assert Payment.objects.get(pk=returned).state == "returned"
    assert book.balance(CASH) == cash + usd("100.00")
    assert (
        BankFile.objects.filter(direction="out", business_date=eastern(2026, 11, 23)).count() == 1
    )
    notices = Notice.objects.filter(about=f"payment/{Payment.objects.get(pk=kept).reference}")
    assert sorted(notices.values_list("kind", flat=True)) == ["received", "sent", "settled"]
    assert not BankFile.objects.exclude(state__in=["accepted", "read"]).exists()
