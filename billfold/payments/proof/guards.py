"""Makes checks that the database's own guards exist: rights, triggers, indexes, constraints."""

from __future__ import annotations

from django.conf import settings

from billfold.payments.proof.check import NOTHING, Inspection, ProofCheck, Violations, by_sql
from billfold.platform import login_roles, tenancy

_CHANGEABLE = """
SELECT 'the application may ' || lower(act.name) || ' rows of ' || wanted.name
FROM unnest(%(tables)s::text[]) wanted (name)
JOIN pg_class c ON c.relname = wanted.name AND c.relnamespace = %(schema)s::text::regnamespace
CROSS JOIN unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE']) act (name)
WHERE has_table_privilege(%(role)s::text, c.oid, act.name)
   OR (act.name = 'UPDATE' AND has_any_column_privilege(%(role)s::text, c.oid, 'UPDATE'))
UNION ALL
SELECT 'there is no table ' || wanted.name FROM unnest(%(tables)s::text[]) wanted (name)
WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.relname = wanted.name
                  AND c.relnamespace = %(schema)s::text::regnamespace)
"""
_UNGUARDED = """
SELECT 'the trigger that keeps rows of ' || wanted.name || ' as they are is missing or off'
FROM unnest(%(tables)s::text[]) wanted (name)
WHERE NOT EXISTS (
    SELECT FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    JOIN pg_proc f ON f.oid = t.tgfoid
    WHERE c.relname = wanted.name AND c.relnamespace = %(schema)s::text::regnamespace
      AND t.tgname = 'append_only' AND f.proname = 'refuse_change' AND t.tgenabled IN ('O', 'A')
      -- Bits: before 2, delete 8, update 16, truncate 32. Source: PostgreSQL, catalog/pg_trigger.h.
      AND t.tgtype & 58 = 58 AND t.tgqual IS NULL AND t.tgattr = '')
"""


def never_changed(promise: int, what: str, *tables: str) -> list[ProofCheck]:
    """Check that rows of `tables` can be added and read, never changed or removed."""
    return [
        by_sql(
            promise,
            f"The application has no right to change {what}",
            _CHANGEABLE,
            tables=list(tables),
        ),
        by_sql(
            promise,
            f"A trigger refuses changes of {what}, whoever makes them",
            _UNGUARDED,
            tables=list(tables),
        ),
    ]


_ENDS_UNGUARDED = """
SELECT 'the trigger that lets only the end of ' || %(table)s::text || ' be written is off'
WHERE NOT EXISTS (
    SELECT FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    JOIN pg_proc f ON f.oid = t.tgfoid
    WHERE c.relname = %(table)s AND c.relnamespace = %(schema)s::text::regnamespace
      AND t.tgname = 'only_ends' AND f.proname = 'refuse_all_but_the_end'
      -- Bits: row 1, before 2, update 16. Source: PostgreSQL, catalog/pg_trigger.h.
      AND t.tgenabled IN ('O', 'A') AND t.tgtype & 19 = 19 AND t.tgqual IS NULL AND t.tgattr = '')
"""


def keeps_all_but_ends(promise: int, title: str, table: str) -> ProofCheck:
    """Check that a trigger lets nothing but the end of a row be written, whoever writes it."""
    return by_sql(promise, title, _ENDS_UNGUARDED, table=table)


_OTHER_COLUMNS = """
SELECT 'the application may change ' || a.attname || ' of ' || c.relname
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = %(schema)s::text::regnamespace AND c.relname = %(table)s
  AND NOT a.attname = ANY(%(columns)s)
  AND has_column_privilege(%(role)s::text, c.oid, a.attnum, 'UPDATE')
"""


def changed_only(promise: int, title: str, table: str) -> ProofCheck:
    """Check that the application can change nothing of a table but what `tenancy` says."""
    columns = list(tenancy.CHANGEABLE[table])
    return by_sql(promise, title, _OTHER_COLUMNS, table=table, columns=columns)


_BEYOND_LISTED = """
SELECT 'the application may ' || lower(act.name) || ' ' || c.relname || coalesce('.' || a.name, '')
FROM pg_class c
CROSS JOIN unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) act (name)
LEFT JOIN LATERAL (
    SELECT a.attname AS name, a.attnum FROM pg_attribute a
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND act.name = 'UPDATE'
) a ON true
WHERE c.relnamespace = %(schema)s::text::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND CASE WHEN act.name = 'UPDATE'
           THEN has_column_privilege(%(role)s::text, c.oid, a.attnum, 'UPDATE')
           ELSE has_table_privilege(%(role)s::text, c.oid, act.name) END
  AND NOT CASE act.name
           WHEN 'INSERT' THEN c.relkind IN ('r', 'p')
           WHEN 'DELETE' THEN c.relname = ANY(%(deletable)s)
           WHEN 'UPDATE' THEN c.relname || '.' || a.name = ANY(%(changeable)s)
           ELSE false END
"""


def changes_only_listed(promise: int, title: str) -> ProofCheck:
    """Check that the application can write nothing but what `tenancy` lists."""
    columns = [f"{table}.{name}" for table, names in tenancy.CHANGEABLE.items() for name in names]
    return by_sql(
        promise, title, _BEYOND_LISTED, changeable=columns, deletable=sorted(tenancy.DELETABLE)
    )


_OPEN_DOORS = """
SELECT 'view ' || c.relname || ' is read with the rights of its owner'
FROM pg_class c WHERE c.relnamespace = %(schema)s::text::regnamespace AND c.relkind = 'v'
  AND NOT coalesce(c.reloptions && ARRAY['security_invoker=true', 'security_invoker=on'], false)
UNION ALL
SELECT 'everybody on the server may execute ' || p.proname
FROM pg_proc p CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) acl
WHERE p.pronamespace = %(schema)s::text::regnamespace AND acl.grantee = 0
"""


def nothing_lends_rights(promise: int, title: str) -> ProofCheck:
    """Check that views and functions do for nobody what only their owner may."""
    return by_sql(promise, title, _OPEN_DOORS)


def narrow_logins(promise: int, title: str) -> ProofCheck:
    """Check that no login has more rights than its work needs; a demo may do with one for all."""

    def find(inspection: Inspection) -> Violations:
        if not (settings.IS_LIVE or login_roles.are_apart()):
            return NOTHING
        return inspection.offenders(login_roles.FAULTS)

    return ProofCheck(promise, title, find)


_NOT_UNIQUE = """
SELECT 'no unique index on ' || wanted.name || ' (' || wanted.columns || ')'
FROM unnest(%(tables)s::text[], %(columns)s::text[], %(partial)s::boolean[])
    wanted (name, columns, partial)
WHERE NOT EXISTS (
    SELECT FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid
    WHERE c.relname = wanted.name AND c.relnamespace = %(schema)s::text::regnamespace
      AND x.indisunique AND x.indisvalid AND x.indimmediate
      AND (x.indpred IS NOT NULL) = wanted.partial
      AND wanted.columns = (
          SELECT string_agg(a.attname, ', ' ORDER BY a.attname) FROM unnest(x.indkey) key (number)
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = key.number))
"""


def unique(promise: int, title: str, *columns: str, partial: bool = False) -> ProofCheck:
    """Check that the database lets each `table.column+column` stand once.

    `partial`: only among some of the rows, as the index itself says.
    """
    named = [column.partition(".") for column in columns]
    return by_sql(
        promise,
        title,
        _NOT_UNIQUE,
        tables=[table for table, _, _ in named],
        columns=[", ".join(sorted(names.split("+"))) for _, _, names in named],
        partial=[partial] * len(named),
    )


_UNCONSTRAINED = """
SELECT 'the constraint ' || wanted.name || ' is missing or was never validated'
FROM unnest(%(names)s::text[]) wanted (name)
WHERE NOT EXISTS (
    SELECT FROM pg_constraint k WHERE k.conname = wanted.name AND k.convalidated
      AND k.connamespace = %(schema)s::text::regnamespace)
"""


def constrained(promise: int, title: str, *names: str) -> ProofCheck:
    """Check that constraints of these names stand and cover every row."""
    return by_sql(promise, title, _UNCONSTRAINED, names=list(names))
