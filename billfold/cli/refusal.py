"""How a command says no: one line on the error output."""

import sys


class CommandRefused(Exception):
    """An anticipated refusal: its message is one line for whoever typed the command."""


def print_line(text: str) -> None:
    """Print one line on the error output, under the program's name."""
    print(f"billfold: {' '.join(text.split())}", file=sys.stderr)
