"""The commands that take in files of the billing system: import."""

import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import click

from billfold.cli import biller_option, command_actor, launcher
from billfold.cli.refusal import CommandRefused
from billfold.money import Money, NotAnAmount
from billfold.payments.paying import invoice_standing
from billfold.platform import clock, tenancy
from billfold.receivables.imports import csv_file, file_import
from billfold.receivables.imports.csv_file import ImportProblems
from billfold.receivables.imports.file_import import ImportRequest, ImportResult
from billfold.receivables.imports.import_fields import NotADateLayout
from billfold.receivables.models import BillerProfile

# -- Options -----------------------------------------------------------------------------------


def _read_pair(text: str) -> tuple[str, str]:
    field, sign, column = text.partition("=")
    if not (field and sign and column):
        raise click.BadParameter(f"{text!r} is not FIELD=COLUMN")
    return field, column


def _read_count(text: str) -> int:
    digits = text.replace(",", "")
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 10):
        raise click.BadParameter(f"{text!r} is not a number of rows")
    return int(digits)


def _read_amount(text: str) -> Money:
    try:
        return Money.parse(text)
    except NotAnAmount as error:
        raise click.BadParameter(str(error)) from None


COLUMNS: Final = click.option(
    "--map",
    "columns",
    multiple=True,
    type=_read_pair,
    metavar="FIELD=COLUMN",
    help="which column holds a field; can be repeated",
)
REHEARSAL: Final = click.option(
    "--dry-run", "is_rehearsal", is_flag=True, help="check everything, change nothing"
)
AS_JSON: Final = click.option("--json", "as_json", is_flag=True, help="report as JSON")
CONTROL_COUNT: Final = click.option(
    "--control-count", type=_read_count, metavar="N", help="rows there must be"
)
CONTROL_TOTAL: Final = click.option(
    "--control-total", type=_read_amount, metavar="AMOUNT", help="what amounts must add up to"
)
DATE_LAYOUT: Final = click.option(
    "--date-format",
    "date_layout",
    default="%Y-%m-%d",
    metavar="LAYOUT",
    help="how dates are written (default %Y-%m-%d)",
)
CREATE_CUSTOMERS: Final = click.option(
    "--create-customers", is_flag=True, help="add customers nobody knows yet"
)


# -- import ------------------------------------------------------------------------------------


def _add_import(kind: str, *own_options: Callable[[Any], Any]) -> None:
    """Add the command that imports files of one kind."""
    command = launcher.command(f"import {kind}")(partial(import_file, kind))
    click.argument("path", type=Path, metavar="FILE.csv")(command)
    shared = (biller_option.one, COLUMNS, REHEARSAL, AS_JSON, CONTROL_COUNT)
    for option in (*shared, *own_options):
        option(command)


def import_file(
    kind: str,
    *,
    biller: str | None,
    columns: Sequence[tuple[str, str]],
    as_json: bool,
    **options: Any,
) -> int:
    """Take a file in whole, or print all that is wrong with it."""
    now = clock.now()
    order = ImportRequest(kind=kind, columns=_check_columns(columns), **options)
    with tenancy.use(biller_option.find(biller)):
        try:
            outcome = file_import.import_file(
                order,
                actor=command_actor.identify(),
                now=now,
                on=now.astimezone(_read_zone()).date(),
                is_reserved=held_by_payments,
            )
        except csv_file.ImportRefused as refusal:
            _report_problems(refusal.problems, order, as_json=as_json)
            return 1
        except NotADateLayout:
            raise CommandRefused(
                f"--date-format {order.date_layout!r} must write year, month and day, as %m/%d/%Y."
            ) from None
    _report(outcome, order, as_json=as_json)
    return 0


def _check_columns(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Refuse a field that is named twice; give the column of each. Raises: CommandRefused."""
    fields = [field for field, _ in pairs]
    for field in fields:
        if fields.count(field) > 1:
            raise CommandRefused(f"--map names {field} twice: keep one.")
    return dict(pairs)


def held_by_payments(invoice_ids: Sequence[UUID]) -> set[UUID]:
    """Find the invoices with a payment that is scheduled or unknown.

    One that is on its way is booked on them, which the import sees by itself.
    """
    invoices = invoice_standing.of_invoices(invoice_ids)
    return {id for id, invoice in invoices.items() if invoice.reserved}


def _read_zone() -> ZoneInfo:
    """Read the biller's zone; before its profile is there, the one a profile starts with."""
    return ZoneInfo((BillerProfile.objects.first() or BillerProfile()).zone)


def _report(outcome: ImportResult, order: ImportRequest, *, as_json: bool) -> None:
    """Print what an import changed."""
    if as_json:
        print(json.dumps(_outcome_as_json(outcome, order), indent=2))
        return
    changes = outcome.changes
    if outcome.changed_nothing:
        rows = f"all {outcome.rows:,} rows"
        print(f"{order.path.name}: nothing changed; {rows} are known as they are.")
    else:
        words = "would be" if order.is_rehearsal else "were"
        print(
            f"{order.path.name}: of {outcome.rows:,} {outcome.kind}, {changes.added:,} {words} "
            f"added, {changes.changed:,} changed, {changes.unchanged:,} left as they are."
        )
    if changes.customers_added:
        print(f"Customers added: {changes.customers_added:,}.")
    if outcome.total is not None:
        print(f"Total: {outcome.total.plain(grouped=True)} {outcome.total.currency}.")
    if outcome.imported_before:
        at = f"{outcome.imported_before:%Y-%m-%d %H:%M}"
        print(f"This very file was imported before, at {at} UTC.")
    if outcome.skipped_columns:
        print(f"Columns not read: {', '.join(outcome.skipped_columns)}.")
    if outcome.blank_rows or outcome.blank_columns:
        rows, columns = f"rows: {outcome.blank_rows:,}", f"last columns: {outcome.blank_columns:,}"
        print(f"Passed over, as they hold nothing: {rows}, {columns}.")
    if order.is_rehearsal:
        print("This was a rehearsal (--dry-run): nothing was written.")


def _outcome_as_json(outcome: ImportResult, order: ImportRequest) -> dict[str, Any]:
    return {
        "outcome": "unchanged" if outcome.changed_nothing else "imported",
        "kind": outcome.kind,
        "file": order.path.name,
        "sha256": outcome.sha256,
        "dry_run": order.is_rehearsal,
        "rows": outcome.rows,
        "added": outcome.changes.added,
        "changed": outcome.changes.changed,
        "unchanged": outcome.changes.unchanged,
        "customers_added": outcome.changes.customers_added,
        "total": None if outcome.total is None else outcome.total.plain(),
        "currency": None if outcome.total is None else outcome.total.currency,
        "imported_before": outcome.imported_before and outcome.imported_before.isoformat(),
        "columns_not_read": list(outcome.skipped_columns),
        "blank_rows": outcome.blank_rows,
        "blank_columns": outcome.blank_columns,
    }


def _report_problems(problems: ImportProblems, order: ImportRequest, *, as_json: bool) -> None:
    """Print why a file was refused."""
    listed = sorted(problems.kept, key=lambda problem: problem.line)
    more = problems.count - len(listed)
    if as_json:
        rows = [
            {"line": p.line or None, "column": p.column, "wrong": p.wrong, "cure": p.cure}
            for p in listed
        ]
        report = {
            "outcome": "refused",
            "kind": order.kind,
            "file": order.path.name,
            "problems": rows,
            "more_problems": more,
        }
        print(json.dumps(report, indent=2))
        return
    for problem in listed:
        print(f"{order.path.name}: {problem}", file=sys.stderr)
    if more:
        print(f"{order.path.name}: and {more:,} more.", file=sys.stderr)
    print(f"billfold: {order.path.name} is refused whole; nothing changed.", file=sys.stderr)


_add_import("customers")
_add_import("invoices", CONTROL_TOTAL, DATE_LAYOUT, CREATE_CUSTOMERS)
_add_import("lines", CONTROL_TOTAL)
_add_import("credits", CONTROL_TOTAL, DATE_LAYOUT)
_add_import("documents")
