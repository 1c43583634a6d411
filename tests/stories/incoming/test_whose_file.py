"""Whose file it is, and whether it was here before, is told from what it says."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from billfold import jobs
from billfold.banking.models import FileRepeat
from billfold.cli.profile.fields import BANK, InvalidProfileValue
from billfold.payments.cases.case_kinds import CaseKind
from billfold.payments.models import Case, Instruction, Payment
from tests import privilege
from tests.places import FILES
from tests.stories.incoming.bank_words import leave, return_of
from tests.stories.portal.payer import text_of
from tests.world import World, eastern, run_job

MONDAY, WEDNESDAY = eastern(2026, 11, 16, 17), eastern(2026, 11, 18, 12)
LOCKBOX = (FILES / "lockbox" / "synthetic-80col-two-batches.bai").read_bytes()


@pytest.fixture
def returned(world: World) -> bytes:
    """Send one debit, and give the file with its return."""
    world.pay(world.invoice("CL-1", "120.00"))
    jobs.cut_off(MONDAY)
    world.release_all(MONDAY)
    run_job("send", MONDAY)
    return return_of(world, Instruction.objects.get(), "R01", on=WEDNESDAY.date())


DRESSES: dict[str, Callable[[bytes], bytes]] = {
    "other line ends": lambda data: data.replace(b"\n", b"\r\n"),
    "no line ends": lambda data: data.replace(b"\n", b""),
    "blank lines": lambda data: data.replace(b"\n", b"\n\n"),
    "less padding": lambda data: data.replace(b"9" * 94 + b"\n", b"", 2),
    "blanks stripped": lambda data: b"\n".join(line.rstrip() for line in data.split(b"\n")),
    "another time": lambda data: data[:29] + b"0715" + data[33:],
}


@pytest.mark.parametrize("dress", DRESSES)
def test_promise_13_a_return_file_in_another_dress_is_told_as_a_repeat(
    world: World, returned: bytes, dress: str
):
    first = leave(world, "RET.ach", returned, now=WEDNESDAY)
    dressed = DRESSES[dress](returned)
    assert dressed != returned

    again = leave(world, "RET-AGAIN.ach", dressed, now=WEDNESDAY)

    assert again.pk != first.pk
    assert again.problems == ["It says what RET.ach said already, so nothing new follows from it."]
    repeat = FileRepeat.objects.get()
    assert (repeat.file, repeat.name) == (first, "RET-AGAIN.ach")
    assert Payment.objects.get().events.filter(kind="returned").count() == 1
    assert not Case.objects.exists()


def test_a_file_that_says_something_else_is_no_repeat(world: World, returned: bytes):
    leave(world, "RET.ach", returned, now=WEDNESDAY)

    other = leave(world, "RET-2.ach", returned.replace(b"799R01", b"799R02"), now=WEDNESDAY)

    assert other.problems == []
    assert not FileRepeat.objects.exists()


def test_two_days_without_returns_are_no_repeat(world: World):
    empty = (FILES / "nacha" / "zero-return-day-no-batches.ach").read_bytes()
    leave(world, "MON.ach", empty, now=MONDAY)

    tuesday = leave(world, "TUE.ach", empty[:29] + b"0715" + empty[33:], now=WEDNESDAY)

    assert (tuesday.state, tuesday.problems) == ("read", [])


def test_staff_see_that_a_file_is_a_repeat(world: World, returned: bytes, client):
    first = leave(world, "RET.ach", returned, now=WEDNESDAY)
    again = leave(world, "AGAIN.ach", DRESSES["other line ends"](returned), now=WEDNESDAY)
    client.force_login(world.clerk)

    assert "It says what RET.ach said already" in text_of(client.get(f"/office/files/{again.id}"))
    assert "AGAIN.ach" in text_of(client.get(f"/office/files/{first.id}"))


def test_promise_13_checks_in_another_dress_are_given_to_a_person_once(world: World):
    first = leave(world, "BOX.bai", LOCKBOX, now=WEDNESDAY)

    again = leave(world, "AGAIN.bai", LOCKBOX.replace(b"\n", b"\r\n"), now=WEDNESDAY)

    assert (again.state, again.entry_count) == ("read", first.entry_count)
    assert "It says what BOX.bai said already" in again.problems[0]
    assert Case.objects.get().kind == CaseKind.RECEIPTS


# Whose it is


def of_company(data: bytes, company_id: bytes) -> bytes:
    assert b"1910000001CTX" not in data
    lines = [
        line[:40] + company_id + line[50:]
        if line.startswith(b"5")
        else line[:44] + company_id + line[54:]
        if line.startswith(b"8")
        else line
        for line in data.split(b"\n")
    ]
    return b"\n".join(lines)


def test_promise_15_a_file_of_another_companys_returns_is_refused(world: World, returned: bytes):
    file = leave(world, "RET.ach", of_company(returned, b"1770000002"), now=WEDNESDAY)

    assert file.state == "refused"
    (problem,) = file.problems
    assert "another company" in problem and "1770000002" in problem
    assert world.state(Payment.objects.get()) == "in_transit"
    assert Case.objects.get().kind == CaseKind.UNREADABLE_FILE


def test_the_first_character_of_a_company_number_may_be_the_banks(world: World, returned: bytes):
    file = leave(world, "RET.ach", of_company(returned, b" 910000001"), now=WEDNESDAY)

    assert file.state == "read"
    assert world.state(Payment.objects.get()) == "returned"


def test_promise_15_returns_of_another_company_beside_ours_are_cases(
    world: World, returned: bytes, client
):
    lines = returned.split(b"\n")
    theirs = of_company(returned, b"1770000002").split(b"\n")[1:5]
    assert theirs[1][:1] == b"6" and lines[5][:1] == b"9"
    count, totals = int(lines[5][13:21]) * 2, lines[5][21:55]
    hashed, debits = int(totals[:10]) * 2 % 10**10, int(totals[10:22]) * 2
    control = f"9000002{1:06d}{count:08d}{hashed:010d}{debits:012d}{0:012d}{'':39}".encode()
    theirs[0], theirs[3] = (line[:87] + b"0000002" for line in (theirs[0], theirs[3]))

    file = leave(world, "RET.ach", b"\n".join([*lines[:5], *theirs, control, b""]), now=WEDNESDAY)

    assert (file.state, file.entry_count) == ("read", 2)
    assert world.state(Payment.objects.get()) == "returned"
    case = Case.objects.get()
    assert case.kind == CaseKind.UNFIT_RETURN
    assert "another company" in case.title
    client.force_login(world.clerk)
    page = text_of(client.get(f"/office/files/{file.id}"))
    assert page.count(Payment.objects.get().reference) == 1
    assert page.count("None of ours") == 1


def test_a_file_is_shown_though_our_company_number_was_changed(world: World, returned, client):
    file = leave(world, "RET.ach", returned, now=WEDNESDAY)
    world.connection.company_id = "1770000002"
    privilege.save(world.connection)
    client.force_login(world.clerk)

    page = client.get(f"/office/files/{file.id}")

    assert page.status_code == 200
    assert Payment.objects.get().reference in text_of(page)


@pytest.mark.parametrize(
    ("lockboxes", "state"),
    [("", "read"), ("0004150", "read"), ("77 4150", "read"), ("0004151", "refused")],
)
def test_promise_27_checks_of_another_lockbox_are_refused(world: World, lockboxes: str, state: str):
    world.connection.lockboxes = lockboxes
    privilege.save(world.connection)

    file = leave(world, "BOX.bai", LOCKBOX, now=WEDNESDAY)

    assert file.state == state
    if state == "refused":
        assert "0004150" in file.problems[0] and "another lockbox" in file.problems[0]


def test_lockboxes_are_set_as_numbers_with_blanks_between():
    assert BANK["lockboxes"].read("0004150 77") == "0004150 77"
    with pytest.raises(InvalidProfileValue):
        BANK["lockboxes"].read("0004150, 77")
