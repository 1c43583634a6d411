"""People with a browser, whose web process may die under them; then they press again."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.faults.driver import GOOD
from tests.faults.server import Process, WorldDatabase
from tests.world import PASSWORD, PAYERS_BANK

PAYER, TREASURER = "dana@hollis-wren.example", "jonah@cedarline.example"


@dataclass
class BrowserSession:
    """Keeps cookies, and what was pressed last."""

    world: WorldDatabase
    now: datetime
    cookies: dict[str, str] = field(default_factory=dict)
    last: tuple[str, dict[str, Any] | None] = ("", None)

    def sign_in(self, process: Process, email: str) -> None:
        self.open(process, "/sign-in", {"email": email, "password": PASSWORD})

    def open(self, process: Process, path: str, form: dict[str, Any] | None = None) -> Any:
        """Ask for a page, or send a form."""
        self.last = path, form
        answer = process.ask("look", path=path, form=form, cookies=self.cookies, now=self.now)
        self.cookies = answer["cookies"]
        return answer

    def again(self, process: Process) -> Any:
        """Reload: send the same once more."""
        return self.open(process, *self.last)


def pay(browser: BrowserSession, process: Process) -> Any:
    """Choose an invoice and an account, review, and press Pay."""
    browser.sign_in(process, PAYER)
    chosen = {
        "reference": GOOD,
        "account": "40-118-2207",
        "invoice": ["CL-1"],
        "method": "new",
        "routing_number": PAYERS_BANK,
        "account_number": "4417006789",
        "account_number_again": "4417006789",
        "account_kind": "checking",
        "account_holder": "personal",
    }
    answer = browser.open(process, "/pay", chosen)
    assert answer["status"] == 303, answer["body"]
    review = browser.open(process, f"/pay/{GOOD}")["body"]
    fingerprint = re.search(r'name="fingerprint" value="([^"]+)"', review)[1]
    return browser.open(process, "/payments", {"reference": GOOD, "fingerprint": fingerprint})


def cancel(browser: BrowserSession, process: Process) -> Any:
    """Press Cancel on the payment's page."""
    browser.sign_in(process, PAYER)
    return browser.open(process, f"/payments/{GOOD}/cancellation", {})


def approve(browser: BrowserSession, process: Process) -> Any:
    """Press Approve on the page of the one outgoing file, as the second treasurer."""
    [(file_id, sha256)] = browser.world.rows(
        "SELECT id, sha256 FROM banking_bankfile WHERE direction = 'out'"
    )
    browser.sign_in(process, TREASURER)
    return browser.open(process, f"/office/files/{file_id}/release", {"sha256": sha256})
