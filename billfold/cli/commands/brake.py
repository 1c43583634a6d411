"""Commands about the brake: brake show, lift."""

import json
from collections.abc import Iterator
from typing import Any, Final

import click

from billfold.cli import biller_option, launcher, prompts, staff_option
from billfold.cli.refusal import CommandRefused
from billfold.payments.cases import notes
from billfold.payments.outgoing import brake_lifting
from billfold.people import rights
from billfold.platform import brake, clock, tenancy
from billfold.platform.brake import StandingBrake
from billfold.platform.models import BrakeKind
from billfold.platform.tenancy import Biller

_REFUSALS: Final = {
    brake_lifting.NotStanding: "It does not stand, or was set again meanwhile: look at it again.",
    brake_lifting.LiftingNeedsReason: "Say why with --why.",
    brake_lifting.AgreedAlready: "You agreed before: another treasurer must, too.",
    rights.NotATreasurer: "Only an active treasurer lifts the brake.",
    notes.NamesAnAccount: notes.REFUSED,
}
_json_option: Final = click.option("--json", "as_json", is_flag=True, help="report as JSON")


@launcher.command("brake show")
@_json_option
@biller_option.one_or_all
def show(as_json: bool, biller: str | None) -> None:
    """Print which brakes stand, what was seen, and who agreed to lift them."""
    rows = [_biller_as_json(each) for each in biller_option.find_all(biller)]
    if as_json:
        print(json.dumps(rows, indent=2))
    else:
        print("\n".join(line for row in rows for line in _describe(row)))


@launcher.command("brake lift")
@click.argument("kind", type=click.Choice(BrakeKind.values), metavar="KIND")
@click.argument("number", type=int, metavar="NUMBER")
@click.option("--why", metavar="TEXT", required=True, help="kept for ever")
@staff_option.options
@_json_option
@biller_option.one
def lift(kind: str, number: int, why: str, biller: str | None, **rest: Any) -> None:
    """Agree to lift a brake (finding, return-limit) as `brake show` numbers it."""
    now = clock.now()
    why = prompts.check_line(why, "--why")
    served = biller_option.find(biller)
    with tenancy.use(served):
        person = staff_option.sign_in(rest["staff_email"], rest["password_file"], now=now)
        try:
            is_lifted = brake_lifting.agree(kind, number, why, actor=person.actor(), now=now)
        except tuple(_REFUSALS) as refusal:
            raise CommandRefused(_REFUSALS[type(refusal)]) from None
    if rest["as_json"]:
        outcome = "lifted" if is_lifted else "needs-another"
        print(json.dumps(_biller_as_json(served) | {"outcome": outcome}, indent=2))
    elif is_lifted:
        print("The brake is lifted.")
    else:
        print("Noted; another treasurer must agree, too.")


def _biller_as_json(biller: Biller) -> dict[str, Any]:
    """Put a biller's brake in the words of `billfold brake --json`."""
    with tenancy.use(biller):
        brakes = [_brake_as_json(standing) for standing in brake.standing()]
        warnings = sorted(brake.warnings(BrakeKind.RETURN_LIMIT).values())
    return {
        "biller": biller.schema,
        "is_set": bool(brakes),
        "brakes": brakes,
        "warnings": warnings,
    }


def _brake_as_json(standing: StandingBrake) -> dict[str, Any]:
    return {
        "kind": standing.kind,
        "number": standing.number,
        "since": standing.at.isoformat(),
        "seen": sorted(standing.seen.values()),
        "agreed": [
            {"by": entry.actor_name, "at": entry.at.isoformat(), "why": entry.why}
            for entry in brake_lifting.agreements(standing)
        ],
        "people_needed": brake_lifting.PEOPLE_NEEDED,
    }


def _describe(row: dict[str, Any]) -> Iterator[str]:
    yield f"{row['biller']}: the brake is {'SET' if row['is_set'] else 'off'}"
    for standing in row["brakes"]:
        yield f"  {standing['kind']} {standing['number']}, since {standing['since']}"
        yield from (f"    {words}" for words in standing["seen"])
        for agreed in standing["agreed"]:
            yield f"    {agreed['by']} agreed to lift it: {agreed['why']}"
    yield from (f"  warning: {words}" for words in row["warnings"])
