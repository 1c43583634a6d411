"""Kill -9 at every step of a payment's walk: afterwards it is as if nothing had happened.

Each act runs in the process that performs it on a real instance:

    step of the walk                    process   act                   transaction
    2  a payment is scheduled           web       schedule              A
       … or taken back                  web       cancel
    3  its cut-off is run               worker    cutoff                B
       the file is released             web       approve
    4  facts are recorded               worker    record, inside        B, E and F
    5  the file is sent                 worker    sending, upload, sent C, none, C'
    6  the bank's answers are fetched   worker    fetch                 D
    7  … and read                       worker    read                  E
    8  bank lines are explained         worker    reconcile             F
       messages are sent                worker    mail
       … and one that fails is parked   worker    park
       the feed is numbered             worker    feed

Each is killed before, inside and after its transaction, by killing once the process and once the
database. Web acts come as pages and forms, through the whole web application. A process that
lost its database goes on by itself when that is back; a killed one is started anew. A person who
got no answer presses again. Then the world is lived to its end, `verify` must find it clean, and
it is compared with one in which nothing was killed: payments, ledger, files at the bank, messages.
"""

from __future__ import annotations

import ast
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import billfold
from tests.faults import people
from tests.faults.driver import BAD, GOOD
from tests.faults.people import BrowserSession
from tests.faults.server import Died, Process, Server, WorldDatabase, at_the_bank, census, moment

pytestmark = pytest.mark.faults
Click = Callable[[BrowserSession, Process], Any]

MORNING, CUTOFF = moment(16, 9), moment(16, 17)
STATEMENT, RETURNS, TAKEN = moment(18, 6), moment(18, 6, 30), moment(19, 6)
MOMENTS = (MORNING, CUTOFF, STATEMENT, RETURNS, TAKEN)


@dataclass(frozen=True)
class Act:
    """What a process does, in which world, and the hooks it passes."""

    title: str
    stage: str
    does: str | Click
    """The name of a worker's job, or what a person does at the pages."""
    hooks: Sequence[str]
    now: datetime

    @property
    def process(self) -> str:
        return "worker" if isinstance(self.does, str) else "web"

    def perform(self, process: Process, browser: BrowserSession) -> Any:
        if isinstance(self.does, str):
            return process.ask("job", name=self.does, now=self.now)
        return self.does(browser, process)

    def perform_again(self, process: Process, browser: BrowserSession) -> None:
        """Attempt the job again, or press the button again and get an answer."""
        if isinstance(self.does, str):
            process.ask("job", name=self.does, now=self.now)
        else:
            assert browser.again(process)["status"] in ANSWERS[self.does]


def _around(step: str) -> tuple[str, str, str]:
    return f"{step}_begun", f"{step}_inside", f"{step}_committed"


ANSWERS = {people.pay: {303}, people.cancel: {303}, people.approve: {303, 422}}
"""How a second press may be answered: with success, or that the file was approved before."""
SENDING = ("gate_taken", *_around("sending"), *_around("upload"), *_around("sent"))
ASKED = ("sending_committed", "upload_begun")
"""Killed there nobody knows whether the file arrived: people ask the bank and approve it anew."""
TRACES_OF_ASKING = ("approvals", "cases", "audit")
EXPLAINING = (*_around("reconcile"), "record_inside")
ACTS = (
    Act("pay", "open", people.pay, _around("schedule"), MORNING),
    Act("cancel", "paid", people.cancel, _around("cancel"), MORNING),
    Act("mail", "paid", "mail", ("gate_taken", *_around("mail")), MORNING),
    Act("number the feed", "paid", "number-feed", _around("feed"), MORNING),
    Act("park a letter", "letter spoilt", "mail", _around("park"), MORNING),
    Act("cut off", "paid", "cut-off", (*_around("cutoff"), "record_inside"), CUTOFF),
    Act("approve", "half released", people.approve, _around("approve"), CUTOFF),
    Act("send", "released", "send", SENDING, CUTOFF),
    Act("fetch", "answered", "fetch", ("gate_taken", *_around("fetch")), CUTOFF),
    Act("read the answer", "answer fetched", "read", _around("read"), CUTOFF),
    Act("read a statement", "statement fetched", "read", _around("read"), STATEMENT),
    Act("settle", "statement read", "reconcile", (*_around("look"), *EXPLAINING), STATEMENT),
    Act("read returns", "returns fetched", "read", (*_around("read"), "record_inside"), RETURNS),
    Act("explain a debit", "debit read", "reconcile", _around("reconcile"), TAKEN),
)
CASES = [
    pytest.param(act, hook, victim, id=f"{act.title}-{hook}-{victim}")
    for act in ACTS
    for hook in act.hooks
    for victim in (act.process, "database")
]
WALK: Sequence[tuple[str, str, dict[str, Any]]] = (
    ("open", "pay", {"reference": GOOD, "now": MORNING}),
    ("paid", "job", {"name": "cut-off", "now": CUTOFF}),
    ("built", "approve", {"treasurer": 0, "now": CUTOFF}),
    ("half released", "approve", {"treasurer": 1, "now": CUTOFF}),
    ("released", "job", {"name": "send", "now": CUTOFF}),
    ("sent", "bank", {"now": CUTOFF}),
    ("answered", "job", {"name": "fetch", "now": CUTOFF}),
    ("answer fetched", "job", {"name": "read", "now": CUTOFF}),
    ("answer read", "bank", {"now": STATEMENT}),
    ("statement there", "job", {"name": "fetch", "now": STATEMENT}),
    ("statement fetched", "job", {"name": "read", "now": STATEMENT}),
    ("statement read", "job", {"name": "reconcile", "now": STATEMENT}),
    ("settled", "bank", {"now": RETURNS}),
    ("returns there", "job", {"name": "fetch", "now": RETURNS}),
    ("returns fetched", "job", {"name": "read", "now": RETURNS}),
    ("returned", "bank", {"now": TAKEN}),
    ("debit there", "job", {"name": "fetch", "now": TAKEN}),
    ("debit fetched", "job", {"name": "read", "now": TAKEN}),
)
"""Stage -> the act that leads to the next; the last leads to "debit read"."""


@dataclass
class Stages:
    """Worlds at each stage, and how each act's world ends if nothing is killed."""

    worlds: dict[str, WorldDatabase]
    endings: dict[str, dict[str, Any]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def stages(server: Server) -> Iterator[Stages]:
    """Walk through the life of two payments, keeping a copy of the world at each stage."""
    life = server.world("billfold")
    worlds, wanted = {}, {act.stage for act in ACTS}
    with life.process() as process:
        process.ask("prepare", folder=str(life.folder), now=MORNING)
        for stage, act, arguments in WALK:
            if stage in wanted:
                process.ask("hang_up")
                worlds[stage] = life.copy(stage)
            process.ask(act, **arguments)
        process.ask("hang_up")
    worlds["debit read"] = life.copy("debit read")
    worlds["letter spoilt"] = worlds["paid"].copy("letter spoilt")
    with worlds["letter spoilt"].process() as process:
        process.ask("spoil_a_letter", now=MORNING)
        process.ask("hang_up")
    return Stages(worlds)


def _end(world: WorldDatabase, act: Act) -> dict[str, Any]:
    with world.process() as process:
        process.ask("live", moments=[each for each in MOMENTS if each >= act.now])
        assert process.ask("verify", now=TAKEN) == []
    return census(world)


def _undisturbed(stages: Stages, act: Act) -> dict[str, Any]:
    if act.title not in stages.endings:
        with stages.worlds[act.stage].copied("undisturbed") as world:
            with world.process() as process:
                act.perform(process, BrowserSession(world, act.now))
            stages.endings[act.title] = _end(world, act)
    return stages.endings[act.title]


@pytest.mark.parametrize(("act", "hook", "victim"), CASES)
def test_a_kill_at_any_step_leaves_no_trace(server, stages, act, hook, victim):
    expected = _undisturbed(stages, act)
    with stages.worlds[act.stage].copied("killed") as world:
        if victim == "database":
            _lose_the_database(server, world, act, hook)
        else:
            _lose_the_process(world, act, hook)

        ended = _end(world, act)
        if hook in ASKED:
            expected = {k: v for k, v in expected.items() if k not in TRACES_OF_ASKING}
        assert _differences(ended, expected) == {}
        _check_by_hand(world, canceled=act.does is people.cancel)


def _lose_the_process(world: WorldDatabase, act: Act, hook: str) -> None:
    browser = BrowserSession(world, act.now)
    with world.process(f"{hook}:kill") as process:
        with pytest.raises(Died) as death:
            act.perform(process, browser)
        assert death.value.args == (-signal.SIGKILL,)
    with world.process() as another:
        act.perform_again(another, browser)


def _lose_the_database(server: Server, world: WorldDatabase, act: Act, hook: str) -> None:
    browser = BrowserSession(world, act.now)
    with world.process(f"{hook}:kill-database") as process:
        answer = act.perform(process, browser)
        if act.process == "web":
            assert answer["status"] in {303, 503}
        server.start_again()
        act.perform_again(process, browser)


def _differences(actual: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {
            "too many": Counter(actual[name]) - Counter(expected[name]),
            "missing": Counter(expected[name]) - Counter(actual[name]),
        }
        for name in expected
        if actual[name] != expected[name]
    }


def _check_by_hand(world: WorldDatabase, *, canceled: bool) -> None:
    """Say once in plain words what an undisturbed world must be."""
    states = dict(world.rows("SELECT reference, state FROM payments_payment"))
    assert states == {GOOD: "canceled" if canceled else "settled", BAD: "returned"}
    assert list(at_the_bank(world).values()) == [1]
    [(sent,)] = world.rows("SELECT name FROM banking_bankfile WHERE direction = 'out'")
    assert at_the_bank(world)[sent] == 1
    open_amounts = world.rows(
        """SELECT subject, debits_minor - credits_minor FROM ledger_account
           WHERE code = 'receivable' AND subject LIKE 'invoice/%%' ORDER BY 1""",
        [],
    )
    assert open_amounts == [
        ("invoice/CL-1", 34618 if canceled else 0),
        ("invoice/CL-2", 12000),
        ("invoice/CL-3", 7500),
    ]
    assert world.rows("SELECT 1 FROM receivables_invoice WHERE kind = 'charge'") == [(1,)]
    assert (
        world.rows(
            """SELECT 1 FROM ledger_account WHERE code = 'in_transit'
           AND debits_minor <> credits_minor"""
        )
        == []
    )


def test_every_hook_in_the_code_is_killed_at():
    code = Path(billfold.__file__).parent
    hooks = {
        call.args[0].value
        for path in code.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "fault"
        and isinstance(call.args[0], ast.Constant)
    }

    assert hooks == {hook for act in ACTS for hook in act.hooks}


def test_every_step_has_a_hook_before_inside_and_after():
    hooks = {hook for act in ACTS for hook in act.hooks} - {"record_inside", "gate_taken"}
    steps = {hook.rpartition("_")[0] for hook in hooks}

    assert hooks == {hook for step in steps for hook in _around(step)}
