"""What a command asks whoever typed it: missing facts, passwords, a last word before heavy acts."""

import argparse
import getpass
import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from billfold.cli.refusal import Refused

if TYPE_CHECKING:
    from billfold.people.models import Person
    from billfold.platform.audit import Actor


def whoever_typed() -> "Actor":
    """Name whoever typed the command as the actor."""
    from billfold.platform.audit import Actor

    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = f"user {os.getuid()}"
    return Actor(id=f"command/{name}", name=name)


def missing(arguments: argparse.Namespace, option: str, question: str) -> str:
    """Give an option's text; ask for it if it is missing and somebody sits there."""
    given = getattr(arguments, option.strip("-").replace("-", "_"))
    if given:
        return str(given[0] if isinstance(given, list) else given)
    while sys.stdin.isatty():
        if typed := input(f"{question}: ").strip():
            return typed
    misused(arguments, f"{option} is missing")
    raise AssertionError  # The line above never returns.


def misused(arguments: argparse.Namespace, message: str) -> None:
    """Leave with exit code 2: the command was not typed as it must be."""
    parser: argparse.ArgumentParser = arguments.parser
    parser.error(message)


def add_password_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--password-file",
        type=Path,
        metavar="FILE",
        help="its first line is the password (default: asked for, or the first line of the input)",
    )


def password(arguments: argparse.Namespace, person: "Person") -> str:
    """Read a password from where it is told, and judge it. Raises: Refused."""
    from django.contrib.auth.password_validation import validate_password
    from django.core.exceptions import ValidationError

    given = _read_password(arguments, person)
    try:
        validate_password(given, person)
    except ValidationError as refusal:
        raise Refused(" ".join(refusal.messages)) from None
    return given


def _read_password(arguments: argparse.Namespace, person: "Person") -> str:
    if arguments.password_file is not None:
        with arguments.password_file.open() as file:
            return str(file.readline()).rstrip("\r\n")
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass(f"Password for {person.email}, 15 characters or more: ")
    if getpass.getpass("The same again: ") != first:
        raise Refused("The two passwords differ: run the command again.")
    return first


def one_time_password() -> str:
    """Make a password to be told once and changed soon."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    words = ["".join(secrets.choice(letters) for _ in range(5)) for _ in range(4)]
    return "-".join(words)


def confirmed(arguments: argparse.Namespace, question: str, word: str) -> None:
    """Go on only if the person types the word, or gave --yes. Raises: Refused."""
    if arguments.yes:
        return
    if not sys.stdin.isatty():
        misused(arguments, "nobody is there to confirm it: add --yes")
    if input(f"{question}\nType {word} to go on: ").strip() != word:
        raise Refused("Not confirmed: nothing was changed.")
