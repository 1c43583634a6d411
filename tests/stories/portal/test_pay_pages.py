"""Choose, review, done: paying invoices from a bank account, on the pages."""

from __future__ import annotations

import json
from datetime import date

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from billfold.payments.accounts import bank_accounts
from billfold.payments.accounts.mandates import Consent
from billfold.payments.cases.case_kinds import CaseKind
from billfold.payments.method_models import Mandate, MethodState, PaymentMethod
from billfold.payments.models import Case, Payment
from billfold.platform import clock
from billfold.platform.ids import new_reference
from billfold.receivables.models import Invoice
from tests import privilege
from tests.stories.portal.payer import ACCOUNT, Payer, text_of
from tests.world import World, eastern, usd


@pytest.fixture
def payer(world: World, client: Client) -> Payer:
    world.invoice("CL-1", "346.18", due=date(2026, 11, 10))
    world.invoice("CL-2", "1326.32")
    world.invoice("CL-3", "1325.00", due=date(2026, 12, 9))
    at_the_pages = Payer(world, client)
    at_the_pages.sign_in()
    return at_the_pages


def test_two_invoices_are_paid_from_a_new_account(payer):
    chosen = payer.choose("CL-1", "CL-2")
    assert chosen.status_code == 303
    review = text_of(payer.client.get(chosen["Location"]))
    assert "Pay $1,672.50" in review
    assert "Reflected by Wednesday, Nov 18" in review
    assert "You can cancel until 5:00 pm ET today." in review
    assert "Paid to Cedarline Communications, Inc." in review
    assert "Any returned payment is subject to a Return Fee of $25.00." in review
    assert "Checking ending 6789 Pacific Lantern Bank · routing 129999018" in review

    response = payer.press(payer.review(chosen))

    assert response.status_code == 303
    payment = Payment.objects.get()
    assert response["Location"] == f"/payments/{payment.reference}"
    assert payment.amount == usd("1672.50")
    receipt = text_of(payer.client.get(response["Location"]))
    assert payment.reference in receipt
    assert "Your payment is on its way" in receipt
    assert "Processing" in receipt


def test_the_words_shown_are_the_words_stored(payer):
    chosen = payer.choose("CL-1")
    review = text_of(payer.client.get(chosen["Location"]))

    payer.press(payer.review(chosen))

    mandate = Mandate.objects.get()
    assert mandate.text in review
    assert "checking account ending 6789 once for $346.18" in mandate.text
    assert "until 5:00 pm ET on Nov 16, 2026" in mandate.text
    assert mandate.ip_address == "127.0.0.1"


def test_the_reference_drawn_with_the_page_is_the_confirmation_number(payer):
    reference = payer.reference()

    payer.pay("CL-1", reference=reference)

    assert Payment.objects.get().reference == reference


def test_part_of_an_invoice_can_be_paid(payer):
    payer.pay("CL-2", **{"amount:CL-2": "1,000.5", "amount:CL-1": "nonsense, but not ticked"})

    assert Payment.objects.get().amount == usd("1000.50")
    assert "$325.82" in text_of(payer.client.get("/invoices/CL-2"))


def test_a_remembered_account_is_offered_first_and_pays_again(payer):
    payer.pay("CL-1", remember="on")
    method = PaymentMethod.objects.get()

    page = payer.client.get("/pay").content.decode()
    paid = payer.press(payer.review(payer.choose("CL-2", method=str(method.id))))

    assert f'value="{method.id}" id="method-{method.id}" checked' in page
    assert paid.status_code == 303
    assert PaymentMethod.objects.count() == 1


def test_an_account_that_was_not_to_be_remembered_is_not_offered(payer):
    payer.pay("CL-1")

    assert "Saved account" not in text_of(payer.client.get("/pay"))


def test_a_saved_account_typed_once_more_stays_one(payer):
    payer.pay("CL-1", remember="on")
    payer.pay("CL-2", remember="on", account_number=f" {ACCOUNT[:4]}-{ACCOUNT[4:]} ")

    assert PaymentMethod.objects.count() == 1


def test_a_business_account_is_asked_under_its_own_name(payer):
    payer.pay("CL-1", account_holder="business", account_kind="savings")

    account = PaymentMethod.objects.get().account
    assert (account.holder_name, account.account_type) == ("Hollis & Wren Architects", "savings")
    assert Mandate.objects.get().sec_code == "CCD"


def test_the_account_number_never_comes_back_nor_stands_in_the_clear(payer):
    chosen = payer.choose("CL-1")

    pages = [
        payer.client.get(url).content.decode()
        for url in (chosen["Location"], f"/pay?reference={chosen['Location'][5:]}", "/pay")
    ]
    stored = [json.dumps(session.get_decoded()) for session in Session.objects.all()]

    assert not any(ACCOUNT in page for page in [*pages, *stored])


def test_choices_can_be_changed_without_typing_the_account_again(payer):
    chosen = payer.choose("CL-1")
    reference = chosen["Location"].removeprefix("/pay/")

    form = payer.client.get(f"/pay?reference={reference}").content.decode()
    again = payer.client.post(
        "/pay",
        {
            "reference": reference,
            "account": "40-118-2207",
            "invoice": ["CL-1", "CL-3"],
            "method": "entered",
        },
    )
    payer.press(payer.review(again))

    assert "The account you entered" in form
    assert Payment.objects.get().amount == usd("1671.18")
    assert Payment.objects.get().method.account.number() == ACCOUNT


@pytest.mark.parametrize("times", [2, 5])
def test_pay_pressed_again_shows_the_first_result(payer, times):
    reviewed = payer.review(payer.choose("CL-1"))

    responses = [payer.press(reviewed) for _ in range(times)]

    assert {response["Location"] for response in responses} == {
        f"/payments/{reviewed['reference']}"
    }
    assert Payment.objects.count() == 1


def test_the_back_button_after_paying_leads_to_the_receipt(payer):
    form = payer.form(["CL-1"])
    chosen = payer.client.post("/pay", form)
    payer.press(payer.review(chosen))

    assert payer.client.get(chosen["Location"])["Location"].startswith("/payments/")
    assert payer.client.post("/pay", form)["Location"].startswith("/payments/")
    assert Payment.objects.count() == 1


def test_two_tabs_of_one_form_pay_only_what_was_reviewed_last(payer):
    reference = payer.reference()
    first = payer.review(payer.choose("CL-1", reference=reference))
    second = payer.review(payer.choose("CL-2", reference=reference))

    stale = payer.press(first)
    paid = payer.press(second)
    late = payer.press(first)

    assert stale.status_code == 422
    assert "Nothing was paid. Check it and pay again." in text_of(stale)
    assert paid.status_code == 303
    assert late.status_code == 409
    assert "This form was used already" in text_of(late)
    assert Payment.objects.get().amount == usd("1326.32")


def test_two_tabs_with_forms_of_their_own_cannot_pay_one_invoice_twice(payer):
    one, other = payer.choose("CL-1"), payer.choose("CL-1")
    payer.press(payer.review(one))

    refused = payer.press(payer.review(other))

    assert refused.status_code == 422
    sentence = "CL-1 is already being paid by another payment. It is not in your choice any more."
    assert sentence in text_of(refused)
    assert Payment.objects.count() == 1


def test_an_invoice_being_paid_cannot_be_ticked(payer):
    payer.pay("CL-1")

    page = payer.client.get("/pay")
    refused = payer.choose("CL-1")

    assert "$346.18 is being paid" in text_of(page)
    assert 'value="CL-1"' not in page.content.decode()
    assert refused.status_code == 422
    assert "CL-1 is already being paid by another payment." in text_of(refused)


def test_the_cut_off_passing_under_the_review_asks_for_another_look(payer):
    reviewed = payer.review(payer.choose("CL-1"))
    clock.move_to(eastern(2026, 11, 16, 17, 1))

    stale = payer.press(reviewed)

    assert stale.status_code == 422
    assert "Reflected by Thursday, Nov 19" in text_of(stale)
    assert not Payment.objects.exists()


def test_an_answer_lost_before_the_cut_off_is_the_same_answer_after_it(payer):
    reviewed = payer.review(payer.choose("CL-1"))
    first = payer.press(reviewed)
    clock.move_to(eastern(2026, 11, 16, 17, 1))

    assert payer.press(reviewed)["Location"] == first["Location"]


def test_a_session_that_ended_loses_nothing_silently(payer):
    reviewed = payer.review(payer.choose("CL-1"))
    payer.client.post("/session", {"end": "1"})

    refused = payer.press(reviewed)
    sign_in_page = text_of(payer.client.get(refused["Location"]))
    back = payer.client.post(
        "/sign-in", {"email": payer.world.payer.email, "password": "x", "next": "/pay"}
    )

    assert refused["Location"] == "/sign-in?next=%2Fpay"
    assert "nothing was changed or paid" in sign_in_page
    assert back.status_code == 422
    assert not Payment.objects.exists()


def test_ticks_survive_a_sign_in_in_the_middle(payer):
    form = payer.form(["CL-1", "CL-3"])
    payer.client.post("/session", {"end": "1"})

    refused = payer.client.post("/pay", form)

    assert refused["Location"] == "/sign-in?next=%2Fpay%3Finvoice%3DCL-1%26invoice%3DCL-3"
    payer.sign_in()
    page = payer.client.get("/pay?invoice=CL-1&invoice=CL-3").content.decode()
    assert page.count('name="invoice"') == 3
    assert page.count(" checked>") >= 2


def test_a_form_drawn_for_one_account_pays_that_account(payer, world):
    other = world.add_customer("40-118-9999", "Hollis & Wren Studio")
    world.give_access(world.payer, other)
    form = payer.form(["CL-1"])
    payer.client.post("/chosen-account", {"account": "40-118-9999"})

    payer.press(payer.review(payer.client.post("/pay", form)))

    assert Payment.objects.get().customer == world.customer


def test_another_persons_reference_is_refused_and_makes_no_payment(payer, world):
    theirs = world.add_customer("50-1", "Vesper Logistics")
    intent = world.intent([world.invoice("VL-1", "10.00", customer=theirs)])
    other = world.add_person("ana@vesper.example", "Ana Vesper").actor()
    taken = new_reference()
    foreign = type(intent)(
        reference=taken,
        customer_id=theirs.id,
        shares=intent.shares,
        account=intent.account,
        authority=Consent("x", other, "", ""),
        actor=other,
        validation=intent.validation,
    )
    from billfold.payments.paying import scheduling

    scheduling.schedule([foreign], now=world.now)

    response = payer.pay("CL-1", reference=taken)

    assert response.status_code == 409
    assert payer.client.get(f"/payments/{taken}").status_code == 404
    assert Payment.objects.count() == 1


def test_quick_choices_tick_for_the_payer(payer):
    def pick(choice: str, **fields: str) -> str:
        form = payer.form([], pick=choice, **fields)
        return text_of(payer.client.post("/pay/total", form))

    assert "Total Amount $2,997.50" in pick("all")
    assert "Total Amount $346.18" in pick("overdue")
    spread = pick("oldest", spread="1,000")
    assert "CL-1 $346.18 CL-2 $653.82" in spread
    assert "Total Amount $1,000.00" in spread
    assert "You owe $2,997.50 in all." in pick("oldest", spread="2997.51")


def test_htmx_gets_only_the_parts_that_change(payer):
    form = payer.form(["CL-1"], **{"amount:CL-1": "100"})

    recount = payer.client.post("/pay/total", form, headers={"hx-request": "true"})

    assert "<html" not in recount.content.decode()
    assert "Total Amount $100.00" in text_of(recount)


def test_counting_without_javascript_keeps_everything_that_was_typed(payer):
    form = payer.form(["CL-1"], recount="1", **{"amount:CL-2": "12.34"})

    page = payer.client.post("/pay/total", form)

    assert page.status_code == 200
    for kept in (ACCOUNT, "129999018", "12.34", form["reference"]):
        assert kept in page.content.decode()


def test_the_bank_is_named_while_the_form_is_filled_in(payer):
    def bank_text(number: str) -> str:
        return text_of(payer.client.post("/bank-name", {"routing_number": number}))

    assert bank_text("129999018") == "Pacific Lantern Bank"
    assert bank_text("12999901") == "Routing number must have 9 digits. You entered 8."


def test_who_may_only_look_cannot_pay(payer, world):
    world.give_access(world.payer, world.customer, "view")

    assert payer.client.get("/pay").status_code == 403
    assert payer.client.post("/pay", {}).status_code == 403
    assert payer.client.get("/payment-methods").status_code == 403
    assert "Pay Bill" not in text_of(payer.client.get("/"))
    assert payer.client.get("/invoices/CL-1").status_code == 200


@pytest.mark.parametrize("state", [MethodState.FROZEN, MethodState.HELD])
def test_an_account_a_return_stopped_cannot_come_back_by_typing_it(payer, state):
    payer.pay("CL-1", remember="on")
    PaymentMethod.objects.update(state=state)

    refused = payer.choose("CL-2")

    assert refused.status_code == 422
    assert "This account cannot be used here" in text_of(refused)
    assert 'href="#account_number"' in refused.content.decode()


def test_promise_18_an_account_like_another_customers_stopped_one_waits_for_a_check(payer, world):
    other = world.add_customer("40-118-9999", "Marsh & Daughters")
    stopped = bank_accounts.add(
        world.account(ACCOUNT.rjust(12, "0")),
        customer_id=other.id,
        remember=True,
        actor=world.add_person("ines@marsh.example", "Ines Marsh").actor(),
        now=world.now,
    )
    PaymentMethod.objects.filter(pk=stopped.pk).update(state=MethodState.FROZEN)

    refused = payer.choose("CL-1")

    assert refused.status_code == 422
    assert "We have to check this account before we take a payment" in text_of(refused)
    assert 'href="#account_number"' in refused.content.decode()
    assert "40-118-2207" in Case.objects.get(kind=CaseKind.LIKE_STOPPED_ACCOUNT).title


def test_promise_18_a_saved_account_on_hold_says_that_it_is_checked(payer, world):
    payer.pay("CL-1", remember="on")
    PaymentMethod.objects.update(state=MethodState.HELD, state_reason=PaymentMethod.AWAITS_CHECK)
    method = PaymentMethod.objects.get()

    listed = text_of(payer.client.get("/payment-methods"))
    page = text_of(payer.client.get(f"/payment-methods/{method.id}"))

    assert "We have to check this account first. Call us." in listed
    assert "This account is on hold" in page


def test_an_account_the_bank_does_not_vouch_for_is_refused_at_its_field(payer):
    refused = payer.choose("CL-1", account_number="440002")

    assert refused.status_code == 422
    assert "Your bank does not take payments from it: the account is closed." in text_of(refused)
    assert 'id="account_number-error"' in refused.content.decode()


def test_a_saved_account_stopped_under_the_review_is_refused(payer):
    payer.pay("CL-1", remember="on")
    method = PaymentMethod.objects.get()
    reviewed = payer.review(payer.choose("CL-2", method=str(method.id)))
    PaymentMethod.objects.update(state=MethodState.FROZEN)

    refused = payer.press(reviewed)

    assert refused.status_code in {303, 422}
    assert Payment.objects.count() == 1


@pytest.mark.parametrize("count", [3, 60])
def test_the_pay_page_costs_six_queries_whatever_it_shows(
    payer, world, count, django_assert_max_num_queries
):
    payer.pay("CL-1", remember="on")
    for number in range(count):
        world.invoice(f"CL-9{number:03}", "10.00")
    payer.client.get("/pay")

    with django_assert_max_num_queries(6):
        page = payer.client.get("/pay")

    assert page.content.decode().count('class="rowcheck"') == count + 2


def test_an_invoice_in_another_currency_is_shown_and_not_debited(payer, world):
    invoice = world.invoice("CL-CAD", "50.00")
    with privilege.every_right():
        Invoice.objects.filter(pk=invoice.pk).update(currency="CAD")

    for url in ("/", "/pay", "/invoices", "/invoices/CL-CAD", "/remittance-coupon"):
        assert payer.client.get(url).status_code == 200
    assert payer.choose("CL-CAD").status_code == 422
