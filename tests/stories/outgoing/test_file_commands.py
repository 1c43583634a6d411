"""Two named treasurers say by command what became of a file whose sending was cut short."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from billfold.banking import file_approvals
from billfold.banking.models import BankFile
from billfold.cli import main
from billfold.payments.models import Case
from billfold.platform import clock, tenancy
from tests import privilege
from tests.world import PASSWORD, World, eastern

MORNING, CUTOFF = eastern(2026, 11, 16, 9), eastern(2026, 11, 16, 17)


@pytest.fixture
def unknown(desk: tenancy.Biller, tmp_path) -> Iterator[World]:
    """A file of which nobody knows whether it arrived, of a biller where one person releases."""
    with tenancy.use(desk):
        world = World(biller=desk, folder=tmp_path / "bank", now=MORNING)
        world.connection.two_people_release = False
        privilege.save(world.connection)
        world.pay(world.invoice("CL-1", "120.00"))
        world.now = CUTOFF
        clock.move_to(CUTOFF)
        world.run_jobs()
        file = BankFile.objects.get(direction="out")
        file_approvals.approve(file.pk, file.sha256, actor=world.treasurers[0].actor(), now=CUTOFF)
        BankFile.objects.filter(direction="out").update(state="sending")
        world.run_jobs()
        yield world


@pytest.fixture
def command(unknown, monkeypatch, capsys) -> Callable[..., tuple[int, str, str]]:
    """Run `billfold file …` in this process; gives its exit code, output and complaints."""
    monkeypatch.setattr(main.signal, "signal", lambda *_: None)

    def run(*words: str) -> tuple[int, str, str]:
        code = main.main(["file", *words, "--biller", unknown.biller.schema])
        return code, *capsys.readouterr()

    return run


def as_staff(tmp_path, email: str, password: str = PASSWORD) -> list[str]:
    path = tmp_path / "password"
    path.write_text(f"{password}\n")
    return ["--why", "Called the bank", "--as", email, "--password-file", str(path), "--json"]


def at_the_bank(world: World) -> list[str]:
    return [path.name for path in (world.folder / "to_bank").iterdir()]


def test_promise_14_a_treasurer_says_by_command_that_a_file_arrived(unknown, command, tmp_path):
    [row] = json.loads(command("list", "--json")[1])

    code, output, _ = command(
        "resolve", row["name"], "arrived", *as_staff(tmp_path, "priya@cedarline.example")
    )

    assert (code, json.loads(output)["state"]) == (0, "sent")
    assert json.loads(command("list", "--json")[1]) == []
    assert at_the_bank(unknown) == []
    assert Case.objects.get().resolution == "Called the bank"


def test_promise_20_a_second_sending_takes_two_people_wherever(unknown, command, tmp_path):
    file = BankFile.objects.get(direction="out")
    priya, jonah = unknown.treasurers

    code, output, _ = command("resolve", file.name, "resend", *as_staff(tmp_path, priya.email))
    assert (code, json.loads(output)["state"]) == (0, "built")
    file_approvals.approve(file.pk, file.sha256, actor=priya.actor(), now=CUTOFF)
    unknown.run_jobs()
    assert at_the_bank(unknown) == []

    file_approvals.approve(file.pk, file.sha256, actor=jonah.actor(), now=CUTOFF)
    unknown.run_jobs()
    assert at_the_bank(unknown) == [file.name]


@pytest.mark.parametrize(
    ("email", "password", "words"),
    [
        ("cleo@cedarline.example", PASSWORD, "Only an active treasurer"),
        ("priya@cedarline.example", "something else entirely", "No member of staff"),
    ],
)
def test_promise_20_nobody_else_says_what_became_of_a_file(
    unknown, command, tmp_path, email, password, words
):
    name = BankFile.objects.get(direction="out").name

    code, _, complaint = command("resolve", name, "resend", *as_staff(tmp_path, email, password))

    assert code == 1
    assert words in complaint
    assert BankFile.objects.get(direction="out").state == "sending"


def test_a_file_that_is_not_in_doubt_is_refused_in_words(unknown, command, tmp_path):
    code, _, complaint = command(
        "resolve", "other.ach", "arrived", *as_staff(tmp_path, "priya@cedarline.example")
    )

    assert code == 1
    assert "No file called other.ach waits for an answer" in complaint
