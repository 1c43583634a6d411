"""Commands that exchange files with the billing system: import and export."""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from uuid import UUID
from zoneinfo import ZoneInfo

from billfold.cli import asking, choosing
from billfold.cli.refusal import Refused
from billfold.money import Money, NotAnAmount
from billfold.receivables.imports import columns

if TYPE_CHECKING:
    from billfold.receivables.imports.csv_files import Problems
    from billfold.receivables.imports.importing import Asked, Imported

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_HELP = {
    "customers": "who owes",
    "invoices": "what is owed",
    "lines": "what invoices are made of",
    "credits": "credit notes",
    "documents": "invoices as PDF files",
}


def add(commands: "Commands") -> None:
    """Add the commands."""
    bring = commands.add_parser("import", help="take in a CSV file from the billing system")
    kinds = bring.add_subparsers(title="kinds", metavar="KIND", required=True)
    for kind in columns.KINDS:
        _add_kind(kinds, kind)
    send = commands.add_parser("export", help="write a file for the billing system")
    exports = send.add_subparsers(title="kinds", metavar="KIND", required=True)
    payments = exports.add_parser("payments", help="what became of payments")
    choosing.add_option(payments)
    payments.add_argument(
        "--since",
        type=_day,
        required=True,
        metavar="DATE",
        help="payments made or changed on that day or later, as 2026-11-16",
    )
    payments.add_argument("--output", type=Path, metavar="FILE", help="(default standard output)")
    payments.add_argument("--json", action="store_true", help="write JSON instead of CSV")
    payments.set_defaults(run=_export)


def _add_kind(kinds: "Commands", kind: str) -> None:
    parser = kinds.add_parser(kind, help=_HELP[kind])
    parser.add_argument("file", type=Path, metavar="FILE.csv")
    choosing.add_option(parser)
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        type=_pair,
        metavar="FIELD=COLUMN",
        help="which column holds a field; can be repeated",
    )
    parser.add_argument("--dry-run", action="store_true", help="check everything, change nothing")
    parser.add_argument("--json", action="store_true", help="report as JSON")
    parser.add_argument("--control-count", type=_count, metavar="N", help="rows there must be")
    if kind in ("invoices", "lines", "credits"):
        parser.add_argument(
            "--control-total", type=_amount, metavar="AMOUNT", help="what amounts must add up to"
        )
    if kind in ("invoices", "credits"):
        parser.add_argument(
            "--date-format",
            default="%Y-%m-%d",
            metavar="LAYOUT",
            help="how dates are written (default %%Y-%%m-%%d)",
        )
    if kind == "invoices":
        parser.add_argument(
            "--create-customers", action="store_true", help="add customers nobody knows yet"
        )
    parser.set_defaults(run=_import, kind=kind)


def _pair(text: str) -> tuple[str, str]:
    field, sign, column = text.partition("=")
    if not (field and sign and column):
        raise argparse.ArgumentTypeError(f"{text!r} is not FIELD=COLUMN")
    return field, column


def _count(text: str) -> int:
    digits = text.replace(",", "")
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 10):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of rows")
    return int(digits)


def _amount(text: str) -> Money:
    try:
        return Money.parse(text)
    except NotAnAmount as refusal:
        raise argparse.ArgumentTypeError(str(refusal)) from None


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2026-11-16") from None


def _import(arguments: argparse.Namespace) -> int:
    from billfold.platform import clock, tenancy
    from billfold.receivables.imports import importing
    from billfold.receivables.imports.csv_files import Refused as FileRefused

    now = clock.now()
    asked = _asked(arguments)
    with tenancy.use(choosing.chosen(arguments)):
        try:
            done = importing.load(
                asked,
                actor=asking.whoever_typed(),
                now=now,
                on=now.astimezone(_zone()).date(),
                is_reserved=held_by_payments,
            )
        except FileRefused as refusal:
            _report_problems(refusal.problems, asked, as_json=arguments.json)
            return 1
        except columns.NotALayout:
            raise Refused(
                f"--date-format {asked.date_layout!r} must write year, month and day, as %m/%d/%Y."
            ) from None
    _report(done, asked, as_json=arguments.json)
    return 0


def _asked(arguments: argparse.Namespace) -> "Asked":
    from billfold.receivables.imports.importing import Asked

    fields = [field for field, _ in arguments.map]
    for field in fields:
        if fields.count(field) > 1:
            raise Refused(f"--map names {field} twice: keep one.")
    return Asked(
        kind=arguments.kind,
        path=arguments.file,
        columns=dict(arguments.map),
        date_layout=getattr(arguments, "date_format", "%Y-%m-%d"),
        create_customers=getattr(arguments, "create_customers", False),
        control_total=getattr(arguments, "control_total", None),
        control_count=arguments.control_count,
        is_rehearsal=arguments.dry_run,
    )


def held_by_payments(invoice_ids: Sequence[UUID]) -> set[UUID]:
    """Find the invoices with a payment that is scheduled, unknown or on its way."""
    from billfold.payments.paying import standing

    found = standing.of_invoices(invoice_ids)
    return {id for id, invoice in found.items() if invoice.reserved or invoice.processing}


def _zone() -> ZoneInfo:
    """Read the biller's zone; before its profile is there, the one a profile starts with."""
    from billfold.receivables.models import BillerProfile

    return ZoneInfo((BillerProfile.objects.first() or BillerProfile()).zone)


def _report(done: "Imported", asked: "Asked", *, as_json: bool) -> None:
    changes = done.changes
    if as_json:
        print(json.dumps(_facts(done, asked), indent=2))
        return
    if done.changed_nothing:
        print(f"{asked.path.name}: nothing changed; all {done.rows:,} rows are known as they are.")
    else:
        words = "would be" if asked.is_rehearsal else "were"
        print(
            f"{asked.path.name}: of {done.rows:,} {done.kind}, {changes.added:,} {words} added, "
            f"{changes.changed:,} changed, {changes.unchanged:,} left as they are."
        )
    if changes.customers_added:
        print(f"Customers added: {changes.customers_added:,}.")
    if done.total is not None:
        print(f"Total: {done.total.plain(grouped=True)} {done.total.currency}.")
    if done.imported_before:
        print(f"This very file was imported before, at {done.imported_before:%Y-%m-%d %H:%M} UTC.")
    if done.skipped_columns:
        print(f"Columns not read: {', '.join(done.skipped_columns)}.")
    if asked.is_rehearsal:
        print("This was a rehearsal (--dry-run): nothing was written.")


def _facts(done: "Imported", asked: "Asked") -> dict[str, Any]:
    return {
        "outcome": "unchanged" if done.changed_nothing else "imported",
        "kind": done.kind,
        "file": asked.path.name,
        "sha256": done.sha256,
        "dry_run": asked.is_rehearsal,
        "rows": done.rows,
        "added": done.changes.added,
        "changed": done.changes.changed,
        "unchanged": done.changes.unchanged,
        "customers_added": done.changes.customers_added,
        "total": None if done.total is None else done.total.plain(),
        "currency": None if done.total is None else done.total.currency,
        "imported_before": done.imported_before and done.imported_before.isoformat(),
        "columns_not_read": list(done.skipped_columns),
    }


def _report_problems(problems: "Problems", asked: "Asked", *, as_json: bool) -> None:
    listed = sorted(problems.kept, key=lambda problem: problem.line)
    more = problems.count - len(listed)
    if as_json:
        facts = [
            {"line": p.line or None, "column": p.column, "wrong": p.wrong, "cure": p.cure}
            for p in listed
        ]
        report = {
            "outcome": "refused",
            "kind": asked.kind,
            "file": asked.path.name,
            "problems": facts,
            "more_problems": more,
        }
        print(json.dumps(report, indent=2))
        return
    for problem in listed:
        print(f"{asked.path.name}: {problem}", file=sys.stderr)
    if more:
        print(f"{asked.path.name}: and {more:,} more.", file=sys.stderr)
    print(f"billfold: {asked.path.name} is refused whole; nothing changed.", file=sys.stderr)


def _export(arguments: argparse.Namespace) -> int:
    from billfold.payments.reading import export
    from billfold.platform import tenancy

    write = export.write_json if arguments.json else export.write_csv
    with tenancy.use(choosing.chosen(arguments)):
        since = datetime.combine(arguments.since, time(), _zone())
        if arguments.output is None:
            write(export.rows(since=since), sys.stdout)
            return 0
        with _fresh(arguments.output) as file:
            count = write(export.rows(since=since), file)
    print(f"{arguments.output}: {count:,} rows.", file=sys.stderr)
    return 0


@contextmanager
def _fresh(path: Path) -> Iterator[TextIO]:
    """Write a file that is there whole, or not at all."""
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    fresh = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        with open(os.open(part, fresh, 0o600), "w", encoding="utf-8", newline="") as file:  # noqa: PTH123
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
