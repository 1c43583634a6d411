"""One biller, one schema, one role: which biller is served, and how PostgreSQL is told.

The rest of the code is written as if there were one biller. `use(biller)` sets role and search_path
together in one round trip, so that PostgreSQL itself refuses another biller's tables.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Final

from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.http.request import split_domain_port
from psycopg import sql

from billfold.platform import live_mark, login_roles
from billfold.platform.postgres.logins import Login

DIRECTORY_TABLES = """
CREATE TABLE IF NOT EXISTS public.instance (
    identity uuid PRIMARY KEY,
    mode text NOT NULL CHECK (mode IN ('demo', 'test', 'live')),
    is_only boolean NOT NULL DEFAULT true UNIQUE CHECK (is_only)
);
CREATE TABLE IF NOT EXISTS public.biller (
    schema text PRIMARY KEY CHECK (schema ~ '^[a-z][a-z0-9_]{0,39}$'),
    name text NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'hold'))
);
CREATE TABLE IF NOT EXISTS public.biller_host (
    host text PRIMARY KEY,
    schema text NOT NULL REFERENCES public.biller
);
CREATE OR REPLACE VIEW public.biller_state WITH (security_barrier) AS
    SELECT schema, state FROM public.biller
    WHERE pg_has_role('billfold_' || schema, 'USAGE');
GRANT SELECT ON public.biller_state, public.instance TO PUBLIC;
"""
SCHEMA_NAME = re.compile(
    r"(?!pg_|public\Z|information_schema\Z|app\Z|proof\Z)[a-z][a-z0-9_]{0,39}\Z"
)
ANY_HOST = "*"
_HOST_CACHE_SECONDS = 15.0


class NoBiller(Exception):
    """A biller's data was read or written before a biller was chosen."""


class SwitchInTransaction(Exception):
    """Another biller was chosen inside a transaction."""


class UnknownBiller(Exception):
    """No biller has that schema."""


class NotASchemaName(ValueError):
    """A schema name is a lower-case letter, then letters, digits and underscores, 40 at most, and
    none that PostgreSQL keeps for itself or that would be a login's (app, proof)."""


class BillerExists(Exception):
    """A biller with that schema or host is there already."""


@dataclass(frozen=True, slots=True)
class Biller:
    """One row of the directory."""

    schema: str
    name: str = field(compare=False)
    state: str = field(default="open", compare=False)

    @property
    def role(self) -> str:
        return f"billfold_{self.schema}"


@dataclass(frozen=True, slots=True)
class _Service:
    """Which biller a connection serves, and with whose rights."""

    biller: Biller | None
    login: Login = Login.APP

    def apply(self, wrapper: BaseDatabaseWrapper) -> None:
        """Set role and search_path of a connection, in one round trip."""
        role, path = "none", ""
        if self.biller is not None:
            role = self.biller.role if self.login is Login.APP else "none"
            path = f'"{self.biller.schema}"'
        with wrapper.connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('role', %s, false), set_config('search_path', %s, false)",
                [role, path],
            )


_NO_BILLER: Final = _Service(None)
_service: ContextVar[_Service] = ContextVar("service", default=_NO_BILLER)
_KEPT: Final = "app"
"""Where a thread keeps the application's connection while another login's is in its place."""


def current() -> Biller:
    """Return the biller being served. Raises: NoBiller."""
    biller = _service.get().biller
    if biller is None:
        raise NoBiller
    return biller


def apply_to_new_connection(wrapper: BaseDatabaseWrapper) -> None:
    """Let a new connection serve the present biller. Called by the database backend."""
    _service.get().apply(wrapper)


@contextmanager
def _serve(service: _Service) -> Iterator[None]:
    before = _service.get()
    if before == service:
        yield
        return
    try:
        _switch(service)
    except Exception:
        _service.set(before)
        raise
    try:
        yield
    finally:
        _switch(before)


def _switch(service: _Service) -> None:
    if connection.in_atomic_block:
        raise SwitchInTransaction
    _put_in_place(service.login)
    _service.set(service)
    if connection.connection is None:
        return
    try:
        with connection.wrap_database_errors:
            service.apply(connections[DEFAULT_DB_ALIAS])
    except OperationalError:
        connection.close()  # It is lost; the next connection serves the biller of the context.
    except Exception:
        connection.close()  # Never leave a connection that serves another biller.
        raise


def _put_in_place(login: Login) -> None:
    """Make a login's connection the one that all code of this thread uses. Raises: LoginNotNamed.

    A login is chosen when a connection is made, so each has its own. All but the application's are
    closed again after use: no process holds more rights than it needs at that moment.
    """
    before = _service.get().login
    if before is login:
        return
    login_roles.address(login)
    if before is Login.APP:
        connections[_KEPT] = connections[DEFAULT_DB_ALIAS]
    else:
        connection.close()
    connections[DEFAULT_DB_ALIAS] = connections[_KEPT if login is Login.APP else login]


@contextmanager
def use(biller: Biller) -> Iterator[None]:
    """Serve `biller` with the application's rights. Raises: SwitchInTransaction."""
    with _serve(_Service(biller)):
        yield


@contextmanager
def as_owner(biller: Biller | None) -> Iterator[None]:
    """Act as the owner of a biller's tables, or without one of the directory.

    Raises: LoginNotNamed, SwitchInTransaction.
    """
    with _serve(_Service(biller, Login.OWNER)):
        yield


@contextmanager
def as_proof(biller: Biller | None) -> Iterator[None]:
    """Read all of a biller's tables, or without one the directory, and write nothing.

    Raises: LoginNotNamed, SwitchInTransaction.
    """
    with _serve(_Service(biller, Login.PROOF)):
        yield


@contextmanager
def no_biller() -> Iterator[None]:
    """Serve no biller: only the directory can be read."""
    with _serve(_NO_BILLER):
        yield


def billers() -> list[Biller]:
    """List the billers, by schema."""
    with no_biller(), connection.cursor() as cursor:
        cursor.execute("SELECT schema, name, state FROM public.biller ORDER BY schema")
        rows = [Biller(*row) for row in cursor.fetchall()]
        return [replace(row, state="hold") for row in rows] if _is_copy(cursor) else rows


def _is_copy(cursor: CursorWrapper) -> bool:
    """Say whether this is a copy, which nothing may leave, whatever the directory says."""
    return live_mark.status(cursor) is not live_mark.MarkStatus.MATCHES


def biller(schema: str) -> Biller:
    """Find a biller. Raises: UnknownBiller."""
    for candidate in billers():
        if candidate.schema == schema:
            return candidate
    raise UnknownBiller(schema)


def install() -> None:
    """Make the two other logins, and the directory that all of them read; what is there stays."""
    with as_owner(None), transaction.atomic(), connection.cursor() as cursor:
        login_roles.make(cursor)
        cursor.execute(DIRECTORY_TABLES)
        cursor.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        cursor.execute("ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON ROUTINES FROM PUBLIC")
        for login in login_roles.other_than_owner():
            grant = "GRANT SELECT ON public.instance, public.biller, public.biller_host TO {}"
            cursor.execute(sql.SQL(grant).format(sql.Identifier(login)))


def add(schema: str, name: str, hosts: list[str]) -> Biller:
    """Make a biller: role, schema, tables, rights, hosts.

    Raises: NotASchemaName, BillerExists.
    """
    if not SCHEMA_NAME.match(schema):
        raise NotASchemaName(schema)
    new_biller = Biller(schema, name)
    with as_owner(None), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM public.biller WHERE schema = %s", [schema])
        if cursor.fetchone():
            raise BillerExists(schema)
        cursor.execute(
            "SELECT host FROM public.biller_host WHERE host = ANY(%s) ORDER BY 1", [hosts]
        )
        if taken := cursor.fetchone():
            raise BillerExists(taken[0])
        cursor.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
    migrate(new_biller)
    with as_owner(None), connection.cursor() as cursor:
        cursor.execute("INSERT INTO public.biller (schema, name) VALUES (%s, %s)", [schema, name])
        cursor.executemany(
            "INSERT INTO public.biller_host (host, schema) VALUES (%s, %s)",
            [(host, schema) for host in hosts],
        )
    _hosts.clear()
    return new_biller


def migrate(biller: Biller) -> None:
    """Bring one biller's schema up to this version and set its rights anew. Can be repeated."""
    with as_owner(biller):
        with connection.cursor() as cursor:
            login_roles.make_biller_role(cursor, biller.role)
        call_command("migrate", interactive=False, verbosity=0)
        grant(biller)


def grant(biller: Biller) -> None:
    """Give the biller's role what the application needs and nothing more.

    Rows can be read and added, and views read. Only the columns named in CHANGEABLE change, nothing
    of a table with the trigger `append_only`; rows are deleted only in DELETABLE tables. Who
    proves may read everything.
    """
    role, schema = sql.Identifier(biller.role), sql.Identifier(biller.schema)
    with transaction.atomic(), connection.cursor() as cursor:
        for kind in ("TABLES", "SEQUENCES", "ROUTINES"):
            revoke = "REVOKE ALL ON ALL " + kind + " IN SCHEMA {} FROM PUBLIC, {}"
            cursor.execute(sql.SQL(revoke).format(schema, role))
        cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, role))
        cursor.execute(
            sql.SQL("GRANT EXECUTE ON ALL ROUTINES IN SCHEMA {} TO {}").format(schema, role)
        )
        cursor.execute(
            """SELECT c.relname, c.relkind = 'v', EXISTS (
                   SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'append_only')
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'v') ORDER BY 1""",
            [biller.schema],
        )
        for name, is_view, is_append_only in cursor.fetchall():
            rights = "SELECT" if is_view else _rights(name, is_append_only=is_append_only)
            relation = sql.Identifier(biller.schema, name)
            cursor.execute(sql.SQL("GRANT " + rights + " ON {} TO {}").format(relation, role))
        for login in login_roles.readers_of_all():
            proof = sql.Identifier(login)
            cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, proof))
            for kind in ("TABLES", "SEQUENCES"):
                select = "GRANT SELECT ON ALL " + kind + " IN SCHEMA {} TO {}"
                cursor.execute(sql.SQL(select).format(schema, proof))


def _rights(table: str, *, is_append_only: bool) -> str:
    """Word what the application may do with a table."""
    columns = () if is_append_only else CHANGEABLE.get(table, ())
    update = f", UPDATE ({', '.join(columns)})" if columns else ""
    return f"SELECT, INSERT{update}" + ", DELETE" * (table in DELETABLE)


CHANGEABLE: Final[Mapping[str, Sequence[str]]] = {
    "auth_group": (),
    "auth_group_permissions": (),
    "auth_permission": (),
    "banking_bankconnection": ("last_sequence", "closed_through"),
    "banking_bankfile": (
        "state",
        "release_round",
        "released_at",
        "sent_at",
        "answered_at",
        "problems",
        "facts_fingerprint",
        "entry_count",
        "debit_minor",
        "credit_minor",
        "added_by_id",
    ),
    "banking_bankline": ("explained_at", "is_due"),
    "banking_matchchange": (),
    "banking_routingnumber": ("bank_name",),
    "django_content_type": (),
    "django_migrations": (),
    "django_session": ("session_data", "expire_date"),
    "ledger_account": ("debits_minor", "credits_minor"),
    "ledger_books": (),
    "ledger_movement": (),
    "notices_notice": ("sent_at",),
    "payments_case": ("closed_at", "closed_by", "resolution"),
    "payments_cutoff": (),
    "payments_instruction": ("is_live", "answer"),
    "payments_mandate": ("revoked_at", "revoked_why"),
    "payments_methodaccess": ("until",),
    "payments_payment": ("state", "collect_on", "reflected_by"),
    "payments_paymentmethod": (
        "label",
        "account_fingerprint",
        "is_remembered",
        "is_default",
        "is_backup",
        "nickname",
        "state",
        "state_reason",
        "state_since",
    ),
    "people_person": ("password", "must_change_password", "last_login"),
    "people_signinattempt": (),
    "platform_auditunsealed": (),
    "platform_feedrow": ("number",),
    "platform_itemfailure": ("attempts", "error", "next_try_at", "parked_at"),
    "platform_silence": ("tries", "next_try_at", "reason"),
    "receivables_billerprofile": (),
    "receivables_creditnote": (),
    "receivables_customer": ("name", "email", "address", "state", "terms", "paper_bill"),
    "receivables_feecap": (),
    "receivables_importrun": (),
    "receivables_invoice": ("invoice_date", "due_date", "reference", "description"),
    "receivables_invoicedocument": ("name", "sha256", "content"),
    "receivables_invoiceline": ("description", "quantity", "amount_minor"),
}
"""The columns that may change in each table without the trigger `append_only`: where a row stands,
never what it says about money, consent or rights. A table that is not here has none. The terms of a
biller and of its bank are the owner's to change."""

DELETABLE = frozenset(
    {
        "banking_matchchange",
        "django_session",
        "ledger_movement",
        "people_signinattempt",
        "platform_auditunsealed",
        "platform_itemfailure",
        "platform_silence",
    }
)
"""Tables whose rows are no record of anything: sessions, counters, rolled-up sums, work lists, what
is so at present."""

_hosts: dict[str, tuple[float, Biller | None]] = {}


def by_host(host: str) -> Biller | None:
    """Find the biller served under a host name; one listed under "*" answers any host."""
    cached = _hosts.get(host)
    if cached and cached[0] > time.monotonic():
        return cached[1]
    with no_biller(), connection.cursor() as cursor:
        cursor.execute(
            """SELECT b.schema, b.name, b.state FROM public.biller_host h
               JOIN public.biller b USING (schema)
               WHERE h.host IN (%s, %s) ORDER BY h.host = %s LIMIT 1""",
            [host, ANY_HOST, ANY_HOST],
        )
        row = cursor.fetchone()
        biller = Biller(*row) if row else None
        if biller and _is_copy(cursor):
            biller = replace(biller, state="hold")
    if len(_hosts) > 1_000:
        _hosts.clear()
    _hosts[host] = (time.monotonic() + _HOST_CACHE_SECONDS, biller)
    return biller


class Middleware:
    """Serve the biller of the requested host; answer 404 for any other host."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/healthz":
            return self.get_response(request)
        host = split_domain_port(request.get_host())[0]
        biller = by_host(host)
        if biller is None:
            return HttpResponseNotFound("No biller is served under this name.\n", "text/plain")
        with use(biller):
            return self.get_response(request)
