"""Imports from the billing system: a CSV file is taken whole or not at all.

The file is streamed into a temporary table, judged there by SQL, and applied in one transaction.
Its bytes are kept with what they changed. docs/importing.md is the user's side of it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import IO, Final
from uuid import UUID

from django.db import connection, transaction

from billfold.money import Money
from billfold.platform import audit
from billfold.platform.ids import new_id
from billfold.receivables.imports import columns, customers, details, invoices, staging
from billfold.receivables.imports.csv_files import Problems, Reading
from billfold.receivables.imports.run import Changes, IsReserved, Run
from billfold.receivables.models import ImportRun

APPLY: Final[Mapping[str, Callable[[Run], Changes]]] = {
    "customers": customers.apply,
    "invoices": invoices.apply,
    "lines": details.apply_lines,
    "credits": details.apply_credits,
    "documents": details.apply_documents,
}
WITH_AMOUNTS: Final = frozenset({"invoices", "lines", "credits"})


@dataclass(frozen=True, slots=True)
class Asked:
    """Which file, how to read it, and what it must add up to."""

    kind: str
    path: Path
    columns: Mapping[str, str] = field(default_factory=dict)
    """Field -> name of the file's column, where they differ."""
    date_layout: str = "%Y-%m-%d"
    create_customers: bool = False
    control_total: Money | None = None
    control_count: int | None = None
    is_rehearsal: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, or in a rehearsal would do."""

    kind: str
    sha256: str
    rows: int
    changes: Changes
    total: Money | None
    skipped_columns: tuple[str, ...]
    imported_before: datetime | None
    """When the very same bytes came last."""

    @property
    def changed_nothing(self) -> bool:
        done = self.changes
        return not (done.added or done.changed or done.customers_added)


def _nothing_reserved(_invoice_ids: object) -> set[UUID]:
    return set()


def load(
    asked: Asked,
    *,
    actor: audit.Actor,
    now: datetime,
    on: date,
    is_reserved: IsReserved = _nothing_reserved,
) -> Imported:
    """Take in one file, or refuse it whole. Opens the transaction.

    `on` is the day the books carry.
    Raises: import_files.Refused, import_fields.NotALayout, OSError.
    """
    fields = columns.fields(asked.kind, asked.date_layout)
    with asked.path.open("rb") as source, tempfile.TemporaryFile() as keep:
        reading = Reading(source, fields, asked.columns)
        run = Run(
            id=new_id(),
            reading=reading,
            actor=actor,
            now=now,
            on=on,
            folder=asked.path.parent,
            create_customers=asked.create_customers,
            is_reserved=is_reserved,
        )
        # The file is read inside the transaction: its rows stream into a table that ends with it.
        with transaction.atomic(durable=True):
            _wait_for_our_turn()
            staging.fill(reading, asked.kind, keep=keep)
            _check_controls(asked, reading)
            reading.problems.refuse()
            changes = APPLY[asked.kind](run)
            reading.problems.refuse()
            done = _sum_up(asked, reading, changes)
            if not (done.changed_nothing and done.imported_before):
                _keep(run, asked, done, keep)
            if asked.is_rehearsal:
                transaction.set_rollback(True)
    return done


def _wait_for_our_turn() -> None:
    """Let one import of this biller run at a time."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtext('receivables.imports'),"
            " hashtext(current_schema()))"
        )


def _check_controls(asked: Asked, reading: Reading) -> None:
    """Compare the file with what was said of it; a row that cannot be read makes that moot."""
    problems: Problems = reading.problems
    if problems.count:
        return
    if asked.control_count is not None and asked.control_count != reading.rows:
        problems.add(
            0,
            "",
            f"It has {reading.rows:,} rows and --control-count is {asked.control_count:,}",
            "Export it again, or correct the count.",
        )
    if asked.control_total is not None:
        found = Money(reading.total_minor, asked.control_total.currency)
        if found != asked.control_total:
            problems.add(
                0,
                "",
                f"Its amounts add up to {found} and --control-total is {asked.control_total}",
                "Export it again, or correct the total.",
            )


def _sum_up(asked: Asked, reading: Reading, changes: Changes) -> Imported:
    before = ImportRun.objects.filter(kind=asked.kind, sha256=reading.sha256).order_by("-at")
    return Imported(
        kind=asked.kind,
        sha256=reading.sha256,
        rows=reading.rows,
        changes=changes,
        total=Money(reading.total_minor) if asked.kind in WITH_AMOUNTS else None,
        skipped_columns=reading.skipped,
        imported_before=before.values_list("at", flat=True).first(),
    )


def _keep(run: Run, asked: Asked, done: Imported, keep: IO[bytes]) -> None:
    """Store the file's bytes with what they did, streamed, and put the import on record."""
    columns = "id, kind, name, sha256, at, by, rows, added, changed, total_minor, content"
    facts = [
        str(run.id),
        done.kind,
        asked.path.name,
        done.sha256,
        run.now.isoformat(),
        run.actor.name,
        str(done.rows),
        str(done.changes.added),
        str(done.changes.changed),
        "\\N" if done.total is None else str(done.total.minor),
    ]
    escaped = [facts[0], facts[1], *(_escaped(text) for text in facts[2:-1]), facts[-1]]
    keep.seek(0)
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY receivables_importrun ({columns}) FROM STDIN") as copy,
    ):
        copy.write("\t".join(escaped) + "\t\\\\x")
        while piece := keep.read(1024 * 1024):
            copy.write(piece.hex())
        copy.write("\n")
    after = {
        "kind": done.kind,
        "name": asked.path.name,
        "sha256": done.sha256,
        "rows": done.rows,
        "added": done.changes.added,
        "changed": done.changes.changed,
        "customers_added": done.changes.customers_added,
        "total_minor": None if done.total is None else done.total.minor,
        "columns": dict(asked.columns),
    }
    run.note(f"{done.kind} imported", {}, after)


def _escaped(text: str) -> str:
    """Write a text for COPY."""
    escapes = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
    return "".join(escapes.get(letter, letter) for letter in text)
