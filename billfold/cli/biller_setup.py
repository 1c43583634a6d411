"""What `init` and `biller` share: naming a biller, reading its profile, telling what it lacks."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from billfold.cli import refusal
from billfold.cli.profile import files, tables
from billfold.cli.profile.files import ProfileChanges, ProfileRefused
from billfold.cli.refusal import CommandRefused
from billfold.platform import biller_directory, tenancy
from billfold.platform.tenancy import Biller

Function = TypeVar("Function", bound=Callable[..., Any])


def naming_options(function: Function) -> Function:
    """Add the options --name, --host and --profile of a new biller."""
    for option in (
        click.option("--profile", type=Path, metavar="FILE.toml", help="its terms and its bank"),
        click.option(
            "--host",
            "hosts",
            multiple=True,
            metavar="NAME",
            help="name in its address, as billing.example.com; can be repeated",
        ),
        click.option("--name", metavar="NAME", help="what people call the biller"),
    ):
        function = option(function)
    return function


def check_names(schema: str, hosts: Sequence[str]) -> list[str]:
    """Check the names of a new biller; give its hosts. Raises: CommandRefused."""
    if not tenancy.SCHEMA_NAME.match(schema):
        raise CommandRefused(
            f"{schema!r} cannot name a biller: use a lower-case letter, then letters, digits and "
            "underscores, 40 at most, and no name that PostgreSQL or a login uses (app, proof)."
        )
    try:
        return [biller_directory.check_host(host) for host in hosts]
    except biller_directory.NotAHost as error:
        raise CommandRefused(describe_bad_host(error)) from None


def describe_bad_host(error: ValueError) -> str:
    """Word why a host cannot be one."""
    return f"{str(error)!r} is no host: write it as billing.example.com, without https:// or port."


def read_profile(path: Path | None) -> ProfileChanges:
    """Read the profile file that was named; print all that is wrong. Raises: CommandRefused."""
    if path is None:
        return ProfileChanges()
    try:
        return files.read(path)
    except ProfileRefused as error:
        for problem in error.problems:
            refusal.print_line(f"{path.name}: {problem}")
        raise CommandRefused(f"{path.name} is refused whole; nothing changed.") from None


def print_missing(billers: Sequence[Biller]) -> None:
    """Print what each biller needs before payers can be let in."""
    for biller in billers:
        if lacking := tables.list_missing(biller):
            print(f"{biller.schema} still lacks: {', '.join(lacking)}.")
