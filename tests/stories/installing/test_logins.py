"""The three logins to the database: each may do its work, and the server refuses the rest."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from psycopg import sql

from billfold.cli import doctor_checks
from billfold.platform import login_roles, tenancy
from billfold.platform.postgres.logins import SETTINGS, Login
from billfold.platform.postgres.server import SUPERUSER, USERS, PrivateServer
from tests import databases, environment, privilege
from tests.places import PROJECT
from tests.waiting import HUNG_AFTER_SECONDS

pytestmark = pytest.mark.usefixtures("outside_transaction")
APP, OWNER, PROOF = (USERS[login] for login in (Login.APP, Login.OWNER, Login.PROOF))
TAKE_ROLE = "SET ROLE billfold_cedarline; SET search_path = cedarline"


@contextmanager
def signed_in(login: Login) -> Iterator[psycopg.Connection[Any]]:
    """Sign in as one of the logins; what it does is undone."""
    address = environment.SERVER.dsn(user=USERS[login])
    with psycopg.connect(address) as session:
        yield session
        session.rollback()


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE ROLE intruder",
        "CREATE TABLE public.mine (id int)",
        "CREATE TABLE cedarline.mine (id int)",
        "CREATE SCHEMA mine",
        "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "UPDATE public.biller SET state = 'open'",
        "INSERT INTO public.biller VALUES ('mine', 'Mine', 'open')",
        "DELETE FROM public.biller_host",
        "UPDATE public.instance SET mode = 'live'",
        "SELECT * FROM cedarline.people_person",
        f"SET ROLE {OWNER}",
        f"SET ROLE {PROOF}",
        f"SET ROLE {SUPERUSER}",
        "ALTER TABLE cedarline.people_rolegrant DISABLE TRIGGER append_only",
        f"GRANT billfold_cedarline TO {PROOF}",
        f"ALTER ROLE {APP} CREATEROLE",
    ],
)
def test_promise_22_the_applications_login_can_only_take_a_billers_role(statement):
    with signed_in(Login.APP) as session, pytest.raises(psycopg.errors.InsufficientPrivilege):
        session.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id int)",
        "CREATE VIEW mine AS SELECT * FROM people_person",
        "UPDATE public.biller SET state = 'open'",
        "SELECT * FROM public.biller",
        "SELECT * FROM harborpoint.people_person",
        "UPDATE receivables_invoice SET issued_minor = 1",
        "UPDATE people_rolegrant SET role = 'treasurer'",
        "DELETE FROM receivables_accessgrant",
        "TRUNCATE receivables_invoicerevision",
        "ALTER TABLE people_rolegrant DISABLE TRIGGER append_only",
        "DROP VIEW people_right",
        "ALTER VIEW people_right RESET (security_invoker)",
        "ALTER FUNCTION refuse_change() RENAME TO allow_change",
        f"SET ROLE {OWNER}",
    ],
)
def test_promise_22_a_billers_role_can_only_write_what_is_listed(statement):
    with signed_in(Login.APP) as session:
        session.execute(TAKE_ROLE)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute(statement)


def test_promise_22_a_grant_that_the_application_may_not_give_gives_nothing():
    with signed_in(Login.APP) as session:
        session.execute(TAKE_ROLE)
        session.execute(f"GRANT UPDATE ON receivables_invoice TO {APP}")  # Warns, and gives none.
        may = session.execute(
            "SELECT has_table_privilege(%s, 'receivables_invoice', 'UPDATE')", [APP]
        )
        assert may.fetchone() == (False,)


def test_promise_22_the_application_may_make_temporary_tables_and_book():
    with signed_in(Login.APP) as session:
        session.execute(TAKE_ROLE)
        session.execute("CREATE TEMPORARY TABLE incoming (id int) ON COMMIT DROP")
        functions = session.execute(
            """SELECT bool_and(has_function_privilege(oid, 'EXECUTE')) FROM pg_proc
               WHERE pronamespace = 'cedarline'::regnamespace"""
        )
        assert functions.fetchone() == (True,)


WRITING = [
    "UPDATE cedarline.receivables_customer SET name = 'x'",
    "INSERT INTO cedarline.people_rolegrant DEFAULT VALUES",
    "DELETE FROM cedarline.django_session",
    "TRUNCATE cedarline.ledger_transfer",
    "UPDATE public.biller SET state = 'open'",
    "CREATE TABLE public.mine (id int)",
    "CREATE TABLE cedarline.mine (id int)",
    "CREATE ROLE intruder",
]


@pytest.mark.parametrize("statement", WRITING)
def test_promise_22_the_proofs_login_is_read_only_unless_it_asks(statement):
    with signed_in(Login.PROOF) as session, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        session.execute(statement)


@pytest.mark.parametrize("statement", [*WRITING, TAKE_ROLE, f"SET ROLE {OWNER}"])
def test_promise_22_the_proofs_login_may_not_write_even_if_it_asks(statement):
    with signed_in(Login.PROOF) as session:
        session.execute("SET TRANSACTION READ WRITE")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute(statement)


def test_promise_22_the_proofs_login_reads_all_of_every_biller():
    with signed_in(Login.PROOF) as session:
        relations = session.execute(
            """SELECT c.oid::regclass::text FROM pg_class c
               WHERE c.relnamespace::regnamespace::text IN ('cedarline', 'harborpoint', 'public')
                 AND c.relkind IN ('r', 'p', 'v', 'S')"""
        ).fetchall()
        assert len(relations) > 80
        for (name,) in relations:
            session.execute(f"SELECT 1 FROM {name} LIMIT 1")


def test_promise_22_each_login_is_used_for_its_own_work():
    cedarline = tenancy.biller("cedarline")
    query = "SELECT session_user, current_user, current_setting('transaction_read_only')"

    def who() -> tuple[str, str, str]:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchone()

    with tenancy.use(cedarline):
        before = connection.connection
        assert who() == (APP, cedarline.role, "off")
        with tenancy.as_owner(cedarline):
            assert who() == (OWNER, OWNER, "off")
            with tenancy.as_proof(cedarline):
                assert who() == (PROOF, PROOF, "on")
            assert who() == (OWNER, OWNER, "off")
            with tenancy.use(cedarline):
                assert who() == (APP, cedarline.role, "off")
        assert who() == (APP, cedarline.role, "off")
        assert connection.connection is before
    with psycopg.connect(environment.SERVER.dsn(user=SUPERUSER)) as looking:
        held = looking.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = ANY(%s)", [[OWNER, PROOF]]
        )
        assert held.fetchone() == (0,)


def test_promise_22_the_proof_reads_only_whatever_the_server_says_of_its_login():
    role = sql.Identifier(PROOF)
    allow = sql.SQL("ALTER ROLE {} RESET default_transaction_read_only").format(role)
    forbid = sql.SQL("ALTER ROLE {} SET default_transaction_read_only = on").format(role)
    databases.carry_out(environment.SERVER, allow)
    try:
        with tenancy.as_proof(None), connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('transaction_read_only')")
            assert cursor.fetchone() == ("on",)
    finally:
        databases.carry_out(environment.SERVER, forbid)


def test_promise_22_no_other_login_is_taken_inside_a_transaction():
    cedarline = tenancy.biller("cedarline")
    for take in (tenancy.as_owner, tenancy.as_proof):
        with (
            tenancy.use(cedarline),
            transaction.atomic(),
            pytest.raises(tenancy.SwitchInTransaction),
            take(cedarline),
        ):
            pass


# -- Looking the logins over ------------------------------------------------------------------


def faults_after(*statements: str) -> list[str]:
    """List what is found wrong with the logins after these statements; undo them."""
    with tenancy.no_biller(), transaction.atomic(), connection.cursor() as cursor:
        privilege.take_every_right()
        for statement in statements:
            cursor.execute(statement)
        faults = login_roles.faults(cursor)
        transaction.set_rollback(True)
    return faults


def test_promise_22_nothing_is_wrong_with_the_logins_that_were_made():
    assert faults_after() == []


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (f"ALTER ROLE {APP} CREATEROLE", f"the application's login {APP} may make roles"),
        (f"ALTER ROLE {APP} SUPERUSER", f"the application's login {APP} may do anything"),
        (f"ALTER ROLE {PROOF} CREATEDB", f"the proof's login {PROOF} may make databases"),
        (
            f"GRANT CREATE ON DATABASE billfold TO {APP}",
            f"the application's login {APP} may make schemas",
        ),
        (
            f"ALTER TABLE cedarline.payments_case OWNER TO {APP}",
            f"the application's login {APP} owns things",
        ),
        (
            f"GRANT CREATE ON SCHEMA public TO {APP}",
            f"the application's login {APP} may make things in schema public",
        ),
        (
            f"GRANT UPDATE ON public.biller TO {APP}",
            f"the application's login {APP} may change public.biller",
        ),
        (
            f"GRANT INSERT ON cedarline.people_rolegrant TO {PROOF}",
            f"the proof's login {PROOF} may change cedarline.people_rolegrant",
        ),
        (f"GRANT {OWNER} TO {APP}", f"the application's login {APP} is a member of {OWNER}"),
        (
            f"GRANT billfold_cedarline TO {APP} WITH ADMIN OPTION",
            f"the application's login {APP} is a member of billfold_cedarline",
        ),
        (
            f"GRANT billfold_cedarline TO {APP} WITH INHERIT TRUE",
            f"the application's login {APP} has the rights of billfold_cedarline without taking "
            "its role",
        ),
        (
            f"ALTER ROLE {PROOF} RESET default_transaction_read_only",
            f"the proof's login {PROOF} does not begin its transactions read-only",
        ),
        (f"ALTER ROLE {OWNER} SUPERUSER", f"the owner's login {OWNER} may do anything"),
        (
            f"REVOKE billfold_cedarline FROM {APP} GRANTED BY {OWNER}",
            "no login may take the role of cedarline",
        ),
    ],
)
def test_promise_22_a_right_too_many_is_found_in_words(statement, words):
    assert words in faults_after(statement)


def test_promise_22_doctor_looks_the_logins_over(monkeypatch, settings):
    (well,) = doctor_checks.check_logins()
    assert (well.level, APP in well.words, PROOF in well.words) == ("ok", True, True)

    monkeypatch.setattr(login_roles, "FAULTS", "SELECT 'the application may do anything'")
    (too_much,) = doctor_checks.check_logins()
    assert (too_much.level, too_much.words) == ("fail", "the application may do anything")
    monkeypatch.undo()

    both = {**settings.DATABASE_URLS, Login.OWNER: settings.DATABASE_URLS[Login.APP]}
    settings.DATABASE_URLS = both
    (one,) = doctor_checks.check_logins()
    assert (one.level, "one login" in one.words) == ("warn", True)
    settings.IS_LIVE = True
    assert next(doctor_checks.check_logins()).level == "fail"

    del both[Login.PROOF], both[Login.OWNER]
    (nobody,) = doctor_checks.check_logins()
    assert (nobody.level, "BILLFOLD_PROOF_DATABASE_URL" in nobody.todo) == ("fail", True)


# -- A server of one's own --------------------------------------------------------------------


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateServer]:
    """Run a server with the owner's login alone, as a database administrator made it."""
    place = tmp_path_factory.mktemp("own-server")
    for folder in (place, *place.parents[:2]):
        folder.chmod(0o711)
    with PrivateServer(place, durable=False) as server:
        yield server
    server.remove()


def addresses(server: PrivateServer, database: str) -> dict[str, str]:
    """Name the logins as the operator does: two that are not there yet, with passwords."""
    app, proof = (
        server.dsn(database, user=f"{user}:secret-{user}") for user in ("pay_app", "pay_proof")
    )
    owner = server.dsn(database, user=OWNER)
    return {SETTINGS[Login.APP]: app, SETTINGS[Login.OWNER]: owner, SETTINGS[Login.PROOF]: proof}


def billfold(
    place: Path, words: Sequence[str], settings: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    ours = {*SETTINGS.values(), "BILLFOLD_STATE", "BILLFOLD_MODE"}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return subprocess.run(
        [sys.executable, "-m", "billfold", "--state", str(place / "state"), *words],
        env=kept | {"PYTHONPATH": str(PROJECT), **settings},
        capture_output=True,
        text=True,
        timeout=HUNG_AFTER_SECONDS,
        check=False,
    )


def init(place: Path, settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    (place / "password").write_text("fifteen letters or more\n")
    words = "init --biller lakeside --name Lakeside --host lakeside.test --staff-name Priya"
    staff = ["--staff-email", "priya@lakeside.example", "--password-file", str(place / "password")]
    return billfold(place, [*words.split(), *staff], settings)


def test_promise_22_a_live_installation_has_three_logins(own_server, tmp_path):
    named = addresses(own_server, "billfold")
    owner = {SETTINGS[Login.APP]: named[SETTINGS[Login.OWNER]]}

    alone = init(tmp_path, owner)
    assert (alone.returncode, len(alone.stderr.splitlines())) == (1, 1)
    assert "This needs another login to the database" in alone.stderr
    twice = init(tmp_path, named | owner)
    assert (twice.returncode, "signs in as the owner of the tables" in twice.stderr) == (1, True)

    installed = init(tmp_path, named)

    assert installed.returncode == 0, installed.stderr
    with psycopg.connect(own_server.dsn(user=SUPERUSER)) as looking:
        roles = looking.execute(
            """SELECT rolname, left(rolpassword, 13), rolinherit, rolcreaterole FROM pg_authid
               WHERE rolname LIKE 'pay%' ORDER BY 1"""
        ).fetchall()
    assert roles == [
        ("pay_app", "SCRAM-SHA-256", False, False),
        ("pay_proof", "SCRAM-SHA-256", False, False),
    ]
    proved = billfold(tmp_path, ["verify"], named)
    assert (proved.returncode, proved.stderr) == (0, ""), proved.stdout
    without_owner = {name: named[name] for name in named if name != SETTINGS[Login.OWNER]}
    assert billfold(tmp_path, ["verify"], without_owner).returncode == 0
    assert billfold(tmp_path, ["staff", "list"], without_owner).returncode == 0
    saved = billfold(tmp_path, ["backup", "--to", str(tmp_path / "saved")], without_owner)
    assert (saved.returncode, saved.stderr) == (0, "")
    held = billfold(tmp_path, ["hold", "on", "--why", "trouble"], without_owner)
    assert (held.returncode, "BILLFOLD_OWNER_DATABASE_URL" in held.stderr) == (1, True)
    strong = billfold(tmp_path, ["staff", "list"], without_owner | owner)
    assert (strong.returncode, "signs in as the owner of the tables" in strong.stderr) == (1, True)
