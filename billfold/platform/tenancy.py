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
from django.db import OperationalError, connection
from django.db.backends.utils import CursorWrapper
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.http.request import split_domain_port
from psycopg import sql

from billfold.platform import live_mark

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
"""
SCHEMA_NAME = re.compile(r"(?!pg_|public\Z|information_schema\Z)[a-z][a-z0-9_]{0,39}\Z")
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
    none that PostgreSQL keeps for itself."""


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
    as_owner: bool = False

    def apply(self) -> None:
        """Set role and search_path of the connection, in one round trip."""
        role = "none" if self.as_owner or self.biller is None else self.biller.role
        path = "" if self.biller is None else f'"{self.biller.schema}"'
        with connection.connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('role', %s, false), set_config('search_path', %s, false)",
                [role, path],
            )


_NO_BILLER: Final = _Service(None)
_service: ContextVar[_Service] = ContextVar("service", default=_NO_BILLER)


def current() -> Biller:
    """Return the biller being served. Raises: NoBiller."""
    biller = _service.get().biller
    if biller is None:
        raise NoBiller
    return biller


def apply_to_new_connection() -> None:
    """Let a new connection serve the present biller. Called by the database backend."""
    _service.get().apply()


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
    _service.set(service)
    if connection.connection is None:
        return
    try:
        with connection.wrap_database_errors:
            service.apply()
    except OperationalError:
        connection.close()  # It is lost; the next connection serves the biller of the context.
    except Exception:
        connection.close()  # Never leave a connection that serves another biller.
        raise


@contextmanager
def use(biller: Biller) -> Iterator[None]:
    """Serve `biller` with the application's rights. Raises: SwitchInTransaction."""
    with _serve(_Service(biller)):
        yield


@contextmanager
def as_owner(biller: Biller) -> Iterator[None]:
    """Serve `biller` as the owner of its tables: for migrations, verify and its directory entry."""
    with _serve(_Service(biller, as_owner=True)):
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
    """Make the directory, if it is not there."""
    with no_biller(), connection.cursor() as cursor:
        cursor.execute(DIRECTORY_TABLES)


def add(schema: str, name: str, hosts: list[str]) -> Biller:
    """Make a biller: role, schema, tables, rights, hosts.

    Raises: NotASchemaName, BillerExists.
    """
    if not SCHEMA_NAME.match(schema):
        raise NotASchemaName(schema)
    new_biller = Biller(schema, name)
    with no_biller(), connection.cursor() as cursor:
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
    with no_biller(), connection.cursor() as cursor:
        cursor.execute("INSERT INTO public.biller (schema, name) VALUES (%s, %s)", [schema, name])
        cursor.executemany(
            "INSERT INTO public.biller_host (host, schema) VALUES (%s, %s)",
            [(host, schema) for host in hosts],
        )
    _hosts.clear()
    return new_biller


def _make_role(cursor: CursorWrapper, biller: Biller) -> None:
    """Make the role the application sets for a biller, and allow us to set it."""
    role = sql.Identifier(biller.role)
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [biller.role])
    if not cursor.fetchone():
        cursor.execute(sql.SQL("CREATE ROLE {} NOLOGIN NOINHERIT").format(role))
    cursor.execute(
        """SELECT pg_has_role(current_user, %s, CASE
                      WHEN current_setting('server_version_num')::int < 160000
                      THEN 'MEMBER' ELSE 'SET' END)""",
        [biller.role],
    )
    if not cursor.fetchone()[0]:
        cursor.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(role))


def migrate(biller: Biller) -> None:
    """Bring one biller's schema up to this version and set its rights anew. Can be repeated."""
    with no_biller(), connection.cursor() as cursor:
        _make_role(cursor, biller)
    with as_owner(biller):
        call_command("migrate", interactive=False, verbosity=0)
        grant(biller)


def grant(biller: Biller) -> None:
    """Give the biller's role what the application needs and nothing more.

    Rows of tables with the trigger `append_only` can be read and added, never changed. Of evidence
    only the columns named in CHANGEABLE change. Rows are deleted only in DELETABLE tables.
    """
    role, schema = sql.Identifier(biller.role), sql.Identifier(biller.schema)
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT c.relname, EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid
                                         AND t.tgname = 'append_only')
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = %s AND c.relkind = 'r' ORDER BY 1""",
            [biller.schema],
        )
        tables = cursor.fetchall()
        cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, role))
        cursor.execute(
            sql.SQL("GRANT USAGE ON ALL SEQUENCES IN SCHEMA {} TO {}").format(schema, role)
        )
        for name, is_append_only in tables:
            table = sql.Identifier(biller.schema, name)
            rights = "SELECT, INSERT"
            if name in CHANGEABLE:
                rights += f", UPDATE ({', '.join(CHANGEABLE[name])})" * bool(CHANGEABLE[name])
            elif not is_append_only:
                rights += ", UPDATE"
            if name in DELETABLE:
                rights += ", DELETE"
            cursor.execute(sql.SQL("REVOKE ALL ON {} FROM {}").format(table, role))
            cursor.execute(sql.SQL("GRANT " + rights + " ON {} TO {}").format(table, role))


CHANGEABLE: Final[Mapping[str, Sequence[str]]] = {
    "banking_bankfile": (
        "state",
        "release_round",
        "released_at",
        "sent_at",
        "answered_at",
        "problems",
        "entry_count",
        "debit_minor",
        "credit_minor",
    ),
    "banking_bankline": ("explained_at",),
    "payments_cutoff": (),
    "payments_instruction": ("is_live", "answer"),
    "payments_mandate": (
        "revoked_at",
        "revoked_why",
        "account_fingerprint",
        "validated_at",
        "validation_evidence",
    ),
    "payments_payment": ("state", "collect_on", "reflected_by"),
    "receivables_importrun": (),
}
"""What may change in rows that are evidence: where they stand, never what they say."""

DELETABLE = frozenset({"django_session", "ledger_movement", "people_signinattempt"})
"""Tables whose rows are not a record of anything: sessions, counters, rolled-up sums."""

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
