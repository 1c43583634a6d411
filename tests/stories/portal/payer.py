"""A payer at the pages, for stories: signs in, fills in forms, reads what comes back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape
from typing import Any

from django.http import HttpResponse
from django.test import Client

from tests.world import PASSWORD, PAYERS_BANK, World

ACCOUNT = "4417006789"


def text_of(response: HttpResponse) -> str:
    """Read a page as its visitor does: words, single spaces, no marks."""
    page = re.sub(r"<(script|style|svg).*?</\1>", " ", response.content.decode(), flags=re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page))).strip()


@dataclass
class Payer:
    """A signed-in person with a browser."""

    world: World
    client: Client

    def sign_in(self, email: str = "dana@hollis-wren.example") -> HttpResponse:
        return self.client.post("/sign-in", {"email": email, "password": PASSWORD})

    def reference(self, url: str = "/pay") -> str:
        """Open the form and read the reference it was drawn with."""
        page = self.client.get(url).content.decode()
        return re.search(r'name="reference" value="([^"]+)"', page)[1]

    def form(self, numbers: Sequence[str], **fields: Any) -> dict[str, Any]:
        """Fill in the pay form: a new checking account, typed twice."""
        return {
            "reference": fields.pop("reference", None) or self.reference(),
            "account": "40-118-2207",
            "invoice": list(numbers),
            "method": "new",
            **self.account_form(**fields),
        }

    def account_form(self, **fields: Any) -> dict[str, Any]:
        """Fill in a checking account, typed twice."""
        return {
            "routing_number": PAYERS_BANK,
            "account_number": ACCOUNT,
            "account_number_again": fields.get("account_number", ACCOUNT),
            "account_kind": "checking",
            "account_holder": "personal",
            **fields,
        }

    def choose(self, *numbers: str, **fields: Any) -> HttpResponse:
        return self.client.post("/pay", self.form(numbers, **fields))

    def review(self, chosen: HttpResponse) -> dict[str, str]:
        """Open the review and read what its Pay button will send."""
        page = self.client.get(chosen["Location"]).content.decode()
        names = ("reference", "fingerprint")
        return {n: re.search(rf'name="{n}" value="([^"]+)"', page)[1] for n in names}

    def press(self, reviewed: dict[str, str]) -> HttpResponse:
        return self.client.post("/payments", reviewed)

    def pay(self, *numbers: str, **fields: Any) -> HttpResponse:
        return self.press(self.review(self.choose(*numbers, **fields)))
