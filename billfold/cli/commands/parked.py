"""Commands about items at which a job failed too often: parked list and retry."""

import json
from contextlib import suppress
from typing import Any
from uuid import UUID

import click

from billfold.cli import biller_option, command_actor, launcher
from billfold.cli.refusal import CommandRefused
from billfold.payments.cases import parked_items
from billfold.platform import clock, tenancy
from billfold.platform.models import ItemFailure


@launcher.command("parked list")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
@biller_option.one
def list_parked(as_json: bool, biller: str | None) -> None:
    """Print what is parked, longest first."""
    with tenancy.use(biller_option.find(biller)):
        rows = [_as_json(failure) for failure in parked_items.list_parked()]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    for row in rows:
        print(
            f"{row['id']}  {row['subject']}  {row['job']} failed {row['failures']} times, "
            f"last with {row['error']}; parked at {row['parked_at']}"
        )
    if not rows:
        print("Nothing is parked.")


@launcher.command("parked retry")
@click.argument("item", metavar="ID", required=False)
@click.option("--all", "is_all", is_flag=True, help="everything that is parked")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
@biller_option.one
def retry(item: str | None, is_all: bool, as_json: bool, biller: str | None) -> None:
    """Let a parked item be tried again with the next run of its job."""
    if bool(item) == is_all:
        raise click.UsageError("name one item, or give --all")
    now = clock.now()
    with tenancy.use(biller_option.find(biller)):
        failures = [*parked_items.list_parked()] if item is None else [_find(item)]
        rows = [_as_json(failure) for failure in failures]
        for failure in failures:
            with suppress(parked_items.NoLongerParked):
                parked_items.try_again(failure.pk, actor=command_actor.identify(), now=now)
    if as_json:
        print(json.dumps(rows, indent=2))
    else:
        print(f"{len(rows)} to be tried again.")


def _find(item: str) -> ItemFailure:
    """Find a parked item by its id. Raises: CommandRefused."""
    with suppress(ValueError):
        failure = parked_items.list_parked().filter(pk=UUID(item)).first()
        if failure:
            return failure
    raise CommandRefused(f"Nothing that is parked has the id {item}: see `billfold parked list`.")


def _as_json(failure: ItemFailure) -> dict[str, Any]:
    """Put a parked item in the words of `billfold parked --json`."""
    return {
        "id": str(failure.id),
        "job": failure.job,
        "subject": parked_items.subject_of(failure),
        "failures": failure.attempts,
        "error": failure.error,
        "parked_at": failure.parked_at.isoformat() if failure.parked_at else None,
    }
