"""Faults other than a kill: lost connections, deadlocks, many at once, mail and disk."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests import databases, waiting
from tests.faults import relay
from tests.faults.driver import GOOD
from tests.faults.server import ActRaised, Process, Server, WorldDatabase, moment

pytestmark = pytest.mark.faults
MORNING = moment(16, 9)


@pytest.fixture(scope="module")
def open_world(server: Server) -> WorldDatabase:
    """Make a world in which an invoice waits to be paid."""
    world = server.new_world("faults")
    with world.process() as process:
        process.ask("prepare", folder=str(world.folder), now=MORNING)
        process.ask("hang_up")
    return world


@pytest.fixture
def world(open_world: WorldDatabase) -> Iterator[WorldDatabase]:
    with open_world.copied("fault") as copy:
        yield copy


def payments(world: WorldDatabase) -> list[str]:
    rows = world.rows("SELECT reference || ' ' || id FROM payments_payment ORDER BY 1")
    return [row[0] for row in rows if row[0].startswith(GOOD)]


def test_promise_10_fifty_presses_at_once_make_one_payment(world):
    with world.process() as process:
        answers = process.ask("pay_at_once", reference=GOOD, now=MORNING, times=50)

    assert len(answers) == 50
    assert {answer.rpartition(" ")[0] for answer in answers} == set(payments(world))
    assert len(payments(world)) == 1
    assert sum(answer.endswith("True") for answer in answers) == 1
    assert world.rows("SELECT count(*) FROM payments_remittance") == [(2,)]
    assert world.rows("SELECT count(*) FROM notices_notice") == [(2,)]


def test_promise_10_two_web_processes_make_one_payment(world):
    answers: list[str] = []

    def press(process: Process) -> None:
        answers.extend(process.ask("pay_at_once", reference=GOOD, now=MORNING, times=10))

    with world.process() as one, world.process() as other:
        threads = [threading.Thread(target=press, args=(each,)) for each in (one, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(payments(world)) == 1
    assert len(answers) == 20
    assert {answer.rpartition(" ")[0] for answer in answers} == set(payments(world))


def test_promise_10_one_reference_for_two_requests_at_once_is_refused_to_one(world):
    with world.process() as process:
        answers = process.ask("pay_two_ways", now=MORNING)

    assert sorted(answers) == ["ReferenceReused", "paid"]


def test_promise_11_a_commit_whose_answer_was_lost_is_found_by_its_reference(server, world):
    with (
        TemporaryDirectory() as folder,
        relay.cut_at_commit(server.cluster.socket, Path(folder)) as cut,
        world.process(host=Path(folder)) as process,
    ):
        with pytest.raises(ActRaised, match="OperationalError"):
            process.ask("pay", reference=GOOD, now=MORNING)
        assert not cut.cuts_commit
        [committed] = payments(world)

        assert process.ask("pay", reference=GOOD, now=MORNING) == committed

    assert payments(world) == [committed]


def test_a_deadlock_is_tried_again_as_a_whole(server, world):
    with (
        world.process() as process,
        world.connected() as gate,
        world.connected() as other,
        ThreadPoolExecutor(2) as threads,
    ):
        other.execute("SET deadlock_timeout = '1h'")  # The payer is the one that looks for a ring.
        other.execute("SELECT 1 FROM receivables_customer FOR UPDATE")
        gate.execute("LOCK TABLE payments_payment IN ACCESS EXCLUSIVE MODE")
        paying = threads.submit(process.ask, "pay", reference=GOOD, now=MORNING)
        _wait_for_a_waiter(world, "payments_payment")
        # A table is handed over the moment the payer gives up; for a row it could be there again
        # before the other has woken.
        locking = threads.submit(other.execute, "LOCK TABLE receivables_invoice IN EXCLUSIVE MODE")
        _wait_for_a_waiter(world, "receivables_invoice")
        gate.rollback()  # The payer goes on to the customer and closes the ring, as the last.
        locking.result(waiting.HUNG_AFTER_SECONDS)
        other.rollback()
        paying.result()

    assert len(payments(world)) == 1
    assert _deadlocks(server, world) == 1


def _wait_for_a_waiter(world: WorldDatabase, table: str) -> None:
    waits = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = %s::regclass"
    waiting.wait_until(lambda: world.rows(waits, [table]), f"somebody waits for {table}")


def _deadlocks(server: Server, world: WorldDatabase) -> int:
    """Count the deadlocks there were, once everybody has left: who leaves hands in its count."""
    waiting.wait_until(lambda: not databases.sessions(server.cluster, world.name), "all have left")
    [(count,)] = world.rows(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    )
    return count


def test_a_page_says_503_while_the_database_is_away_and_works_again_afterwards(server, world):
    with world.process() as process:
        assert process.ask("look", path="/sign-in")["status"] == 200

        server.kill()
        answer = process.ask("look", path="/sign-in")
        assert answer["status"] == 503
        assert answer["headers"]["Retry-After"] == "5"
        assert "Nothing was lost" in answer["body"]
        assert "Traceback" not in answer["body"]

        server.start_again()
        assert process.ask("look", path="/sign-in")["status"] == 200


@pytest.mark.parametrize("hook", ["schedule_inside", "schedule_committed"])
def test_a_process_that_lost_its_database_serves_the_next_person(server, world, hook):
    with world.process(f"{hook}:kill-database") as process:
        try:
            process.ask("pay", reference=GOOD, now=MORNING)
        except ActRaised as raised:
            assert "OperationalError" in str(raised)
        server.start_again()
        for _ in range(2):
            assert process.ask("look", path="/sign-in")["status"] == 200


def test_a_read_only_database_is_said_with_503(world):
    with world.connected() as other:
        other.execute("ALTER DATABASE fault SET default_transaction_read_only = on")
    with world.process() as process:
        answer = process.ask(
            "look", path="/sign-in", form={"email": "x@y.example", "password": "p"}
        )

    assert answer["status"] == 503


def test_promise_26_money_is_unaffected_while_mail_is_down(world):
    with world.process() as process:
        process.ask("pay", reference=GOOD, now=MORNING)
        process.ask("mail_is_down")
        process.ask("live", moments=[MORNING, moment(16, 17)])
        assert world.rows("SELECT DISTINCT state FROM payments_payment") == [("in_transit",)]
        assert world.rows("SELECT count(*) FROM notices_notice WHERE sent_at IS NOT NULL") == [(0,)]

        process.ask("mail_is_back")
        process.ask("job", name="mail", now=moment(16, 17))

    assert world.rows("SELECT count(*) FROM notices_notice WHERE sent_at IS NULL") == [(0,)]


def test_a_full_disk_sends_no_partial_file_and_goes_on_when_there_is_room(world):
    with world.process() as process:
        process.ask("job", name="cut-off", now=moment(16, 17))
        for treasurer in (0, 1):
            process.ask("approve", treasurer=treasurer, now=moment(16, 17))
        [(name,)] = world.rows("SELECT name FROM banking_bankfile")
        part = world.folder / "to_bank" / f"{name}.part"

        process.ask("disk_is_full")
        process.ask("job", name="send", now=moment(16, 17))
        assert [path.name for path in part.parent.iterdir()] == [part.name]

        process.ask("disk_has_room")
        process.ask("job", name="send", now=moment(16, 17))

    assert [path.name for path in part.parent.iterdir()] == [name]
    assert world.rows("SELECT state FROM banking_bankfile") == [("sent",)]
