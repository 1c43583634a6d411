"""A pass asks in one statement which jobs have work, and runs those: idle billers cost little."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billfold import jobs
from billfold.banking.models import BankFile
from billfold.notices.models import Notice
from billfold.platform import clock, tenancy
from billfold.platform.ids import new_id
from billfold.worker import calls, loop
from tests.world import World, eastern, run_job

CUTOFF = eastern(2026, 11, 16, 17)
MOMENTS = [
    eastern(2026, 11, day, hour) for day in (16, 17, 18, 19, 20, 23) for hour in (6, 12, 17, 20)
]
NEVER = threading.Event()


def with_work(now: datetime) -> set[str]:
    """Give the names of the jobs that have work."""
    names = {job.name for job in jobs.with_work(jobs.JOBS, now=now)}
    # What is at the bank, only the bank knows.
    return names - {"fetch"}


def make_passes(world: World, now: datetime) -> None:
    """Let the worker go round until nothing has work."""
    world.now = now
    clock.move_to(now)
    run_job("fetch", now)
    for _ in range(2 * len(jobs.JOBS)):
        names = with_work(now)
        for name in names:
            run_job(name, now)
        if not names:
            return
    raise AssertionError(f"{names} never come to an end")


def contents() -> dict[str, str | None]:
    """Hash the rows of every table of the biller."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1"
        )
        hashes = {}
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t")
            [hashes[table]] = cursor.fetchone()
        return hashes


def pay(world: World) -> None:
    """Pay on Monday evening, for the cut-off of Tuesday."""
    world.pay(world.invoice("CL-2", "80.00"))
    world.now = CUTOFF + timedelta(days=1)


def release(world: World) -> None:
    pay(world)
    jobs.cut_off(world.now)
    world.release_all(world.now)


def let_a_file_become_late(world: World) -> None:
    pay(world)
    jobs.cut_off(world.now)
    world.now += timedelta(days=5)


def fetch_a_file(world: World) -> None:
    (world.folder / "from_bank" / "odd.txt").write_bytes(b"something")
    run_job("fetch", world.now)


def queue_a_letter(world: World) -> None:
    Notice.objects.create(
        id=new_id(),
        key="letter",
        kind="received",
        to_email="payer@cedarline.example",
        subject="A letter",
        body="Words",
        queued_at=world.now,
    )


def issue_invoices(world: World) -> None:
    for number in range(3):
        world.invoice(f"CL-1{number}", "10.00")


def test_a_biller_with_nothing_new_is_asked_by_one_statement(world):
    world.pay(world.invoice("CL-1", "120.00"))
    world.go_to(eastern(2026, 11, 20))
    make_passes(world, world.now)

    with CaptureQueriesContext(connection) as queries:
        waits = loop.make_pass(world.biller, loop.LOOP_JOBS, NEVER)

    assert len(queries) == 1
    assert waits == {job.name: job.every_seconds for job in loop.LOOP_JOBS}


def test_an_idle_biller_is_asked_once_a_pass_and_three_times_a_look_for_calls(desk, tmp_path):
    with tenancy.use(desk):
        world = World(desk, tmp_path / "bank", CUTOFF)
        make_passes(world, CUTOFF)
    dispatcher = calls.Dispatcher()

    with tenancy.no_biller(), CaptureQueriesContext(connection) as queries:
        loop.make_pass(desk, loop.LOOP_JOBS, NEVER)
        after_the_pass = len(queries)
        dispatcher.look([desk])
        dispatcher.under_way.end()

    # Each asks for work, and enters the biller and leaves it by two more that are not counted here.
    # There is a bank, so its documents are to be fetched: which banks are there, which are silent?
    assert (after_the_pass, len(queries)) == (1, 1 + 3)


def test_each_job_that_has_work_costs_two_statements_beside_its_own(world):
    make_passes(world, CUTOFF)
    release(world)
    clock.move_to(world.now)

    with CaptureQueriesContext(connection) as queries:
        waits = loop.make_pass(world.biller, loop.LOOP_JOBS, NEVER)

    statements = [query["sql"] for query in queries]
    assert {"reconcile", "seal-audit"} <= waits.keys()
    for act in ("pg_advisory_lock(", "pg_advisory_unlock("):
        for name in waits:
            assert sum(act in each and f"/{name}'" in each for each in statements) == 1


def test_no_job_that_is_said_to_have_no_work_would_change_anything(world):
    for moment in MOMENTS:
        world.now = moment
        if moment.hour == 12 and moment.day in {16, 17, 19}:
            world.pay(world.invoice(f"CL-{moment.day}", "120.00"), account="77440001")
        world.bank.act(moment)
        make_passes(world, moment)
        world.release_all(moment)
        make_passes(world, moment)
        before = contents()

        for job in jobs.JOBS:
            jobs.run(job, world.biller, now=moment)

        assert contents() == before, moment

    states = set(BankFile.objects.filter(direction="out").values_list("state", flat=True))
    assert states == {"accepted"}


def test_one_run_of_all_jobs_leaves_out_those_without_work(world):
    world.pay(world.invoice("CL-1", "120.00"))
    make_passes(world, CUTOFF)

    with CaptureQueriesContext(connection) as queries:
        jobs.run_once(world.biller, now=CUTOFF)

    locked = [each["sql"] for each in queries if "pg_advisory_lock(" in each["sql"]]
    # What is at the bank, only the bank knows.
    assert [f"/call {world.connection.name}'" in each for each in locked] == [True]


def test_one_run_of_all_jobs_does_what_one_of_them_leaves_to_the_next(world):
    make_passes(world, CUTOFF)
    (world.folder / "from_bank" / "odd.txt").write_bytes(b"something")

    jobs.run_once(world.biller, now=CUTOFF)

    assert BankFile.objects.get(name="odd.txt").state == "refused"


@pytest.mark.parametrize(
    ("act", "job"),
    [
        (pay, "cut-off"),
        (release, "send"),
        (let_a_file_become_late, "send"),
        (fetch_a_file, "read"),
        (release, "reconcile"),
        (queue_a_letter, "mail"),
        (release, "seal-audit"),
        (issue_invoices, "roll-up"),
    ],
)
def test_what_is_new_gives_its_job_work(world, act: Callable[[World], None], job: str):
    world.pay(world.invoice("CL-1", "120.00"))
    make_passes(world, CUTOFF)
    world.release_all(CUTOFF)
    make_passes(world, CUTOFF)
    assert job not in with_work(CUTOFF)

    act(world)

    assert job in with_work(world.now)


@pytest.mark.parametrize(("minute", "is_due"), [(59, False), (60, True)])
def test_promise_19_a_cut_off_has_work_from_its_minute_on(world, minute: int, is_due: bool):
    world.pay(world.invoice("CL-1", "120.00"))
    make_passes(world, CUTOFF)
    before_the_next = eastern(2026, 11, 17, 16)

    assert ("cut-off" in with_work(before_the_next + timedelta(minutes=minute))) is is_due


def test_a_job_that_worked_lets_the_others_be_asked_again_at_once(world):
    make_passes(world, CUTOFF)
    fetch_a_file(world)

    waits = loop.make_pass(world.biller, loop.LOOP_JOBS, NEVER)

    assert "read" in waits
    assert "roll-up" not in waits


def test_promise_28_on_hold_nothing_that_makes_what_leaves_is_asked_for_work(world):
    pay(world)
    clock.move_to(world.now)

    waits = loop.make_pass(replace(world.biller, state="hold"), loop.LOOP_JOBS, NEVER)

    assert waits
    assert "cut-off" not in waits
    assert not BankFile.objects.exists()
