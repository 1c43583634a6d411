"""The command line itself: what is loaded when, what a slip costs, who is asked."""

from __future__ import annotations

import importlib
import json
import os
import pty
import select
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import click
import pytest

from billfold.cli import launcher
from billfold.cli.command_table import COMMANDS, CommandRow, GroupRow, Needs
from billfold.people.models import Person
from billfold.platform import tenancy
from billfold.platform.postgres.logins import SETTINGS
from billfold.receivables.imports import import_fields
from tests.places import PROJECT
from tests.waiting import HUNG_AFTER_SECONDS

BETWEEN_KEYS_SECONDS = 10
"""How often Ctrl-C is pressed again, until it is noticed."""
MODULES = PROJECT / "billfold" / "cli" / "commands"
OURS = {*SETTINGS.values(), "BILLFOLD_STATE", "BILLFOLD_MODE", "DJANGO_SETTINGS_MODULE"}
LOADED_BY = """
import json, sys
from billfold.cli import main
codes = [main.main(words.split()) for words in sys.argv[1:]]
print(json.dumps({"codes": codes, "modules": sorted(sys.modules)}), file=sys.stderr)
"""
IN_ONE_PROCESS = """
import contextlib, io, json, sys
from billfold.cli import main
outcomes = []
for words in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main.main(words)
    outcomes.append((code, out.getvalue(), err.getvalue()))
print(json.dumps(outcomes))
"""
LOADED_ALONE = """
import importlib, os, sys
import django
if sys.argv[1] == "with Django":
    django.setup()
for name in sys.argv[2:]:
    child = os.fork()
    if not child:
        importlib.import_module(f"billfold.cli.commands.{name}")
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        print(name)
"""

AT_A_TERMINAL = """
import fcntl, os, signal, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGINT, signal.SIG_DFL)  # Whoever began the suite may ignore Ctrl-C.
os.execv(sys.executable, [sys.executable, "-m", "billfold", *sys.argv[1:]])
"""


def rows() -> Iterator[tuple[str, CommandRow]]:
    """List every command by its words."""
    for name, row in COMMANDS.items():
        if isinstance(row, GroupRow):
            yield from ((f"{name} {second}", inner) for second, inner in row.commands.items())
        else:
            yield name, row


def environment(**changes: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in OURS}
    return kept | {"PYTHONPATH": str(PROJECT)} | changes


def run(*command: str, state: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run Python where there is no server, and no state but what the story made."""
    return subprocess.run(
        [sys.executable, *command],
        env=environment(BILLFOLD_STATE=str(state), **changes),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=HUNG_AFTER_SECONDS,
        check=False,
    )


def billfold(*words: str, state: Path) -> subprocess.CompletedProcess[str]:
    return run("-m", "billfold", *words, state=state)


def run_in_one_process(
    commands: Sequence[Sequence[str]], *, state: Path
) -> list[subprocess.CompletedProcess[str]]:
    """Run commands that end before they do anything: one process starts a good deal faster."""
    outcome = run("-c", IN_ONE_PROCESS, json.dumps(commands), state=state)
    assert (outcome.returncode, outcome.stderr) == (0, "")
    return [
        subprocess.CompletedProcess(words, code, out, err)
        for words, (code, out, err) in zip(commands, json.loads(outcome.stdout), strict=True)
    ]


def assert_misused(outcome: subprocess.CompletedProcess[str], *words: str) -> None:
    assert outcome.returncode == 2
    assert outcome.stdout == ""
    assert len(outcome.stderr.splitlines()) == 1
    for word in words:
        assert word in outcome.stderr


def test_every_command_of_the_table_is_there_with_its_help() -> None:
    for words, row in rows():
        importlib.import_module(f"billfold.cli.commands.{row.module}")
        *path, name = words.split()
        group = launcher.ROOT.groups[path[0]] if path else launcher.ROOT

        command = group.commands[name]

        assert isinstance(command, launcher.ReadyCommand), words
        assert (command.name, command.help) == (name, row.help)


def test_every_module_of_commands_is_in_the_table() -> None:
    modules = {path.stem for path in MODULES.glob("[a-z]*.py")}

    assert modules == {row.module for _, row in rows()}


def test_every_kind_of_import_has_its_command() -> None:
    group = COMMANDS["import"]

    assert isinstance(group, GroupRow)
    assert tuple(group.commands) == import_fields.KINDS


def test_each_module_of_commands_can_be_imported_alone(tmp_path: Path) -> None:
    simple = sorted({row.module for _, row in rows() if row.needs is Needs.NOTHING})
    others = sorted({row.module for _, row in rows()} - set(simple))
    assert simple
    assert others
    settings = {"DJANGO_SETTINGS_MODULE": "billfold.config.settings"}

    for title, names in (("with Django", others), ("without", simple)):
        outcome = run("-c", LOADED_ALONE, title, *names, state=tmp_path / "none", **settings)

        assert (outcome.returncode, outcome.stdout, outcome.stderr) == (0, "", "")


def test_help_needs_no_django_and_no_database(tmp_path: Path) -> None:
    groups = [name for name, row in COMMANDS.items() if isinstance(row, GroupRow)]
    typed = ["--help", "-h", *(f"{group} --help" for group in groups), "bank check --help"]

    outcome = run("-c", LOADED_BY, *typed, state=tmp_path / "none")

    loaded = json.loads(outcome.stderr)
    packages = {name.partition(".")[0] for name in loaded["modules"]}
    assert loaded["codes"] == [0] * len(typed)
    assert packages & {"django", "psycopg", "billfold", "click"} == {"billfold", "click"}
    assert "billfold.platform.postgres.server" not in loaded["modules"]
    assert not (tmp_path / "none").exists()
    for words, row in rows():
        assert row.help[:30] in outcome.stdout, words
    assert "plain or gzipped; - is the input" in outcome.stdout


def test_help_of_a_command_starts_no_database(tmp_path: Path) -> None:
    typed = [f"{words} --help" for words, row in rows() if row.needs is not Needs.NOTHING]

    outcome = run("-c", LOADED_BY, *typed, state=tmp_path)

    assert json.loads(outcome.stderr)["codes"] == [0] * len(typed)
    assert list(tmp_path.iterdir()) == []


TYPED_WRONGLY = (
    ("", "Missing command"),
    ("bnak", "No such command 'bnak'"),
    ("bank", "Missing command"),
    ("bank chekc", "No such command 'chekc'"),
    ("bank check", "FILE"),
    ("staff add", "EMAIL"),
    ("staff add a@b.example --role king", "'king' is not one of 'clerk', 'treasurer'"),
    ("verify --js", "No such option '--js'"),
    ("verify more", "more"),
    ("export payments", "--since"),
    ("export payments --since 2026-11-16", "'2026-11-16' is not a cursor"),
    (f"export fees --since {'9' * 19}", "is not a cursor"),
    ("serve --workers 0", "'0' is not a whole number of 1 or more"),
    ("simulate day --days 401", "'401' is not a number from 1 to 400"),
    ("demo --port 65536", "'65536' is not a port from 1 to 65535"),
    ("demo --state", "Option '--state' requires an argument"),
    ("demo --state --fresh", "Option '--state' requires an argument"),
    ("hold off --why --yes", "Option '--why' requires an argument"),
)


@pytest.fixture(scope="module")
def misuse(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[dict[str, subprocess.CompletedProcess[str]], Path]:
    """Type each command that is wrong; give what came of it, and the state directory."""
    state = tmp_path_factory.mktemp("state")
    typed = [typed for typed, _ in TYPED_WRONGLY]
    outcomes = run_in_one_process([each.split() for each in typed], state=state)
    return dict(zip(typed, outcomes, strict=True)), state


@pytest.mark.parametrize(("typed", "words"), TYPED_WRONGLY)
def test_a_command_typed_wrongly_is_one_line_and_starts_nothing(
    misuse: tuple[dict[str, subprocess.CompletedProcess[str]], Path], typed: str, words: str
) -> None:
    outcomes, state = misuse

    assert_misused(outcomes[typed], words, "see `billfold ")
    assert list(state.iterdir()) == []


def test_what_is_missing_is_not_asked_for_where_nobody_sits(tmp_path: Path) -> None:
    outcome = billfold("init", "--biller", "cedarline", state=tmp_path)

    assert_misused(outcome, "billfold init: --name is missing")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "typed",
    [
        "--state {} verify",
        "verify --state {}",
        "biller --state={} list",
        "staff list --json --state {}",
    ],
)
def test_the_state_directory_is_named_before_or_after_the_command(
    tmp_path: Path, typed: str
) -> None:
    named = tmp_path / "named"

    outcome = billfold(*typed.format(named).split(), state=tmp_path / "other")

    assert outcome.returncode == 1
    assert outcome.stderr.startswith(f"billfold: There is no installation in {named}: ")
    assert len(outcome.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_file_may_be_called_like_the_option_after_two_dashes(tmp_path: Path) -> None:
    outcome = billfold("bank", "check", "--json", "--", "--state", state=tmp_path)

    assert outcome.returncode == 1
    assert json.loads(outcome.stdout)["file"] == "--state"


def test_an_option_may_have_a_value_that_begins_with_a_dash() -> None:
    command = launcher.ReadyCommand("try", params=[click.Option(["--why"])], callback=print)

    for value in ("-", "-1", "-1.50", "- moved -"):
        with command.make_context("try", ["--why", value]) as context:
            assert context.params == {"why": value}


# -- At a terminal -----------------------------------------------------------------------------


class Terminal:
    """A command at a terminal, with somebody in front of it."""

    def __init__(self, *words: str, **changes: str) -> None:
        self.screen, end = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", AT_A_TERMINAL, *words],
            env=environment(**changes),
            stdin=end,
            stdout=end,
            stderr=end,
            start_new_session=True,
        )
        os.close(end)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.screen)

    def answer(self, question: str, answer: str) -> None:
        """Wait for a question, and type the answer to it."""
        self.wait_for(question)
        os.write(self.screen, answer.encode())

    def wait_for(self, question: str) -> None:
        text = ""
        while not text.endswith(f"{question}: "):
            assert select.select([self.screen], [], [], 60)[0], text
            text += os.read(self.screen, 1_000).decode()

    def press_ctrl_c(self) -> None:
        """Press Ctrl-C; again if it came just before Python began to read, which overlooks it."""
        while self.process.poll() is None:
            os.write(self.screen, b"\x03")
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=BETWEEN_KEYS_SECONDS)

    def end(self) -> tuple[int, str]:
        """Wait for the end; give the exit code and what was printed last."""
        text = ""
        with suppress(OSError):  # Linux says so when the last writer has gone.
            while part := os.read(self.screen, 1_000):
                text += part.decode()
        code = self.process.wait(timeout=HUNG_AFTER_SECONDS)
        return code, text.replace("\r\n", "\n").strip()


def test_whoever_sits_there_is_asked_and_can_leave(tmp_path: Path) -> None:
    state = str(tmp_path / "state")

    with Terminal("init", "--name", "Cedarline", BILLFOLD_STATE=state) as terminal:
        terminal.answer("Short name of the biller, as cedarline", " \n")
        terminal.answer("Short name of the biller, as cedarline", "cedarline\n")
        terminal.wait_for("Name in its address")
        terminal.press_ctrl_c()

        assert terminal.end()[0] == 130
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def served(desk: tenancy.Biller) -> dict[str, str]:
    """Give a command the suite's server, where Import Desk is a biller."""
    names = (*SETTINGS.values(), "BILLFOLD_STATE", "BILLFOLD_MODE")
    return {name: os.environ[name] for name in names}


@pytest.mark.parametrize(
    ("again", "code", "text", "people"),
    [
        (
            "fifteen letters or less",
            1,
            "billfold: The two passwords differ: run the command again.",
            0,
        ),
        (
            "fifteen letters or more",
            0,
            "import_desk: ann@desk.example may sign in as clerk.",
            1,
        ),
    ],
)
def test_a_password_is_typed_twice(
    desk: tenancy.Biller, served: dict[str, str], again: str, code: int, text: str, people: int
) -> None:
    password = "fifteen letters or more"
    command = ["staff", "add", "ann@desk.example", "--biller", desk.schema]

    with Terminal(*command, **served) as terminal:
        terminal.answer("Name", "Ann Ito\n")
        terminal.answer("Password for ann@desk.example, 15 characters or more", f"{password}\n")
        terminal.answer("The same again", f"{again}\n")

        assert terminal.end() == (code, text)
    with tenancy.use(desk):
        staff = Person.objects.filter(name="Ann Ito", email="ann@desk.example")
        assert [person.check_password(password) for person in staff] == [True] * people


@pytest.mark.parametrize(
    ("word", "code", "text"),
    [
        ("yes", 1, "billfold: Not confirmed: nothing was changed."),
        ("import_desk", 0, "import_desk: HOLD is lifted."),
    ],
)
def test_hold_is_lifted_only_once_the_biller_was_typed(
    desk: tenancy.Biller, served: dict[str, str], word: str, code: int, text: str
) -> None:
    command = ["hold", "off", "--biller", desk.schema, "--why", "it is over"]

    with Terminal(*command, **served) as terminal:
        terminal.answer(f"Type {desk.schema} to go on", f"{word}\n")

        assert terminal.end() == (code, f"{word}\n{text}")
