"""The command line: carries out one command and words what is refused."""

import errno
import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

import click

from billfold.cli import launcher, refusal
from billfold.cli.refusal import CommandRefused
from billfold.platform.postgres import errors

REFUSED: Final = 1
INTERRUPTED: Final = 130


def main(arguments: Sequence[str]) -> int:
    """Carry out one command; anticipated errors become one line and exit code 1 or 2."""
    signal.signal(signal.SIGTERM, _exit_on_signal)
    try:
        return launcher.run(arguments)
    except click.UsageError as misuse:
        return _print_misuse(misuse)
    except (CommandRefused, errors.Unavailable) as refused:
        refusal.print_line(str(refused))
        return REFUSED
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has enough of it; nothing may be flushed into it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return REFUSED
    except OSError as error:
        words = _words_of(error)
        if words is None:
            raise
        refusal.print_line(words)
        return REFUSED


def _print_misuse(misuse: click.UsageError) -> int:
    """Print one line about a command that was typed wrongly; give its exit code."""
    command = misuse.ctx.command_path if misuse.ctx else launcher.PROGRAM
    message = " ".join(misuse.format_message().split()).removesuffix(".")
    print(f"{command}: {message}; see `{command} --help`", file=sys.stderr)
    return misuse.exit_code


def _words_of(error: OSError) -> str | None:
    path = error.filename or "the disk"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"Cannot use {path}: give this user the right to, or choose --state DIR."
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"No space is left for {path}: free some and run the command again."
    if error.errno in (errno.ENOENT, errno.EISDIR, errno.ENOTDIR):
        return f"{path}: {error.strerror}."
    return None


def _exit_on_signal(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)
