"""Importing a CSV file from the billing system, whole or not at all.

Its rows are copied into a temporary table, classified there by SQL, and applied in one transaction.
Its bytes are kept with the counts of what they changed. See docs/importing.md.
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

from billfold import typed_text
from billfold.money import Money
from billfold.platform import audit, locks
from billfold.platform.ids import new_id
from billfold.receivables.imports import (
    customer_import,
    import_fields,
    invoice_details_import,
    invoice_import,
    staging,
)
from billfold.receivables.imports.csv_file import CsvFile, ImportProblems
from billfold.receivables.imports.import_context import ChangeCounts, ImportContext, IsReserved
from billfold.receivables.models import ImportRun

APPLY_BY_KIND: Final[Mapping[str, Callable[[ImportContext], ChangeCounts]]] = {
    "customers": customer_import.apply,
    "invoices": invoice_import.apply,
    "lines": invoice_details_import.apply_lines,
    "credits": invoice_details_import.apply_credits,
    "documents": invoice_details_import.apply_documents,
}
WITH_AMOUNTS: Final = frozenset({"invoices", "lines", "credits"})


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """Which file to import, how to read it, and what it must add up to."""

    kind: str
    path: Path
    columns: Mapping[str, str] = field(default_factory=dict)
    """Field -> the file's column, where their names differ."""
    date_layout: str = "%Y-%m-%d"
    create_customers: bool = False
    control_total: Money | None = None
    control_count: int | None = None
    is_rehearsal: bool = False


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import changed, or in a rehearsal would change."""

    kind: str
    sha256: str
    rows: int
    changes: ChangeCounts
    total: Money | None
    skipped_columns: tuple[str, ...]
    blank_rows: int
    blank_columns: int
    """Rows and last columns that hold nothing, and were passed over."""
    imported_before: datetime | None
    """When the same bytes were imported last."""

    @property
    def changed_nothing(self) -> bool:
        changes = self.changes
        return not (changes.added or changes.changed or changes.customers_added)


def _nothing_reserved(_invoice_ids: object) -> set[UUID]:
    return set()


def import_file(
    request: ImportRequest,
    *,
    actor: audit.Actor,
    now: datetime,
    on: date,
    is_reserved: IsReserved = _nothing_reserved,
) -> ImportResult:
    """Import one file, or refuse it whole. Opens the transaction.

    `on` is the effective date of bookings.
    Raises: csv_file.ImportRefused, import_fields.NotADateLayout, OSError.
    """
    fields = import_fields.fields_of_kind(request.kind, request.date_layout)
    with request.path.open("rb") as source, tempfile.TemporaryFile() as archive:
        file = CsvFile(source, fields, request.columns)
        context = ImportContext(
            id=new_id(),
            file=file,
            actor=actor,
            now=now,
            on=on,
            folder=request.path.parent,
            create_customers=request.create_customers,
            is_reserved=is_reserved,
        )
        # The file is read inside the transaction: the table its rows go into ends with it.
        with transaction.atomic(durable=True):
            _wait_for_other_imports()
            staging.load_rows(file, request.kind, archive=archive)
            _check_controls(request, file)
            file.problems.refuse()
            changes = APPLY_BY_KIND[request.kind](context)
            file.problems.refuse()
            result = _result(request, file, changes)
            if not (result.changed_nothing and result.imported_before):
                _store_file(context, request, result, archive)
            if request.is_rehearsal:
                transaction.set_rollback(True)
    return result


def _wait_for_other_imports() -> None:
    """Wait until no other import of this biller runs; the others then wait for this one."""
    locks.until_commit("import")


def _check_controls(request: ImportRequest, file: CsvFile) -> None:
    """Compare the file with the control count and total, unless a row could not be read."""
    problems: ImportProblems = file.problems
    if problems.count:
        return
    if request.control_count is not None and request.control_count != file.rows:
        problems.add(
            0,
            "",
            f"It has {file.rows:,} rows and --control-count is {request.control_count:,}",
            "Export it again, or correct the count.",
        )
    if request.control_total is not None:
        total = Money(file.total_minor, request.control_total.currency)
        if total != request.control_total:
            problems.add(
                0,
                "",
                f"Its amounts add up to {total} and --control-total is {request.control_total}",
                "Export it again, or correct the total.",
            )


def _result(request: ImportRequest, file: CsvFile, changes: ChangeCounts) -> ImportResult:
    before = ImportRun.objects.filter(kind=request.kind, sha256=file.sha256).order_by("-at")
    return ImportResult(
        kind=request.kind,
        sha256=file.sha256,
        rows=file.rows,
        changes=changes,
        total=Money(file.total_minor) if request.kind in WITH_AMOUNTS else None,
        skipped_columns=file.skipped,
        blank_rows=file.blank_rows,
        blank_columns=file.blank_columns,
        imported_before=before.values_list("at", flat=True).first(),
    )


def _store_file(
    context: ImportContext, request: ImportRequest, result: ImportResult, archive: IO[bytes]
) -> None:
    """Store the file's bytes and the counts, and write the import to the audit trail."""
    columns = "id, kind, name, sha256, at, by, rows, added, changed, total_minor, content"
    values = [
        str(context.id),
        result.kind,
        typed_text.printable_name(request.path.name),
        result.sha256,
        context.now.isoformat(),
        context.actor.name,
        str(result.rows),
        str(result.changes.added),
        str(result.changes.changed),
        "\\N" if result.total is None else str(result.total.minor),
    ]
    escaped = [values[0], values[1], *(_escape(text) for text in values[2:-1]), values[-1]]
    archive.seek(0)
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY receivables_importrun ({columns}) FROM STDIN") as copy,
    ):
        copy.write("\t".join(escaped) + "\t\\\\x")
        while chunk := archive.read(1024 * 1024):
            copy.write(chunk.hex())
        copy.write("\n")
    after = {
        "kind": result.kind,
        "name": typed_text.printable_name(request.path.name),
        "sha256": result.sha256,
        "rows": result.rows,
        "added": result.changes.added,
        "changed": result.changes.changed,
        "customers_added": result.changes.customers_added,
        "total_minor": None if result.total is None else result.total.minor,
        "columns": dict(request.columns),
    }
    context.record(f"{result.kind} imported", {}, after)


def _escape(text: str) -> str:
    """Escape a text for COPY."""
    escapes = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
    return "".join(escapes.get(letter, letter) for letter in text)
