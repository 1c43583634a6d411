"""Two billers on one server, alike in every number: what one does, the other never notices."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.db import Error, connection, transaction
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from billfold.payments.models import Payment
from billfold.payments.proof import report
from billfold.people.models import Person
from billfold.platform import clock, tenancy
from billfold.receivables.models import BillerProfile, Customer, Invoice
from tests import databases, environment, privilege
from tests.conftest import MONDAY
from tests.environment import SHARING_A_FIXTURE
from tests.places import PROJECT
from tests.waiting import HUNG_AFTER_SECONDS
from tests.world import World, eastern


@dataclass(frozen=True)
class Twin:
    """One of two billers whose customers and invoices have the same numbers."""

    biller: tenancy.Biller
    host: str
    amount: str
    color: str
    world: World

    def reads(self) -> str:
        """Tell whose books are open, by what only they say."""
        return BillerProfile.objects.get().brand_color


def remove(schema: str) -> None:
    """Take a biller away, as no command can."""
    databases.remove_biller(environment.SERVER, schema)
    tenancy._hosts.clear()


@pytest.fixture(scope="module")
def twins(
    django_db_setup: object, django_db_blocker: object, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Twin, Twin]]:
    """Make two billers, committed, and let each of them live on the same Monday."""
    kept = dict(tenancy._hosts)
    with django_db_blocker.unblock():
        clock.move_to(MONDAY)
        twins = []
        for schema, amount, color in (
            ("lakeside", "120.00", "#112233"),
            ("hillcrest", "77.00", "#445566"),
        ):
            biller = tenancy.add(schema, schema.capitalize(), [f"{schema}.test"])
            with tenancy.use(biller):
                world = World(biller, tmp_path_factory.mktemp(schema) / "bank", MONDAY)
                with privilege.every_right():
                    BillerProfile.objects.update(brand_color=color)
                world.invoice("INV-1", amount)
                world.run_jobs()
            twins.append(Twin(biller, f"{schema}.test", amount, color, world))
        yield twins[0], twins[1]
        clock.move_to(MONDAY)
        for twin in twins:
            remove(twin.biller.schema)
        connection.close()
    tenancy._hosts.update(kept)


@pytest.fixture(autouse=True)
def unblocked(twins: tuple[Twin, Twin], django_db_blocker: object) -> Iterator[None]:
    """Work without a transaction around the test: billers are changed in it."""
    with django_db_blocker.unblock():
        yield


# -- Data --------------------------------------------------------------------------------------


def test_the_same_numbers_name_different_things_at_each_biller(twins):
    for twin in twins:
        with tenancy.use(twin.biller):
            assert Customer.objects.get(number="40-118-2207").name == "Hollis & Wren Architects"
            assert Invoice.objects.get(number="INV-1").amount.plain() == twin.amount
            assert twin.reads() == twin.color


def test_promise_22_the_host_chooses_the_biller(twins, client):
    for twin in twins:
        page = client.get("/theme.css", headers={"host": twin.host})

        assert page.status_code == 200
        assert twin.color in page.text


def test_promise_22_the_server_refuses_every_table_of_the_other_biller(twins):
    for ours, theirs in (twins, twins[::-1]):
        with tenancy.use(ours.biller), connection.cursor() as cursor:
            cursor.execute(
                """SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                   WHERE n.nspname = %s AND c.relkind IN ('r', 'v', 'S') ORDER BY 1""",
                [theirs.biller.schema],
            )
            tables = [name for (name,) in cursor.fetchall()]
            assert len(tables) > 30
            for table in tables:
                with pytest.raises(Error, match="permission denied"):
                    cursor.execute(f"SELECT * FROM {theirs.biller.schema}.{table}")


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO {}.django_session VALUES ('k', 'd', now())",
        "UPDATE {}.receivables_invoice SET issued_minor = 1",
        "DELETE FROM {}.django_session",
        "CREATE TABLE {}.mine (id int)",
        "ALTER TABLE {}.people_person DISABLE TRIGGER ALL",
        "GRANT USAGE ON SCHEMA {} TO PUBLIC",
        "DROP SCHEMA {} CASCADE",
        "SELECT schema FROM public.biller -- {}",
    ],
)
def test_promise_22_the_server_refuses_every_way_into_the_other_biller(twins, statement):
    ours, theirs = twins
    text = statement.replace("{}", theirs.biller.schema)

    with tenancy.use(ours.biller), transaction.atomic(), connection.cursor() as cursor:
        with pytest.raises(Error, match=r"permission denied|must be owner"):
            cursor.execute(text)
        transaction.set_rollback(True)


def test_promise_22_the_role_in_use_owns_nothing_and_cannot_sign_in(twins):
    with tenancy.use(twins[0].biller), connection.cursor() as cursor:
        cursor.execute(
            """SELECT session_user <> current_user, NOT r.rolcanlogin, NOT r.rolsuper,
                      NOT r.rolcreaterole, NOT r.rolinherit, NOT r.rolbypassrls,
                      NOT has_schema_privilege(current_user, %s, 'CREATE'),
                      NOT EXISTS (SELECT FROM pg_class WHERE relowner = r.oid),
                      NOT EXISTS (SELECT FROM pg_namespace WHERE nspowner = r.oid),
                      NOT EXISTS (SELECT FROM pg_auth_members WHERE member = r.oid)
               FROM pg_roles r WHERE r.rolname = current_user""",
            [twins[0].biller.schema],
        )
        assert cursor.fetchone() == (True,) * 10


def test_promise_22_without_a_biller_a_query_is_an_error(twins):
    with tenancy.no_biller():
        for count in (Invoice.objects.count, Person.objects.count):
            with pytest.raises(Error, match="does not exist"):
                count()
        with pytest.raises(tenancy.NoBiller):
            tenancy.current()


# -- Sessions ----------------------------------------------------------------------------------


def test_promise_22_a_session_of_one_biller_opens_nothing_at_the_other(twins):
    ours, theirs = twins
    visitor = Client()
    with tenancy.use(ours.biller):
        visitor.force_login(ours.world.payer)

    assert visitor.get("/invoices", headers={"host": ours.host}).status_code == 200
    answer = visitor.get("/invoices", headers={"host": theirs.host})

    assert answer.status_code in (302, 303)
    assert answer.url.startswith("/sign-in")


# -- Jobs and proof ----------------------------------------------------------------------------


def contents(twin: Twin) -> dict[str, str]:
    """Fingerprint every table of a biller."""
    counts = {}
    with tenancy.use(twin.biller), connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t")
            counts[table] = cursor.fetchone()[0]
    return counts


def offenders(twin: Twin) -> dict[int, list[str]]:
    """List what `verify` finds at a biller, by promise."""
    with tenancy.as_owner(twin.biller):
        proof = report.examine(twin.biller, now=MONDAY + timedelta(days=3))
    return {kept.promise: kept.first for kept in proof.promises if kept.offenders}


def test_promise_22_jobs_of_one_biller_leave_the_other_alone(twins):
    ours, theirs = twins
    before = contents(theirs)

    with tenancy.use(ours.biller):
        payment = ours.world.pay(Invoice.objects.get(number="INV-1"))
        ours.world.go_to(eastern(2026, 11, 18))

        assert Payment.objects.get(pk=payment.pk).state == "settled"
    assert contents(theirs) == before
    with tenancy.use(theirs.biller):
        assert Payment.objects.count() == 0
        assert theirs.world.open(Invoice.objects.get(number="INV-1")).plain() == theirs.amount


def test_promise_22_each_biller_is_verified_by_itself(twins):
    ours, theirs = twins
    assert offenders(ours) == {}
    assert offenders(theirs) == {}

    with tenancy.as_owner(theirs.biller), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE ledger_account SET debits_minor = debits_minor + 1 WHERE subject <> ''"
        )
        broken = offenders(theirs)
        transaction.set_rollback(True)

    assert 2 in broken
    assert offenders(ours) == {}


# -- Switching ---------------------------------------------------------------------------------


class Stumble(Exception):
    """Something goes wrong while a biller is served."""


def live(twins: tuple[Twin, Twin], steps: list[str]) -> None:
    """Switch as told, deeper and deeper, and look after each step whose books are open."""
    with ExitStack() as stack:
        serving: list[Twin | None] = [None]
        stack.enter_context(tenancy.no_biller())
        for step in steps:
            if step in ("first", "second"):
                twin = twins[step == "second"]
                stack.enter_context(tenancy.use(twin.biller))
                serving.append(twin)
            elif step == "nobody":
                stack.enter_context(tenancy.no_biller())
                serving.append(None)
            elif step == "reconnect":
                connection.close()
            elif step == "stumble" and serving[-1] is not None:
                stumble(twins[serving[-1] is twins[0]])
            elif step == "request":
                for twin in twins:
                    page = Client().get("/theme.css", headers={"host": twin.host})
                    assert twin.color in page.text
            look(serving[-1])


def stumble(other: Twin) -> None:
    """Fail halfway through another biller's transaction."""
    with pytest.raises(Stumble), tenancy.use(other.biller), transaction.atomic():
        with privilege.every_right():
            BillerProfile.objects.update(brand_color="#000000")
        raise Stumble


def look(twin: Twin | None) -> None:
    if twin is None:
        with pytest.raises(Error, match="does not exist"):
            Customer.objects.count()
    else:
        assert tenancy.current() == twin.biller
        assert twin.reads() == twin.color


STEPS = st.lists(
    st.sampled_from(["first", "second", "nobody", "reconnect", "stumble", "request"]), max_size=12
)


@settings(max_examples=40, suppress_health_check=SHARING_A_FIXTURE)
@given(steps=STEPS)
def test_promise_22_however_often_a_thread_switches_it_never_reads_the_other(twins, steps):
    live(twins, steps)


def test_promise_22_threads_that_switch_at_once_never_read_each_other(twins):
    failures: list[BaseException] = []

    def switch(start: int) -> None:
        try:
            for at in range(start, start + 60):
                with tenancy.use(twins[at % 2].biller):
                    look(twins[at % 2])
            with tenancy.no_biller():
                look(None)
        except BaseException as failure:  # Told by the thread that waits.
            failures.append(failure)
        finally:
            connection.close()

    threads = [threading.Thread(target=switch, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []


# -- Migrations --------------------------------------------------------------------------------

KILLED_AFTER = """
import os, signal, sys
from django.db.migrations.executor import MigrationExecutor
left = int(sys.argv.pop(1))
apply = MigrationExecutor.apply_migration
def killed(self, state, migration, fake=False, fake_initial=False):
    global left
    left -= 1
    if left == 0:
        original = migration.operations[-1].database_forwards
        def halfway(*args, **kwargs):
            original(*args, **kwargs)
            os.kill(os.getpid(), signal.SIGKILL)
        migration.operations[-1].database_forwards = halfway
    return apply(self, state, migration, fake, fake_initial)
MigrationExecutor.apply_migration = killed
from billfold.cli import main
sys.exit(main.main(sys.argv[1:]))
"""


def billfold(*arguments: str, killed_after: int = 0) -> subprocess.CompletedProcess[str]:
    command = ["-m", "billfold"]
    if killed_after:
        command = ["-c", KILLED_AFTER, str(killed_after)]
    return subprocess.run(
        [sys.executable, *command, *arguments],
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=HUNG_AFTER_SECONDS,
        check=False,
    )


@contextmanager
def taken_away_again(*schemas: str) -> Iterator[None]:
    try:
        yield
    finally:
        for schema in schemas:
            remove(schema)


def shape(schema: str) -> list[tuple[object, ...]]:
    """Describe a schema: tables, columns, and what its role may do with them."""
    with tenancy.as_proof(None), connection.cursor() as cursor:
        cursor.execute(
            """SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                      has_table_privilege(%s, c.oid, 'SELECT'),
                      has_table_privilege(%s, c.oid, 'UPDATE'),
                      has_table_privilege(%s, c.oid, 'DELETE')
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
               WHERE n.nspname = %s AND c.relkind = 'r' ORDER BY 1, 2""",
            [f"billfold_{schema}"] * 3 + [schema],
        )
        return cursor.fetchall()


def add_killed(schema: str) -> subprocess.CompletedProcess[str]:
    added = ("biller", "add", schema, "--name", schema, "--host", f"{schema}.test")
    return billfold(*added, killed_after=7)


@pytest.mark.faults
def test_promise_30_a_biller_whose_making_was_killed_can_be_made_again(twins):
    with taken_away_again("riverton"):
        assert add_killed("riverton").returncode == -signal.SIGKILL
        assert "riverton" not in {each.schema for each in tenancy.billers()}

        tenancy.add("riverton", "Riverton", ["riverton.test"])

        assert shape("riverton") == shape("lakeside")


@pytest.mark.faults
def test_promise_30_a_migration_of_all_billers_can_be_repeated_after_it_was_killed(twins):
    behind = ("riverton", "stonebridge")
    with taken_away_again(*behind):
        with tenancy.as_owner(None), connection.cursor() as cursor:
            for schema in behind:
                cursor.execute(f"CREATE SCHEMA {schema}")
                cursor.execute("INSERT INTO public.biller VALUES (%s, %s)", [schema, schema])
        migrations = _count_migrations()

        killed = billfold("migrate", killed_after=migrations + 9)

        assert killed.returncode == -signal.SIGKILL
        assert "riverton: up to date" in killed.stdout
        assert shape("riverton") == shape("lakeside")
        assert shape("stonebridge") != shape("lakeside")

        again = billfold("migrate")

        assert again.returncode == 0, again.stderr
        assert {f"{each.schema}: up to date" for each in tenancy.billers()} <= set(
            again.stdout.splitlines()
        )
        assert shape("stonebridge") == shape("lakeside")


def _count_migrations() -> int:
    with tenancy.as_proof(None), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM lakeside.django_migrations")
        return int(cursor.fetchone()[0])
