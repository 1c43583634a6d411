"""Staff pages in a real browser: the release story, and what every page owes everybody."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from billfold.banking.models import BankFile
from billfold.notices.models import Notice
from billfold.payments.models import Case
from billfold.platform import clock
from tests.browser.conftest import Site, check_accessibility, opened, sign_in
from tests.world import PASSWORD, eastern

pytestmark = pytest.mark.browser

CLERK, PRIYA, JONAH = (
    "cleo@cedarline.example",
    "priya@cedarline.example",
    "jonah@cedarline.example",
)
LOOKS = ((1280, "light"), (1280, "dark"), (390, "light"))


@pytest.fixture
def busy(site: Site) -> Site:
    """Let payments settle, come back and go wrong, then cut Thursday's file, unapproved."""
    world = site.world
    for number, ending in enumerate(("6789", "01", "72", "74", "75")):
        world.pay(world.invoice(f"CL-{number}", f"12{number}.00"), account=f"4417{ending}")
    world.go_to(eastern(2026, 11, 19))
    world.pay(world.invoice("CL-9", "9850.00"), world.invoice("CL-10", "12.50"))
    world.now = eastern(2026, 11, 19, 17)
    clock.move_to(world.now)
    world.run_jobs()
    return site


def enter(page: Page, email: str) -> None:
    sign_in(page, email, PASSWORD)


def addresses() -> Iterator[str]:
    """Name one page of each kind."""
    yield from ("/office/payments", "/office/payments?q=nobody", "/office/files", "/office/cases")
    yield from ("/office/cases?view=closed", "/office/outbox", "/office/brake")
    for payment in (
        BankFile.objects.filter(direction="out")
        .order_by("made_at")
        .values_list("instruction__payment__reference", flat=True)
        .distinct()
    )[:6]:
        yield f"/office/payments/{payment}"
    for kind in ("nacha", "returns", "statement", "acknowledgement"):
        yield f"/office/files/{BankFile.objects.filter(kind=kind).latest('made_at').pk}"
    yield f"/office/cases/{Case.objects.first().pk}"
    yield f"/office/outbox/{Notice.objects.first().pk}"


def test_every_staff_page_is_accessible_in_light_and_dark_and_on_a_phone(
    busy: Site, page: Page
) -> None:
    enter(page, PRIYA)
    for address in addresses():
        for width, scheme in LOOKS:
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            assert page.goto(address).status == 200, address
            check_accessibility(page)


def test_two_treasurers_release_a_file_with_the_keyboard_alone(
    busy: Site, chromium: Browser
) -> None:
    for email, button in ((PRIYA, "Approve $9,862.50"), (JONAH, "Approve and send $9,862.50")):
        with opened(chromium, busy) as page:
            enter(page, email)
            page.goto("/office/files")
            press(page, button)
            expect(page.get_by_role("status")).to_be_visible()
            check_accessibility(page)

    assert BankFile.objects.filter(direction="out").latest("made_at").state == "released"


def press(page: Page, name: str) -> None:
    """Walk to a button with Tab, then press Enter."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent").strip() == name:
            with page.expect_navigation():
                page.keyboard.press("Enter")
            return
    raise AssertionError(f"{name} cannot be reached with the keyboard")


def test_the_office_works_without_javascript(busy: Site, chromium: Browser) -> None:
    with opened(chromium, busy, java_script_enabled=False) as page:
        enter(page, PRIYA)
        page.goto("/office/payments")
        page.get_by_role("searchbox").fill("CL-9")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        page.get_by_role("table").get_by_role("link").first.click()
        expect(page.get_by_role("heading", name="Ledger lines")).to_be_visible()

        page.goto("/office/files")
        page.get_by_role("link", name="Send back").click()
        page.get_by_role("button", name="Send back").click()
        expect(page.get_by_role("alert")).to_contain_text("Write why this file must not be sent.")
        expect(page).to_have_title(re.compile("^Error:"))
        page.get_by_label("Why").fill("Wrong company name")
        page.get_by_role("button", name="Send back").click()
        expect(page.get_by_role("status")).to_contain_text("The file is sent back.")

        page.goto("/office/files")
        statement = {
            "name": "wrong.txt",
            "mimeType": "text/plain",
            "buffer": b"01,A,B,261116,0600,1,,,2/\n",
        }
        page.get_by_label("File from the bank").set_input_files(statement)
        page.get_by_role("button", name="Add file").click()
        expect(page.get_by_role("heading", name="What is wrong")).to_be_visible()

        page.goto("/office/cases")
        page.get_by_role("link", name="Decide").first.click()
        page.get_by_role("radio").last.check()
        page.get_by_role("textbox", name="Note").fill("Called the bank.")
        page.get_by_role("button", name="Close this case").click()
        expect(page.get_by_role("status")).to_contain_text("The case is closed.")


def test_a_clerk_sees_who_may_release(busy: Site, chromium: Browser) -> None:
    with opened(chromium, busy) as page:
        enter(page, CLERK)
        page.goto("/office/files")

        expect(page.get_by_text("Only a treasurer can approve a file.")).to_be_visible()
        assert page.get_by_role("button", name="Approve").count() == 0
