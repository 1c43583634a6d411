"""What a payer reads while a payment is under way: one status, one figure, no dead end."""

from __future__ import annotations

import re
from datetime import date

import pytest
from django.test import Client

from billfold.payments.models import Payment
from billfold.platform import clock
from billfold.receivables.models import Invoice
from tests.stories.portal.payer import Payer, text_of
from tests.world import World, eastern

WEDNESDAY = eastern(2026, 11, 18)
AFTER_CUTOFF = eastern(2026, 11, 16, 18)


@pytest.fixture
def payer(world: World, client: Client) -> Payer:
    world.invoice("CL-1", "325.00")
    world.invoice("CL-2", "1672.50")
    at_the_pages = Payer(world, client)
    at_the_pages.sign_in()
    return at_the_pages


def read(payer: Payer, url: str) -> str:
    response = payer.client.get(url)
    assert response.status_code == 200, response
    return text_of(response)


def paid(payer: Payer, *numbers: str, **fields: str) -> str:
    return payer.pay(*numbers, **fields)["Location"]


@pytest.mark.parametrize(
    ("hour", "word"), [(9, "Processing"), (18, "Scheduled")], ids=["before cut-off", "after it"]
)
def test_one_payment_has_one_status_word_on_every_page(payer, hour, word):
    clock.move_to(eastern(2026, 11, 16, hour))
    url = paid(payer, "CL-1")
    other = {"Processing": "Scheduled", "Scheduled": "Processing"}[word]

    tile = re.search(r"as of (.*?) After pending", read(payer, "/"))[1]
    assert f"{word} \u2212$325.00" in tile and other not in tile
    summary = re.search(r"Current Balance (.*?) Due By", read(payer, "/pay"))[1]
    assert f"{word} \u2212$325.00" in summary and other not in summary
    invoice = read(payer, "/invoices/CL-1").partition("Resources")[0]
    assert f"{word} \u2212$325.00" in invoice
    assert f"Payment of $325.00 {word.lower()}" in invoice
    assert f"Invoice CL-1 {word}" in invoice
    receipt = payer.client.get(url).context["page"]
    assert receipt.status.word == word
    listed = payer.client.get("/payments").context["page"].rows[0]
    assert listed.status.word == word


def test_part_scheduled_and_part_processing_are_told_apart(payer):
    paid(payer, "CL-2", **{"amount:CL-2": "100"})
    clock.move_to(AFTER_CUTOFF)
    paid(payer, "CL-2", **{"amount:CL-2": "50"})

    page = read(payer, "/invoices/CL-2")

    assert "Processing \u2212$100.00 Scheduled \u2212$50.00" in page


def test_the_receipt_of_a_scheduled_payment_names_its_day_and_says_nothing_was_paid(payer):
    clock.move_to(eastern(2026, 11, 25, 18))

    receipt = read(payer, paid(payer, "CL-1"))

    assert "Your payment is scheduled for Friday, Nov 27" in receipt
    assert "Total paid" not in receipt and "Paid now" not in receipt


def test_the_list_of_invoices_says_what_is_being_paid(payer):
    paid(payer, "CL-2")

    page = read(payer, "/invoices")

    assert "Current Balance $1,997.50 . $1,672.50 of it is being paid." in page
    assert "All 2 To pay 1 Being paid 1 Paid 0" in page
    to_pay = payer.client.get("/invoices?view=open").context["page"]
    assert [row.number for row in to_pay.rows] == ["CL-1"]
    pending = payer.client.get("/invoices?view=pending").context["page"]
    assert [row.number for row in pending.rows] == ["CL-2"]


def test_amount_due_is_the_same_figure_on_list_detail_and_pay_page(payer):
    paid(payer, "CL-2")
    paid(payer, "CL-1", **{"amount:CL-1": "25"})

    listed = {r.number: r.amount_due for r in payer.client.get("/invoices").context["page"].rows}
    to_pay = {r.number: r.amount_due for r in payer.client.get("/pay").context["page"].rows}
    detail = {
        number: payer.client.get(f"/invoices/{number}").context["page"].amount_due
        for number in listed
    }

    assert listed == to_pay == detail
    assert {number: amount.minor for number, amount in listed.items()} == {"CL-1": 30000, "CL-2": 0}


def test_when_everything_is_being_paid_the_pay_page_says_so_and_asks_nothing(payer):
    paid(payer, "CL-1", "CL-2")

    response = payer.client.get("/pay")
    page, text = response.content.decode(), text_of(response)

    assert "Everything you owe is being paid. You need not do anything. See your payments" in text
    assert "$325.00 is being paid" in text
    assert "Choose a Payment Method" not in text
    assert "Review payment" not in text
    assert 'href="/payments"' in page
    assert "Print a remittance coupon" not in text
    assert "Pay Bill" not in read(payer, "/")
    assert "A bank payment made now" not in read(payer, "/")


def test_a_second_tab_learns_that_all_is_being_paid_and_meets_no_dead_end(payer):
    one, other = payer.choose("CL-1", "CL-2"), payer.choose("CL-1", "CL-2")
    payer.press(payer.review(one))

    refused = payer.press(payer.review(other))
    page, text = refused.content.decode(), text_of(refused)

    assert refused.status_code == 422
    sentence = (
        "CL-1 and CL-2 are already being paid by another payment. They are not in your choice"
    )
    assert sentence in text
    assert 'href="#invoices"' in page and 'id="invoices" tabindex="-1"' in page
    assert 'href="/payments"' in page
    assert "Everything you owe is being paid." in text


def test_a_second_tab_goes_on_with_what_is_left_of_its_choice(payer):
    one, other = payer.choose("CL-1"), payer.choose("CL-1", "CL-2")
    payer.press(payer.review(one))

    refused = payer.press(payer.review(other))
    page = refused.context["page"]
    again = payer.choose("CL-2", reference=page.reference, method="entered")

    assert "CL-1 is already being paid by another payment." in text_of(refused)
    assert "See your payments" in text_of(refused)
    assert [line.number for line in page.total.lines] == ["CL-2"]
    assert payer.press(payer.review(again)).status_code == 303
    assert Payment.objects.count() == 2


def test_every_link_of_the_error_summary_leads_somewhere(payer):
    one = payer.choose("CL-1")
    payer.press(payer.review(one))

    for form in (payer.form(["CL-1"]), payer.form(["CL-9", "CL-8"]), payer.form([])):
        page = payer.client.post("/pay", form).content.decode()
        for target in re.findall(r'<li><a href="#([^"]+)"', page):
            assert f'id="{target}"' in page


def test_an_invoice_of_somebody_else_looks_like_a_missing_one(payer, world):
    theirs = world.add_customer("50-1", "Vesper Logistics")
    world.invoice("VL-1", "10.00", customer=theirs)

    texts = {number: text_of(payer.choose(number)) for number in ("VL-1", "VL-2")}

    for number, text in texts.items():
        assert f"{number} is not open on this account." in text
    assert "nothing to mail for VL-1." in read(payer, "/remittance-coupon?invoice=VL-1")


def test_the_timeline_dates_a_return_by_the_return(payer, world):
    payment = world.pay(Invoice.objects.get(number="CL-1"), account="440001")
    world.go_to(WEDNESDAY)

    page = read(payer, "/invoices/CL-1")

    learned = payment.events.get(kind="returned").at.date()
    assert learned > date(2026, 11, 16)
    sentence = (
        f"Payment of $325.00 returned Nov {learned.day}, 2026, Checking ending 0001. Made Nov 16"
    )
    assert sentence in page


def test_a_canceled_payment_is_no_line_of_a_bank_statement(payer):
    url = paid(payer, "CL-1")
    assert "On your bank statement" in read(payer, url)

    payer.client.post(f"{url}/cancellation")

    assert "On your bank statement" not in read(payer, url)
    assert "Payment of $325.00 canceled Nov 16, 2026" in read(payer, "/invoices/CL-1")


def test_pay_again_ticks_the_invoices_and_the_fee(payer, world):
    payment = world.pay(Invoice.objects.get(number="CL-1"), account="440001")
    world.go_to(WEDNESDAY)
    payer.sign_in()
    fee = Invoice.objects.get(kind="charge")

    notice = payer.client.get(f"/payments/{payment.reference}").context["page"].notice
    form = payer.client.get(notice.link.url).context["page"]

    assert notice.link.url == f"/pay?invoice=CL-1&invoice={fee.number}"
    assert {row.number for row in form.rows if row.is_checked} == {"CL-1", fee.number}
    assert form.total.amount.minor == 35000


def test_a_return_fee_is_called_one_wherever_it_is_listed(payer, world):
    world.pay(Invoice.objects.get(number="CL-1"), account="440001")
    world.go_to(WEDNESDAY)
    payer.sign_in()
    fee = Invoice.objects.get(kind="charge").number

    for url in ("/", "/pay", "/invoices", f"/remittance-coupon?invoice={fee}"):
        assert f"{fee} Return Fee" in read(payer, url), url


def test_who_may_only_look_is_not_asked_to_pay_when_nothing_was_paid(payer, world):
    world.give_access(world.payer, world.customer, "view")

    assert "Pay Bill" not in read(payer, "/payments")
