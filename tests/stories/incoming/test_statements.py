"""A day of the bank's is told once; told otherwise, nothing of it is taken."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from billfold import jobs
from billfold.banking.models import BankFile, BankLine, Statement
from billfold.ledger import book
from billfold.ledger.chart import CASH
from billfold.payments.models import Case
from tests import privilege
from tests.stories.incoming.bank_words import leave, line, statement
from tests.world import World, eastern, run_job, usd

ON, NOW = date(2026, 11, 17), eastern(2026, 11, 18)
MONDAY = eastern(2026, 11, 16, 17)


@pytest.fixture
def sent(world: World) -> World:
    """Two payments of the same amount in two files."""
    world.connection.max_entries = 1
    privilege.save(world.connection)
    world.pay(world.invoice("CL-1", "120.00"))
    world.pay(world.invoice("CL-2", "120.00"))
    jobs.cut_off(MONDAY)
    world.release_all(MONDAY)
    run_job("send", MONDAY)
    return world


def tell(world: World, name: str, text: str) -> BankFile:
    bank_line = line(142, 12000, text, on=ON)
    file = leave(world, name, statement(world, ON, [bank_line]), now=NOW)
    jobs.reconcile(NOW)
    return file


def test_promise_13_a_day_told_again_in_other_words_books_its_money_once(sent):
    tell(sent, "A.bai", "ACH ach-20261116-A")

    again = tell(sent, "B.bai", "ACH SETTLEMENT")

    assert again.state == "waiting"
    assert BankLine.objects.count() == 1
    assert book.balance(CASH) == usd("120.00")
    assert "other balances or lines" in Case.objects.get().title


def test_promise_13_a_day_told_again_the_same_way_under_another_file_id_is_no_news(sent):
    content = statement(sent, ON, [line(142, 12000, "ACH ach-20261116-A", on=ON)])
    leave(sent, "A.bai", content, now=NOW)
    other = content.replace(b"0600,", b"0630,")
    assert other != content

    file = leave(sent, "B.bai", other, now=NOW)

    assert file.state == "read"
    assert (Statement.objects.count(), BankLine.objects.count()) == (1, 1)
    assert not Case.objects.exists()


def test_promise_8_a_day_that_does_not_add_up_is_refused(sent):
    content = statement(sent, ON, [line(142, 12000, "x", on=ON)])
    wrong = content.replace(b"015,12000", b"015,12001").replace(b",36000", b",36001")

    file = leave(sent, "A.bai", wrong, now=NOW)

    assert file.state == "refused"
    assert not Statement.objects.exists()
    assert not BankLine.objects.exists()


def test_promise_23_what_a_payer_writes_as_reference_is_kept_sealed(world):
    wire = line(195, 12000, "WIRE IN", on=ON)
    wires = [replace(wire, customer_reference=f"ACCT {n}17006789") for n in (44, 55)]
    content = statement(world, ON, wires)

    leave(world, "A.bai", content, now=NOW)
    again = leave(world, "B.bai", content.replace(b"0600,", b"0630,"), now=NOW)

    assert again.state != "waiting", "the same lines are no news"
    assert [each.customer_reference for each in BankLine.objects.all()] == ["ACCT xxxxxx6789"] * 2
    assert [each.text() for each in BankLine.objects.all()] == ["WIRE IN"] * 2


def test_promise_8_a_day_of_more_lines_than_a_statement_of_sql_carries_is_taken_in(world):
    wires = [line(195, 100, f"WIRE {n}", on=ON) for n in range(5_000)]

    file = leave(world, "A.bai", statement(world, ON, wires), now=NOW)

    assert file.state == "read"
    assert BankLine.objects.count() == len(wires)
