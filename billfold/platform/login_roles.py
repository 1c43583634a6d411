"""The logins' roles in the database: made where they are missing, and looked over for rights.

This guards against mistakes, such as a forgotten filter. It is no wall against SQL that somebody
smuggles in: a login that may take a biller's role may take the next one's, too.
"""

from __future__ import annotations

import getpass
from typing import Final

from django.conf import settings
from django.db import connection
from django.db.backends.utils import CursorWrapper
from psycopg import conninfo, sql

from billfold.platform.postgres.logins import SETTINGS, Login, LoginNotNamed

_SET_OPTION_SINCE: Final = 160_000
"""The version of PostgreSQL from which a membership says what it is good for."""


def address(login: Login) -> str:
    """Return where a login connects to. Raises: LoginNotNamed."""
    addresses: dict[Login, str] = settings.DATABASE_URLS
    if login not in addresses:
        raise LoginNotNamed(SETTINGS[login])
    return addresses[login]


def name(login: Login) -> str:
    """Return whom a login signs in as: we ourselves, where its address does not say so.

    Raises: LoginNotNamed.
    """
    user = conninfo.conninfo_to_dict(address(login)).get("user")
    return str(user or getpass.getuser())


def are_apart() -> bool:
    """Say whether no two of the logins that are named are one: a demo may do with one for all."""
    named = [name(login) for login in settings.DATABASE_URLS]
    return len(set(named)) == len(named)


def other_than_owner() -> list[str]:
    """List whom the two other logins sign in as. Raises: LoginNotNamed."""
    return sorted({name(Login.APP), name(Login.PROOF)} - {name(Login.OWNER)})


def readers_of_all() -> list[str]:
    """List who reads every biller's tables without taking a role. Raises: LoginNotNamed."""
    return sorted({name(Login.PROOF)} - {name(Login.OWNER), name(Login.APP)})


def is_owner_or_stronger(cursor: CursorWrapper) -> bool:
    """Say whether who is signed in could change the directory or make roles."""
    cursor.execute(
        """SELECT rolsuper OR rolcreaterole OR (to_regclass('public.biller') IS NOT NULL
                  AND has_table_privilege(session_user, to_regclass('public.biller'), 'UPDATE'))
           FROM pg_roles WHERE rolname = session_user"""
    )
    return bool(cursor.fetchone()[0])


def make(cursor: CursorWrapper) -> None:
    """Make the logins that are missing, with the passwords of their addresses.

    Needs the owner's login. Raises: LoginNotNamed.
    """
    for login in (Login.APP, Login.PROOF):
        role = name(login)
        if _exists(cursor, role):
            continue
        identifier = sql.Identifier(role)
        secret = _secret(role, str(conninfo.conninfo_to_dict(address(login)).get("password") or ""))
        cursor.execute(sql.SQL("CREATE ROLE {} LOGIN NOINHERIT").format(identifier) + secret)
        if login is Login.PROOF:
            cursor.execute(
                sql.SQL("ALTER ROLE {} SET default_transaction_read_only = on").format(identifier)
            )


def _secret(role: str, password: str) -> sql.Composable:
    """Word the password of a new login, hashed here: neither server nor log sees it."""
    if not password:
        return sql.SQL("")
    server = connection.connection.pgconn
    hashed = server.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    return sql.SQL(" PASSWORD {}").format(sql.Literal(hashed.decode()))


def make_biller_role(cursor: CursorWrapper, role: str) -> None:
    """Make the role that the application takes for a biller, and let it take it."""
    identifier = sql.Identifier(role)
    if not _exists(cursor, role):
        cursor.execute(sql.SQL("CREATE ROLE {} NOLOGIN NOINHERIT").format(identifier))
    app = sql.Identifier(name(Login.APP))
    cursor.execute("SELECT current_setting('server_version_num')::int")
    options = " WITH INHERIT FALSE, SET TRUE" * (cursor.fetchone()[0] >= _SET_OPTION_SINCE)
    cursor.execute(sql.SQL("GRANT {} TO {}" + options).format(identifier, app))


def _exists(cursor: CursorWrapper, role: str) -> bool:
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
    return cursor.fetchone() is not None


FAULTS: Final = """
WITH schema AS (
    SELECT n.oid, n.nspowner, n.nspacl, r.oid AS role
    FROM public.biller b JOIN pg_namespace n ON n.nspname = b.schema
    LEFT JOIN pg_roles r ON r.rolname = 'billfold_' || b.schema
), membership AS (
    -- PostgreSQL says what a membership is good for since version 16; before, it is good for all.
    SELECT m.member, m.roleid, m.admin_option,
           coalesce((to_jsonb(m) ->> 'set_option')::boolean, true) AS may_set,
           coalesce((to_jsonb(m) ->> 'inherit_option')::boolean, r.rolinherit) AS inherits
    FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member
), app AS (
    SELECT DISTINCT m.member AS oid FROM membership m JOIN schema ON schema.role = m.roleid
    WHERE m.may_set
), proof AS (
    SELECT DISTINCT acl.grantee AS oid FROM schema CROSS JOIN LATERAL aclexplode(schema.nspacl) acl
    WHERE acl.grantee NOT IN (0, schema.nspowner, schema.role)
), login AS (
    SELECT 'the application''s login ' || rolname AS who, r.* FROM app JOIN pg_roles r USING (oid)
    UNION ALL SELECT 'the proof''s login ' || rolname, r.* FROM proof JOIN pg_roles r USING (oid)
)
SELECT who || ' may ' || may FROM login CROSS JOIN LATERAL (VALUES
    (rolsuper, 'do anything'), (rolbypassrls, 'pass over row security'),
    (rolcreaterole, 'make roles'), (rolcreatedb, 'make databases'),
    (rolreplication, 'copy the server'),
    (has_database_privilege(oid, current_database(), 'CREATE'), 'make schemas')) granted (yes, may)
WHERE yes
UNION ALL
SELECT who || ' owns things' FROM login WHERE EXISTS (
    SELECT FROM pg_shdepend d
    WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = login.oid AND d.deptype = 'o')
UNION ALL
SELECT who || ' may make things in schema ' || n.nspname FROM login CROSS JOIN pg_namespace n
WHERE (n.nspname = 'public' OR n.oid IN (SELECT oid FROM schema))
  AND has_schema_privilege(login.oid, n.oid, 'CREATE')
UNION ALL
SELECT who || ' may change ' || c.oid::regclass FROM login JOIN pg_class c
    ON c.relkind IN ('r', 'p', 'v')
    AND (c.relnamespace = 'public'::regnamespace OR c.relnamespace IN (SELECT oid FROM schema))
WHERE has_table_privilege(login.oid, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER')
UNION ALL
SELECT who || ' is a member of ' || g.rolname
FROM login JOIN membership m ON m.member = login.oid JOIN pg_roles g ON g.oid = m.roleid
WHERE login.oid IN (SELECT oid FROM proof) OR m.admin_option
   -- Roles belong to the server: it may have another database with other billers.
   OR g.rolcanlogin OR NOT starts_with(g.rolname, 'billfold_')
UNION ALL
SELECT who || ' has the rights of ' || g.rolname || ' without taking its role'
FROM login JOIN membership m ON m.member = login.oid JOIN pg_roles g ON g.oid = m.roleid
WHERE m.inherits
UNION ALL
SELECT who || ' does not begin its transactions read-only' FROM login
WHERE oid IN (SELECT oid FROM proof)
  AND NOT coalesce('default_transaction_read_only=on' = ANY(rolconfig), false)
UNION ALL
SELECT 'the owner''s login ' || rolname || ' may do anything'
FROM pg_roles WHERE rolsuper AND oid IN (SELECT nspowner FROM schema)
UNION ALL
SELECT 'no login may take the role of ' || b.schema FROM public.biller b
WHERE NOT EXISTS (SELECT FROM pg_roles r JOIN membership m ON m.roleid = r.oid AND m.may_set
                  WHERE r.rolname = 'billfold_' || b.schema)
"""
"""Each right that a login has too many, in words; who may read the directory may ask."""


def faults(cursor: CursorWrapper) -> list[str]:
    """List in words what the logins may that they should not."""
    cursor.execute(FAULTS)
    return [words for (words,) in cursor.fetchall()]
