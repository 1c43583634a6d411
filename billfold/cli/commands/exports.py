"""The commands that write files for the billing system: export."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, TextIO

import click

from billfold.cli import biller_option, launcher
from billfold.cli.refusal import CommandRefused
from billfold.payments.reading import export, export_file, ledger_export
from billfold.payments.reading.export_file import ExportKind, ExportSums
from billfold.platform import feed, tenancy

_DIGITS_AT_MOST: Final = 18


def _read_cursor(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS_AT_MOST):
        raise click.BadParameter(
            f"{text!r} is not a cursor: give the number that the last export ended with, or 0"
        )
    return int(text)


OPTIONS: Final[tuple[Callable[[Any], Any], ...]] = (
    biller_option.one,
    click.option(
        "--since",
        type=_read_cursor,
        required=True,
        metavar="CURSOR",
        help="what the last export ended with; 0 gives everything",
    ),
    click.option("--output", type=Path, metavar="FILE", help="(default standard output)"),
    click.option("--json", "as_json", is_flag=True, help="write JSON instead of CSV"),
)


def _add_export(kind: ExportKind) -> None:
    """Add the command that exports one kind."""
    command = launcher.command(f"export {kind.name}")(partial(export_kind, kind))
    for option in OPTIONS:
        option(command)


def export_kind(
    kind: ExportKind, *, biller: str | None, since: int, output: Path | None, as_json: bool
) -> None:
    """Write what is new since a cursor to a file or the standard output, and the next cursor."""
    write = export_file.write_json if as_json else export_file.write_csv
    with tenancy.use(biller_option.find(biller)):
        feed.number()
        try:
            window = feed.window(since)
        except feed.CursorAhead as ahead:
            raise CommandRefused(
                f"--since {since} was never given: the last number is {ahead.last}. Give the "
                "number that the last export ended with, or 0."
            ) from None
        if output is None:
            sums = write(kind, window, sys.stdout)
        else:
            with _open_fresh(output) as file:
                sums = write(kind, window, file)
    _report(output, sums, next_cursor=window.through)


def _report(output: Path | None, sums: ExportSums, *, next_cursor: int) -> None:
    """Print, beside what was exported, its totals by day and where the next export goes on."""
    lines = [
        f"{total.day}: {total.count:,}, {total.amount.plain(grouped=True)} {total.amount.currency}"
        for total in sums.totals
    ]
    lines.append(f"{output or 'Written'}: {sums.rows:,} rows. Next time: --since {next_cursor}")
    print("\n".join(lines), file=sys.stderr)


@contextmanager
def _open_fresh(path: Path) -> Iterator[TextIO]:
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


_add_export(export.PAYMENTS)
_add_export(ledger_export.FEES)
_add_export(ledger_export.CREDITS)
_add_export(ledger_export.APPLICATIONS)
