"""Faults other than a kill: lost connections, deadlocks, many at once, mail and disk."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.faults import line
from tests.faults.driver import GOOD
from tests.faults.ground import Ground, Process, Refused, World, moment

pytestmark = pytest.mark.faults
MORNING = moment(16, 9)


@pytest.fixture(scope="module")
def open_world(prepared: Ground) -> World:
    """Make a world in which an invoice waits to be paid."""
    made = prepared.new_world("faults")
    with made.process() as process:
        process.ask("prepare", folder=str(made.folder), now=MORNING)
        process.ask("hang_up")
    return made


@pytest.fixture
def world(open_world: World) -> Iterator[World]:
    with open_world.copied("fault") as copy:
        yield copy


def payments(world: World) -> list[str]:
    found = world.rows("SELECT reference || ' ' || id FROM payments_payment ORDER BY 1")
    return [row[0] for row in found if row[0].startswith(GOOD)]


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
    found: list[list[str]] = []

    def press(process: Process) -> None:
        found.append(process.ask("pay_at_once", reference=GOOD, now=MORNING, times=10))

    with world.process() as one, world.process() as other:
        threads = [threading.Thread(target=press, args=(each,)) for each in (one, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(payments(world)) == 1
    answers = [answer for answers in found for answer in answers]
    assert len(answers) == 20
    assert {answer.rpartition(" ")[0] for answer in answers} == set(payments(world))


def test_promise_10_one_reference_for_two_requests_at_once_is_refused_to_one(world):
    with world.process() as process:
        answers = process.ask("pay_two_ways", now=MORNING)

    assert sorted(answers) == ["ReferenceReused", "paid"]


def test_promise_11_a_commit_whose_answer_was_lost_is_found_by_its_reference(prepared, world):
    with (
        TemporaryDirectory() as folder,
        line.cut_at_commit(prepared.cluster.socket, Path(folder)) as cut,
        world.process(host=Path(folder)) as process,
    ):
        with pytest.raises(Refused, match="OperationalError"):
            process.ask("pay", reference=GOOD, now=MORNING)
        assert not cut.cuts_commit
        [committed] = payments(world)

        assert process.ask("pay", reference=GOOD, now=MORNING) == committed

    assert payments(world) == [committed]


def test_a_deadlock_is_tried_again_as_a_whole(world):
    with world.connected() as other:
        other.execute("ALTER DATABASE fault SET deadlock_timeout = '2s'")  # Time to close the ring.
    with world.process() as process, world.connected() as other:
        other.execute("SET deadlock_timeout = '60s'")  # So that it is not the one given up.
        other.execute("SELECT 1 FROM receivables_customer FOR UPDATE")
        paying = threading.Thread(
            target=process.ask, args=("pay",), kwargs={"reference": GOOD, "now": MORNING}
        )
        paying.start()
        _wait_for_a_waiter(world)
        other.execute("SELECT 1 FROM receivables_invoice WHERE number = 'CL-1' FOR UPDATE")
        other.rollback()
        paying.join()

    assert len(payments(world)) == 1
    [(deadlocks,)] = world.rows(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    )
    assert deadlocks == 1


def _wait_for_a_waiter(world: World) -> None:
    give_up_at = time.monotonic() + 10
    while world.rows("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == []:
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


def test_a_page_says_503_while_the_database_is_away_and_works_again_afterwards(prepared, world):
    with world.process() as process:
        assert process.ask("look", path="/sign-in")["status"] == 200

        prepared.kill()
        answer = process.ask("look", path="/sign-in")
        assert answer["status"] == 503
        assert answer["headers"]["Retry-After"] == "5"
        assert "Nothing was lost" in answer["body"]
        assert "Traceback" not in answer["body"]

        prepared.start_again()
        assert process.ask("look", path="/sign-in")["status"] == 200


@pytest.mark.parametrize("hook", ["schedule_inside", "schedule_committed"])
def test_a_process_that_lost_its_database_serves_the_next_person(prepared, world, hook):
    with world.process(f"{hook}:kill-database") as process:
        try:
            process.ask("pay", reference=GOOD, now=MORNING)
        except Refused as refused:
            assert "OperationalError" in str(refused)
        prepared.start_again()
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
