"""The option --why of commands that may do without a reason, and what it may not say."""

from typing import Final

import click

from billfold.cli.refusal import CommandRefused
from billfold.payments.cases import notes

option: Final = click.option("--why", default="", metavar="REASON", help="kept with the change")


def check(why: str) -> None:
    """Refuse a reason that may name an account: it is kept for ever. Raises: CommandRefused."""
    try:
        notes.check(why)
    except notes.NamesAnAccount:
        raise CommandRefused(notes.REFUSED) from None
