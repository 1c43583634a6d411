"""The payer's pages in a real browser: to the receipt, by every way a person may take."""

from __future__ import annotations

import http.client
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import Page, expect

from billfold.payments.accounts import wallet
from billfold.payments.models import Payment
from billfold.receivables.models import BillerProfile, Invoice
from tests import privilege
from tests.browser.conftest import Site, check_accessibility, opened, sign_in
from tests.waiting import HUNG_AFTER_SECONDS
from tests.world import PASSWORD, PAYERS_BANK, eastern, usd

pytestmark = pytest.mark.browser
EMAIL = "dana@hollis-wren.example"
ACCOUNT = "4417006789"


@pytest.fixture(autouse=True)
def billed(site: Site) -> None:
    """Owe three invoices, and have two accounts."""
    world = site.world
    with privilege.every_right():
        BillerProfile.objects.update(
            support_phone="(555) 010-0142",
            support_hours="weekdays 8-6 ET",
            wire_routing_number="091999049",
            ach_routing_number="091999049",
            deposit_account_number="0007731420",
            tiles=[{"label": "Usage", "text": "Minutes and data this month", "url": "/help"}],
        )
    world.invoice("CL-208814", "346.18", due=date(2026, 11, 10))
    world.invoice("CL-209377", "1326.32", due=date(2026, 11, 20))
    world.invoice("CL-209912", "1325.00", due=date(2026, 12, 9))
    other = world.add_customer("40-118-2391", "Hollis & Wren Studio, Fairhaven")
    world.give_access(world.payer, other)


def fill_account(page: Page) -> None:
    page.get_by_label("Checking: One-Time / Automated ACH").check()
    page.get_by_label("Bank Routing Number").fill(PAYERS_BANK)
    page.get_by_label("Checking Account", exact=False).first.fill(ACCOUNT)
    page.get_by_label("Retype Checking Account").fill(ACCOUNT)


def test_two_invoices_are_paid_from_the_first_page_to_the_receipt(page, site):
    sign_in(page, EMAIL, PASSWORD)
    page.get_by_role("link", name="Pay Bill").click()
    page.get_by_label("Pay invoice CL-208814").check()
    page.get_by_label("Pay invoice CL-209377").check()
    page.locator("#total").get_by_text("$1,672.50").wait_for()
    fill_account(page)
    page.locator("#routing_number-bank").get_by_text("Pacific Lantern Bank").wait_for()
    page.get_by_role("button", name="Review payment").locator("visible=true").click()
    page.get_by_text("Reflected by Wednesday, Nov 18").wait_for()
    page.get_by_role("button", name="Pay $1,672.50").click()
    page.get_by_text("Your payment is on its way").wait_for()

    payment = Payment.objects.get()
    assert payment.amount == usd("1672.50")
    assert page.url.endswith(f"/payments/{payment.reference}")


def test_everything_works_without_javascript(chromium, site):
    with opened(chromium, site, java_script_enabled=False) as page:
        sign_in(page, EMAIL, PASSWORD)
        page.goto("/pay")
        page.get_by_label("Pay invoice CL-208814").check()
        fill_account(page)
        page.get_by_role("button", name="Update the total").click()
        expect(page.locator("#total")).to_contain_text("$346.18")
        assert page.get_by_label("Retype Checking Account").input_value() == ACCOUNT
        page.get_by_role("button", name="Review payment").locator("visible=true").first.click()
        page.get_by_role("button", name="Pay $346.18").click()
        page.get_by_text("Your payment is on its way").wait_for()

    assert Payment.objects.get().amount == usd("346.18")


def test_the_keyboard_alone_is_enough(page):
    page.goto("/sign-in")
    for text in (EMAIL, PASSWORD):
        _tab_to(page, "input")
        page.keyboard.type(text)
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Pay Bill").wait_for()
    page.goto("/pay?invoice=CL-208814")
    page.get_by_label("Bank Routing Number").focus()
    page.keyboard.type(PAYERS_BANK)
    for _ in range(2):
        page.keyboard.press("Tab")
        page.keyboard.type(ACCOUNT)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Pay $346.18").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Your payment is on its way").wait_for()


def _tab_to(page: Page, tag: str) -> None:
    for _ in range(30):
        page.keyboard.press("Tab")
        where = "e => e.matches('form.card ' + e.tagName) ? e.tagName.toLowerCase() : ''"
        if page.evaluate(f"({where})(document.activeElement)") == tag:
            return
    raise AssertionError(f"No {tag} was reached.")


def test_the_total_follows_while_an_amount_is_typed(chromium, site):
    with opened(chromium, site, viewport={"width": 390, "height": 844}) as page:
        sign_in(page, EMAIL, PASSWORD)
        page.goto("/pay?invoice=CL-208814")
        amount = page.get_by_label("Amount to pay on CL-208814")
        amount.press("ControlOrMeta+a")
        page.keyboard.type("100")
        page.locator("#paybar-total").get_by_text("$100.00").wait_for()

        expect(page.locator("[name='amount:CL-208814']")).to_be_focused()


@pytest.mark.parametrize("scripted", [True, False], ids=["javascript", "none"])
def test_enter_in_the_amount_ticks_the_oldest(chromium, site, scripted):
    with opened(chromium, site, java_script_enabled=scripted) as page:
        sign_in(page, EMAIL, PASSWORD)
        page.goto("/pay")
        page.get_by_text("An amount, oldest first").click()
        page.get_by_label("Amount to pay", exact=True).fill("500")
        page.keyboard.press("Enter")
        page.get_by_text("Your amount is on the oldest invoices").wait_for()

        assert page.get_by_label("Pay invoice CL-208814").is_checked()
        assert page.get_by_label("Amount to pay on CL-209377").input_value() == "153.82"
        expect(page.locator("#total")).to_contain_text("$500.00")


def test_a_second_tab_is_led_from_the_error_to_the_table(page):
    sign_in(page, EMAIL, PASSWORD)
    page.goto("/pay?invoice=CL-208814")
    fill_account(page)
    page.get_by_role("button", name="Review payment").locator("visible=true").click()
    other = page.context.new_page()
    other.goto("/pay?invoice=CL-208814&invoice=CL-209377")
    fill_account(other)
    other.get_by_role("button", name="Review payment").locator("visible=true").click()
    page.get_by_role("button", name="Pay $346.18").click()
    page.get_by_text("Your payment is on its way").wait_for()
    other.get_by_role("button", name="Pay $1,672.50").click()
    other.locator(".errsum").get_by_role("link", name="CL-208814 is already").click()

    expect(other.locator("#invoices")).to_be_focused()
    assert other.get_by_role("link", name="See your payments").get_attribute("href") == "/payments"
    check_accessibility(other)


def test_the_payer_pages_stay_accessible_when_everything_is_being_paid(page, site):
    world = site.world
    world.pay(*Invoice.objects.filter(customer=world.customer), account="440001")
    sign_in(page, EMAIL, PASSWORD)
    for url in ("/", "/pay", "/remittance-coupon", "/invoices?view=pending"):
        page.goto(url)
        check_every_look(page)
    world.go_to(eastern(2026, 11, 18))
    returned = Payment.objects.get()
    for url in ("/", "/pay", "/remittance-coupon", "/invoices", f"/payments/{returned.reference}"):
        page.goto(url)
        check_every_look(page)


def test_errors_stand_in_the_summary_and_at_the_field(page):
    sign_in(page, EMAIL, PASSWORD)
    page.goto("/pay")
    page.get_by_label("Bank Routing Number").fill("12999901")
    page.get_by_role("button", name="Review payment").locator("visible=true").click()

    expect(page).to_have_title(re.compile("^Error:"))
    summary = page.locator(".errsum")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("Select at Least One Invoice")
    summary.get_by_role("link", name="Routing number must have 9 digits").click()
    expect(page.locator("#routing_number")).to_be_focused()
    check_accessibility(page)


def test_two_quick_clicks_on_pay_make_one_payment(page):
    sign_in(page, EMAIL, PASSWORD)
    page.goto("/pay?invoice=CL-208814")
    fill_account(page)
    page.get_by_role("button", name="Review payment").locator("visible=true").click()
    page.get_by_role("button", name="Pay $346.18").dblclick()
    page.get_by_text("Your payment is on its way").wait_for()

    assert Payment.objects.count() == 1


def test_fifty_posts_of_one_form_at_once_make_one_payment(page, site):
    sign_in(page, EMAIL, PASSWORD)
    page.goto("/pay?invoice=CL-208814")
    fill_account(page)
    page.get_by_role("button", name="Review payment").locator("visible=true").click()
    page.get_by_role("button", name="Pay $346.18").wait_for()
    names = ("reference", "fingerprint", "csrfmiddlewaretoken")
    form = {name: page.locator(f"main [name={name}]").first.input_value() for name in names}
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}

    with ThreadPoolExecutor(50) as many:
        answers = list(many.map(lambda _: _post(site, form, cookies), range(50)))

    assert set(answers) == {(303, f"/payments/{form['reference']}")}
    assert Payment.objects.count() == 1


def _post(site: Site, form: dict[str, str], cookies: dict[str, str]) -> tuple[int, str]:
    place = urlsplit(site.url)
    browser = http.client.HTTPConnection(place.hostname, place.port, timeout=HUNG_AFTER_SECONDS)
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
    }
    browser.request("POST", "/payments", urlencode(form), headers)
    answer = browser.getresponse()
    answer.read()
    browser.close()
    return answer.status, answer.headers.get("Location", "")


def test_every_page_is_accessible_in_light_and_dark_on_desk_and_phone(page, site):
    world = site.world
    paid = world.pay(world.invoice("CL-207001", "12.00"), account="440001")
    saved = wallet.add(
        world.account("4417000315"),
        customer_id=world.customer.id,
        actor=world.actor(),
        now=world.now,
    )
    page.goto("/sign-in")
    check_every_look(page)
    sign_in(page, EMAIL, PASSWORD)
    for url in (
        "/",
        "/pay?invoice=CL-208814",
        "/payments",
        f"/payments/{paid.reference}",
        f"/payments/{paid.reference}/cancellation",
        "/invoices",
        "/invoices?q=nothing",
        "/invoices/CL-208814",
        "/payment-methods",
        f"/payment-methods/{saved.id}",
        "/remittance-coupon",
        "/help",
        "/help/how-do-i-make-a-payment",
        "/missing",
    ):
        page.goto(url)
        check_every_look(page)
    page.goto("/pay?invoice=CL-208814")
    page.get_by_role("button", name="Review payment").locator("visible=true").click()
    page.get_by_role("button", name="Pay $346.18").wait_for()
    check_every_look(page)


def check_every_look(page: Page) -> None:
    """Check one page as desk and phone show it, light and dark; nothing is cut off."""
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            check_accessibility(page)
        cut = "e => e.scrollWidth > e.clientWidth + 1"
        assert not page.evaluate(f"[...document.querySelectorAll('.tablebox')].some({cut})")
    page.set_viewport_size({"width": 1280, "height": 900})
