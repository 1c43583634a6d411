"""The demo's biller: made once, with a week behind it, and everything in it true."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.test import Client, RequestFactory, override_settings

from billfold import bankdays
from billfold.banking import connections
from billfold.banking.models import BankConnection, BankFile, BankLine, RoutingNumber
from billfold.formats import nacha
from billfold.ledger import book
from billfold.ledger.chart import CASH
from billfold.notices.models import Notice
from billfold.payments.accounts import account_validation
from billfold.payments.accounts.bank_accounts import TypedAccount
from billfold.payments.method_models import Mandate
from billfold.payments.models import Case, Payment
from billfold.people.models import Person
from billfold.platform import clock, faults, tenancy
from billfold.platform.models import AuditEntry
from billfold.receivables import billing
from billfold.receivables.models import (
    BillerProfile,
    CreditNote,
    Customer,
    FeeCap,
    Invoice,
    InvoiceLine,
)
from billfold.simulator import cedarline, context, demo
from tests import databases, environment
from tests.world import eastern, last_move_of_the_clock, usd

SUNDAY_NIGHT = datetime(2026, 11, 23, 4, 30, tzinfo=UTC)
SCHEMA = "demo_story"


@pytest.fixture(scope="module")
def loaded(django_db_setup, django_db_blocker):
    """Load the demo into a schema of its own, for real, cut short once; take it away afterwards."""
    with django_db_blocker.unblock():
        with pytest.MonkeyPatch.context() as patch, pytest.raises(faults.InjectedFault):
            patch.setenv("BILLFOLD_FAULT", "reconcile_inside:fail")
            demo.load(SUNDAY_NIGHT, schema=SCHEMA, hosts=["demo.story"])
        demo.load(SUNDAY_NIGHT, schema=SCHEMA, hosts=["demo.story"])
        moment = last_move_of_the_clock()
        biller = tenancy.biller(SCHEMA)
        with tenancy.use(biller):
            yield biller, moment
        databases.remove_biller(environment.SERVER, SCHEMA)


def everything() -> dict[str, int]:
    models = (Customer, Invoice, InvoiceLine, CreditNote, Payment, Person, BankFile, BankLine)
    return {model.__name__: model.objects.count() for model in (*models, Notice, AuditEntry)}


def open_amounts(account: str) -> dict[str, str]:
    invoices = list(Invoice.objects.filter(customer__number=account))
    open_amounts = billing.open_amounts(invoices)
    return {
        each.number: open_amounts[each.id].plain() for each in invoices if open_amounts[each.id]
    }


def test_the_demo_begins_at_nine_eastern_of_the_next_banking_day(loaded):
    _, moment = loaded

    assert eastern(2026, 11, 23) <= moment <= eastern(2026, 11, 23, 9, 1)


def test_loading_twice_changes_nothing(loaded):
    before, shift = everything(), (settings.STATE_DIR / "clock").read_text()

    again = demo.load(SUNDAY_NIGHT, schema=SCHEMA, hosts=["demo.story"])

    assert again == cedarline.SIGN_INS
    assert everything() == before
    assert (settings.STATE_DIR / "clock").read_text() == shift


def test_the_demo_is_never_loaded_into_a_live_instance(loaded):
    with override_settings(IS_LIVE=True), pytest.raises(clock.NotMovable):
        demo.load(SUNDAY_NIGHT, schema=SCHEMA)


def test_the_architects_owe_what_the_design_shows(loaded):
    assert open_amounts("40-118-2207") == {
        "CL-208814": "346.18",
        "CL-209377": "1326.32",
        "CL-209912": "1325.00",
    }
    part_paid = Invoice.objects.get(number="CL-208814")
    assert part_paid.amount == usd("1284.60")
    assert part_paid.due_date < eastern(2026, 11, 23).date()
    assert Payment.objects.get(customer__number="40-118-2207").state == "settled"


def test_there_are_invoices_of_every_age_and_none(loaded):
    today = eastern(2026, 11, 23).date()
    late_by = {
        (today - due).days for due in Invoice.objects.values_list("due_date", flat=True) if due
    }

    assert not open_amounts("44-210-0034")
    assert len(open_amounts("40-118-2214")) == 1
    assert any(0 < days <= 30 for days in late_by)
    assert any(30 < days <= 60 for days in late_by)
    assert any(60 < days <= 90 for days in late_by)
    assert any(days > 90 for days in late_by)
    assert any(days < 0 for days in late_by)


def test_the_lines_of_every_invoice_make_its_amount(loaded):
    for invoice in Invoice.objects.filter(kind="invoice"):
        lines = invoice.lines.values_list("amount_minor", flat=True)

        assert sum(lines) == invoice.amount.minor


def test_a_credit_note_lowers_what_is_owed(loaded):
    assert open_amounts("40-771-1290")["CL-207391"] == "1650.00"
    free = CreditNote.objects.get(invoice=None)
    assert free.amount == usd("240.00")


def test_one_payment_came_back_with_a_fee(loaded):
    assert Payment.objects.get(customer__number="41-003-5528").state == "returned"
    owed = open_amounts("41-003-5528")
    assert owed["CL-209102"] == "212.40"
    assert [amount for number, amount in owed.items() if number.startswith("RF-")] == ["25.00"]


def test_the_week_before_left_no_loose_ends(loaded):
    assert not Case.objects.exists()
    assert not BankLine.objects.filter(explained_at=None).exists()
    assert not BankFile.objects.exclude(state__in=["accepted", "read"]).exists()
    assert not Notice.objects.filter(sent_at=None).exists()
    assert book.balance(CASH) == usd("938.42")


def test_only_made_up_routing_numbers_stand_in_the_demo(loaded):
    tests = {"110000000", "129999018", "061999024", "072999039", "091999049", "021999051"}
    profile = BillerProfile.objects.get()
    bank = BankConnection.objects.get()

    assert set(RoutingNumber.objects.values_list("number", flat=True)) == tests
    assert {profile.wire_routing_number, profile.ach_routing_number} <= tests
    assert bank.odfi_routing_number in tests
    assert all(nacha.is_routing_number(number) for number in tests)


def test_only_ohio_was_reviewed_for_fees(loaded):
    cap = FeeCap.objects.get()

    assert (cap.state, cap.cap_minor, cap.source) == ("OH", 2500, "reviewed, cap 25.00")
    states = set(Customer.objects.values_list("state", flat=True))
    assert states - {"OH"}
    words = Mandate.objects.values_list("text", "payment__customer__state")
    assert {"Return Fee" in text for text, state in words if state == "OH"} == {True}
    assert not any("Return Fee" in text for text, state in words if state != "OH")


def test_everybody_listed_can_sign_in(loaded):
    for who in cedarline.SIGN_INS:
        person = Person.objects.get(email=who.email)

        assert person.check_password(cedarline.PASSWORD)
        assert person.role == who.role
        assert who.email.endswith(".example")
        validate_password(cedarline.PASSWORD, person)
    assert sum(who.role == "treasurer" for who in cedarline.SIGN_INS) == 2


def test_one_payer_has_two_accounts(loaded):
    dana = Person.objects.get(email=cedarline.DANA)

    assert Customer.visible_to(dana).count() == 2


def test_the_bank_refuses_closed_accounts_and_vouches_for_others(loaded):
    def account(number: str) -> TypedAccount:
        return TypedAccount(
            routing_number=cedarline.PACIFIC_LANTERN,
            account_number=number,
            account_type="checking",
            holder="personal",
            holder_name="Dana Osei",
        )

    setting = connections.default().account_validation
    vouched = account_validation.validate(account("880017"), setting=setting, now=SUNDAY_NIGHT)

    assert vouched.by == "bank_service"
    with pytest.raises(account_validation.AccountRefused):
        account_validation.validate(account("880002"), setting=setting, now=SUNDAY_NIGHT)
    with pytest.raises(account_validation.CannotValidate):
        account_validation.validate(account("880017"), setting="nobody", now=SUNDAY_NIGHT)


def test_the_bar_lists_the_sign_ins_on_the_sign_in_page_alone(loaded):
    def bar(path: str) -> context.DemoBar:
        request = RequestFactory().get(path)
        request.session = {}
        return context.clock_bar(request)["demo"]

    assert bar("/sign-in").sign_ins == cedarline.SIGN_INS
    assert bar("/invoices?page=2").sign_ins == ()
    assert bar("/invoices?page=2").back == "/invoices?page=2"


def test_a_live_instance_has_no_bar(loaded):
    request = RequestFactory().get("/sign-in")
    request.session = {}

    with override_settings(IS_LIVE=True):
        assert context.clock_bar(request) == {}


def test_the_bar_moves_the_demo_to_the_next_banking_day(loaded):
    clock.move_to(eastern(2026, 11, 23))
    client = Client(HTTP_HOST="demo.story")

    answer = client.post("/demo/day", {"next": "/invoices?page=2"})

    assert answer.status_code == 302
    assert eastern(2026, 11, 24) <= last_move_of_the_clock() <= eastern(2026, 11, 24, 9, 1)


@pytest.mark.parametrize(
    "next_page", ["https://elsewhere.example/", "//elsewhere.example", "/no/such/page", "", "x"]
)
def test_the_bar_leads_back_to_pages_of_this_site_only(loaded, next_page):
    client = Client(HTTP_HOST="demo.story")

    answer = client.post("/demo/day", {"next": next_page})

    assert answer.headers["Location"] == "/"


def test_moving_the_clock_takes_a_form_of_ours(loaded):
    assert (
        Client(HTTP_HOST="demo.story", enforce_csrf_checks=True).post("/demo/day").status_code
        == 403
    )
    assert Client(HTTP_HOST="demo.story").get("/demo/day").status_code == 405
    assert bankdays.is_banking_day(clock.now().date())
