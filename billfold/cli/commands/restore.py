"""The command that brings a backup into an empty database, on HOLD: restore.

The backup says in which mode Django is to run; so this sets Django up itself, once it was read.
"""

import json
import os
import sys
from pathlib import Path

import click

from billfold.cli import backup_files, environment, launcher, mode
from billfold.cli.refusal import CommandRefused
from billfold.platform import backups, clock, live_mark, state_directory, tenancy
from billfold.platform.backups import Manifest


@launcher.command("restore")
@click.argument("file", type=Path, metavar="FILE")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def restore(file: Path, as_json: bool) -> None:
    """Bring a backup back, and print where its books end."""
    place = state_directory.create_if_missing(state_directory.default())
    with backup_files.word_refusals(file):
        manifest = backups.read_manifest(file)
    mode_in_use = mode.read(place) or os.environ.get("BILLFOLD_MODE", manifest.mode)
    if mode_in_use != manifest.mode:
        raise CommandRefused(
            f"{file} is a {manifest.mode} installation's and {place} is a "
            f"{mode_in_use} one's: choose another place with --state DIR."
        )
    os.environ["BILLFOLD_MODE"] = manifest.mode
    with environment.database():
        environment.set_up_django()
        environment.check_logins_are_apart()
        _load(file, manifest, place, is_quiet=as_json)
        _report(manifest, as_json=as_json)


def _load(file: Path, manifest: Manifest, place: Path, *, is_quiet: bool) -> None:
    """Load a backup into the empty database. Raises: CommandRefused."""
    with backup_files.word_refusals(file):
        backups.check(file, manifest)
        live_mark.write_mode(place, manifest.mode)
        if not is_quiet:
            print(f"Restoring {manifest.size:,} bytes ...", file=sys.stderr, flush=True)
        backups.restore(file, manifest)


def _report(manifest: Manifest, *, as_json: bool) -> None:
    """Put the restore on record, and print where the books of each biller end."""
    # It imports models, so it can be imported only now that Django is set up.
    from billfold.cli import restored_books  # noqa: PLC0415

    now = clock.now()
    billers = tenancy.billers()
    gaps = [restored_books.measure_gap(biller, now=now) for biller in billers]
    for biller in billers:
        restored_books.record_restore(biller, manifest)
    if as_json:
        facts = [gap.as_json() for gap in gaps]
        print(json.dumps({"hold": True, **backup_files.as_json(manifest), "gaps": facts}, indent=2))
        return
    print(f"Restored as of {manifest.made_at}. Everything is on HOLD; nothing leaves.")
    for gap in gaps:
        print("\n".join(restored_books.describe(gap, backup_at=manifest.made_at)))
    print("Then: billfold verify, and billfold hold off --why ….")
