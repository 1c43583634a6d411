"""The live mark: tells the one installation that may reach a bank from every copy of it.

`public.instance` says which installation a database belongs to. The file `identity` in the state
directory says which one we believe to serve, and where: which server, database, machine and folder.
If anything differs, somebody restored or copied something, and every biller is on HOLD.
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


class Standing(StrEnum):
    """How the mark and the database stand to each other; each completes "on HOLD, because …"."""

    MATCHES = ""
    NOT_SET_UP = "this database belongs to no installation yet (`billfold init` makes one)"
    NOT_LIVE = "this database is not a live one"
    NO_MARK = "the state directory has no live mark: the database was restored or copied"
    OTHER_DATABASE = "the live mark names another database: this one was restored or copied"
    OTHER_PLACE = "the live mark was made for another server, machine or folder"


@dataclass(frozen=True, slots=True)
class Instance:
    """What a database says about itself."""

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
    """Say which installation the database belongs to, unless it says so already."""
    cursor.execute(
        "INSERT INTO public.instance (identity, mode) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        [new_id(), mode],
    )
    made = instance(cursor)
    assert made is not None
    return made


def standing(cursor: CursorWrapper) -> Standing:
    """Compare the mark with the database. Only a live instance needs one."""
    if not settings.IS_LIVE:
        return Standing.MATCHES
    found = instance(cursor)
    if found is None:
        return Standing.NOT_SET_UP
    if found.mode != "live":
        return Standing.NOT_LIVE
    try:
        marked, _, place = (_file().read_text().strip()).partition("\n")
    except FileNotFoundError:
        return Standing.NO_MARK
    if marked != str(found.identity):
        return Standing.OTHER_DATABASE
    return Standing.MATCHES if place == _place(cursor) else Standing.OTHER_PLACE


def write(cursor: CursorWrapper) -> None:
    """Mark this state directory as the one that serves this database, from here."""
    found = instance(cursor)
    assert found is not None
    write_whole(_file(), f"{found.identity}\n{_place(cursor)}\n")


def write_mode(directory: Path, mode: str) -> None:
    """Say in the state directory what kind of installation it is."""
    write_whole(directory / MODE_FILE, f"{mode}\n")


def write_whole(path: Path, text: str) -> None:
    """Write a file that is there whole, or not at all."""
    fresh = path.with_name(path.name + ".new")
    with fresh.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _file() -> Path:
    return Path(settings.STATE_DIR) / FILE


def _place(cursor: CursorWrapper) -> str:
    """Fingerprint where we are: a copy of server, database, machine or folder gives another.

    A cloned machine that keeps its number cannot be told apart; docs/operating.md says so.
    """
    cursor.execute(
        """SELECT s.system_identifier::text, d.oid::text
           FROM pg_control_system() s, pg_database d WHERE d.datname = current_database()"""
    )
    words = [*map(str, _first(cursor)), str(Path(settings.STATE_DIR).resolve()), _machine()]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:32]


def _machine() -> str:
    """Name this machine: by its own number, or as told where containers have none that lasts."""
    told = os.environ.get("BILLFOLD_MACHINE")
    if told:
        return told
    try:
        return _MACHINE.read_text().strip()
    except OSError:
        return ""


def _first(cursor: CursorWrapper) -> tuple[object, ...]:
    row: tuple[object, ...] = cursor.fetchone()
    return row
