"""What a payer reads between payments: balance, invoices, history, saved accounts, help."""

from __future__ import annotations

import re
from datetime import date

import pytest
from django.test import Client

from billfold import jobs
from billfold.payments.method_models import PaymentMethod
from billfold.payments.models import Payment
from billfold.platform import clock
from billfold.platform.audit import AuditEntry
from billfold.platform.ids import new_id
from billfold.portal import coupon_page
from billfold.receivables import billing
from billfold.receivables.models import BillerProfile, InvoiceDocument, InvoiceLine
from tests import privilege
from tests.stories.portal.payer import Payer, text_of
from tests.world import World, eastern, usd

TUESDAY, WEDNESDAY = eastern(2026, 11, 17), eastern(2026, 11, 18)


@pytest.fixture
def payer(world: World, client: Client) -> Payer:
    at_the_pages = Payer(world, client)
    at_the_pages.sign_in()
    return at_the_pages


def read(payer: Payer, url: str) -> str:
    response = payer.client.get(url)
    assert response.status_code == 200, response
    return text_of(response)


def test_the_balance_counts_money_on_its_way_until_it_is_in(payer, world):
    world.invoice("CL-1", "100.00")
    world.invoice("CL-2", "50.00")
    payment = world.pay(world.invoice("CL-3", "30.00"))

    assert "Current Balance $180 .00" in (page := read(payer, "/"))
    assert "Processing \u2212$30.00 After pending payments $150.00" in page

    world.go_to(TUESDAY)
    page = read(payer, "/")
    assert "Current Balance $180 .00" in page
    assert "Processing \u2212$30.00 After pending payments $150.00" in page

    world.go_to(WEDNESDAY)
    page = read(payer, "/")
    assert "Current Balance $150 .00" in page
    assert "After pending" not in page
    assert "Paid" in read(payer, f"/payments/{payment.reference}")


def test_due_by_answers_for_none_one_several_and_late(payer, world):
    def due_by() -> str:
        return re.search(r".*Due By (.*?) as of", read(payer, "/pay"))[1]

    assert "Nothing to pay" in read(payer, "/pay")
    world.invoice("CL-0", "5.00", due=date(2026, 11, 2))
    assert due_by() == "Nov 2, 2026, past due"
    world.invoice("CL-1", "5.00", due=date(2026, 11, 27))
    assert due_by() == "Nov 2, 2026, past due; next Nov 27"
    world.invoice("CL-2", "5.00", due=date(2026, 12, 2))
    assert due_by() == "Nov 2, 2026, past due; next Nov 27"
    payer.pay("CL-0")
    assert due_by() == "Nov 27, 2026, first of 2"
    payer.pay("CL-2")
    assert due_by() == "Nov 27, 2026"


def test_what_is_overdue_is_said_beside_the_balance(payer, world):
    world.invoice("CL-0", "5.00", due=date(2026, 11, 2))

    assert "$5.00 has been overdue since Nov 2." in read(payer, "/pay")


def test_a_returned_payment_is_told_on_the_first_page_with_its_fee(payer, world):
    payment = world.pay(world.invoice("CL-1", "120.00"), account="440001")
    world.go_to(WEDNESDAY)

    page = read(payer, "/")
    receipt = read(payer, f"/payments/{payment.reference}")

    for text in (page, receipt):
        assert "Your bank returned the payment of $120.00" in text
        assert "CL-1 is open again. A $25.00 Return Fee was added, due Dec 2." in text
    assert "Paid, then returned" in receipt
    assert "Not enough money (R01)" in receipt
    assert "Current Balance $145 .00" in page


def test_a_payment_can_be_canceled_until_its_cut_off(payer, world):
    world.invoice("CL-1", "10.00")
    reference = payer.pay("CL-1")["Location"].removeprefix("/payments/")
    url = f"/payments/{reference}/cancellation"

    assert "Cancel until 5:00 pm ET today" in read(payer, "/payments")
    assert "The invoice is open again at once." in read(payer, url)
    canceled = payer.client.post(url)
    again = payer.client.post(url)

    assert canceled.status_code == again.status_code == 303
    assert Payment.objects.get().state == "canceled"
    assert "Your payment of $10.00 is canceled." in read(payer, f"/payments/{reference}")
    assert payer.client.get(url).status_code == 303


def test_after_the_cut_off_nothing_is_canceled(payer, world):
    world.invoice("CL-1", "10.00")
    reference = payer.pay("CL-1")["Location"].removeprefix("/payments/")
    clock.move_to(eastern(2026, 11, 16, 17))
    jobs.cut_off(eastern(2026, 11, 16, 17))

    refused = payer.client.post(f"/payments/{reference}/cancellation")

    assert refused.status_code == 422
    assert "It is too late to cancel" in text_of(refused)
    assert Payment.objects.get().state == "in_transit"


def test_the_history_is_filed_by_view(payer, world):
    world.pay(world.invoice("CL-1", "10.00"))
    back = world.pay(world.invoice("CL-2", "20.00"), account="440001")
    world.go_to(WEDNESDAY)
    going = world.pay(world.invoice("CL-3", "30.00"))

    assert "All 3 On the way 1 Paid 1 Returned 1" in read(payer, "/payments")
    assert back.reference in read(payer, "/payments?view=returned")
    assert back.reference not in read(payer, "/payments?view=paid")
    assert going.reference in read(payer, "/payments?view=pending&page=77")


def test_a_longer_history_costs_no_more_queries(payer, world, django_assert_max_num_queries):
    for number in range(12):
        world.pay(world.invoice(f"CL-{number}", "10.00"))

    with django_assert_max_num_queries(10):
        read(payer, "/payments")


def test_a_receipt_is_a_pdf_that_reads_aloud(payer, world):
    world.invoice("CL-1 #1/<b>", "10.00")
    reference = payer.pay("CL-1 #1/<b>")["Location"].removeprefix("/payments/")

    response = payer.client.get(f"/payments/{reference}/receipt.pdf")

    assert response["Content-Type"] == "application/pdf"
    assert response.content.startswith(b"%PDF-")
    assert b"/StructTreeRoot" in response.content
    assert b"pdfuaid" in response.content


@pytest.mark.parametrize("name", ["东京电力", "Wren 😀", "\ufeffWren", "Wr\U0001ffffen"])
def test_a_receipt_is_printed_whatever_letters_a_name_has(payer, world, name):
    world.customer.name = name
    privilege.save(world.customer)
    world.invoice("CL-1", "10.00")
    reference = payer.pay("CL-1")["Location"].removeprefix("/payments/")

    response = payer.client.get(f"/payments/{reference}/receipt.pdf")

    assert response.status_code == 200
    assert response.content.startswith(b"%PDF-")


def test_invoices_are_found_by_number_reference_and_amount(payer, world):
    for number, amount in (("CL-10", "10.00"), ("CL-11", "11.11"), ("XX-2", "1234.50")):
        world.invoice(number, amount)

    def search(query: str) -> set[str]:
        return set(re.findall(r"(?:CL|XX)-\d+", read(payer, f"/invoices?q={query}")))

    assert search("cl-1") == {"CL-10", "CL-11"}
    assert search("1,234.50") == {"XX-2"}
    assert search("%25") == set()
    assert "Nothing found for" in read(payer, "/invoices?q=%00nothing")


def test_long_lists_come_in_pages(payer, world):
    for number in range(60):
        world.invoice(f"CL-{number:02}", "1.00")

    assert "1\u201325 of 60" in read(payer, "/invoices")
    assert "51\u201360 of 60" in read(payer, "/invoices?page=3")
    assert "51\u201360 of 60" in read(payer, "/invoices?page=999999999999")
    assert "All 60 To pay 60 Being paid 0 Paid 0" in read(payer, "/invoices?page=x")


def test_an_invoice_shows_its_lines_its_payments_and_what_is_left(payer, world):
    invoice = world.invoice("CL-1", "100.00")
    InvoiceLine.objects.create(
        id=new_id(), invoice=invoice, position=1, description="Fiber 500", amount_minor=10_000
    )
    on = world.now.date()
    credit = billing.NewCreditNote(
        "CR-1", world.customer.id, on, usd("25.00"), invoice_id=invoice.id
    )
    billing.credit([credit], now=world.now, on=on)
    payer.pay("CL-1", **{"amount:CL-1": "50"})

    page = read(payer, "/invoices/CL-1")

    for part in ("Fiber 500", "Paid and credited \u2212$25.00", "Processing \u2212$50.00"):
        assert part in page
    assert "Amount Due $25 .00" in page
    assert "Pay $25.00" in page


@pytest.mark.parametrize("number", ["A/B", "A B", "A#1", "50%", "A?b=c", "Ünïcode", "<b>"])
def test_a_number_may_hold_any_sign(payer, world, number):
    world.invoice(number, "10.00")
    links = re.findall(r'href="(/invoices/[^"]+)"', payer.client.get("/").content.decode())

    assert f"{number}" in read(payer, links[0])
    assert payer.pay(number).status_code == 303


def test_the_invoice_document_is_given_as_it_came_and_runs_nothing(payer, world):
    invoice = world.invoice("CL-1", "10.00")
    InvoiceDocument.objects.create(invoice=invoice, name="x", sha256="", content=b"%PDF-1.7 x")

    response = payer.client.get("/invoices/CL-1/document.pdf")

    assert response.content == b"%PDF-1.7 x"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Disposition"] == 'inline; filename="invoice-CL-1.pdf"'
    InvoiceDocument.objects.update(content=b"<script>")
    attached = payer.client.get("/invoices/CL-1/document.pdf")
    assert attached["Content-Disposition"].startswith("attachment")
    assert attached["Content-Type"] == "application/octet-stream"


def test_a_saved_account_is_named_preferred_and_removed(payer, world):
    world.invoice("CL-1", "10.00")
    for number in ("4417006789", "4417000315", "4417000315"):
        saved = payer.client.post("/payment-methods", payer.account_form(account_number=number))
        assert saved.status_code == 303
    assert PaymentMethod.objects.count() == 2
    first = PaymentMethod.objects.get(label="Checking ending 6789")

    payer.client.post(f"/payment-methods/{first.id}", {"nickname": "Office", "is_default": "on"})
    listed = read(payer, "/payment-methods")
    payer.pay("CL-1", method=str(first.id))
    consequences = read(payer, f"/payment-methods/{first.id}")
    payer.client.post(f"/payment-methods/{first.id}/removal")

    assert "Office Checking ending 6789 · Pacific Lantern Bank" in listed
    listed = listed.partition("Saved methods")[2]
    assert listed.index("Office") < listed.index("ending 0315")
    assert "1 payment of $10.00 is on its way from this account" in consequences
    assert "6789" not in read(payer, "/payment-methods").partition("is removed.")[2]
    assert payer.client.get(f"/payment-methods/{first.id}").status_code == 404
    world.go_to(WEDNESDAY)
    assert Payment.objects.get().state == "settled"
    assert AuditEntry.objects.filter(action="payment method removed").count() == 1


def test_an_account_to_save_is_checked_like_one_to_pay_from(payer):
    refused = payer.client.post("/payment-methods", payer.account_form(account_number="440002"))

    assert refused.status_code == 422
    assert "the account is closed" in text_of(refused)
    assert not PaymentMethod.objects.exists()


@pytest.mark.parametrize(
    "nickname", ["x" * 41, "4417006789", "\0" * 41, "A\nB", "A\u200bB", "A\u202eB"]
)
def test_a_nickname_that_cannot_be(payer, nickname):
    payer.client.post("/payment-methods", payer.account_form())
    method = PaymentMethod.objects.get()

    response = payer.client.post(f"/payment-methods/{method.id}", {"nickname": nickname})

    assert response.status_code == 422
    assert PaymentMethod.objects.get().nickname == ""


def test_the_coupon_carries_the_numbers_and_a_line_for_machines(payer, world):
    world.invoice("CL-1", "346.18")
    world.invoice("CL-2", "1326.32")

    page = read(payer, "/remittance-coupon?invoice=CL-1")

    assert "40-118-2207" in page
    assert "PO Box 55010-2207" in page
    line = re.search(r"401182207 CL1 0000034618 (\d)", page)
    assert line[1] == str(coupon_page.check_digit("401182207CL10000034618"))
    assert "$1,672.50" in read(payer, "/remittance-coupon")


def test_a_misread_digit_of_the_scan_line_is_noticed():
    line = "401182207CL2088140000167250"
    right = coupon_page.check_digit(line)

    for place, sign in enumerate(line):
        if sign.isdigit():
            wrong = str((int(sign) + 1) % 10)
            assert coupon_page.check_digit(line[:place] + wrong + line[place + 1 :]) != right


def test_the_ways_to_pay_elsewhere_stand_on_the_pay_page(payer, world):
    with privilege.every_right():
        BillerProfile.objects.update(
            wire_routing_number="091999049",
            ach_routing_number="072999039",
            deposit_account_number="0007731420",
            swift_code="DEMOUS00",
        )
    world.invoice("CL-1", "10.00")

    page = read(payer, "/pay")

    for part in (
        "Check (By Mail)",
        "Please allow up to 5 business days",
        "Routing Number - Wire 091999049",
        "Routing Number - ACH 072999039",
        "Account Number 0007731420",
        "Swift Code (if required) DEMOUS00",
        "40-118-2207 CL-1",
        "Any returned payment is subject to a Return Fee of $25.00.",
    ):
        assert part in page


def test_help_is_found_by_the_sentence_people_ask(payer):
    response = payer.client.get("/help", {"q": "How do I make a payment in my portal?"})

    first = re.search(r'href="/help/([a-z-]+)"', response.content.decode().partition("articles")[2])
    assert first[1] == "how-do-i-make-a-payment"
    for slug in re.findall(r'href="(/help/[a-z-]+)"', payer.client.get("/help").content.decode()):
        assert payer.client.get(slug).status_code == 200


def test_a_bank_account_is_saved_where_its_form_was_drawn(payer, world):
    studio = world.add_customer("40-118-9999", "Studio")
    world.give_access(world.payer, studio)
    drawn = payer.client.get("/payment-methods").content.decode()
    [account] = re.findall(r'name="account" value="([^"]+)"', drawn.partition('id="add"')[2])
    payer.client.post("/chosen-account", {"account": "40-118-9999"})

    payer.client.post("/payment-methods", payer.account_form(account=account))

    assert PaymentMethod.objects.get().accesses.get().customer == world.customer
    foreign = payer.client.post("/payment-methods", payer.account_form(account="50-1"))
    assert foreign.status_code == 404
    world.give_access(world.payer, world.customer, "view")
    refused = payer.client.post("/payment-methods", payer.account_form(account=account))
    assert refused.status_code == 403
    assert PaymentMethod.objects.count() == 1


def test_one_person_sees_each_of_their_accounts(payer, world):
    studio = world.add_customer("40-118-9999", "Studio")
    world.give_access(world.payer, studio)
    world.invoice("ST-1", "77.00", customer=studio)
    world.invoice("CL-1", "10.00")

    assert "CL-1" in read(payer, "/")
    assert "ST-1" in read(payer, "/invoices/ST-1")
    assert "ST-1" in read(payer, "/"), "the account goes along with what was opened"
    payer.client.post("/chosen-account", {"account": "40-118-2207"})
    assert "Current Balance $10 .00" in read(payer, "/")
