"""Nothing leaves on HOLD, and `hold on` answers once nothing is on its way any more."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence

import pytest
from django.core import mail
from django.db import connection

from billfold import jobs
from billfold.banking.models import BankFile
from billfold.cli import main
from billfold.platform import biller_directory, gate, tenancy
from billfold.platform.gate import GateClosed, OutwardAct, PassageLost
from billfold.platform.live_mark import MarkStatus
from tests import databases, environment, privilege, sftp_server
from tests.stories.installing.test_hold import OPERATOR
from tests.waiting import HUNG_AFTER_SECONDS, wait_until
from tests.world import World, eastern, run_job

CUTOFF = eastern(2026, 11, 16, 17)


def set_state(world: World, state: str) -> None:
    with privilege.every_right(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE public.biller SET state = %s WHERE schema = %s", [state, world.biller.schema]
        )


def left_by_the_bank(world: World) -> list[str]:
    return sorted(path.name for path in (world.folder / "from_bank").iterdir())


@pytest.fixture
def released(world: World) -> BankFile:
    """Give a file that is released and would leave with the next look."""
    world.pay(world.invoice("CL-1", "120.00"))
    world.now = CUTOFF
    jobs.cut_off(CUTOFF)
    world.release_all(CUTOFF)
    mail.outbox.clear()
    return BankFile.objects.get(direction="out")


def outward_acts(world: World) -> tuple[str, list[str], int]:
    """Do all that leaves, and give what left: the file's state, what the bank has, and mails."""
    (world.folder / "from_bank" / "PRIOR.txt").write_bytes(b"something")
    for job in ("send", "fetch", "mail"):
        run_job(job, CUTOFF)
    state = BankFile.objects.get(direction="out").state
    return state, sorted(p.name for p in (world.folder / "to_bank").iterdir()), len(mail.outbox)


def test_promise_28_hold_is_read_at_the_act_and_not_before(world, released):
    set_state(world, "hold")

    assert outward_acts(world) == ("released", [], 0)
    assert left_by_the_bank(world) == ["PRIOR.txt"]
    assert [file.name for file in BankFile.objects.filter(direction="in")] == ["PRIOR.txt"]

    set_state(world, "open")
    assert outward_acts(world)[:2] == ("sent", [released.name])
    assert left_by_the_bank(world) == []
    assert len(mail.outbox) > 0


def test_promise_28_on_hold_a_document_is_fetched_once(world, released, monkeypatch):
    set_state(world, "hold")
    outward_acts(world)
    (world.folder / "from_bank" / "PRIOR.txt").write_bytes(b"changed there")
    run_job("fetch", CUTOFF)

    assert BankFile.objects.filter(direction="in").count() == 1


def test_promise_28_a_copy_touches_nothing_at_the_bank(world, released, settings, tmp_path):
    settings.IS_LIVE, settings.STATE_DIR = True, tmp_path

    assert outward_acts(world) == ("released", [], 0)
    assert left_by_the_bank(world) == ["PRIOR.txt"]
    assert not BankFile.objects.filter(direction="in").exists()
    assert gate.mark_status() is not MarkStatus.MATCHES


def test_promise_28_hold_answers_once_nothing_is_on_its_way(outside_transaction):
    biller = tenancy.biller("harborpoint")
    is_inside, may_end = threading.Event(), threading.Event()
    acts: list[Sequence[str]] = []
    order: list[str] = []

    def upload() -> None:
        with tenancy.use(biller), gate.open(biller, OutwardAct.SEND, "ach-20261116-A.ach"):
            is_inside.set()
            assert may_end.wait(HUNG_AFTER_SECONDS)
            order.append("the file is at the bank")
        connection.close()

    def hold() -> None:
        biller_directory.hold(
            [biller],
            why="trouble",
            actor=OPERATOR,
            now=CUTOFF,
            on_wait=lambda _biller, labels: acts.append(labels),
        )
        order.append("HOLD is answered")
        connection.close()

    threads = [threading.Thread(target=upload), threading.Thread(target=hold)]
    threads[0].start()
    assert is_inside.wait(HUNG_AFTER_SECONDS)
    threads[1].start()
    wait_until(lambda: is_hold_waiting() or not threads[1].is_alive(), "HOLD waits at the gate")
    may_end.set()
    for thread in threads:
        thread.join(HUNG_AFTER_SECONDS)

    assert order == ["the file is at the bank", "HOLD is answered"]
    assert acts == [["send ach-20261116-A.ach"]]
    with tenancy.use(biller), pytest.raises(GateClosed), gate.open(biller, OutwardAct.MAIL):
        pass
    biller_directory.lift_hold([biller], why="over", actor=OPERATOR, now=CUTOFF)
    with tenancy.use(biller), gate.open(biller, OutwardAct.MAIL):
        pass


def test_promise_28_hold_on_says_by_json_what_it_waited_for(desk, monkeypatch, capsys):
    monkeypatch.setattr(main.signal, "signal", lambda *_: None)

    code = main.main(["hold", "on", "--biller", desk.schema, "--why", "trouble", "--json"])

    assert code == 0
    assert json.loads(capsys.readouterr().out) == {"hold": True, "waited_for": {desk.schema: []}}
    with tenancy.use(desk):
        assert gate.why_closed(desk, OutwardAct.SEND) == gate.ON_HOLD


def test_promise_14_an_upload_whose_lock_is_lost_is_left_unfinished(desk, tmp_path):
    """Another process could have begun anew, and HOLD could have answered."""
    with tenancy.use(desk), sftp_server.running(tmp_path / "sftp") as bank:
        world = World(biller=desk, folder=tmp_path / "bank", now=eastern(2026, 11, 16, 9))
        world.connection.transport = bank.setting()
        privilege.save(world.connection)
        world.pay(world.invoice("CL-1", "120.00"))
        jobs.cut_off(CUTOFF)
        world.release_all(CUTOFF)
        sender = connection.connection.info.backend_pid
        bank.on_write = lambda: databases.end_session(environment.SERVER, sender)

        with pytest.raises(PassageLost):
            run_job("send", CUTOFF)
        connection.close()
        file = BankFile.objects.get(direction="out")
        assert [path.name for path in bank.folder("to_bank").iterdir()] == [f"{file.name}.part"]
        assert file.state == "sending"

        bank.on_write = None
        run_job("send", CUTOFF)
        assert [path.name for path in bank.folder("to_bank").iterdir()] == [file.name]
        assert BankFile.objects.get(direction="out").state == "sent"


def is_hold_waiting() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT count(*) FROM pg_locks
               WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND NOT granted"""
        )
        return bool(cursor.fetchone()[0])
