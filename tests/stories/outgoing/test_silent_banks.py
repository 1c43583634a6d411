"""A bank that keeps silent holds up nobody else, and is left alone for longer and longer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import asyncssh
import pytest
from django.db import connection

from billfold import jobs
from billfold.banking import sftp
from billfold.banking.models import BankConnection
from billfold.platform import clock, far_sides, gate, tenancy
from billfold.platform.far_sides import Contact
from billfold.platform.models import Silence
from billfold.platform.tenancy import Biller
from billfold.worker import calls, loop
from tests import databases, environment, privilege
from tests.conftest import MONDAY, add_blank
from tests.waiting import HUNG_AFTER_SECONDS, wait_until
from tests.world import World, eastern

CUTOFF = eastern(2026, 11, 16, 17)
BILLERS = 20


@dataclass
class SilentServer:
    """A server that takes each call and never says a word."""

    place: Path
    listener: socket.socket
    calls: list[socket.socket] = field(default_factory=list)
    hangs_up: bool = False

    def accept(self) -> None:
        with suppress(OSError):
            while True:
                self.calls.append(self.listener.accept()[0])
                if self.hangs_up:
                    self.calls[-1].close()

    def setting(self) -> dict[str, object]:
        return {
            "kind": "sftp",
            "host": "127.0.0.1",
            "port": self.listener.getsockname()[1],
            "username": "cedarline",
            "key_file": str(self.place / "key"),
            "known_hosts_file": str(self.place / "known_hosts"),
            "to_bank": "/to_bank",
            "from_bank": "/from_bank",
        }

    def hang_up(self) -> None:
        """End every call, and take no other."""
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for call in self.calls:
            call.close()


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[SilentServer]:
    """Listen, and say nothing."""
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(tmp_path / "key"))
    (tmp_path / "known_hosts").write_text("")
    server = SilentServer(tmp_path, socket.create_server(("127.0.0.1", 0), backlog=64))
    thread = threading.Thread(target=server.accept)
    thread.start()
    yield server
    server.hang_up()
    thread.join(HUNG_AFTER_SECONDS)


@dataclass(frozen=True)
class Line:
    """A biller with one released file, and the folders of its bank."""

    biller: Biller
    folder: Path

    def use_bank(self, server: SilentServer) -> None:
        """Let the bank be one that keeps silent."""
        with tenancy.use(self.biller), privilege.every_right():
            BankConnection.objects.update(transport=server.setting())

    def has_sent(self) -> bool:
        return any((self.folder / "to_bank").glob("*.ach"))

    def document(self) -> Path:
        return self.folder / "from_bank" / "PRIOR.txt"

    def has_fetched(self) -> bool:
        return not self.document().exists()

    def on_its_way(self) -> list[str]:
        """List the calls that hold a lock."""
        with tenancy.no_biller(), connection.cursor() as cursor:
            cursor.execute(gate._INSIDE, [f"{self.biller.schema}/gate"])
            return [label for (label,) in cursor.fetchall()]

    def silences(self) -> dict[str, tuple[datetime, datetime]]:
        """Give since when each job got no answer, and when it tries again."""
        with tenancy.use(self.biller):
            rows = Silence.objects.values_list("job", "since", "next_try_at")
            return {job: (since, moment) for job, since, moment in rows}

    def forget_silences(self) -> None:
        with tenancy.use(self.biller):
            Silence.objects.all().delete()


@pytest.fixture(scope="module")
def lines(
    django_db_setup: object, django_db_blocker: object, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Line]]:
    """Make twenty billers, each with a released file and a bank of its own."""
    place = tmp_path_factory.mktemp("banks")
    schemas = [f"line_{number:02}" for number in range(BILLERS)]
    with django_db_blocker.unblock():
        clock.move_to(MONDAY)
        first = add_blank(schemas[0])
        with tenancy.use(first):
            world = World(first, place / schemas[0], MONDAY)
            world.pay(world.invoice("CL-1", "120.00"))
            jobs.cut_off(CUTOFF)
            world.release_all(CUTOFF)
        databases.dump_biller(environment.SERVER, first.schema).copy(*schemas[1:])
        for schema in schemas[1:]:
            for folder in ("to_bank", "from_bank", "taken"):
                (place / schema / folder).mkdir(parents=True)
        yield [Line(tenancy.biller(schema), place / schema) for schema in schemas]
        connection.close()
        for schema in schemas:
            databases.remove_biller(environment.SERVER, schema)
        clock.move_to(MONDAY)


@pytest.fixture(autouse=True)
def unblocked(lines: list[Line], django_db_blocker: object) -> Iterator[None]:
    """Work without a transaction around the test: others must see what is written."""
    with django_db_blocker.unblock():
        clock.move_to(CUTOFF)
        yield


@contextmanager
def working(silent: SilentServer) -> Iterator[None]:
    """Let a worker run in a thread, and a silent bank be silent for as long as the test takes."""
    stop = threading.Event()
    thread = threading.Thread(target=loop.work, args=(stop,))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sftp, "DEADLINE_SECONDS", HUNG_AFTER_SECONDS)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            silent.hang_up()
            thread.join(HUNG_AFTER_SECONDS)


def test_promise_14_nineteen_files_are_at_their_banks_while_a_silent_one_waits(lines, silent):
    mute, others = lines[0], lines[1:]
    mute.use_bank(silent)

    with working(silent):
        for line in others:
            wait_until(line.has_sent, f"{line.biller.schema} has sent")

        [on_its_way] = mute.on_its_way()
        assert on_its_way.startswith("send ")
        assert len(silent.calls) == 1


def test_promise_14_more_silent_banks_than_places_hold_up_nobody(lines, silent):
    """They are called first, and nobody knows yet that they are silent."""
    mute, others = lines[: calls.PLACES + 2], lines[calls.PLACES + 2 :]
    for line in mute:
        line.use_bank(silent)
    for line in others:
        line.document().write_text("something")

    with working(silent):
        for line in others:
            wait_until(line.has_fetched, f"{line.biller.schema} has fetched")

        wait_until(lambda: len(silent.calls) == len(mute), "each silent bank is called")


def look_around(lines: Sequence[Line]) -> None:
    """Make each call that is due, as a worker that knows nothing yet."""
    dispatcher = calls.Dispatcher()
    billers = [line.biller for line in lines]
    wait_until(lambda: not dispatcher.look(billers), "every call has begun")
    dispatcher.under_way.end()


def test_a_silent_bank_is_left_alone_for_longer_and_longer(lines, silent):
    silent.hangs_up = True
    mute = lines[0]
    mute.use_bank(silent)
    mute.forget_silences()
    for seconds in (15, 30, 60, 120, 240, 480, 600, 600):
        before = len(silent.calls)
        called_at = clock.now()
        look_around([mute])
        ended_at = clock.now()

        assert len(silent.calls) == before + 2
        for _, next_try_at in mute.silences().values():
            wait = timedelta(seconds=seconds)
            assert called_at + wait <= next_try_at <= ended_at + wait

        look_around([mute])
        assert len(silent.calls) == before + 2
        clock.move_to(max(next_try_at for _, next_try_at in mute.silences().values()))


def test_the_first_answer_ends_a_silence(lines, silent):
    silent.hangs_up = True
    line = lines[-1]
    with tenancy.use(line.biller):
        transport = BankConnection.objects.get().transport
    line.use_bank(silent)
    look_around([line])
    assert "fetch" in line.silences()

    with tenancy.use(line.biller), privilege.every_right():
        BankConnection.objects.update(transport=transport)
    clock.move_to(clock.now() + timedelta(seconds=16))
    look_around([line])

    assert line.silences() == {}


def test_a_call_goes_on_after_its_kept_connection_was_lost(lines, silent, caplog):
    """The server may begin anew between two calls of a thread."""
    line = lines[-1]
    line.forget_silences()
    dispatcher = calls.Dispatcher()
    for _ in range(2):
        line.document().write_text("something")
        dispatcher._due_at.clear()

        def is_fetched() -> bool:
            dispatcher.look([line.biller])
            return line.has_fetched()

        wait_until(is_fetched, "the document is fetched")
        databases.end_other_sessions(environment.SERVER)
    dispatcher.under_way.end()

    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_promise_28_on_hold_nobody_is_called_but_to_fetch(lines):
    line = lines[0]
    line.forget_silences()
    held = replace(line.biller, state="hold")

    open_calls = [call.job.name for call in calls.Dispatcher()._due_calls(line.biller)]
    assert set(open_calls) == {"send", "fetch"}
    assert [call.job.name for call in calls.Dispatcher()._due_calls(held)] == ["fetch"]


def test_silent_banks_share_few_places(lines, silent):
    """Those who are known to be silent never take the places of the others."""
    mute = lines[: calls.PLACES_FOR_SILENT + 2]
    for line in mute:
        line.use_bank(silent)
        with tenancy.use(line.biller):
            for job in ("send", "fetch"):
                far_sides.record(job, "Operating", Contact("no answer"), now=MONDAY)
    dispatcher = calls.Dispatcher()
    billers = [line.biller for line in mute]

    def are_called() -> bool:
        has_more = dispatcher.look(billers)
        return has_more and len(silent.calls) >= calls.PLACES_FOR_SILENT

    wait_until(are_called, "as many as may be are called")
    assert dispatcher.look(billers)
    silent.hang_up()
    dispatcher.under_way.end()
    assert len(silent.calls) == calls.PLACES_FOR_SILENT


def test_two_workers_never_call_one_bank_at_a_time(lines, silent):
    line = lines[0]
    line.use_bank(silent)
    line.forget_silences()
    first = calls.Dispatcher()
    first.look([line.biller])
    wait_until(lambda: len(silent.calls) == 1, "the bank is called")

    look_around([line])

    assert len(silent.calls) == 1
    silent.hang_up()
    first.under_way.end()
