"""A private PostgreSQL that may be killed, a database for each case, and warm processes."""

from __future__ import annotations

import multiprocessing
import os
import re
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from billfold.platform.postgres import processes
from billfold.platform.postgres.logins import Login
from billfold.platform.postgres.server import SUPERUSER, USERS, PrivateServer
from tests import databases, waiting
from tests.faults import driver

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Died(Exception):
    """The process was killed while it acted."""


class ActRaised(Exception):
    """What the process was to do raised an exception there."""


class Server:
    """The server, and the folder with what the bank has in each database's world."""

    def __init__(self, place: Path) -> None:
        place.chmod(0o711)
        self.place = place
        self.cluster = PrivateServer(place / "state")
        self.warm = multiprocessing.get_context("forkserver")
        self.warm.set_forkserver_preload([driver.__name__])

    def start(self) -> None:
        """Start a server that flushes each commit to the system, as a kill of it needs."""
        self.cluster.start()
        for name in ("fsync", "full_page_writes"):
            self.carry_out(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(name)))
        self.carry_out(sql.SQL("SELECT pg_reload_conf()"))

    def stop(self) -> None:
        self.cluster.stop()
        self.cluster.remove()

    def carry_out(self, statement: sql.Composable) -> None:
        self.start_if_killed()
        databases.carry_out(self.cluster, statement)

    def start_if_killed(self) -> None:
        """Start the server if a test failed before it did."""
        if not self.cluster.is_running():
            self.cluster.start()

    def world(self, name: str) -> WorldDatabase:
        return WorldDatabase(self, name)

    def new_world(self, name: str) -> WorldDatabase:
        """Make an empty database."""
        names = sql.Identifier(name), sql.Identifier(USERS[Login.OWNER])
        self.carry_out(sql.SQL("CREATE DATABASE {} OWNER {}").format(*names))
        return WorldDatabase(self, name)

    def kill(self) -> None:
        """Kill the server from outside, and wait until all its processes are gone."""
        lines = (self.cluster.data / "postmaster.pid").read_text().splitlines()
        pid, segment = int(lines[0]), lines[6].split()[-1]
        os.kill(pid, signal.SIGKILL)
        self._wait_until_gone()
        waiting.wait_until(lambda: not processes.uses_shared_memory(segment), "no backend is left")

    def start_again(self) -> None:
        """Start the server that was killed; it recovers."""
        self._wait_until_gone()
        self.cluster.start()

    def _wait_until_gone(self) -> None:
        waiting.wait_until(lambda: not self.cluster.is_running(), "the database was killed")


@dataclass(frozen=True)
class WorldDatabase:
    """One database with the bank's folder that belongs to it."""

    server: Server
    name: str

    @property
    def folder(self) -> Path:
        return self.server.place / "banks" / self.name

    def copy(self, name: str) -> WorldDatabase:
        """Copy database and folder. Nobody may be connected."""
        twin = WorldDatabase(self.server, name)
        self.server.start_if_killed()
        databases.copy(self.server.cluster, self.name, name)
        if self.folder.exists():
            shutil.copytree(self.folder, twin.folder)
            twin.rows(
                """UPDATE cedarline.banking_bankconnection
                   SET transport = replace(transport::text, %s, %s)::jsonb RETURNING 1""",
                [f"/{self.name}/", f"/{name}/"],
            )
        return twin

    @contextmanager
    def copied(self, name: str) -> Iterator[WorldDatabase]:
        """Give a copy that is gone afterwards."""
        twin = self.copy(name)
        try:
            yield twin
        finally:
            twin.drop()

    def drop(self) -> None:
        self.server.start_if_killed()
        databases.drop(self.server.cluster, self.name)
        shutil.rmtree(self.folder, ignore_errors=True)

    def rows(self, statement: str, values: list[object] | None = None) -> list[tuple[Any, ...]]:
        with self.connected() as connection:
            return connection.execute(statement.encode(), values).fetchall()

    def connected(self) -> psycopg.Connection[Any]:
        """Connect as nobody's application: to look, to change, or to be in the way."""
        url = self.server.cluster.dsn(self.name, user=SUPERUSER)
        return psycopg.connect(url, options="-c search_path=cedarline")

    @contextmanager
    def process(self, fault: str = "", *, host: Path | None = None) -> Iterator[Process]:
        """Give a process that works on this database, over the server's socket or one in `host`."""
        process = Process(self, fault, host or self.server.cluster.socket)
        try:
            yield process
        finally:
            process.end()


class Process:
    """A real process that carries out acts when asked, and dies at a fault hook."""

    def __init__(self, world: WorldDatabase, fault: str, host: Path) -> None:
        environment = {
            "BILLFOLD_FAULT_POSTMASTER": str(world.server.cluster.data / "postmaster.pid")
        }
        if fault:
            environment["BILLFOLD_FAULT"] = fault
        ours, theirs = world.server.warm.Pipe()
        self.pipe: Connection = ours
        self.process: ForkServerProcess = world.server.warm.Process(
            target=driver.serve,
            args=(theirs, {"NAME": world.name, "HOST": str(host)}, environment),
            daemon=True,
        )
        self.process.start()
        theirs.close()

    def ask(self, act: str, **arguments: object) -> Any:
        """Let it act. Raises: Died, ActRaised."""
        self.pipe.send((act, arguments))
        if not self.pipe.poll(waiting.HUNG_AFTER_SECONDS):
            self.process.kill()
            raise AssertionError(f"{act} never ended")
        try:
            verdict, answer = self.pipe.recv()
        except EOFError:
            self.process.join()
            raise Died(self.process.exitcode) from None
        if verdict == "raised":
            raise ActRaised(answer)
        return answer

    def end(self) -> None:
        self.pipe.close()
        self.process.join()
        self.process.close()


def at_the_bank(world: WorldDatabase) -> Counter[str]:
    """Count what the bank was ever given, by name."""
    folders = [world.folder / "to_bank", world.folder / "taken"]
    return Counter(path.name for folder in folders for path in folder.iterdir())


def census(world: WorldDatabase) -> dict[str, list[tuple[Any, ...]]]:
    """List everything that matters of a world, so that two can be compared."""
    with world.connected() as connection:
        lists = {
            name: _masked(connection.execute(statement.encode()).fetchall())
            for name, statement in _CENSUS.items()
        }
    lists["at the bank"] = sorted(at_the_bank(world).items())
    return lists


def _masked(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(tuple(UUID.sub("…", str(value)) for value in row) for row in rows)


_CENSUS = {
    "payments": "SELECT reference, state, amount_minor FROM payments_payment",
    "events": """SELECT subject, key, kind, on_date, code, outcome
                 FROM payments_subjectevent""",
    "instructions": """SELECT p.reference, i.trace, i.amount_minor, i.is_live
                       FROM payments_instruction i
                       JOIN payments_payment p ON p.id = i.payment_id""",
    "files sent": """SELECT name, state, sha256, entry_count, debit_minor
                     FROM banking_bankfile WHERE direction = 'out'""",
    "files received": "SELECT name, kind, state FROM banking_bankfile WHERE direction = 'in'",
    "repeats": "SELECT name FROM banking_filerepeat",
    "approvals": "SELECT actor_name FROM banking_fileapproval",
    "lines": """SELECT as_of, type_code, amount_minor, explained_at IS NOT NULL
                FROM banking_bankline""",
    "transfers": """SELECT t.key, d.code, d.subject, c.code, c.subject, t.amount_minor,
                           t.effective_date, t.reason
                    FROM ledger_transfer t JOIN ledger_account d ON d.id = t.debit_id
                    JOIN ledger_account c ON c.id = t.credit_id""",
    "balances": """SELECT code, subject, debits_minor, credits_minor FROM ledger_account
                   WHERE subject <> ''""",
    "applications": "SELECT source, target, amount_minor FROM ledger_application",
    "charges": "SELECT number, kind FROM receivables_invoice",
    "notices": "SELECT key, kind, to_email, sent_at IS NOT NULL FROM notices_notice",
    "cases": "SELECT key, kind, title FROM payments_case",
    "feed": "SELECT kind, count(*) FROM platform_feedrow GROUP BY kind",
    "audit": "SELECT action, count(*) FROM platform_auditentry GROUP BY action",
}


@contextmanager
def running(place: Path) -> Iterator[Server]:
    """Give a running server."""
    server = Server(place)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def moment(day: int, hour: int, minute: int = 0) -> datetime:
    """Name a moment of November 2026 in Eastern time."""
    from tests.world import eastern

    return eastern(2026, 11, day, hour, minute)
