"""The command that keeps a copy of the whole database: backup."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click

from billfold.cli import backup_files, launcher
from billfold.cli.refusal import CommandRefused
from billfold.platform import backups, clock, sealing, state_directory

REPORT_EVERY_SECONDS: Final = 2.0


@launcher.command("backup")
@click.option("--to", type=Path, metavar="FILE", help="(default a new one in the state)")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def back_up(to: Path | None, as_json: bool) -> None:
    """Write the whole database to a file, and print what it holds."""
    now = clock.now()
    path = to or _make_path(f"billfold-{now:%Y%m%dT%H%M%SZ}.backup")
    if path.exists():
        raise CommandRefused(f"{path} is there already: choose another name.")
    with backup_files.word_refusals(path):
        manifest = backups.save(path, now=now, progress=_make_reporter())
    if as_json:
        print(json.dumps({"file": str(path), **backup_files.as_json(manifest)}, indent=2))
        return
    print(
        f"{path}: {', '.join(manifest.billers)}; {manifest.size:,} bytes, {manifest.sha256[:16]}…"
    )
    print(f"The keys are not in it: keep a copy of {sealing.key_folder()} somewhere else.")


def _make_path(name: str) -> Path:
    folder = state_directory.default() / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / name


def _make_reporter() -> Callable[[int], None]:
    """Make a function that prints how far it is, every two seconds, to a person who waits."""
    next_at = time.monotonic() + REPORT_EVERY_SECONDS

    def report(size: int) -> None:
        nonlocal next_at
        if time.monotonic() >= next_at:
            next_at = time.monotonic() + REPORT_EVERY_SECONDS
            print(f"{size / 1e6:,.0f} MB saved ...", file=sys.stderr, flush=True)

    return report
