"""Commands about files of which nobody knows whether the bank has them: file list, file resolve."""

import json
from pathlib import Path
from typing import Any

import click
from django.db.models import Q, QuerySet

from billfold.banking.models import BankFile, FileState
from billfold.cli import biller_option, launcher, staff_option
from billfold.cli.refusal import CommandRefused
from billfold.payments.cases import casework, notes
from billfold.payments.outgoing import transmission
from billfold.people import rights
from billfold.platform import clock, tenancy

_json_option = click.option("--json", "as_json", is_flag=True, help="report as JSON")
_REFUSALS: dict[type[Exception], str] = {
    transmission.NotUnknown: "It is known meanwhile what became of it: see `billfold file list`.",
    rights.NotATreasurer: "Only an active treasurer can say whether a file arrived.",
    casework.NeedsResolution: "Say with --why how you found out.",
    casework.AlreadyClosed: "{closed_by} answered first.",
    notes.NamesAnAccount: notes.REFUSED,
}


@launcher.command("file list")
@_json_option
@biller_option.one
def list_unknown(as_json: bool, biller: str | None) -> None:
    """Print the files that were being sent when the line was cut, oldest first."""
    with tenancy.use(biller_option.find(biller)):
        rows = [_as_json(file) for file in _unknown()]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    for row in rows:
        print(f"{row['name']}  {row['id']}\n  {row['size']:,} bytes, SHA-256 {row['sha256']}")
    if not rows:
        print("It is known of every file whether it was sent.")


@launcher.command("file resolve")
@click.argument("file", metavar="FILE")
@click.argument("answer", type=click.Choice(["arrived", "resend"]))
@click.option("--why", required=True, metavar="TEXT", help="how you found out; kept with the case")
@staff_option.options
@_json_option
@biller_option.one
def resolve(file: str, answer: str, why: str, biller: str | None, **rest: Any) -> None:
    """Say what the bank has: the file arrived, or it is approved by two people and sent again."""
    email: str = rest["staff_email"]
    password_file: Path | None = rest["password_file"]
    now = clock.now()
    with tenancy.use(biller_option.find(biller)):
        unknown = _find(file)
        person = staff_option.sign_in(email, password_file, now=now)
        try:
            transmission.resolve(
                transmission.open_case(unknown).id,
                why,
                has_arrived=answer == "arrived",
                actor=person.actor(),
                now=now,
            )
        except tuple(_REFUSALS) as refusal:
            text = _REFUSALS[type(refusal)].format_map(vars(refusal))
            raise CommandRefused(f"{unknown.name}: {text}") from None
        unknown.refresh_from_db(fields=["state"])
        row = _as_json(unknown)
    if rest["as_json"]:
        print(json.dumps(row, indent=2))
    elif answer == "arrived":
        print(f"{unknown.name}: it counts as sent.")
    else:
        print(f"{unknown.name}: two treasurers must approve it anew; then it is sent again.")


def _unknown() -> QuerySet[BankFile]:
    files = BankFile.objects.filter(direction="out", state=FileState.SENDING)
    return files.order_by("made_at", "id")


def _find(name: str) -> BankFile:
    """Find a file that is being sent by its name or SHA-256. Raises: CommandRefused."""
    file = _unknown().filter(Q(name=name) | Q(sha256=name.lower())).first()
    if file is None:
        raise CommandRefused(
            f"No file called {name} waits for an answer: see `billfold file list`."
        )
    return file


def _as_json(file: BankFile) -> dict[str, Any]:
    return {
        "id": str(file.id),
        "name": file.name,
        "state": file.state,
        "sha256": file.sha256,
        "size": file.size,
        "released_at": file.released_at.isoformat() if file.released_at else None,
    }
