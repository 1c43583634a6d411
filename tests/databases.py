"""Databases of a private server beside the one that stories share: copied, and taken away."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from django.db import connection
from psycopg import sql

from billfold.platform import login_roles, tenancy
from billfold.platform.postgres import programs
from billfold.platform.postgres.logins import Login
from billfold.platform.postgres.server import DATABASE, SUPERUSER, USERS, PrivateServer
from tests import environment, waiting


def carry_out(server: PrivateServer, *statements: sql.Composable) -> None:
    """Carry out statements on the server as a whole."""
    address = server.dsn("postgres", user=SUPERUSER)
    with psycopg.connect(address, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def copy(server: PrivateServer, source: str, name: str) -> None:
    """Copy a database under another name; everybody must have closed their connections to it."""
    waiting.wait_until(lambda: not sessions(server, source), f"nobody is connected to {source}")
    create = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY file_copy")
    drop(server, name)
    carry_out(server, create.format(*map(sql.Identifier, (name, USERS[Login.OWNER], source))))


def drop(server: PrivateServer, name: str) -> None:
    """Take a database away, whoever is connected to it."""
    statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
    carry_out(server, statement.format(sql.Identifier(name)))


@dataclass(frozen=True)
class BillerDump:
    """A biller as pg_dump writes it. To copy it takes a fraction of the time of its migrations."""

    server: PrivateServer
    schema: str
    written: str

    def copy(self, *names: str, hosts: Sequence[str] = ()) -> None:
        """Make billers of other names, which also stand wherever the copied one's stood."""
        address = self.server.dsn(DATABASE, user=SUPERUSER)
        psql = _program("psql")
        for name in names:
            owner = self.server.dsn(DATABASE, user=USERS[Login.OWNER])
            with psycopg.connect(owner, autocommit=True) as connection:
                login_roles.make_biller_role(connection.cursor(), f"billfold_{name}")
            with psycopg.connect(address, autocommit=True) as connection:
                written = self.written.replace(self.schema, name)
                _run([psql, "-q", "-v", "ON_ERROR_STOP=1", address], written)
                connection.execute(
                    "INSERT INTO public.biller (schema, name) VALUES (%s, %s)", [name, name]
                )
                for host in hosts:
                    connection.execute(
                        "INSERT INTO public.biller_host VALUES (%s, %s)", [host, name]
                    )
        tenancy._hosts.clear()


def dump_biller(server: PrivateServer, schema: str) -> BillerDump:
    """Write down a biller with its rows."""
    address = server.dsn(DATABASE, user=SUPERUSER)
    return BillerDump(server, schema, _run([_program("pg_dump"), "--schema", schema, address], ""))


def _program(name: str) -> Path:
    return programs.locate(reachable=None, copy_to=Path()) / name


def _run(command: list[str | Path], written: str) -> str:
    return subprocess.run(command, input=written, capture_output=True, text=True, check=True).stdout


def remove_biller(server: PrivateServer, schema: str, *, database: str = DATABASE) -> None:
    """Take a biller away, as no command can."""
    names = {"schema": sql.Identifier(schema), "role": sql.Identifier(f"billfold_{schema}")}
    with psycopg.connect(server.dsn(database, user=SUPERUSER), autocommit=True) as connection:
        for table in ("biller_host", "biller"):
            statement = sql.SQL("DELETE FROM public.{} WHERE schema = %s")
            connection.execute(statement.format(sql.Identifier(table)), [schema])
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {schema} CASCADE").format(**names))
        has_role = "SELECT FROM pg_roles WHERE rolname = %s"
        if connection.execute(has_role, [f"billfold_{schema}"]).rowcount:
            connection.execute(sql.SQL("DROP OWNED BY {role}").format(**names))
            connection.execute(sql.SQL("DROP ROLE {role}").format(**names))


def somebody_waits_for_a_lock() -> bool:
    """Say whether anybody on the stories' server waits for somebody else."""
    with psycopg.connect(environment.SERVER.dsn("postgres", user=SUPERUSER)) as connection:
        return connection.execute("SELECT FROM pg_locks WHERE NOT granted").rowcount > 0


def end_session(server: PrivateServer, pid: int) -> None:
    """End one connection to the server, as an operator or a lost line would."""
    with psycopg.connect(server.dsn("postgres", user=SUPERUSER)) as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])


def end_other_sessions(server: PrivateServer) -> None:
    """End every connection of ours to the server but this thread's own."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (ours,) = cursor.fetchone()
    with psycopg.connect(server.dsn("postgres", user=SUPERUSER)) as looking:
        looking.execute(
            """SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
               WHERE datname = %s AND backend_type = 'client backend' AND pid <> %s""",
            [DATABASE, ours],
        )


def sessions(server: PrivateServer, name: str) -> int:
    """Count who is connected to a database; who has just hung up counts until it is gone."""
    with psycopg.connect(server.dsn("postgres", user=SUPERUSER)) as connection:
        [(count,)] = connection.execute(
            """SELECT count(*) FROM pg_stat_activity
               WHERE datname = %s AND backend_type = 'client backend'""",
            [name],
        ).fetchall()
    return int(count)
