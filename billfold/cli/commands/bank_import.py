"""Commands that take bank files into an installation: bank import and directory."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from billfold.banking import connections, exchange
from billfold.banking.models import BankFile
from billfold.cli import biller_option, command_actor, launcher
from billfold.cli.refusal import CommandRefused
from billfold.formats import fedach
from billfold.formats.problems import Unreadable
from billfold.payments.incoming import intake
from billfold.platform import clock, tenancy
from billfold.rails.protocol import BankDocument


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """A file that was stored, and whether its bytes were new."""

    path: Path
    file: BankFile
    is_new: bool

    def as_json(self) -> dict[str, Any]:
        """Put the outcome in the words of `billfold bank import --json`."""
        return {
            "file": self.path.name,
            "kind": self.file.kind,
            "sha256": self.file.sha256,
            "is_new": self.is_new,
            "state": self.file.state,
            "entries": self.file.entry_count,
            "problems": self.file.problems,
        }

    def describe(self) -> Iterator[str]:
        """Put the outcome in words."""
        name = self.path.name
        for problem in self.file.problems:
            yield f"{name}: {problem}"
        if not self.is_new:
            known = f"as {self.file.name}; nothing was read twice"
            yield f"{name}: these bytes are here already, {known}."
        elif self.file.state == "read":
            yield f"{name}: taken in as {self.file.kind}."
        elif self.file.state == "waiting":
            yield f"{name}: kept, and not booked before two people accept it: see `statement list`."
        else:
            yield f"{name}: kept, and not taken in; a case says why."


@launcher.command("bank import")
@click.argument("files", nargs=-1, required=True, type=Path, metavar="FILE...")
@biller_option.one
@click.option("--json", "as_json", is_flag=True, help="report as JSON")
def import_files(files: Sequence[Path], biller: str | None, as_json: bool) -> int:
    """Store files and read them, as fetched ones are."""
    with tenancy.use(biller_option.find(biller)):
        imported = [_import_file(path) for path in files]
    if as_json:
        print(json.dumps([file.as_json() for file in imported], indent=2))
    else:
        for file in imported:
            print("\n".join(file.describe()))
    return 0 if all(each.file.state == "read" for each in imported) else 1


def _import_file(path: Path) -> ImportedFile:
    """Store a file and read it. Raises: CommandRefused."""
    now = clock.now()
    try:
        bank = connections.default()
        document = BankDocument(path.name, path.read_bytes())
        file, is_new = exchange.store(bank, document, now=now, actor=command_actor.identify())
    except connections.NoBank:
        raise CommandRefused("The biller has no bank account yet: set it up first.") from None
    except exchange.NotByHand:
        raise CommandRefused(
            f"{path.name}: the bank's answer to a file is taken from the bank's folder only."
        ) from None
    intake.read_received(now=now)
    file.refresh_from_db(fields=["state", "problems", "entry_count"])
    return ImportedFile(path, file, is_new)


@launcher.command("bank directory")
@click.argument("file", type=Path, metavar="FILE")
@biller_option.one
def load_directory(file: Path, biller: str | None) -> None:
    """Load the names of banks, whole or not at all."""
    try:
        directory = fedach.read(file.read_bytes())
    except Unreadable as error:
        for problem in error.problems:
            print(f"{file.name}: {problem}", file=sys.stderr)
        raise CommandRefused(f"{file.name} is refused whole; nothing changed.") from None
    with tenancy.use(biller_option.find(biller)):
        known = connections.load_bank_names(directory.names)
    print(f"{len(directory.names):,} routing numbers loaded; {known:,} are known now.")
