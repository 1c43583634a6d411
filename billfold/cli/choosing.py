"""Which biller a command is about: the only one, or the one that was named."""

import argparse
from typing import TYPE_CHECKING

from billfold.cli.refusal import Refused

if TYPE_CHECKING:
    from billfold.platform.tenancy import Biller


def add_option(parser: argparse.ArgumentParser) -> None:
    """Add --biller to a command."""
    parser.add_argument(
        "--biller", metavar="SCHEMA", help="which biller; needed only if there are several"
    )


def chosen(arguments: argparse.Namespace) -> "Biller":
    """Find the biller a command is about. Raises: Refused."""
    billers = all_billers()
    names = ", ".join(biller.schema for biller in billers)
    if arguments.biller is None:
        if len(billers) > 1:
            raise Refused(f"There are several billers: add --biller with one of {names}.")
        return billers[0]
    for biller in billers:
        if biller.schema == arguments.biller:
            return biller
    raise Refused(f"No biller is called {arguments.biller!r}: there are {names}.")


def all_billers() -> "list[Biller]":
    """List every biller. Raises: Refused if there is none."""
    from django.db import ProgrammingError

    from billfold.platform import tenancy

    try:
        billers = tenancy.billers()
    except ProgrammingError:
        billers = []
    if not billers:
        raise Refused("There is no biller yet: run `billfold init` or `billfold biller add` first.")
    return billers


def several(arguments: argparse.Namespace) -> "list[Biller]":
    """Find the billers a command is about: the named one, or all of them. Raises: Refused."""
    return all_billers() if arguments.biller is None else [chosen(arguments)]
