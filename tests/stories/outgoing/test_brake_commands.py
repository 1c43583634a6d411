"""`billfold brake` shows whether the brake is set, and two named treasurers lift it there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from billfold.cli import doctor_checks, main
from billfold.platform import audit, brake, clock, tenancy
from billfold.platform.models import BrakeKind
from tests.world import PASSWORD, World, eastern

MORNING = eastern(2026, 11, 16, 9)


@pytest.fixture
def braked(desk: tenancy.Biller, tmp_path) -> Iterator[World]:
    """Give a biller for good in which verify found something."""
    with tenancy.use(desk):
        world = World(biller=desk, folder=tmp_path / "bank", now=MORNING)
        clock.move_to(MORNING)
        brake.observe(
            BrakeKind.FINDING,
            {"1/a": "Promise 1: a"},
            lifts_when_clean=True,
            actor=audit.job("verify"),
            seen_at=MORNING,
            now=MORNING,
        )
        yield world


@pytest.fixture
def command(braked, monkeypatch, capsys) -> Callable[..., tuple[int, str, str]]:
    """Run `billfold brake …` in this process; gives its exit code, output and complaints."""
    monkeypatch.setattr(main.signal, "signal", lambda *_: None)

    def run(*words: str) -> tuple[int, str, str]:
        code = main.main(["brake", *words, "--biller", braked.biller.schema])
        return code, *capsys.readouterr()

    return run


def as_staff(tmp_path, email: str) -> list[str]:
    path = tmp_path / "password"
    path.write_text(f"{PASSWORD}\n")
    return ["--why", "Called the auditor", "--as", email, "--password-file", str(path)]


@pytest.mark.parametrize("words", [(), ("show",)])
def test_promise_21_brake_says_what_was_seen(command, words):
    code, output, _ = command(*words, "--json")

    assert code == 0
    [row] = json.loads(output)
    assert row == {
        "biller": "import_desk",
        "is_set": True,
        "brakes": [
            {
                "kind": "finding",
                "number": 1,
                "since": row["brakes"][0]["since"],
                "seen": ["Promise 1: a"],
                "agreed": [],
                "people_needed": 2,
            }
        ],
        "warnings": [],
    }
    assert "import_desk: the brake is SET" in command(*words)[1]


def test_promise_21_two_treasurers_lift_it_by_command(command, braked, tmp_path):
    lift = ("lift", "finding", "1")

    code, output, _ = command(*lift, *as_staff(tmp_path, "priya@cedarline.example"), "--json")
    assert (code, json.loads(output)["outcome"]) == (0, "needs-another")
    assert json.loads(output)["brakes"][0]["agreed"][0]["by"] == "Priya Raman"

    code, _, complaint = command(*lift, *as_staff(tmp_path, "priya@cedarline.example"))
    assert code != 0
    assert "another treasurer must, too" in complaint

    code, output, _ = command(*lift, *as_staff(tmp_path, "jonah@cedarline.example"), "--json")
    assert (code, json.loads(output)["outcome"]) == (0, "lifted")
    assert json.loads(output)["is_set"] is False
    assert "the brake is off" in command()[1]


@pytest.mark.parametrize(
    ("number", "email", "words"),
    [
        ("1", "cleo@cedarline.example", "Only an active treasurer"),
        ("7", "priya@cedarline.example", "look at it again"),
        ("1", "dana@hollis-wren.example", "No member of staff"),
    ],
)
def test_promise_20_nobody_else_lifts_it_by_command(command, tmp_path, number, email, words):
    code, _, complaint = command("lift", "finding", number, *as_staff(tmp_path, email))

    assert code != 0
    assert words in complaint
    assert brake.standing()


@pytest.mark.parametrize("words", [("lift",), ("lift", "x", "1"), ("lfit",), ("lift", "finding")])
def test_a_slip_is_told_in_a_line(command, words):
    code, output, complaint = command(*words)

    assert (code, output) == (2, "")
    assert "Traceback" not in complaint


def test_promise_21_doctor_names_the_brake(braked):
    diagnosis = doctor_checks.check_brake(braked.biller)

    assert (diagnosis.level, diagnosis.subject) == ("fail", "brake of import_desk")
    assert "Promise 1: a" in diagnosis.words


def test_promise_21_a_demo_can_show_a_brake_and_verify_lifts_it(braked, monkeypatch, capsys):
    monkeypatch.setattr(main.signal, "signal", lambda *_: None)
    schema = braked.biller.schema

    assert main.main(["simulate", "brake", "--biller", schema, "--json"]) == 0
    words = json.loads(capsys.readouterr().out)["seen"]
    assert [list(each.seen.values()) for each in brake.standing()] == [[words]]

    assert main.main(["verify", "--biller", schema]) == 0
    assert not brake.standing()
