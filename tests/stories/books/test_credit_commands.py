"""`billfold credit`: what waits, put on an invoice and taken off by a named member of staff."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date

import pytest
from django.db import transaction

from billfold.cli import main
from billfold.payments.models import Decision
from billfold.platform import tenancy
from billfold.receivables import billing
from tests.conftest import MONDAY
from tests.world import PASSWORD, World, usd

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def world(desk, tmp_path) -> Iterator[World]:
    """Give a biller for good, with an invoice of 120.00 and a credit of 90.00."""
    with tenancy.use(desk):
        world = World(desk, tmp_path / "bank", MONDAY)
        world.invoice("CL-1", "120.00")
        on = date(2026, 11, 16)
        note = billing.NewCreditNote("CR-1", world.customer.id, on, usd("90.00"), "goodwill")
        other = world.add_customer("40-118-9999", "Another one")
        world.invoice("CL-2", "120.00", customer=other)
        with transaction.atomic():
            billing.credit([note], now=world.now, on=on)
        yield world


@pytest.fixture
def command(world, tmp_path, monkeypatch, capsys) -> Command:
    """Run `billfold credit …` as the clerk; gives its exit code, output and complaints."""
    monkeypatch.setattr(main.signal, "signal", lambda *_: None)
    password = tmp_path / "password"
    password.write_text(f"{PASSWORD}\n")
    clerk = ["--as", world.clerk.email, "--password-file", str(password), "--why", "by phone"]

    def run(*words: str) -> tuple[int, str, str]:
        staff = [] if words[0] == "list" else clerk
        code = main.main(["credit", *words, *staff, "--biller", world.biller.schema])
        return code, *capsys.readouterr()

    return run


def test_a_credit_is_listed_applied_and_taken_off(command):
    [row] = json.loads(command("list", "--json")[1])
    assert (row["credit"], row["waiting_minor"], row["applied"]) == ("CR-1", 9000, [])

    code, output, _ = command("apply", "CR-1", "CL-1", "--amount", "90.00", "--json")
    [applied] = json.loads(output)["applied"]
    assert code == 0
    assert (applied["invoice"], applied["amount_minor"]) == ("CL-1", 9000)
    assert command("list")[1] == "No credit waits.\n"
    assert "$90.00 on CL-1" in command("list", "--all")[1]

    code, output, _ = command("unapply", applied["key"])
    assert (code, output) == (0, "Done: $90.00 waits.\n")
    assert {decision.why for decision in Decision.objects.all()} == {"by phone"}


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["apply", "CR-9", "CL-1", "--amount", "1"], "There is no credit CR-9"),
        (["apply", "CR-1", "CL-9", "--amount", "1"], "There is no invoice CL-9"),
        (["apply", "CR-1", "CL-1", "--amount", "ten"], "no amount, such as 120.00"),
        (["apply", "CR-1", "CL-1", "--amount", "0"], "must be above zero"),
        (["apply", "CR-1", "CL-1", "--amount", "120.01"], "$120.00 can still be paid on CL-1"),
        (["apply", "CR-1", "CL-1", "--amount", "90.01"], "Less of it waits"),
        (["apply", "CR-1", "CL-2", "--amount", "1"], "another customer's"),
        (["unapply", "credit/CR-1/applied/CL-1"], "It is not applied"),
    ],
)
def test_what_cannot_be_is_refused_in_words(command, words, complaint):
    code, _, complaints = command(*words)

    assert code == 1
    assert complaint in complaints
    assert not Decision.objects.exists()


def test_credits_of_one_customer_are_listed_alone(command, world):
    assert json.loads(command("list", "--customer", "40-118-9999", "--json")[1]) == []
    assert len(json.loads(command("list", "--customer", world.customer.number, "--json")[1])) == 1
