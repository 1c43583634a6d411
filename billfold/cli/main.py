"""The command line: finds the state, the mode and the database, then calls one command."""

import argparse
import errno
import importlib
import importlib.util
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn

from billfold.cli.refusal import Refused
from billfold.platform import state
from billfold.platform.postgres import refusals
from billfold.platform.postgres.server import Cluster

# Each module has `add(commands)`, which adds its commands to the table. A command's defaults:
#   run       called with the parsed arguments; returns an exit code, or None for 0
#   database  False: it starts no database and uses none (default True)
#   django    False: it does without Django (default True)
#   founds    True: it may make the state directory (default False)
MODULES: Final = (
    "installing",
    "staffing",
    "persons",
    "operating",
    "holding",
    "safekeeping",
    "importing",
    "banking",
    "proving",
    "simulating",
    "demo",
)
MODE_FILE: Final = "mode"
INTERRUPTED: Final = 130

Run = Callable[[argparse.Namespace], int | None]


class Parser(argparse.ArgumentParser):
    """A parser whose complaints take one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see `{self.prog} --help`\n")


def main(arguments: Sequence[str]) -> int:
    """Carry out one command; anticipated errors become one line and exit code 1."""
    signal.signal(signal.SIGTERM, _end_politely)
    try:
        return _carry_out(arguments)
    except (Refused, refusals.Unavailable) as refusal:
        return say(str(refusal))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has enough of it; nothing may be flushed into it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as refusal:
        words = _of_the_system(refusal)
        if words is None:
            raise
        return say(words)
    except Exception as refusal:
        words = _of_the_database(refusal)
        if words is None:
            raise
        return say(words)


def _carry_out(arguments: Sequence[str]) -> int:
    place = _parser_of_state()
    chosen, rest = place.parse_known_args(arguments)
    if chosen.state is not None:
        os.environ["BILLFOLD_STATE"] = str(Path(chosen.state).expanduser().absolute())
    parsed = _parser(place).parse_args(rest)
    if os.environ.get("BILLFOLD_MODE") is None and (mode := recorded_mode(state.default())):
        os.environ["BILLFOLD_MODE"] = mode
    run: Run = parsed.run
    if not getattr(parsed, "database", True):
        _set_up_django(parsed)
        return run(parsed) or 0
    if not getattr(parsed, "founds", False):
        _check_is_there()
    with database():
        _set_up_django(parsed)
        if getattr(parsed, "django", True):
            check_installation()
        return run(parsed) or 0


def _check_is_there() -> None:
    """Keep a slip in --state from making a new, empty installation. Raises: Refused."""
    directory = state.default()
    if not (os.environ.get("DATABASE_URL") or directory.is_dir()):
        raise Refused(
            f"There is no installation in {directory}: name another with --state DIR, or make one "
            "there with `billfold init`."
        )


def _parser_of_state() -> argparse.ArgumentParser:
    """Read --state wherever it stands, before or after the command."""
    parser = Parser(prog="billfold", add_help=False, allow_abbrev=False)
    parser.add_argument(
        "--state",
        metavar="DIR",
        help="where keys, files and the private database are kept (or set BILLFOLD_STATE)",
    )
    return parser


def _parser(place: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser = Parser(prog="billfold", parents=[place], allow_abbrev=False)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in MODULES:
        if importlib.util.find_spec(f"billfold.cli.{name}") is not None:
            importlib.import_module(f"billfold.cli.{name}").add(commands)
    return parser


def _set_up_django(parsed: argparse.Namespace) -> None:
    if getattr(parsed, "django", True):
        set_up_django()


def set_up_django() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billfold.config.settings")
    django.setup()


def check_installation() -> None:
    """Keep a demo's hands off a live database, and say when a live one is on HOLD as a copy.

    Raises: Refused.
    """
    from django.conf import settings

    from billfold.platform import directory

    found = directory.instance()
    if found is None:
        return
    if found.mode == "live" and not settings.IS_LIVE:
        raise Refused(
            f"The database is a live installation and {settings.STATE_DIR} is not its state "
            "directory: name that with --state DIR, or set DATABASE_URL to another database."
        )
    if standing := directory.standing():
        say(f"on HOLD, because {standing}; nothing leaves until `billfold hold off`.")


def recorded_mode(directory: Path) -> str:
    """Read whether a state directory is a demo's or a live instance's; empty if it is neither."""
    try:
        return (directory / MODE_FILE).read_text().strip()
    except (FileNotFoundError, NotADirectoryError):
        return ""


@contextmanager
def database() -> Iterator[None]:
    """Name a running database in DATABASE_URL: the one set there already, or our own."""
    if os.environ.get("DATABASE_URL"):
        yield
        return
    with Cluster(state.default()) as cluster:
        os.environ["DATABASE_URL"] = cluster.dsn()
        try:
            yield
        finally:
            del os.environ["DATABASE_URL"]
            _close_connections()


def _close_connections() -> None:
    """Hang up before the server stops, so that it need not cut us off."""
    if "django.db" in sys.modules:
        from django.conf import settings
        from django.db import connections

        if settings.configured:
            connections.close_all()


def say(words: str) -> int:
    """Say one line on the error output; give the exit code of a refusal."""
    print(f"billfold: {' '.join(words.split())}", file=sys.stderr)
    return 1


def _of_the_system(refusal: OSError) -> str | None:
    path = refusal.filename or "the disk"
    if refusal.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"Cannot use {path}: give this user the right to, or choose --state DIR."
    if refusal.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"No space is left for {path}: free some and run the command again."
    if refusal.errno in (errno.ENOENT, errno.EISDIR, errno.ENOTDIR):
        return f"{path}: {refusal.strerror}."
    return None


def _of_the_database(refusal: Exception) -> str | None:
    if "django.db" not in sys.modules:
        return None
    from django.db import OperationalError, ProgrammingError

    if isinstance(refusal, OperationalError):
        return f"The database does not answer: {refusal} (DATABASE_URL names it)."
    if isinstance(refusal, ProgrammingError) and "permission denied" in str(refusal):
        return (
            f"The database refuses: {refusal} (docs/operating.md says which rights the user in "
            "DATABASE_URL needs)."
        )
    return None


def _end_politely(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)
