"""A statement in doubt waits until two treasurers stand behind it; a gap is an open item."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from billfold import bankdays
from billfold.banking import exchange
from billfold.banking.models import BankFile, BankLine, Statement, StatementDecision
from billfold.cli import main
from billfold.payments.cases import casework, notes
from billfold.payments.incoming import intake, statement_intake
from billfold.payments.incoming.statement_intake import DecisionOutcome
from billfold.payments.models import Case
from billfold.payments.proof import outside, permission
from billfold.payments.proof.check import Inspection
from billfold.people import rights
from billfold.people.models import Role
from billfold.platform import audit, clock, tenancy
from billfold.platform.models import AuditEntry
from billfold.rails.protocol import BankDocument
from tests import privilege
from tests.stories.incoming.bank_words import leave, line, statement
from tests.world import PASSWORD, World, eastern

MONDAY, TUESDAY, WEDNESDAY = date(2026, 11, 16), date(2026, 11, 17), date(2026, 11, 18)
THURSDAY, FRIDAY = date(2026, 11, 19), date(2026, 11, 20)
NOW = eastern(2026, 11, 23)
MONDAY_MORNING = eastern(2026, 11, 16)


def day(world: World, on: date, amount: int = 0, *, opening: int = 0) -> bytes:
    lines = [line(195, amount, "WIRE IN", on=on)] if amount else []
    return statement(world, on, lines, opening_minor=opening)


def deliver(world: World, on: date, amount: int = 0, *, opening: int = 0) -> BankFile:
    return leave(world, f"{on}.bai", day(world, on, amount, opening=opening), now=NOW)


def add_by_hand(world: World, content: bytes, actor: audit.Actor, name: str = "hand") -> BankFile:
    document = BankDocument(name, content)
    file, _ = exchange.store(world.connection, document, now=NOW, actor=actor)
    intake.read_received(now=NOW)
    file.refresh_from_db()
    return file


def open_cases() -> list[tuple[str, str]]:
    cases = Case.objects.filter(closed_at=None).order_by("kind", "title")
    return [(case.kind, case.title) for case in cases]


def findings(world: World, title: str) -> list[str]:
    checks = {check.title: check for check in (*outside.CHECKS, *permission.CHECKS)}
    return list(checks[title].find(Inspection(world.biller, NOW)).first)


JOIN = "A statement opens with what the one before closed with, or a case is open"
TWO = "Two people stand behind every statement added by hand"


@pytest.fixture
def booked(world: World) -> World:
    """A world in which Monday's statement is booked: it closed with $50.00."""
    assert deliver(world, MONDAY, 5_000).state == "read"
    return world


@pytest.mark.parametrize(
    ("zone", "now", "state"),
    [
        ("America/New_York", eastern(2026, 11, 17, 23, 59), "refused"),
        ("America/New_York", eastern(2026, 11, 18, 0, 1), "read"),
        ("America/Los_Angeles", eastern(2026, 11, 18, 0, 1), "refused"),
        ("America/Los_Angeles", eastern(2026, 11, 18, 3, 1), "read"),
    ],
)
def test_promise_8_a_statement_of_a_day_that_is_not_over_is_refused(world, zone, now, state):
    world.connection.zone = zone
    privilege.save(world.connection)

    file = leave(world, "early.bai", day(world, TUESDAY, 5_000), now=now)

    assert file.state == state
    if state == "refused":
        assert "a day that is not over yet" in Case.objects.get().title


def test_promise_8_a_statement_the_bank_delivers_that_joins_is_booked_at_once(booked):
    assert deliver(booked, TUESDAY, 700, opening=5_000).state == "read"
    assert (BankLine.objects.count(), open_cases()) == (2, [])


def test_promise_20_a_treasurer_s_own_statement_waits_for_another_treasurer(booked):
    priya, jonah = booked.treasurers
    file = add_by_hand(booked, day(booked, TUESDAY, 999, opening=5_000), priya.actor())
    assert (file.state, BankLine.objects.count()) == ("waiting", 1)

    with pytest.raises(statement_intake.OwnUpload):
        statement_intake.accept(file.pk, by=priya, now=NOW)
    with pytest.raises(rights.NotATreasurer):
        statement_intake.accept(file.pk, by=booked.clerk, now=NOW)
    assert BankLine.objects.count() == 1
    outcome = statement_intake.accept(file.pk, by=jonah, now=NOW)

    file.refresh_from_db()
    assert (outcome, file.state) == (DecisionOutcome.BOOKED, "read")
    assert Statement.objects.get(as_of=TUESDAY).file == file
    assert open_cases() == []
    assert findings(booked, TWO) == []
    assert AuditEntry.objects.filter(action="statement decided").get().actor_name == "Jonah Tate"
    with pytest.raises(statement_intake.NoLongerWaits) as late:
        statement_intake.accept(file.pk, by=jonah, now=NOW)
    assert late.value.closed_by == "Jonah Tate"


def test_promise_20_what_nobody_of_staff_added_needs_two_treasurers(booked):
    priya, jonah = booked.treasurers
    actor = audit.Actor("command/root", "root")
    file = add_by_hand(booked, day(booked, TUESDAY, 999, opening=5_000), actor)

    assert statement_intake.accept(file.pk, by=priya, now=NOW) is DecisionOutcome.NEEDS_ANOTHER
    with pytest.raises(statement_intake.DecidedAlready):
        statement_intake.accept(file.pk, by=priya, now=NOW)
    assert not Statement.objects.filter(as_of=TUESDAY).exists()

    assert statement_intake.accept(file.pk, by=jonah, now=NOW) is DecisionOutcome.BOOKED


@pytest.mark.parametrize("right", [(Role.CLERK, True), (Role.TREASURER, False)])
def test_promise_20_who_is_no_treasurer_any_more_stands_behind_nothing(booked, right):
    priya, jonah = booked.treasurers
    ruth = booked.add_person("ruth@cedarline.example", "Ruth Abel", Role.TREASURER)
    file = add_by_hand(booked, day(booked, TUESDAY, 999, opening=5_000), priya.actor())
    role, is_active = right
    booked.give_role(priya, role, is_active=is_active)

    assert statement_intake.accept(file.pk, by=jonah, now=NOW) is DecisionOutcome.NEEDS_ANOTHER
    assert statement_intake.accept(file.pk, by=ruth, now=NOW) is DecisionOutcome.BOOKED


def test_promise_8_an_opening_that_is_not_the_closing_before_waits_for_two_people(booked):
    file = deliver(booked, TUESDAY, 700, opening=4_000)

    assert file.state == "waiting"
    words = (
        "The statement of 2026-11-17 opens with $40.00, but that of 2026-11-16 closed with $50.00."
    )
    assert file.problems == [words]
    assert not Statement.objects.filter(as_of=TUESDAY).exists()
    for treasurer in booked.treasurers:
        statement_intake.accept(file.pk, by=treasurer, now=NOW)

    assert Statement.objects.filter(as_of=TUESDAY).exists()
    assert open_cases() == [("statements do not join", words)]
    assert findings(booked, JOIN) == []
    Case.objects.update(closed_at=NOW, resolution="x")
    assert len(findings(booked, JOIN)) == 1


def test_promise_8_a_closing_that_is_not_the_next_opening_waits_for_two_people(booked):
    deliver(booked, WEDNESDAY, 100, opening=6_000)

    file = deliver(booked, TUESDAY, 700, opening=5_000)

    assert file.state == "waiting"
    assert "2026-11-18 opens with $60.00, but that of 2026-11-17 closed with $57.00" in str(
        file.problems
    )


def test_promise_8_a_second_statement_of_a_day_can_only_be_refused_for_now(booked):
    file = deliver(booked, MONDAY, 6_000)
    assert file.state == "waiting"
    priya, jonah = booked.treasurers

    with pytest.raises(statement_intake.NotAcceptable):
        statement_intake.accept(file.pk, by=priya, now=NOW)
    assert not StatementDecision.objects.exists()
    first = statement_intake.refuse(file.pk, "The first is right.", by=priya, now=NOW)
    assert (first, BankFile.objects.get(pk=file.pk).state) == ("needs another treasurer", "waiting")
    second = statement_intake.refuse(file.pk, "The first is right.", by=jonah, now=NOW)

    assert (second, BankFile.objects.get(pk=file.pk).state) == ("refused", "refused")
    assert open_cases() == []
    assert BankLine.objects.get().amount_minor == 5_000


def test_promise_8_a_forged_statement_does_not_displace_the_bank_s_own(booked):
    (priya, _) = booked.treasurers
    forged = add_by_hand(booked, day(booked, TUESDAY, 99_900, opening=5_000), priya.actor())

    real = deliver(booked, TUESDAY, 700, opening=5_000)

    assert (real.state, Statement.objects.get(as_of=TUESDAY).file) == ("read", real)
    outcome = statement_intake.accept(forged.pk, by=booked.treasurers[1], now=NOW)
    assert outcome is DecisionOutcome.REASONS_CHANGED
    with pytest.raises(statement_intake.NotAcceptable):
        statement_intake.accept(forged.pk, by=booked.treasurers[1], now=NOW)
    assert statement_intake.refuse(forged.pk, "Forged.", by=priya, now=NOW) == "refused"


def test_a_statement_added_by_hand_that_the_bank_delivers_then_is_booked(booked):
    content = day(booked, TUESDAY, 700, opening=5_000)
    file = add_by_hand(booked, content, booked.treasurers[0].actor())
    assert file.state == "waiting"

    leave(booked, "theirs.bai", content, now=NOW)

    file.refresh_from_db()
    assert (file.state, file.added_by_id, open_cases()) == ("read", "", [])


def test_a_statement_repeated_by_hand_in_the_same_words_is_no_news(booked):
    other_dress = day(booked, MONDAY, 5_000).replace(b"0600,", b"0630,")

    file = add_by_hand(booked, other_dress, booked.treasurers[0].actor())

    assert (file.state, Statement.objects.count(), open_cases()) == ("read", 1, [])


def test_promise_8_reasons_that_changed_void_what_was_said_before(booked):
    (priya, jonah) = booked.treasurers
    actor = audit.Actor("command/root", "root")
    file = add_by_hand(booked, day(booked, WEDNESDAY, 100, opening=6_000), actor)
    statement_intake.accept(file.pk, by=priya, now=NOW)
    deliver(booked, TUESDAY, 700, opening=5_000)

    outcome = statement_intake.accept(file.pk, by=jonah, now=NOW)

    assert outcome is DecisionOutcome.REASONS_CHANGED
    assert statement_intake.accept(file.pk, by=jonah, now=NOW) is DecisionOutcome.NEEDS_ANOTHER
    assert [kind for kind, _ in open_cases()] == ["statement to accept"]


def test_promise_8_after_a_gap_a_statement_is_booked_and_each_missing_day_is_asked_for(booked):
    file = deliver(booked, THURSDAY, 100, opening=6_000)

    assert file.state == "read"
    assert open_cases() == [
        (
            "statement is missing",
            "The statement of 2026-11-17 of the account ending 2019 is missing",
        ),
        (
            "statement is missing",
            "The statement of 2026-11-18 of the account ending 2019 is missing",
        ),
    ]
    assert findings(booked, JOIN) == []
    with pytest.raises(casework.CarriesMoney):
        casework.close(Case.objects.first().pk, "Never mind", actor=audit.job("x"), now=NOW)


def test_promise_8_the_missing_days_close_the_gap_if_they_join_both_neighbours(booked):
    deliver(booked, THURSDAY, 100, opening=6_000)

    assert deliver(booked, TUESDAY, 700, opening=5_000).state == "read"
    assert [title[17:27] for _, title in open_cases()] == ["2026-11-18"]
    assert deliver(booked, WEDNESDAY, 400, opening=5_700).state == "waiting"
    file = leave(booked, "right.bai", day(booked, WEDNESDAY, 300, opening=5_700), now=NOW)

    assert file.state == "read"
    assert [kind for kind, _ in open_cases()] == ["statement to accept"]
    assert findings(booked, JOIN) == []


def test_a_day_without_movement_may_stay_without_a_statement(booked):
    deliver(booked, WEDNESDAY, 100, opening=5_000)

    (case,) = Case.objects.all()
    assert case.kind == "day without a statement"
    casework.close(case.pk, "The bank makes none.", actor=booked.clerk.actor(), now=NOW)
    assert findings(booked, JOIN) == []


def test_weekends_and_holidays_are_no_gap(world):
    thanksgiving = eastern(2026, 11, 30)
    leave(world, "wed.bai", day(world, date(2026, 11, 25), 100), now=thanksgiving)

    leave(world, "fri.bai", day(world, date(2026, 11, 27), 100, opening=100), now=thanksgiving)

    assert open_cases() == []


def test_promise_8_a_statement_far_from_all_others_waits_for_two_people(booked):
    late = eastern(2027, 1, 5)

    file = leave(booked, "far.bai", day(booked, date(2027, 1, 4), 100, opening=9_000), now=late)

    assert file.state == "waiting"
    assert "banking days are missing" in file.problems[0]
    for treasurer in booked.treasurers:
        statement_intake.accept(file.pk, by=treasurer, now=late)
    assert [kind for kind, _ in open_cases()] == ["statements do not join"]


def test_promise_19_a_statement_of_an_unknown_year_waits_for_the_calendar(booked, monkeypatch):
    monkeypatch.setattr(bankdays.ACH, "published_through", 2026)
    late = eastern(2027, 1, 5)
    content = day(booked, date(2027, 1, 4), 100, opening=9_000)
    before = open_cases()

    file = leave(booked, "far.bai", content, now=late)

    assert file.state == "received"
    assert open_cases() == before
    monkeypatch.undo()
    intake.read_received(now=late)
    file.refresh_from_db()
    assert file.state == "waiting"


def test_a_refusal_needs_a_reason_without_account_numbers(booked):
    file = deliver(booked, MONDAY, 6_000)
    priya = booked.treasurers[0]

    with pytest.raises(statement_intake.RefusalNeedsReason):
        statement_intake.refuse(file.pk, " ", by=priya, now=NOW)
    with pytest.raises(notes.NamesAnAccount):
        statement_intake.refuse(file.pk, "of 4417006789", by=priya, now=NOW)


def test_promise_13_a_statement_that_tells_a_day_twice_differently_is_refused(world):
    first, second = day(world, MONDAY, 5_000), day(world, MONDAY, 6_000)
    head, _, rest = first.decode().partition("\n")
    group = rest[: rest.index("\n99,")]
    other = second.decode().split("\n", 1)[1]
    other_group = other[: other.index("\n99,")]
    trailer = "\n99,{},2,{}/\n"
    total = sum(int(g.rsplit("98,", 1)[1].split(",")[0]) for g in (group, other_group))
    records = 2 + group.count("\n") + other_group.count("\n") + 2
    both = f"{head}\n{group}\n{other_group}{trailer.format(total, records)}".encode()

    file = leave(world, "both.bai", both, now=NOW)

    assert file.state == "refused"
    assert "tells a day twice" in Case.objects.get().title


@pytest.fixture
def kept(desk: tenancy.Biller, tmp_path: Path) -> Iterator[World]:
    """A world that other processes see; Monday's statement is booked."""
    with tenancy.use(desk):
        world = World(biller=desk, folder=tmp_path / "bank", now=MONDAY_MORNING)
        clock.move_to(NOW)
        deliver(world, MONDAY, 5_000)
        yield world


@pytest.fixture
def command(kept, monkeypatch, capsys) -> Callable[..., tuple[int, str, str]]:
    """Run `billfold statement …` in this process; gives its exit code, output and complaints."""
    monkeypatch.setattr(main.signal, "signal", lambda *_: None)

    def run(*words: object) -> tuple[int, str, str]:
        code = main.main(["statement", *map(str, words), "--biller", kept.biller.schema])
        return code, *capsys.readouterr()

    return run


def as_staff(tmp_path, email: str, password: str = PASSWORD) -> list[str]:
    path = tmp_path / "password"
    path.write_text(f"{password}\n")
    return ["--as", email, "--password-file", str(path), "--json"]


def test_promise_20_two_named_treasurers_accept_a_statement_by_command(kept, command, tmp_path):
    actor = audit.Actor("command/root", "root")
    file = add_by_hand(kept, day(kept, TUESDAY, 999, opening=5_000), actor, "tue.bai")

    code, output, _ = command("list", "--json")
    (row,) = json.loads(output)
    assert (code, row["name"], row["added_by_hand"]) == (0, "tue.bai", True)
    _, output, _ = command("show", "tue.bai", "--json")
    shown_day = json.loads(output)["days"][0]
    assert (shown_day["opening_minor"], shown_day["lines"][0]["amount_minor"]) == (5_000, 999)
    code, output, _ = command("accept", "tue.bai", *as_staff(tmp_path, "priya@cedarline.example"))
    assert (code, json.loads(output)["outcome"]) == (0, "needs another treasurer")
    code, output, _ = command("accept", file.id, *as_staff(tmp_path, "jonah@cedarline.example"))

    row = json.loads(output)
    assert (code, row["outcome"], row["state"]) == (0, "booked", "read")
    assert row["accepted_by"] == ["Priya Raman", "Jonah Tate"]


@pytest.mark.parametrize(
    ("email", "password", "words"),
    [
        ("priya@cedarline.example", "wrong", "No member of staff has this e-mail and password."),
        ("dana@hollis-wren.example", PASSWORD, "No member of staff has this e-mail and password."),
        ("cleo@cedarline.example", PASSWORD, "Only an active treasurer decides on a statement."),
    ],
)
def test_promise_20_a_command_takes_no_word_of_anybody_else(
    kept, command, tmp_path, email, password, words
):
    file = deliver(kept, TUESDAY, 700, opening=4_000)

    code, _, complaint = command("accept", file.name, *as_staff(tmp_path, email, password))

    assert code == 1
    assert words in complaint
    assert not StatementDecision.objects.exists()


def test_a_statement_is_refused_by_command_with_its_reason(kept, command, tmp_path):
    (priya, _) = kept.treasurers
    file = add_by_hand(kept, day(kept, TUESDAY, 999, opening=5_000), priya.actor(), "tue.bai")
    staff = as_staff(tmp_path, priya.email)

    code, _, complaint = command("refuse", "tue.bai", *staff)
    assert (code, "--why" in complaint) == (1, True)
    code, output, _ = command("refuse", "tue.bai", "--why", "My mistake.", *staff)

    assert (code, json.loads(output)["state"]) == (0, "refused")
    assert StatementDecision.objects.get().why == "My mistake."
    file.refresh_from_db()
    assert file.state == "refused"
    assert command("show", "tue.bai")[0] == 1
