"""The feed numbers what was written so that whoever reads on from a number misses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, timedelta

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from billfold import jobs
from billfold.cli import doctor_checks
from billfold.cli.doctor_checks import DiagnosisLevel
from billfold.ledger import book, journal
from billfold.ledger.chart import BILLED, RECEIVABLE, AccountCode
from billfold.ledger.transfer import Transfer
from billfold.money import Money
from billfold.payments.models import Payment, SubjectEvent
from billfold.platform import feed, live_mark, locks, tenancy
from billfold.platform.feed import FeedKind
from billfold.platform.models import FeedRow, FeedSeries
from tests import environment, privilege, races, waiting
from tests.conftest import MONDAY
from tests.environment import SHARING_A_FIXTURE
from tests.world import World, eastern, run_job

[NUMBERING] = [job for job in jobs.JOBS if job.name == "number-feed"]
ON = date(2026, 11, 16)


@pytest.fixture
def biller(desk: tenancy.Biller) -> Iterator[tenancy.Biller]:
    """Serve a biller for good, whose first series of numbers has begun."""
    with tenancy.use(desk):
        post("first")  # Adds the account that all others share, so that they need not wait.
        number_all()
        yield desk


def post(number: str) -> None:
    debit = RECEIVABLE.of(f"invoice/{number}")
    with transaction.atomic():
        book.post([Transfer(number, debit, BILLED, Money(100), ON, "invoice issued")], now=MONDAY)


def number_all() -> None:
    """Number what is written; the server itself may write for a moment, and hold it back."""

    def is_numbered() -> bool:
        feed.number()
        return not FeedRow.objects.filter(number=None).exists()

    waiting.wait_until(is_numbered, "all is numbered")


def keys_since(cursor: int) -> tuple[list[str], int]:
    """Read on from a cursor, as a reader does; give what was booked, and the next cursor."""
    window = feed.window(cursor)
    codes = {"debit": AccountCode.RECEIVABLE, "credit": AccountCode.BILLED}
    with transaction.atomic():
        pages = list(journal.entries(window, **codes))
    return [entry.key for page in pages for entry in page], window.through


def has_work() -> bool:
    return bool(jobs.with_work([NUMBERING], now=MONDAY))


def test_promise_26_what_commits_late_is_never_skipped(biller):
    with races.runners(biller) as start:
        with transaction.atomic():
            post("begun first")
            start(lambda: post("committed first")).result(waiting.HUNG_AFTER_SECONDS)

            assert not start(has_work).result(waiting.HUNG_AFTER_SECONDS)
            assert start(feed.number).result(waiting.HUNG_AFTER_SECONDS) == 0
            seen, cursor = start(lambda: keys_since(1)).result(waiting.HUNG_AFTER_SECONDS)
            assert seen == []
        waiting.wait_until(has_work, "nobody holds it back")
        number_all()

    assert keys_since(cursor) == (["begun first", "committed first"], cursor + 2)
    assert not has_work()


ACTS = st.tuples(st.sampled_from(["write", "commit", "undo", "number", "read"]), st.integers(0, 2))


@settings(max_examples=25, suppress_health_check=SHARING_A_FIXTURE)
@given(acts=st.lists(ACTS, max_size=25))
def test_promise_26_a_reader_sees_each_committed_row_once_in_any_order_of_commits(biller, acts):
    number_all()
    cursor = feed.window(0).through
    committed: set[str] = set()
    read: list[str] = []

    def read_on(since: int) -> int:
        window = feed.window(since)
        numbered = FeedRow.objects.filter(number__gt=since, number__lte=window.through)
        read.extend(
            str(row_id) for row_id in numbered.order_by("number").values_list("id", flat=True)
        )
        return window.through

    with ExitStack() as stack:
        writers = [
            stack.enter_context(psycopg.connect(environment.SERVER.dsn(user="billfold")))
            for _ in range(3)
        ]
        for writer in writers:
            writer.execute(f"SET search_path = {biller.schema}")
            writer.commit()
        written: list[set[str]] = [set(), set(), set()]
        for act, who in [*acts, *(("commit", who) for who in range(3))]:
            if act == "write":
                row = "SELECT feed_row('transfers', gen_random_uuid(), now())::text"
                [(row_id,)] = writers[who].execute(row).fetchall()
                written[who].add(row_id)
            elif act == "commit":
                writers[who].commit()
                committed |= written[who]
                written[who].clear()
            elif act == "undo":
                writers[who].rollback()
                written[who].clear()
            elif act == "number":
                feed.number()
            else:
                cursor = read_on(cursor)
    number_all()
    read_on(cursor)

    assert len(read) == len(set(read))
    assert set(read) == committed


def test_promise_26_one_numbers_at_a_time(biller):
    post("A")
    with races.runners(biller) as start:
        with transaction.atomic():
            locks.until_commit("feed")
            numbering = [start(feed.number) for _ in range(2)]
            races.wait_for_waiters(2, *numbering)
            assert not any(each.done() for each in numbering)
        for each in numbering:
            each.result(waiting.HUNG_AFTER_SECONDS)
    number_all()

    assert keys_since(1) == (["A"], 2)


def test_promise_26_a_number_once_given_stays(biller):
    post("A")
    number_all()

    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        FeedRow.objects.update(number=7)

    numbers = FeedRow.objects.order_by("number").values_list("number", flat=True)
    assert list(numbers) == [1, 2]


def test_a_transaction_adds_one_row_and_anew_where_a_savepoint_took_it_back(biller):
    with transaction.atomic():
        with transaction.atomic():
            post("taken back")
            transaction.set_rollback(True)
        post("stays")
        post("beside it")
    number_all()

    assert keys_since(1) == (["stays", "beside it"], 2)


def test_a_command_adds_one_row_for_each_kind_of_fact(biller, tmp_path):
    world = World(biller, tmp_path / "bank", MONDAY)
    invoices = [world.invoice(f"CL-{number}", "10.00") for number in range(3)]
    payments = [world.pay(invoice) for invoice in invoices]
    before = set(FeedRow.objects.values_list("id", flat=True))

    run_job("cut-off", eastern(2026, 11, 16, 22))

    rows = FeedRow.objects.exclude(id__in=before)
    assert sorted(rows.values_list("kind", flat=True)) == [FeedKind.EVENTS, FeedKind.TRANSFERS]
    submitted = SubjectEvent.objects.filter(feed_row__in=rows)
    assert {event.subject for event in submitted} == {payment.subject for payment in payments}
    assert {payment.feed_row.kind for payment in Payment.objects.all()} == {FeedKind.PAYMENTS}


def test_promise_26_what_was_written_in_another_cluster_is_numbered_at_once(biller):
    # It was counted far beyond where this cluster will come, or not so far: neither means anything.
    with connection.cursor() as cursor:
        for xid in (900_000_000_000, 3):
            cursor.execute(
                """INSERT INTO platform_feedrow (id, kind, at, xid)
                   VALUES (gen_random_uuid(), 'transfers', %s, %s::text::xid8)""",
                [MONDAY, xid],
            )
    FeedSeries.objects.create(number=1, place="another cluster/another installation")
    post("written here")
    assert has_work()

    assert feed.number() == 3

    numbers = FeedRow.objects.order_by("number").values_list("number", flat=True)
    begin = 2 * feed.SERIES_SIZE
    assert list(numbers) == [1, begin + 1, begin + 2, begin + 3]
    assert keys_since(1) == (["written here"], begin + 3)
    assert not has_work()


def test_promise_29_a_cursor_of_a_day_that_was_taken_back_misses_nothing(biller):
    FeedSeries.objects.create(number=1, place="another cluster/another installation")
    assert has_work()
    assert feed.number() == 0
    assert keys_since(500)[0] == []

    for number in range(3):
        post(f"after the restore {number}")
    number_all()

    keys, cursor = keys_since(500)
    assert keys == [f"after the restore {number}" for number in range(3)]
    assert cursor == 2 * feed.SERIES_SIZE + 3


def test_promise_29_a_database_of_another_installation_is_another_place(biller):
    with transaction.atomic(), connection.cursor() as cursor:
        privilege.take_every_right()
        cursor.execute("DELETE FROM public.instance")
        live_mark.make_instance(cursor, "demo")
        cursor.execute("SELECT feed_has_moved()")
        assert cursor.fetchone() == (True,)
        transaction.set_rollback(True)


def test_promise_29_the_place_tells_clusters_and_timelines_apart(biller):
    with connection.cursor() as cursor:
        cursor.execute("SELECT feed_place(), system_identifier::text FROM pg_control_system()")
        place, system_identifier = cursor.fetchone()

    assert place.split("/")[:2] == [system_identifier, "00000001"]


def test_a_cursor_that_was_never_given_is_refused(biller):
    post("A")
    number_all()

    assert feed.window(2).through == 2
    with pytest.raises(feed.CursorAhead):
        feed.window(3)


def test_doctor_names_the_transaction_that_everything_waits_for(biller):
    assert doctor_checks.check_feed(biller).words == "everything has its number"
    with psycopg.connect(environment.SERVER.dsn()) as ours:
        ours.execute("SELECT pg_current_xact_id()")
        [(began,)] = ours.execute("SELECT to_char(now(), 'YYYY-MM-DD HH24:MI:SS')").fetchall()
        post("waits")

        diagnosis = doctor_checks.check_feed(biller)
        pid = ours.info.backend_pid

    assert diagnosis.words.startswith("1 row waits for a number, the oldest for ")
    assert f", behind process {pid} (" in diagnosis.words
    assert diagnosis.words.endswith(f"), whose transaction began {began} UTC")


def test_doctor_names_also_a_transaction_of_another_login_that_may_not_be_looked_into(biller):
    with psycopg.connect(environment.SERVER.dsn(user="billfold")) as owner:
        owner.execute("SELECT pg_current_xact_id()")
        post("waits")

        with privilege.every_right():
            FeedRow.objects.filter(number=None).update(at=MONDAY - timedelta(minutes=2))

        diagnosis = doctor_checks.check_feed(biller)
        pid = owner.info.backend_pid

    assert f", behind process {pid} (it has no name) of another login" in diagnosis.words
    assert diagnosis.level is DiagnosisLevel.WARN
    assert diagnosis.todo.startswith("Let that transaction end")


def test_doctor_warns_when_the_worker_numbers_nothing_for_a_while(biller):
    post("A")
    assert doctor_checks.check_feed(biller).level is DiagnosisLevel.OK

    with privilege.every_right():
        FeedRow.objects.filter(number=None).update(at=MONDAY - timedelta(minutes=2))

    diagnosis = doctor_checks.check_feed(biller)
    assert diagnosis.level is DiagnosisLevel.WARN
    assert "look at its log" in diagnosis.todo
