"""What a command asks whoever typed it: missing facts, a last word before heavy acts."""

import sys

import click

from billfold import typed_text
from billfold.cli.refusal import CommandRefused
from billfold.typed_text import UnfitCharacter


def ask_if_missing(value: str | None, option: str, question: str) -> str:
    """Give an option's value, one line; if it is missing and somebody sits there, ask for it.

    Raises: click.UsageError.
    """
    if value:
        return check_line(value, option)
    while sys.stdin.isatty():
        if answer := ask(question).strip():
            return check_line(answer, option)
    raise click.UsageError(f"{option} is missing")


def check_line(value: str, option: str) -> str:
    """Return a value that is one line of characters people see. Raises: click.UsageError."""
    try:
        return typed_text.check_line(value)
    except UnfitCharacter as refusal:
        raise click.UsageError(f"{option} holds {refusal}: remove it") from None


def ask(question: str, *, is_secret: bool = False) -> str:
    """Ask once; the answer may be empty."""
    answer: str = click.prompt(question, default="", show_default=False, hide_input=is_secret)
    return answer


def confirm(question: str, word: str) -> None:
    """Go on only if somebody types the word. Raises: CommandRefused, click.UsageError."""
    if not sys.stdin.isatty():
        raise click.UsageError("nobody is there to confirm it: add --yes")
    if ask(f"{question}\nType {word} to go on").strip() != word:
        raise CommandRefused("Not confirmed: nothing was changed.")
