"""The option --biller: which biller a command is about."""

from typing import Final

import click
from django.db import ProgrammingError

from billfold.cli.refusal import CommandRefused
from billfold.platform import tenancy
from billfold.platform.tenancy import Biller

one: Final = click.option(
    "--biller", metavar="SCHEMA", help="which biller; needed only if there are several"
)
one_or_all: Final = click.option(
    "--biller", metavar="SCHEMA", help="which biller (default all of them)"
)


def find(schema: str | None) -> Biller:
    """Find the biller that was named, or the only one. Raises: CommandRefused."""
    billers = list_billers()
    names = ", ".join(biller.schema for biller in billers)
    if schema is None:
        if len(billers) > 1:
            raise CommandRefused(f"There are several billers: add --biller with one of {names}.")
        return billers[0]
    for biller in billers:
        if biller.schema == schema:
            return biller
    raise CommandRefused(f"No biller is called {schema!r}: there are {names}.")


def find_all(schema: str | None) -> list[Biller]:
    """Find the biller that was named, or all of them. Raises: CommandRefused."""
    return list_billers() if schema is None else [find(schema)]


def list_billers() -> list[Biller]:
    """List every biller. Raises: CommandRefused if there is none."""
    try:
        billers = tenancy.billers()
    except ProgrammingError:
        billers = []
    if not billers:
        raise CommandRefused(
            "There is no biller yet: run `billfold init` or `billfold biller add` first."
        )
    return billers
