"""What the choosing payer is told: what is left, what is wrong, what a return would cost."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.test import Client

from billfold.payments.method_models import Mandate
from billfold.receivables import billing
from billfold.receivables.models import BillerProfile, Customer, FeeCap
from tests import privilege
from tests.stories.portal.payer import Payer, text_of
from tests.world import World, eastern, usd


@pytest.fixture
def payer(world: World, client: Client) -> Payer:
    at_the_pages = Payer(world, client)
    at_the_pages.sign_in()
    return at_the_pages


def bill(world: World, *owed: tuple[str, str, date]) -> None:
    for number, amount, due in owed:
        world.invoice(number, amount, due=due)


LATE, SOON = date(2026, 11, 10), date(2026, 11, 27)
LATER, LAST = date(2026, 12, 9), date(2026, 12, 16)


@pytest.mark.parametrize(
    ("left", "sentence"),
    [
        ([("1325.00", LATER)], "You leave $1,325.00 to pay by Dec 9."),
        (
            [("326.32", SOON), ("1325.00", LATER)],
            "You leave $1,651.32 to pay: $326.32 by Nov 27, the rest by Dec 9.",
        ),
        (
            [("1.00", SOON), ("2.00", LATER), ("3.00", LAST)],
            "You leave $6.00 to pay: $1.00 by Nov 27, the rest between Dec 9 and Dec 16.",
        ),
        ([("25.00", LATE)], "You leave $25.00 to pay: $25.00 is overdue."),
        (
            [("25.00", LATE), ("1.00", SOON)],
            "You leave $26.00 to pay: $25.00 is overdue, the rest by Nov 27.",
        ),
        (
            [("25.00", LATE), ("1.00", SOON), ("2.00", LATER)],
            "You leave $28.00 to pay: $25.00 is overdue, $1.00 by Nov 27, the rest by Dec 9.",
        ),
    ],
)
def test_the_review_says_what_is_left_and_by_when(payer, world, left, sentence):
    bill(world, ("CL-PAID", "10.00", SOON))
    bill(world, *((f"CL-{n}", amount, due) for n, (amount, due) in enumerate(left)))

    review = text_of(payer.client.get(payer.choose("CL-PAID")["Location"]))

    assert sentence in review


def test_the_authorization_can_be_read_and_printed_after_the_payment(payer, world):
    world.invoice("CL-1", "10.00")
    url = payer.pay("CL-1")["Location"]
    words = Mandate.objects.get().text

    receipt = text_of(payer.client.get(url))

    assert f"Your authorization {words}" in receipt


def test_the_printed_receipt_holds_the_authorization(payer, world):
    world.invoice("CL-1", "10.00")
    url = payer.pay("CL-1")["Location"]
    short = len(payer.client.get(f"{url}/receipt.pdf").content)

    with privilege.every_right_and_no_triggers():  # Nobody may rewrite a consent.
        Mandate.objects.update(text=" ".join(map(str, range(1_500))))

    assert len(payer.client.get(f"{url}/receipt.pdf").content) > short + 1_000


def test_an_amount_on_the_oldest_has_sentences_of_its_own(payer, world):
    bill(world, ("CL-1", "346.18", LATE), ("CL-2", "2651.32", SOON))

    def error_of(spread: str) -> str:
        response = payer.client.post("/pay/total", payer.form([], pick="oldest", spread=spread))
        assert response.status_code == 422
        return response.context["page"].spread.error

    assert error_of("") == "Enter the amount you want to pay."
    assert error_of("2,997.51") == "You owe $2,997.50 in all. Enter that or less."
    assert error_of("9" * 30) == "You owe $2,997.50 in all. Enter that or less."
    assert error_of("0") == "Enter more than $0.00."
    assert error_of("1.005") == "Enter dollars and cents, with 2 decimals at most."
    assert error_of("all of it") == "Enter the amount as a number, like 2,997.50."


def test_enter_in_the_amount_puts_it_on_the_oldest(payer, world):
    bill(world, ("CL-1", "346.18", LATE), ("CL-2", "2651.32", SOON))

    drawn = payer.client.post("/pay", payer.form([], spread="1000"))
    refused = payer.client.post("/pay", payer.form([], spread="5000"))

    page = drawn.context["page"]
    assert drawn.status_code == 200
    assert [(line.number, line.amount) for line in page.total.lines] == [
        ("CL-1", usd("346.18")),
        ("CL-2", usd("653.82")),
    ]
    assert "Your amount is on the oldest invoices" in text_of(drawn)
    assert refused.status_code == 422
    assert 'href="#spread"' in refused.content.decode()


def test_a_ticked_invoice_with_a_wrong_amount_is_not_called_unticked(payer, world):
    world.invoice("CL-1", "346.18")

    refused = payer.choose("CL-1", **{"amount:CL-1": "400"})
    total = text_of(refused).partition("Due By")[2]

    assert refused.status_code == 422
    note = "CL-1 still owes $346.18. Enter that or less."
    assert refused.context["page"].total.note == note
    assert note in total
    assert "Select at Least One Invoice Total Amount" not in text_of(refused)


def test_the_pay_page_gives_the_dated_promise_under_its_button(payer, world):
    world.invoice("CL-1", "346.18")

    page = text_of(payer.client.get("/pay"))

    assert "A bank payment made now is reflected by Wednesday, Nov 18." in page


@pytest.mark.parametrize(
    ("state", "cap_minor", "fee"),
    [("NY", None, None), ("NY", 2000, "$20.00"), ("OH", 1, "$25.00")],
)
def test_promise_15_no_page_states_a_fee_that_cannot_be_charged(
    payer, world, state, cap_minor, fee
):
    Customer.objects.update(state=state)
    if state == "NY" and cap_minor is not None:
        FeeCap.objects.create(
            state="NY", cap_minor=cap_minor, source="reviewed", reviewed_on=world.now.date()
        )
    world.invoice("CL-1", "346.18")
    chosen = payer.choose("CL-1")

    pages = {
        url: text_of(payer.client.get(url))
        for url in (
            "/pay",
            chosen["Location"],
            "/help/how-do-i-make-a-payment",
            "/help/what-happens-when-a-payment-is-returned",
        )
    }

    for url, text in pages.items():
        if fee:
            assert f"Return Fee of {fee}" in text, url
        else:
            assert "Return Fee" not in text, url
    payer.press(payer.review(chosen))
    assert ("Return Fee" in Mandate.objects.get().text) is bool(fee)


def test_a_biller_without_a_fee_speaks_of_none(payer, world):
    with privilege.every_right():
        BillerProfile.objects.update(return_fee_minor=0)
    world.invoice("CL-1", "346.18")

    assert "Return Fee" not in text_of(payer.client.get("/pay"))


@pytest.mark.parametrize(
    ("query", "slug"),
    [
        ("return fee", "what-happens-when-a-payment-is-returned"),
        ("return", "what-happens-when-a-payment-is-returned"),
        ("routing number", "how-do-i-make-a-payment"),
        ("due date", "how-do-i-make-a-payment"),
        ("refund", "how-do-i-cancel-a-payment"),
        ("why is it still processing", "why-does-my-payment-say-processing"),
        ("How do I cancel a payment?", "how-do-i-cancel-a-payment"),
        ("checks", "how-do-i-pay-by-check-or-wire"),
    ],
)
def test_help_is_found_by_the_words_of_its_text(payer, query, slug):
    articles = payer.client.get("/help", {"q": query}).context["page"].articles

    assert slug in [article.slug for article in articles[:2]]


def test_help_finds_nothing_for_what_it_does_not_speak_of(payer):
    assert not payer.client.get("/help", {"q": "xylophone"}).context["page"].articles


def test_the_coupon_prints_what_was_asked_for_and_nothing_else(payer, world):
    world.invoice("CL-1", "346.18")
    world.invoice("CL-2", "10.00")
    payer.pay("CL-1")

    response = payer.client.get("/remittance-coupon?invoice=CL-1")
    both = payer.client.get("/remittance-coupon?invoice=CL-1&invoice=CL-2")

    assert "There is nothing to mail for CL-1." in text_of(response)
    assert "CL-2" not in text_of(response)
    assert "scanline" not in response.content.decode()
    assert [line.number for line in both.context["page"].lines] == ["CL-2"]
    assert "There is nothing to mail for CL-1." in text_of(both)
    assert "Enclose this coupon: it carries your Account # and Invoice #." in text_of(both)
    assert "remittance-coupon" not in payer.client.get("/invoices/CL-1").content.decode()
    assert "remittance-coupon" in payer.client.get("/invoices/CL-2").content.decode()


def test_a_coupon_without_anything_due_says_so(payer):
    response = payer.client.get("/remittance-coupon")

    assert "There is nothing to mail: nothing is due now." in text_of(response)
    assert "scanline" not in response.content.decode()


def test_more_than_a_thousand_invoices_are_all_in_the_sums_and_the_cut_is_said(payer, world):
    on = world.now.date()
    billing.issue(
        [
            billing.NewInvoice(
                number=f"CL-{n:04}",
                customer_id=world.customer.id,
                invoice_date=on,
                due_date=on + timedelta(days=n % 50),
                amount=usd("1.00"),
            )
            for n in range(1_203)
        ],
        now=eastern(2026, 11, 16),
        on=on,
    )

    overview = text_of(payer.client.get("/"))
    coupon = text_of(payer.client.get("/remittance-coupon"))
    pay = text_of(payer.client.get("/pay"))
    late = payer.client.get("/remittance-coupon?invoice=CL-0049").context["page"]

    assert "Current Balance $1,203 .00" in overview
    assert "1,203 invoices" in overview and "1,198 more" in overview
    for page in (overview, coupon, pay):
        assert "Showing the 1,000 oldest of 1,203 invoices" in page
    assert "Current Balance $1,203.00" in pay
    assert [line.number for line in late.lines] == ["CL-0049"]
