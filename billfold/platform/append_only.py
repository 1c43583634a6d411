"""For migrations: mark tables whose rows may be added and read, never changed.

The trigger is the mark that `tenancy.grant` reads to withhold UPDATE and DELETE; it is also the
belt for whoever has more rights.
"""

from __future__ import annotations

from django.db.migrations import RunSQL

CREATE_FUNCTION = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed or removed', TG_TABLE_NAME
        USING ERRCODE = 'BF003';
END $$;
"""


def append_only(*tables: str) -> RunSQL:
    """Make the operation that marks `tables`, and its reverse."""
    mark = "".join(
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();\n"
        for table in tables
    )
    unmark = "".join(f"DROP TRIGGER append_only ON {table};\n" for table in tables)
    return RunSQL(mark, unmark)
