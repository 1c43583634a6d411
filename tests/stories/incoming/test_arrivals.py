"""Lockbox, wire and remittance files, and statements in camt: proved, kept once, told to people."""

from __future__ import annotations

from datetime import date

import pytest

from billfold.bankdays import EASTERN
from billfold.banking import exchange, statement_days
from billfold.banking.models import BankConnection, BankFile, BankLine, Statement
from billfold.payments.incoming import intake
from billfold.payments.models import Case
from billfold.rails.protocol import BankDocument
from tests import privilege
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


def test_what_is_passed_over_beside_an_advice_is_told_with_it(bring, world, client):
    client.force_login(world.clerk)
    content = (FILES / "edi820" / "synthetic-ctx-remittance.820").read_bytes()
    header, group, rest = content.split(b"\n", 2)
    others = [
        group.replace(b"RA", b"FA"),
        b"ST*997*0001~",
        b"AK1*RA*1~",
        b"SE*3*0001~",
        b"GE*1*101~",
    ]
    both = b"\n".join([header, *others, group, rest.replace(b"IEA*1", b"IEA*2")])

    file = bring(both)

    assert (file.state, file.kind, file.entry_count) == ("read", "remittance", 3)
    page = client.get(f"/office/cases/{Case.objects.get().id}").content.decode()
    assert "Worth knowing" in page
    assert "an X12 997, a functional acknowledgment, too; it is passed over." in page


def test_promise_27_a_wire_advice_behind_a_prefix_is_read_like_any(bring):
    advice = (FILES / "wire" / "fedwire-advice.txt").read_text()

    file = bring(b"YFT811  " + advice.replace("\n", "").encode())

    assert (file.state, file.kind, file.credit_minor) == ("read", "wires", 150_000)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"Incoming wire:\n{1500}02 P {1510}1000{2000}000000150000", "looks like a wire advice"),
        (b'{"fedwireParticipants": {"fedwireParticipants": []}}', "directory of Fedwire"),
    ],
)
def test_promise_27_what_is_not_read_is_called_by_its_name(bring, content, words):
    file = bring(content)

    assert file.state == "refused"
    assert words in file.problems[0]
    assert words in Case.objects.get().title


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
    (day,) = statement_days.read(content, zone=EASTERN)
    world.now = eastern(2026, 11, 23)

    file = bring(own_account(world, content, day.account_number.encode()))

    assert (file.kind, file.state, file.problems) == ("statement", "read", [])
    statement = Statement.objects.get()
    lines = BankLine.objects.filter(statement=statement)
    assert statement.as_of == day.as_of
    assert lines.count() == len(day.lines) > 0
    moved = sum(line.amount_minor if line.is_credit else -line.amount_minor for line in lines)
    assert statement.opening_minor + moved == statement.closing_minor


@pytest.mark.parametrize(
    ("zone", "as_of"),
    [("America/New_York", date(2026, 11, 20)), ("Pacific/Guam", date(2026, 11, 21))],
)
def test_a_moment_of_a_statement_is_a_day_in_the_zone_of_its_bank(bring, world, zone, as_of):
    bank = BankConnection.objects.get()
    bank.zone = zone
    privilege.save(bank)
    content = (FILES / "camt053" / "synthetic-us-biller.camt053.v8.xml").read_bytes()
    (day,) = statement_days.read(content, zone=EASTERN)
    assert b"<Dt><Dt>2026-11-20</Dt></Dt>" in content
    moments = content.replace(
        b"<Dt><Dt>2026-11-20</Dt></Dt>", b"<Dt><DtTm>2026-11-21T04:59:59Z</DtTm></Dt>"
    )
    world.now = eastern(2026, 11, 23)

    file = bring(own_account(world, moments, day.account_number.encode()))

    assert (file.kind, file.problems) == ("statement", [])
    assert Statement.objects.get().as_of == as_of


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
