"""Commands that keep a copy of everything, and bring it back: backup, restore."""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from billfold.cli import asking, gap_report, main
from billfold.cli.refusal import Refused
from billfold.platform import state

if TYPE_CHECKING:
    from billfold.platform.backups import Manifest
    from billfold.platform.tenancy import Biller

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

SAY_EVERY_SECONDS = 2.0


def add(commands: "Commands") -> None:
    """Add the commands."""
    backup = commands.add_parser("backup", help="write the whole database, without keys, to a file")
    backup.add_argument("--to", type=Path, metavar="FILE", help="(default a new one in the state)")
    backup.add_argument("--json", action="store_true", help="print JSON")
    backup.set_defaults(run=_backup)
    restore = commands.add_parser("restore", help="bring a backup into an empty database, on HOLD")
    restore.add_argument("file", type=Path, metavar="FILE")
    restore.add_argument("--json", action="store_true", help="print JSON")
    restore.set_defaults(run=_restore, database=False, django=False)


def _backup(arguments: argparse.Namespace) -> None:
    from billfold.platform import backups, clock, sealing

    now = clock.now()
    path = arguments.to or _fresh_name(f"billfold-{now:%Y%m%dT%H%M%SZ}.backup")
    if path.exists():
        raise Refused(f"{path} is there already: choose another name.")
    with _worded(path):
        manifest = backups.save(path, now=now, progress=_showing("saved"))
    if arguments.json:
        print(json.dumps({"file": str(path), **_facts(manifest)}, indent=2))
        return
    print(
        f"{path}: {', '.join(manifest.billers)}; {manifest.size:,} bytes, {manifest.sha256[:16]}…"
    )
    print(f"The keys are not in it: keep a copy of {sealing.key_folder()} somewhere else.")


def _fresh_name(name: str) -> Path:
    folder = state.default() / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / name


def _showing(word: str) -> Callable[[int], None]:
    """Make something that tells how far it is, every two seconds, to a person who waits."""
    next_at = time.monotonic() + SAY_EVERY_SECONDS

    def show(size: int) -> None:
        nonlocal next_at
        if time.monotonic() >= next_at:
            next_at = time.monotonic() + SAY_EVERY_SECONDS
            print(f"{size / 1e6:,.0f} MB {word} ...", file=sys.stderr, flush=True)

    return show


def _restore(arguments: argparse.Namespace) -> None:
    place = state.prepare(state.default())
    from billfold.platform import backups

    with _worded(arguments.file):
        manifest = backups.read_manifest(arguments.file)
    recorded = main.recorded_mode(place) or os.environ.get("BILLFOLD_MODE", manifest.mode)
    if recorded != manifest.mode:
        raise Refused(
            f"{arguments.file} is a {manifest.mode} installation's and {place} is a "
            f"{recorded} one's: choose another place with --state DIR."
        )
    os.environ["BILLFOLD_MODE"] = manifest.mode
    with main.database():
        main.set_up_django()
        _bring_back(arguments, manifest, place)


def _bring_back(arguments: argparse.Namespace, manifest: "Manifest", place: Path) -> None:
    from billfold.platform import backups, clock, live_mark, tenancy

    with _worded(arguments.file):
        backups.check(arguments.file, manifest)
        live_mark.write_mode(place, manifest.mode)
        if not arguments.json:
            print(f"Restoring {manifest.size:,} bytes ...", file=sys.stderr, flush=True)
        backups.load(arguments.file, manifest)
    now = clock.now()
    billers = tenancy.billers()
    gaps = [gap_report.of(biller, now=now) for biller in billers]
    for biller in billers:
        _note(biller, manifest)
    if arguments.json:
        facts = [gap.facts() for gap in gaps]
        print(json.dumps({"hold": True, **_facts(manifest), "gaps": facts}, indent=2))
        return
    print(f"Restored as of {manifest.made_at}. Everything is on HOLD; nothing leaves.")
    for gap in gaps:
        print("\n".join(gap_report.told(gap, made_at=manifest.made_at)))
    print("Then: billfold verify, and billfold hold off --why ….")


@contextmanager
def _worded(path: Path) -> Iterator[None]:
    """Word why a backup cannot be made or brought back. Raises: Refused."""
    from billfold.platform import backups, sealing

    try:
        yield
    except sealing.KeysMissing as refusal:
        raise Refused(
            f"The keys are missing: put the installation's key files into {refusal}."
        ) from None
    except backups.Unusable as refusal:
        words = {
            backups.NotABackup: f"{path} is not a whole file of `billfold backup`.",
            backups.Damaged: f"{path} is damaged: its bytes are not those that were saved.",
            backups.Altered: f"{path} is not as it was made: it says of itself what was not sealed "
            "with these keys. Nothing of it was carried out.",
            backups.MadeByNewer: f"{path} needs {refusal}.",
            backups.OtherKeys: f"The keys in {state.default() / 'keys'} are not those of the "
            "backup: put its own there first.",
            backups.NotEmpty: f"The database is not empty (it has {refusal}): name an empty one.",
            backups.ProgramFailed: f"Nothing was changed: {refusal}.",
        }
        raise Refused(words[type(refusal)]) from None


def _note(biller: "Biller", manifest: "Manifest") -> None:
    """Put the restore on record, in the biller's own trail."""
    from django.db import transaction

    from billfold.platform import audit, clock, tenancy

    with tenancy.use(biller), transaction.atomic():
        audit.record(
            "restored from backup",
            f"biller/{biller.schema}",
            actor=asking.whoever_typed(),
            now=clock.now(),
            after={"made_at": manifest.made_at, "sha256": manifest.sha256},
        )


def _facts(manifest: "Manifest") -> dict[str, object]:
    return {
        "made_at": manifest.made_at,
        "mode": manifest.mode,
        "identity": manifest.identity,
        "billers": sorted(manifest.billers),
        "sha256": manifest.sha256,
        "bytes": manifest.size,
        "keys_included": False,
    }
