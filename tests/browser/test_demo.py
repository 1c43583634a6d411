"""The whole life of a payment, in the demo and the browser of somebody new."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import HUNG_AFTER_MILLISECONDS, Watched, relevant, sign_in
from tests.ports import free_port
from tests.stories.installing.test_setup import environment, running_demo, state

__all__ = ["state"]
PASSWORD = "correct paper ledger"


@pytest.fixture
def demo(state: Path, chromium: Browser) -> Iterator[Page]:
    """Start the demo and sign in as the payer; the console must stay silent."""
    port = free_port()
    with running_demo(state, port):
        context = chromium.new_context(base_url=f"http://localhost:{port}")
        context.set_default_timeout(HUNG_AFTER_MILLISECONDS)
        watched = Watched(context.new_page()).watch()
        sign_in(watched.page, "dana@hollis-wren.example", PASSWORD)
        yield watched.page
        context.close()
        assert not relevant(watched.complaints), watched.complaints


def pay(page: Page, invoices: list[str], account: str) -> None:
    page.goto("/pay")
    for number in invoices:
        page.check(f"input[name=invoice][value='{number}']")
    page.check("input[name=method][value=new]")
    page.fill("#routing_number", "129999018")
    page.fill("#account_number", account)
    page.fill("#account_number_again", account)
    page.locator(".btn--primary:visible", has_text="Review payment").first.click()
    page.wait_for_url(re.compile("/pay/"))
    page.locator("button:visible", has_text="Pay $").first.click()
    page.wait_for_url(re.compile("/payments/"))


def next_banking_day(page: Page) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name="Next banking day").click()


def verify(state: Path) -> dict[str, object]:
    command = [sys.executable, "-m", "billfold", "verify", "--json", "--state", str(state)]
    outcome = subprocess.run(
        command, env=environment(), capture_output=True, text=True, check=False
    )
    assert outcome.returncode == 0, outcome.stdout
    return json.loads(outcome.stdout)


def test_two_payments_are_paid_and_returned_in_two_banking_days(demo, state):
    pay(demo, ["CL-208814", "CL-209377"], "4417006789")
    expect(demo.locator("main")).to_contain_text("$1,672.50")
    expect(demo.locator("main")).to_contain_text(re.compile("By [A-Z][a-z]+day, "))
    pay(demo, ["CL-209912"], "4417000001")

    next_banking_day(demo)
    next_banking_day(demo)

    demo.goto("/payments")
    expect(demo.locator("tr", has_text="CL-209377").locator(".pill")).to_have_text("Paid")
    expect(demo.locator("tr", has_text="CL-209912").locator(".pill")).to_have_text("Returned")
    demo.goto("/pay")
    expect(demo.locator("input[name=invoice]")).to_have_count(2)
    expect(demo.locator("tr", has_text="CL-209912")).to_contain_text("$1,325.00")
    expect(demo.locator("tr", has_text="RF-")).to_contain_text("$25.00")
    assert verify(state)
