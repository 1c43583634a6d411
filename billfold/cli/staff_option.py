"""The options --as and --password-file: which member of staff acts, proved by the password."""

import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import click
from django.contrib.auth import authenticate

from billfold.cli import prompts
from billfold.cli.refusal import CommandRefused
from billfold.people import authentication
from billfold.people.models import Person

Function = TypeVar("Function", bound=Callable[..., Any])
_SOURCE: Final = "command line"


def options(function: Function) -> Function:
    """Add the options --as and --password-file: a named member of staff, not whoever types."""
    for option in (
        click.option(
            "--password-file",
            type=Path,
            metavar="FILE",
            help="its first line is that password (default: asked for, or the input's first line)",
        ),
        click.option(
            "--as", "staff_email", metavar="EMAIL", required=True, help="which member of staff acts"
        ),
    ):
        function = option(function)
    return function


def sign_in(email: str, password_file: Path | None, *, now: datetime) -> Person:
    """Find the member of staff whose password this is; failures count as those on the page do.

    Raises: CommandRefused.
    """
    password = _read(email, password_file)
    try:
        attempt = authentication.note_attempt(email, _SOURCE, now=now)
    except authentication.TooManyAttempts:
        raise CommandRefused("There were too many wrong passwords: wait for 15 minutes.") from None
    person = authenticate(None, username=email, password=password)
    if not isinstance(person, Person) or not person.is_staff:
        authentication.record_failure(attempt, email, _SOURCE, now=now)
        raise CommandRefused("No member of staff has this e-mail and password.")
    if person.must_change_password:
        raise CommandRefused(f"{person.email} must sign in and choose a password first.")
    authentication.record_success(attempt, person, _SOURCE, now=now)
    return person


def _read(email: str, file: Path | None) -> str:
    """Read a password. Raises: CommandRefused."""
    if file is not None:
        try:
            with file.open(encoding="utf-8") as lines:
                return lines.readline().rstrip("\r\n")
        except (OSError, UnicodeDecodeError):
            raise CommandRefused(f"{file}: it cannot be read.") from None
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    return prompts.ask(f"Password of {email}", is_secret=True)
