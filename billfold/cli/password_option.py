"""Passwords of new logins: typed, read from a file, or made for one use."""

import secrets
import sys
from pathlib import Path
from typing import Final

import click
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from billfold.cli import prompts
from billfold.cli.refusal import CommandRefused
from billfold.people.models import Person

option: Final = click.option(
    "--password-file",
    type=Path,
    metavar="FILE",
    help="its first line is the password (default: asked for, or the first line of the input)",
)


def read(file: Path | None, person: Person) -> str:
    """Read a new password from its file or the terminal, and judge it. Raises: CommandRefused."""
    password = _read(file, person)
    try:
        validate_password(password, person)
    except ValidationError as refusal:
        raise CommandRefused(" ".join(refusal.messages)) from None
    return password


def _read(file: Path | None, person: Person) -> str:
    if file is not None:
        with file.open() as lines:
            return lines.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    question = f"Password for {person.email}, 15 characters or more"
    password = prompts.ask(question, is_secret=True)
    if prompts.ask("The same again", is_secret=True) != password:
        raise CommandRefused("The two passwords differ: run the command again.")
    return password


def make_one_time_password() -> str:
    """Make a password to be handed on once and changed soon."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    words = ["".join(secrets.choice(letters) for _ in range(5)) for _ in range(4)]
    return "-".join(words)
