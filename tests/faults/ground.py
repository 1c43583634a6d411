"""Ground to kill on: one private PostgreSQL, a database for each case, and warm processes."""

from __future__ import annotations

import multiprocessing
import os
import re
import shutil
import signal
import time
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

from billfold.platform.postgres.server import OWNER, SUPERUSER, Cluster
from tests.faults import driver

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
GONE_WITHIN_SECONDS = 5.0
OWNED = sql.Identifier(OWNER)


class Died(Exception):
    """The process was killed while it acted."""


class Refused(Exception):
    """The act raised."""


class Ground:
    """The server, and the folder with what the bank has in each database's world."""

    def __init__(self, place: Path) -> None:
        place.chmod(0o711)
        self.place = place
        self.cluster = Cluster(place / "state")
        self.warm = multiprocessing.get_context("forkserver")
        self.warm.set_forkserver_preload([driver.__name__])

    def start(self) -> None:
        """Start a server that flushes each commit to the system, as a kill of it needs."""
        self.cluster.start()
        for name in ("fsync", "full_page_writes"):
            self.do(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(name)))
        self.do(sql.SQL("SELECT pg_reload_conf()"))

    def stop(self) -> None:
        self.cluster.stop()
        self.cluster.remove()

    def do(self, statement: sql.Composable) -> None:
        if not self.cluster.is_running():
            self.cluster.start()  # A test failed before it did.
        address = self.cluster.dsn("postgres", user=SUPERUSER)
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(statement)

    def world(self, name: str) -> World:
        return World(self, name)

    def new_world(self, name: str) -> World:
        """Make an empty database."""
        self.do(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), OWNED))
        return World(self, name)

    def kill(self) -> None:
        """Kill the server from outside, and wait until it is gone."""
        pid = int((self.cluster.data / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGKILL)
        self._wait_until_gone()

    def start_again(self) -> None:
        """Start the server that was killed; it recovers."""
        self._wait_until_gone()
        self.cluster.start()

    def _wait_until_gone(self) -> None:
        give_up_at = time.monotonic() + GONE_WITHIN_SECONDS
        while self.cluster.is_running():
            assert time.monotonic() < give_up_at, "the database was not killed"
            time.sleep(0.002)


@dataclass(frozen=True)
class World:
    """One database with the bank's folder that belongs to it."""

    ground: Ground
    name: str

    @property
    def folder(self) -> Path:
        return self.ground.place / "banks" / self.name

    def copy(self, name: str) -> World:
        """Copy database and folder. Nobody may be connected."""
        made = World(self.ground, name)
        self.ground.do(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(name), OWNED, sql.Identifier(self.name)
            )
        )
        if self.folder.exists():
            shutil.copytree(self.folder, made.folder)
            made.rows(
                """UPDATE cedarline.banking_bankconnection
                   SET transport = replace(transport::text, %s, %s)::jsonb RETURNING 1""",
                [f"/{self.name}/", f"/{name}/"],
            )
        return made

    @contextmanager
    def copied(self, name: str) -> Iterator[World]:
        """Give a copy that is gone afterwards."""
        made = self.copy(name)
        try:
            yield made
        finally:
            made.drop()

    def drop(self) -> None:
        self.ground.do(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(self.name)))
        shutil.rmtree(self.folder, ignore_errors=True)

    def rows(self, statement: str, values: list[object] | None = None) -> list[tuple[Any, ...]]:
        with self.connected() as connection:
            return connection.execute(statement.encode(), values).fetchall()

    def connected(self) -> psycopg.Connection[Any]:
        """Connect as nobody's application: to look, to change, or to be in the way."""
        url = self.ground.cluster.dsn(self.name, user=SUPERUSER)
        return psycopg.connect(url, options="-c search_path=cedarline")

    @contextmanager
    def process(self, fault: str = "", *, host: Path | None = None) -> Iterator[Process]:
        """Give a process that works on this database, over a socket in `host` if that is given."""
        made = Process(self, fault, host or self.ground.cluster.socket)
        try:
            yield made
        finally:
            made.end()


class Process:
    """A real process that can be told to act, and to die at a hook."""

    def __init__(self, world: World, fault: str, host: Path) -> None:
        environment = {
            "BILLFOLD_FAULT_POSTMASTER": str(world.ground.cluster.data / "postmaster.pid")
        }
        if fault:
            environment["BILLFOLD_FAULT"] = fault
        ours, theirs = world.ground.warm.Pipe()
        self.pipe: Connection = ours
        self.process: ForkServerProcess = world.ground.warm.Process(
            target=driver.serve,
            args=(theirs, {"NAME": world.name, "HOST": str(host)}, environment),
            daemon=True,
        )
        self.process.start()
        theirs.close()

    def ask(self, act: str, **arguments: object) -> Any:
        """Let it act. Raises: Died, Refused."""
        self.pipe.send((act, arguments))
        try:
            verdict, answer = self.pipe.recv()
        except EOFError:
            self.process.join()
            raise Died(self.process.exitcode) from None
        if verdict == "refused":
            raise Refused(answer)
        return answer

    def end(self) -> None:
        self.pipe.close()
        self.process.join()
        self.process.close()


def at_the_bank(world: World) -> Counter[str]:
    """Count what the bank was ever given, by name."""
    folders = [world.folder / "to_bank", world.folder / "taken"]
    return Counter(path.name for folder in folders for path in folder.iterdir())


def census(world: World) -> dict[str, list[tuple[Any, ...]]]:
    """Tell everything that matters of a world, so that two can be compared."""
    with world.connected() as connection:
        found = {
            name: _masked(connection.execute(statement.encode()).fetchall())
            for name, statement in _CENSUS.items()
        }
    found["at the bank"] = sorted(at_the_bank(world).items())
    return found


def _masked(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(tuple(UUID.sub("…", str(value)) for value in row) for row in rows)


_CENSUS = {
    "payments": "SELECT reference, state, amount_minor FROM payments_payment",
    "events": """SELECT p.reference, e.key, e.kind, e.on_date, e.code, e.outcome
                 FROM payments_paymentevent e JOIN payments_payment p ON p.id = e.payment_id""",
    "instructions": """SELECT p.reference, i.trace, i.amount_minor, i.is_live
                       FROM payments_instruction i
                       JOIN payments_payment p ON p.id = i.payment_id""",
    "files sent": """SELECT name, state, sha256, entry_count, debit_minor
                     FROM banking_bankfile WHERE direction = 'out'""",
    "files received": "SELECT name, kind, state FROM banking_bankfile WHERE direction = 'in'",
    "repeats": "SELECT name FROM banking_filerepeat",
    "approvals": "SELECT actor_name FROM banking_fileapproval",
    "lines": """SELECT as_of, type_code, amount_minor, explained_at IS NOT NULL
                FROM banking_deposit""",
    "transfers": """SELECT t.key, d.code, d.subject, c.code, c.subject, t.amount_minor,
                           t.effective_date, t.reason
                    FROM ledger_transfer t JOIN ledger_account d ON d.id = t.debit_id
                    JOIN ledger_account c ON c.id = t.credit_id""",
    "balances": """SELECT code, subject, debits_minor, credits_minor FROM ledger_account
                   WHERE subject <> ''""",
    "applications": """SELECT p.reference, i.number, a.amount_minor
                       FROM payments_application a JOIN payments_payment p ON p.id = a.payment_id
                       JOIN receivables_invoice i ON i.id = a.invoice_id""",
    "charges": "SELECT number, kind FROM receivables_invoice",
    "notices": "SELECT key, kind, to_email, sent_at IS NOT NULL FROM notices_notice",
    "cases": "SELECT key, kind, title FROM payments_case",
    "audit": "SELECT action, count(*) FROM platform_auditentry GROUP BY action",
}


@contextmanager
def prepared(place: Path) -> Iterator[Ground]:
    """Give ground with a running server."""
    ground = Ground(place)
    ground.start()
    try:
        yield ground
    finally:
        ground.stop()


def moment(day: int, hour: int, minute: int = 0) -> datetime:
    """Name a moment of November 2026 in Eastern time."""
    from tests.world import eastern

    return eastern(2026, 11, day, hour, minute)
