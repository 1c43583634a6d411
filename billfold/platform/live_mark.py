"""The live mark: a file that tells the one installation that may reach a bank from its copies.

`public.instance` says which installation a database belongs to. The mark is the file `identity` in
the state directory. It says for which installation it was made, and on which server, database,
machine and folder. If anything differs, something was restored or copied: every biller is on HOLD.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db.backends.utils import CursorWrapper

from billfold.platform.ids import new_id

FILE = "identity"
MODE_FILE = "mode"
_MACHINE = Path("/etc/machine-id")


class MarkStatus(StrEnum):
    """Whether the mark fits the database, and why not; each text completes "on HOLD, because …"."""

    MATCHES = ""
    NOT_SET_UP = "this database belongs to no installation yet (`billfold init` makes one)"
    NOT_LIVE = "this database is not a live one"
    NO_MARK = "the state directory has no live mark: the database was restored or copied"
    OTHER_DATABASE = "the live mark names another database: this one was restored or copied"
    OTHER_PLACE = "the live mark was made for another server, machine or folder"


@dataclass(frozen=True, slots=True)
class Instance:
    """Which installation a database belongs to."""

    identity: UUID
    mode: str


def instance(cursor: CursorWrapper) -> Instance | None:
    """Read which installation the database belongs to; None before there is one."""
    cursor.execute("SELECT to_regclass('public.instance') IS NOT NULL")
    if not _first(cursor)[0]:
        return None
    cursor.execute("SELECT identity, mode FROM public.instance")
    row = cursor.fetchone()
    return Instance(*row) if row else None


def make_instance(cursor: CursorWrapper, mode: str) -> Instance:
    """Write into the database which installation it belongs to, unless that is there already."""
    cursor.execute(
        "INSERT INTO public.instance (identity, mode) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        [new_id(), mode],
    )
    stored = instance(cursor)
    assert stored is not None
    return stored


def status(cursor: CursorWrapper) -> MarkStatus:
    """Compare the mark with the database. Only a live instance needs one."""
    if not settings.IS_LIVE:
        return MarkStatus.MATCHES
    stored = instance(cursor)
    if stored is None:
        return MarkStatus.NOT_SET_UP
    if stored.mode != "live":
        return MarkStatus.NOT_LIVE
    try:
        identity, _, location = (_file().read_text().strip()).partition("\n")
    except FileNotFoundError:
        return MarkStatus.NO_MARK
    if identity != str(stored.identity):
        return MarkStatus.OTHER_DATABASE
    is_here = location == _location_fingerprint(cursor)
    return MarkStatus.MATCHES if is_here else MarkStatus.OTHER_PLACE


def write(cursor: CursorWrapper) -> None:
    """Mark this state directory as the one that serves this database, from here."""
    stored = instance(cursor)
    assert stored is not None
    write_atomically(_file(), f"{stored.identity}\n{_location_fingerprint(cursor)}\n")


def write_mode(directory: Path, mode: str) -> None:
    """Write into the state directory what kind of installation it is."""
    write_atomically(directory / MODE_FILE, f"{mode}\n")


def write_atomically(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    new_file = path.with_name(path.name + ".new")
    with new_file.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new_file.replace(path)


def _file() -> Path:
    return Path(settings.STATE_DIR) / FILE


def _location_fingerprint(cursor: CursorWrapper) -> str:
    """Hash where we are: a copy of server, database, machine or folder gives another hash.

    A cloned machine that keeps its number cannot be told apart; docs/operating.md says so.
    """
    cursor.execute(
        """SELECT s.system_identifier::text, d.oid::text
           FROM pg_control_system() s, pg_database d WHERE d.datname = current_database()"""
    )
    parts = [*map(str, _first(cursor)), str(Path(settings.STATE_DIR).resolve()), _machine()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _machine() -> str:
    """Return this machine's id, or BILLFOLD_MACHINE where a container has none that lasts."""
    configured = os.environ.get("BILLFOLD_MACHINE")
    if configured:
        return configured
    try:
        return _MACHINE.read_text().strip()
    except OSError:
        return ""


def _first(cursor: CursorWrapper) -> tuple[object, ...]:
    row: tuple[object, ...] = cursor.fetchone()
    return row
