"""The operating page is walked: its commands, in its order, on an empty state."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from billfold.platform.postgres import errors
from billfold.platform.postgres.logins import SETTINGS, Login
from billfold.platform.postgres.server import SUPERUSER, USERS, PrivateServer
from tests.places import PROJECT
from tests.ports import free_port
from tests.waiting import HUNG_AFTER_SECONDS

OURS = {*SETTINGS.values(), "BILLFOLD_STATE", "BILLFOLD_MODE", "BILLFOLD_FAULT"}
PASSWORD = "fifteen letters or more"
CURL = """\
#!{python}
import sys, time, urllib.request
url = sys.argv[-1]
host = sys.argv[sys.argv.index("-H") + 1].partition(": ")[2]
give_up_at = time.monotonic() + {seconds}
while time.monotonic() < give_up_at:
    try:
        request = urllib.request.Request(url, headers={{"Host": host}})
        print(urllib.request.urlopen(request, timeout={seconds}).read().decode(), end="")
        break
    except ConnectionError:
        time.sleep(0.2)
    except urllib.error.URLError as refused:
        if not isinstance(refused.reason, ConnectionError):
            raise
        time.sleep(0.2)
else:
    sys.exit(7)
"""
HOLD_ON = re.compile(r"^billfold hold on .*$", re.MULTILINE)
WORKER_SEES_IT = 'until grep -q "is on HOLD" log; do sleep 0.1; done'


@dataclass(frozen=True)
class Block:
    """One fenced block of the page that is marked for the walk."""

    marks: tuple[str, ...]
    text: str

    @property
    def touches_the_database(self) -> bool:
        """Tell whether a server of one's own might make a difference."""
        words = ("init", "backup", "migrate")
        return any(f"billfold {word}" in self.text for word in words) or "restore" in self.marks


def blocks() -> list[Block]:
    page = (PROJECT / "docs" / "operating.md").read_text()
    fences = re.findall(r"^```sh walk([^\n]*)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return [Block(tuple(marks.split()), text) for marks, text in fences]


@dataclass
class Machine:
    """An empty machine's worth of state, with `billfold` and `curl` on its path."""

    place: Path
    environment: dict[str, str]
    second_database: dict[str, str] = field(default_factory=dict)
    port: int = 0
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.port = free_port()
        programs = self.place / "bin"
        programs.mkdir()
        command = f'#!/bin/sh\nexec "{sys.executable}" -m billfold "$@"\n'
        curl = CURL.format(python=sys.executable, seconds=HUNG_AFTER_SECONDS)
        for name, text in (("billfold", command), ("curl", curl)):
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        kept = {name: value for name, value in os.environ.items() if name not in OURS}
        self.environment = kept | {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHONPATH": str(PROJECT),
            "BILLFOLD_STATE": str(self.place / "state"),
            "BILLFOLD_MAIL_PORT": "1",
            **self.environment,
        }
        for name in ("first-password", "second-password"):
            (self.place / name).write_text(f"{PASSWORD}\n")
        bank = self.place / "bank"
        for folder in ("out", "in", "taken"):
            (bank / folder).mkdir(parents=True)
        profile = (PROJECT / "deploy" / "biller.toml").read_text()
        (self.place / "biller.toml").write_text(profile.replace("/srv/bank", str(bank)))
        (self.place / "customers.csv").write_text(
            "customer_number,name,email\n40-118-2207,Hollis & Wren,ap@hollis-wren.example\n"
        )

    def walk(self, block: Block) -> str:
        """Carry out a block as a person would type it; give what it printed."""
        text = block.text.replace("127.0.0.1:8000", f"127.0.0.1:{self.port}")
        environment = self.environment
        if "restore" in block.marks and self.second_database:
            environment = environment | self.second_database
        if "background" in block.marks:
            with (self.place / "log").open("ab") as log:
                self.running.append(
                    subprocess.Popen(
                        ["bash", "-c", f"exec {text}"],
                        cwd=self.place,
                        env=environment,
                        stdout=log,
                        stderr=log,
                    )
                )
            return ""
        if self.running:
            text = HOLD_ON.sub(rf"\g<0>\n{WORKER_SEES_IT}", text)
        outcome = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=self.place,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=HUNG_AFTER_SECONDS,
            check=False,
        )
        output = outcome.stdout + outcome.stderr
        assert outcome.returncode == 0, f"{block.text}\n{output}\n{self.log()}"
        return output

    def log(self) -> str:
        log = self.place / "log"
        return log.read_text() if log.exists() else ""

    def stop(self) -> None:
        for process in self.running:
            process.send_signal(signal.SIGTERM)
        for process in self.running:
            assert process.wait(HUNG_AFTER_SECONDS) == 0, self.log()
        self.running.clear()


@pytest.fixture
def place() -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="billfold-walk-"))
    place.chmod(0o711)
    yield place
    for state in ("state", "restored", "server"):
        with suppress(errors.Unavailable):
            PrivateServer(place / state).remove()
    shutil.rmtree(place)


def walk_through(machine: Machine, walked: list[Block]) -> str:
    output = []
    try:
        output = [machine.walk(block) for block in walked]
    finally:
        machine.stop()
    return "\n".join(output)


def assert_lived_through(output: str, machine: Machine) -> None:
    assert "priya@cedarline.example may sign in as treasurer" in output
    assert "keys are not in it" in output
    assert "Everything is on HOLD" in output
    after = output.partition("Everything is on HOLD")[2]
    assert "cedarline  HOLD" in after
    assert "no live mark" in after
    assert after.rindex("cedarline  OPEN") > after.rindex("cedarline  HOLD")
    assert "Traceback" not in output + machine.log()


def test_promise_28_the_operating_page_can_be_walked_with_the_private_server(place: Path) -> None:
    machine = Machine(place, {})

    output = walk_through(machine, blocks())

    assert_lived_through(output, machine)
    assert "cedarline  OPEN" in output.partition("Everything is on HOLD")[0]
    assert "One-time password, shown only here: " in output
    assert "\nok\n" in output
    assert "cedarline is on HOLD: nothing leaves" in machine.log()
    assert not PrivateServer(place / "state").is_running()


def test_promise_28_the_operating_page_can_be_walked_with_a_server_of_ones_own(
    place: Path,
) -> None:
    with PrivateServer(place / "server", durable=False) as cluster:
        subprocess.run(
            [
                cluster._programs / "createdb",
                f"--maintenance-db={cluster.dsn(user=SUPERUSER)}",
                f"--owner={USERS[Login.OWNER]}",
                "second",
            ],
            check=True,
        )
        machine = Machine(place, cluster.addresses(), second_database=cluster.addresses("second"))

        output = walk_through(machine, [block for block in blocks() if block.touches_the_database])

    assert_lived_through(output, machine)
