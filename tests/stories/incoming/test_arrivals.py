"""Lockbox, wire and remittance files, and statements in camt: proved, kept once, told to people."""

from __future__ import annotations

from datetime import date

import pytest

from billfold.banking import exchange, statement_days
from billfold.banking.models import BankConnection, BankFile, BankLine, Statement
from billfold.payments.incoming import intake
from billfold.payments.models import Case
from billfold.rails.protocol import BankDocument
from tests.places import FILES
from tests.world import eastern


@pytest.fixture
def bring(world):
    """Let the bank leave a document, and read it."""

    def leave(content: bytes, name: str = "from-bank") -> BankFile:
        bank = BankConnection.objects.get()
        file, _ = exchange.store(bank, BankDocument(name, content), now=world.now)
        intake.read_received(now=world.now)
        file.refresh_from_db()
        return file

    return leave


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("lockbox/synthetic-80col-two-batches.bai", "lockbox", "checks"),
        ("wire/synthetic-pacs008-ustrd.xml", "wires", "1 wires"),
        ("edi820/synthetic-ctx-remittance.820", "remittance", "remittance advice"),
    ],
)
def test_money_nobody_asked_for_is_proved_counted_and_given_to_a_person(bring, name, kind, words):
    file = bring((FILES / name).read_bytes())

    assert (file.state, file.kind) == ("read", kind)
    assert file.entry_count > 0
    case = Case.objects.get()
    assert (case.kind, words in case.title) == ("money to apply", True)


def test_promise_27_a_lockbox_file_with_a_wrong_total_is_refused_whole(bring):
    file = bring((FILES / "lockbox" / "synthetic-bad-batch-total.bai").read_bytes())

    assert file.state == "refused"
    assert Case.objects.get().kind == "file could not be read"


def test_promise_13_the_same_lockbox_file_opens_one_case(bring):
    content = (FILES / "lockbox" / "synthetic-80col-two-batches.bai").read_bytes()

    bring(content)
    bring(content, "again")

    assert Case.objects.count() == 1


def test_every_kind_of_arrival_has_a_page(bring, world, client):
    client.force_login(world.clerk)
    file = bring((FILES / "lockbox" / "synthetic-80col-two-batches.bai").read_bytes())

    assert client.get(f"/office/files/{file.id}").status_code == 200
    assert b"Lockbox" in client.get("/office/files").content
    assert client.get(f"/office/cases/{Case.objects.get().id}").status_code == 200


def own_account(world, content: bytes, account: bytes) -> bytes:
    number = BankConnection.objects.get().account_number().encode()
    assert account in content
    return content.replace(account, number)


def test_a_camt_statement_is_kept_like_a_bai2_one(bring, world):
    content = (FILES / "camt053" / "synthetic-us-biller.camt053.v8.xml").read_bytes()
    (day,) = statement_days.read(content)
    world.now = eastern(2026, 11, 23)

    file = bring(own_account(world, content, day.account_number.encode()))

    assert (file.kind, file.state, file.problems) == ("statement", "read", [])
    statement = Statement.objects.get()
    lines = BankLine.objects.filter(statement=statement)
    assert statement.as_of == day.as_of
    assert lines.count() == len(day.lines) > 0
    moved = sum(line.amount_minor if line.is_credit else -line.amount_minor for line in lines)
    assert statement.opening_minor + moved == statement.closing_minor


def interim(
    modifier: str, *, lines: str = "16,195,5000,Z,,,WIRE IN/\n", total: int = 10000
) -> bytes:
    return (
        "01,091999049,1910000001,261117,0600,1,,,2/\n"
        f"02,1910000001,091999049,1,261113,2359,USD,{modifier}/\n"
        f"03,000773142019,USD,010,0,,,015,{total - 5000},,/\n{lines}"
        f"49,{total},{2 + lines.count(chr(10))}/\n"
        f"98,{total},1,{4 + lines.count(chr(10))}/\n99,{total},1,{6 + lines.count(chr(10))}/\n"
    ).encode()


def test_promise_13_an_interim_report_is_not_booked_and_the_final_one_is_once(bring):
    early = bring(interim("3"), "intraday")
    assert (early.state, BankLine.objects.count()) == ("read", 0)

    final = bring(interim("2"), "final")

    assert final.state == "read"
    assert BankLine.objects.get().amount_minor == 5000
    assert Statement.objects.get().as_of == date(2026, 11, 13)
