"""`billfold demo`: a whole installation under one roof, from its database to its web pages."""

import fcntl
import http.client
import os
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TextIO

import click

from billfold.cli import child_processes, launcher, mode
from billfold.cli.child_processes import ChildProcess
from billfold.cli.refusal import CommandRefused
from billfold.cli.whole_number import WholeNumber
from billfold.platform import state_directory
from billfold.platform.postgres.errors import StartCanceled
from billfold.platform.postgres.server import PrivateServer

HOST: Final = "127.0.0.1"
HEALTHY_WITHIN_SECONDS: Final = 60.0
PORT_FREE_WITHIN_SECONDS: Final = 3.0
CHILDREN_END_WITHIN_SECONDS: Final = 1.5
EARLY_ENDS_AT_MOST: Final = 3
"""How often in a row a process may end soon after its start before it is given up."""
TICK_SECONDS: Final = 0.05


@launcher.command("demo")
@click.option(
    "--port",
    type=WholeNumber("a port from 1 to 65535", 1, 65_535),
    default=8000,
    metavar="PORT",
    help="where it answers (default 8000)",
)
@click.option("--fresh", is_flag=True, help="forget what the last demo did")
def run_demo(port: int, fresh: bool) -> None:
    """Run a demo until stopped."""
    place = state_directory.default()
    request = StopRequest()
    with only_demo(place) as stale_pids:
        was_killed = child_processes.end_stale(stale_pids.read())
        wait_for_port(port, within_seconds=PORT_FREE_WITHIN_SECONDS * was_killed)
        if fresh:
            forget(place)
        mark(place)
        os.environ["BILLFOLD_MODE"] = "demo"
        os.environ["BILLFOLD_STATE"] = str(place)
        with suppress(DemoStopped):
            Demo(place, port, request, stale_pids).run()
        report("Stopped.")


class DemoStopped(Exception):
    """Somebody asked the demo to stop."""


class StopRequest:
    """Remembers that Ctrl-C or SIGTERM came, from the first moment on."""

    def __init__(self) -> None:
        self.has_come = False
        self.on_coming: Callable[[], None] = lambda: None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._come)

    def _come(self, _number: int, _frame: object) -> None:
        self.has_come = True
        self.on_coming()

    def check(self) -> None:
        """Stop the demo if a request has come. Raises: DemoStopped."""
        if self.has_come:
            raise DemoStopped


class Pids:
    """The processes of the demo that holds the lock, for the one that comes after a crash."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def read(self) -> list[int]:
        self._file.seek(0)
        return [int(word) for word in self._file.read().split() if word.isdecimal()][1:]

    def write(self, children: list[int]) -> None:
        """Record ourselves first, then the children."""
        self._file.seek(0)
        self._file.truncate()
        self._file.write(" ".join(str(pid) for pid in (os.getpid(), *children)))
        self._file.flush()


@contextmanager
def only_demo(place: Path) -> Iterator[Pids]:
    """Hold the state directory against a second demo.

    Raises: CommandRefused.
    """
    refuse_foreign(place)
    state_directory.create_if_missing(place)
    with (place / "demo.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            pid = lock.read().split(" ")[0] or "?"
            raise CommandRefused(
                f"A demo already runs in {place} (process {pid}): stop it, "
                "or give this one a place of its own with --state DIR."
            ) from None
        yield Pids(lock)


def refuse_foreign(place: Path) -> None:
    """Refuse a directory that is not a demo's: --fresh would empty it.

    Raises: CommandRefused.
    """
    recorded = mode.read(place)
    if recorded == "live" or os.environ.get("BILLFOLD_MODE") == "live":
        raise CommandRefused(
            f"{place} is a live installation: choose another place with --state DIR."
        )
    known = {"demo.lock", "postgres", "keys", "bank", "clock"}
    if recorded != "demo" and place.exists():
        if not place.is_dir():
            raise CommandRefused(f"{place} is not a folder: choose another place with --state DIR.")
        foreign = sorted({path.name for path in place.iterdir()} - known)
        if foreign:
            raise CommandRefused(
                f"{place} holds other things ({foreign[0]}): choose an empty folder with --state."
            )


def mark(place: Path) -> None:
    (place / mode.FILE).write_text("demo\n")


def forget(place: Path) -> None:
    """Empty the state directory of a demo.

    Raises: CommandRefused, InUse.
    """
    if os.environ.get("DATABASE_URL"):
        raise CommandRefused(
            "--fresh leaves the server that DATABASE_URL names alone: empty that database "
            "yourself and start without --fresh."
        )
    mark(place)
    PrivateServer(place).remove()
    for path in place.iterdir():
        if path.name in ("demo.lock", mode.FILE):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def wait_for_port(port: int, *, within_seconds: float) -> None:
    """Make sure that we can listen there; a killed demo's server may need a moment to let go.

    Raises: CommandRefused.
    """
    give_up_at = time.monotonic() + within_seconds
    while not is_free(port):
        if time.monotonic() >= give_up_at:
            raise CommandRefused(
                f"Port {port} is in use or not allowed: stop the program that has it, "
                f"or choose another with --port {port + 1 if port < 65535 else 8000}."
            )
        time.sleep(TICK_SECONDS)


def is_free(port: int) -> bool:
    for family, host in ((socket.AF_INET, HOST), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, port))
        except OSError:
            if family == socket.AF_INET or _answers(host, port):
                return False
    return True


def _answers(host: str, port: int) -> bool:
    """Tell whether somebody listens; a machine without IPv6 has nobody there."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


class Demo:
    """The supervisor: everything it starts it also ends."""

    def __init__(self, place: Path, port: int, request: StopRequest, pids: Pids) -> None:
        self.place = place
        self.port = port
        self.request = request
        self.pids = pids
        self.logs = place / "logs"
        self.children: list[ChildProcess] = []
        self.cluster: PrivateServer | None = None

    def run(self) -> None:
        """Start, watch until asked to stop, end.

        Raises: CommandRefused, DemoStopped.
        """
        self.logs.mkdir(mode=0o700, exist_ok=True)
        try:
            self._start_database()
            self._finish("migrate", "Preparing the database")
            sign_ins = self._finish("demo-data", "Loading the sample biller")
            self._start_processes()
            self._announce(sign_ins)
            while True:
                self._watch()
        finally:
            child_processes.end_all(self.children, within_seconds=CHILDREN_END_WITHIN_SECONDS)
            self.pids.write([])
            if self.cluster is not None:
                self.cluster.stop()

    def _start_database(self) -> None:
        self.request.check()
        if os.environ.get("DATABASE_URL"):
            return
        report("Starting PostgreSQL ...")
        self.cluster = PrivateServer(self.place)
        self.request.on_coming = self.cluster.cancel
        try:
            self.cluster.start()
        except StartCanceled:
            raise DemoStopped from None
        os.environ |= self.cluster.addresses()

    def _finish(self, command: str, title: str) -> str:
        """Run one command to its end and return what it printed."""
        self.request.check()
        report(f"{title} ...")
        output = self.logs / f"{command}.log"
        output.unlink(missing_ok=True)
        child = ChildProcess(command, [command], log=output)
        self.children.append(child)
        self._record()
        began_at, reported_seconds = time.monotonic(), 0
        while not child.has_ended:
            self.request.check()
            seconds = int(time.monotonic() - began_at)
            if seconds >= reported_seconds + 5:
                reported_seconds = seconds
                report(f"{title} ... {seconds} s")
            time.sleep(TICK_SECONDS)
        self.children.remove(child)
        self.request.check()
        if child.process.returncode != 0:
            raise CommandRefused(f"{title} failed: {child.last_line()} (see {output})")
        return output.read_text()

    def _start_processes(self) -> None:
        web = ["serve", "--bind", f"{HOST}:{self.port}", "--workers", "1", "--grace-seconds", "1"]
        report("Starting the web server, the worker and the simulated bank ...")
        bank = ["simulate", "bank"]
        for name, arguments in (("web", web), ("worker", ["worker"]), ("bank", bank)):
            log = self.logs / f"{name}.log"
            log.unlink(missing_ok=True)
            self.children.append(ChildProcess(name, arguments, log=log))
            self._record()
        give_up_at = time.monotonic() + HEALTHY_WITHIN_SECONDS
        while not is_healthy(self.port):
            self.request.check()
            self._refuse_ended()
            if time.monotonic() > give_up_at:
                raise CommandRefused(
                    f"The web server does not answer: see {self.logs / 'web.log'}."
                )
            time.sleep(TICK_SECONDS)

    def _announce(self, sign_ins: str) -> None:
        report(f"\nBillfold is at http://localhost:{self.port}/\n")
        report(sign_ins.strip())
        report(f"\nState and logs: {self.place}\nCtrl-C stops everything.")

    def _watch(self) -> None:
        """Look after what runs: what has died is started again, unless it keeps dying."""
        self.request.check()
        time.sleep(TICK_SECONDS)
        self.request.check()
        if self.cluster is not None and not self.cluster.is_running():
            report("PostgreSQL has ended: starting it again ...")
            self.cluster.start()
        for child in self.children:
            if child.has_ended:
                if child.early_ends >= EARLY_ENDS_AT_MOST:
                    self._refuse_ended()
                report(f"The {child.name} process has ended: starting it again ...")
                child.restart()
                self._record()

    def _refuse_ended(self) -> None:
        for child in self.children:
            if child.has_ended:
                raise CommandRefused(
                    f"The {child.name} process has ended: {child.last_line()} (see {child.log})"
                )

    def _record(self) -> None:
        self.pids.write([child.process.pid for child in self.children])


def is_healthy(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=1)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def report(text: str) -> None:
    """Print for the person who started the demo; one who has gone away does not stop it."""
    with suppress(BrokenPipeError):
        print(text, flush=True)
