"""Commands about bank statements that wait for two people: statement list, show, accept, refuse."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import click
from django.db import transaction
from django.db.models import Q

from billfold.banking.models import BankFile
from billfold.banking.statements import AccountDay, StatementReading
from billfold.cli import biller_option, launcher, prompts, staff_option
from billfold.cli.refusal import CommandRefused
from billfold.money import Money
from billfold.payments.cases import masking, notes
from billfold.payments.incoming import intake, statement_intake
from billfold.payments.incoming.statement_intake import DecisionOutcome
from billfold.people import rights
from billfold.people.models import Person
from billfold.platform import clock, tenancy

_REFUSALS: Final[dict[type[Exception], str]] = {
    statement_intake.NoLongerWaits: "It no longer waits: {closed_by} decided before.",
    rights.NotATreasurer: "Only an active treasurer decides on a statement.",
    statement_intake.OwnUpload: (
        "Whoever added a statement stands behind it already: another treasurer must accept it."
    ),
    statement_intake.DecidedAlready: "You said so before: another treasurer must, too.",
    statement_intake.NotAcceptable: (
        "A statement of that day is here already with other balances or lines. It can be accepted "
        "once what was booked can be taken back; until then, refuse it."
    ),
    statement_intake.RefusalNeedsReason: "Say why with --why.",
    notes.NamesAnAccount: notes.REFUSED,
}
_OUTCOMES: Final = {
    DecisionOutcome.BOOKED: "it is booked.",
    DecisionOutcome.REFUSED: "it is refused; nothing was taken from it.",
    DecisionOutcome.NEEDS_ANOTHER: "noted; another treasurer must say the same.",
    DecisionOutcome.REASONS_CHANGED: (
        "it waits for other reasons than before, so nothing was decided: look at it again."
    ),
}
_json_option: Final = click.option("--json", "as_json", is_flag=True, help="report as JSON")


@launcher.command("statement list")
@_json_option
@biller_option.one
def list_waiting(as_json: bool, biller: str | None) -> None:
    """Print the statements that wait for two people, oldest first."""
    with tenancy.use(biller_option.find(biller)):
        rows = [_as_json(file) for file in statement_intake.list_waiting()]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    for row in rows:
        print("\n".join(_describe(row)))
    if not rows:
        print("No statement waits.")


@launcher.command("statement show")
@click.argument("file", metavar="FILE")
@_json_option
@biller_option.one
def show(file: str, as_json: bool, biller: str | None) -> None:
    """Print what a statement that waits says: its days and their lines."""
    now = clock.now()
    with tenancy.use(biller_option.find(biller)), transaction.atomic():
        waiting = _find(file)
        reading = _read(waiting, now)
        row = _as_json(waiting) | {"reasons": [doubt.text for doubt in reading.doubts]}
        row["acceptable"] = all(doubt.is_acceptable for doubt in reading.doubts)
        row["days"] = [_day_as_json(each) for each in reading.new_days]
    if as_json:
        print(json.dumps(row, indent=2))
        return
    print("\n".join(_describe(row)))
    for day in row["days"]:
        print("\n".join(_describe_day(day)))


@launcher.command("statement accept")
@click.argument("file", metavar="FILE")
@staff_option.options
@_json_option
@biller_option.one
def accept(
    file: str, staff_email: str, password_file: Path | None, as_json: bool, biller: str | None
) -> None:
    """Accept a statement; it is booked once two treasurers stand behind it."""
    _decide(file, staff_email, password_file, as_json, biller, statement_intake.accept)


@launcher.command("statement refuse")
@click.argument("file", metavar="FILE")
@click.option("--why", default="", metavar="TEXT", help="kept with the file")
@staff_option.options
@_json_option
@biller_option.one
def refuse(file: str, why: str, biller: str | None, **rest: Any) -> None:
    """Refuse a statement: nothing is taken from it."""
    why = prompts.check_line(why, "--why")

    def refuse_it(file_id: UUID, *, by: Person, now: datetime) -> DecisionOutcome:
        return statement_intake.refuse(file_id, why, by=by, now=now)

    _decide(file, rest["staff_email"], rest["password_file"], rest["as_json"], biller, refuse_it)


def _decide(
    name: str,
    email: str,
    password_file: Path | None,
    as_json: bool,
    schema: str | None,
    act: Callable[..., DecisionOutcome],
) -> None:
    """Carry out one person's word, and print what came of it. Raises: CommandRefused."""
    now = clock.now()
    with tenancy.use(biller_option.find(schema)):
        waiting = _find(name)
        person = staff_option.sign_in(email, password_file, now=now)
        try:
            outcome = act(waiting.pk, by=person, now=now)
        except tuple(_REFUSALS) as refusal:
            text = _REFUSALS[type(refusal)].format_map(vars(refusal))
            raise CommandRefused(f"{waiting.name}: {text}") from None
        except intake.REFUSALS as refusal:
            raise CommandRefused(f"{waiting.name}: {intake.describe(refusal)[0]}") from None
        waiting.refresh_from_db(fields=["state", "problems", "release_round"])
        row = _as_json(waiting) | {"outcome": outcome.value}
    if as_json:
        print(json.dumps(row, indent=2))
    else:
        print(f"{waiting.name}: {_OUTCOMES[outcome]}")


def _find(name: str) -> BankFile:
    """Find a statement that waits by its name, id or SHA-256. Raises: CommandRefused."""
    either = Q(name=name) | Q(sha256=name.lower())
    with suppress(ValueError):
        either |= Q(pk=UUID(name))
    files = list(statement_intake.list_waiting().filter(either)[:2])
    if not files:
        raise CommandRefused(f"No statement that waits is called {name}: see `statement list`.")
    if len(files) > 1:
        raise CommandRefused(f"Several statements are called {name}: name one by its id.")
    return files[0]


def _read(file: BankFile, now: datetime) -> StatementReading:
    try:
        return statement_intake.read_again(file, now=now)
    except intake.REFUSALS as refusal:
        raise CommandRefused(f"{file.name}: {intake.describe(refusal)[0]}") from None


def _as_json(file: BankFile) -> dict[str, Any]:
    """Put a statement in the words of `billfold statement --json`."""
    decisions = list(file.counting_decisions().order_by("at", "id"))
    return {
        "id": str(file.id),
        "name": file.name,
        "sha256": file.sha256,
        "state": file.state,
        "received_at": file.made_at.isoformat(),
        "received_from": file.made_by,
        "added_by_hand": bool(file.added_by_id),
        "reasons": file.problems,
        "accepted_by": [each.actor_name for each in decisions if each.verdict == "accept"],
        "refused_by": [each.actor_name for each in decisions if each.verdict == "refuse"],
    }


def _day_as_json(account_day: AccountDay) -> dict[str, Any]:
    bank, day = account_day.bank, account_day.day
    return {
        "account_ending": bank.account_last4,
        "as_of": day.as_of.isoformat(),
        "currency": day.currency,
        "opening_minor": day.opening_minor,
        "closing_minor": day.closing_minor,
        "lines": [
            {
                "type_code": line.type_code,
                "direction": "in" if line.is_credit else "out",
                "amount_minor": line.amount_minor,
                "text": masking.masked(line.text, bank=bank.odfi_routing_number),
            }
            for line in day.lines
        ],
    }


def _describe(row: dict[str, Any]) -> Iterator[str]:
    yield f"{row['name']}  {row['id']}"
    yield f"  received {row['received_at']} from {row['received_from']}"
    yield from (f"  waits: {reason}" for reason in row["reasons"])
    for verb in ("accepted", "refused"):
        if row[f"{verb}_by"]:
            yield f"  {verb} by {', '.join(row[f'{verb}_by'])}"


def _describe_day(day: dict[str, Any]) -> Iterator[str]:
    opening, closing = (
        "not stated" if minor is None else Money(minor, day["currency"]).formatted()
        for minor in (day["opening_minor"], day["closing_minor"])
    )
    yield f"  {day['as_of']}, account ending {day['account_ending']}: {opening} to {closing}"
    for line in day["lines"]:
        amount = Money(line["amount_minor"], day["currency"]).formatted()
        yield f"    {line['type_code']} {line['direction']:3} {amount:>14}  {line['text']}".rstrip()
