"""What commands run in: Django set up for the installation's mode, and its running database."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Final

import django
from django.conf import settings
from django.db import OperationalError, ProgrammingError, connection, connections

from billfold.cli import mode, refusal
from billfold.cli.refusal import CommandRefused
from billfold.platform import live_mark, login_roles, state_directory, tenancy
from billfold.platform.postgres.logins import LoginNotNamed
from billfold.platform.postgres.server import PrivateServer


def set_up_django(default_mode: str = "") -> None:
    """Set Django up for the state directory in use; its database is named, and not started."""
    directory = state_directory.default()
    if mode_in_use := default_mode or mode.read(directory):
        os.environ.setdefault("BILLFOLD_MODE", mode_in_use)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billfold.config.settings")
    with nullcontext() if os.environ.get("DATABASE_URL") else _named(PrivateServer(directory)):
        django.setup()


@contextmanager
def installation(*, may_be_new: bool = False) -> Iterator[None]:
    """Keep the database of the installation in use running, once both were checked.

    Raises: CommandRefused, errors.Unavailable.
    """
    if not may_be_new:
        check_is_there()
    with database():
        check_is_ours()
        yield


@contextmanager
def database() -> Iterator[None]:
    """Keep a database running, the one that DATABASE_URL names or our own; word what it refuses.

    Raises: CommandRefused, errors.Unavailable.
    """
    with _server():
        try:
            yield
        except OperationalError as error:
            raise CommandRefused(
                f"The database does not answer: {error} (DATABASE_URL names it)."
            ) from error
        except LoginNotNamed as error:
            raise CommandRefused(
                f"This needs another login to the database: name its address in {error} "
                "(docs/operating.md says which logins there are)."
            ) from None
        except ProgrammingError as error:
            if "permission denied" not in str(error):
                raise
            raise CommandRefused(
                f"The database refuses: {error} (docs/operating.md says which rights the user in "
                "DATABASE_URL needs)."
            ) from error


@contextmanager
def _server() -> Iterator[None]:
    if os.environ.get("DATABASE_URL"):
        yield
        return
    with PrivateServer(state_directory.default()) as cluster, _named(cluster):
        try:
            yield
        finally:
            if settings.configured:
                connections.close_all()  # So that the server need not cut us off when it stops.


@contextmanager
def _named(cluster: PrivateServer) -> Iterator[None]:
    addresses = cluster.addresses()
    before = {name: os.environ.pop(name) for name in addresses if name in os.environ}
    os.environ |= addresses
    try:
        yield
    finally:
        for name in addresses:
            del os.environ[name]
        os.environ |= before


def check_is_there() -> None:
    """Keep a slip in --state from making a new, empty installation. Raises: CommandRefused."""
    directory = state_directory.default()
    if not (os.environ.get("DATABASE_URL") or directory.is_dir()):
        raise CommandRefused(
            f"There is no installation in {directory}: name another with --state DIR, or make one "
            "there with `billfold init`."
        )


_ONE_LOGIN: Final = (
    "DATABASE_URL signs in as the owner of the tables: name the application's login there, and the "
    "owner in BILLFOLD_OWNER_DATABASE_URL (docs/operating.md says which logins there are)."
)


def check_logins_are_apart() -> None:
    """Keep a live installation from running with the owner's rights. Raises: CommandRefused."""
    if settings.IS_LIVE and not login_roles.are_apart():
        raise CommandRefused(_ONE_LOGIN)


def check_is_ours() -> None:
    """Keep a demo's hands off a live database, and say when a live one is on HOLD as a copy.

    Raises: CommandRefused.
    """
    check_logins_are_apart()
    with tenancy.no_biller(), connection.cursor() as cursor:
        instance = live_mark.instance(cursor)
        is_owner = login_roles.is_owner_or_stronger(cursor)
    if settings.IS_LIVE and is_owner:
        raise CommandRefused(_ONE_LOGIN)
    if instance is None:
        return
    if instance.mode == "live" and not settings.IS_LIVE:
        raise CommandRefused(
            f"The database is a live installation and {settings.STATE_DIR} is not its state "
            "directory: name that with --state DIR, or set DATABASE_URL to another database."
        )
    with tenancy.no_biller(), connection.cursor() as cursor:
        standing = live_mark.status(cursor)
    if standing:
        refusal.print_line(
            f"on HOLD, because {standing}; nothing leaves until `billfold hold off`."
        )
