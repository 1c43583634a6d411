"""The state directory: everything an installation keeps outside its database."""

import hashlib
import os
import pwd
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
ROOTS_PLACE = Path("/var/lib/billfold")


@dataclass(frozen=True)
class Account:
    """A system user: the one PostgreSQL runs as, when we are root."""

    uid: int
    gid: int


def default() -> Path:
    """Name the state directory in use: BILLFOLD_STATE, or this copy's own."""
    named = os.environ.get("BILLFOLD_STATE")
    if named:
        return Path(named).expanduser().absolute()
    return roots_place_of(PROJECT) if os.geteuid() == 0 else PROJECT / ".state"


def roots_place_of(path: Path) -> Path:
    """Name the directory root keeps for a path, where an unprivileged PostgreSQL can reach it."""
    return ROOTS_PLACE / hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:12]


def prepare(directory: Path) -> Path:
    """Make the state directory if it is missing; leave one that exists, and its parents, alone."""
    if directory.is_dir():
        return directory
    if directory.parent == ROOTS_PLACE and not ROOTS_PLACE.exists():
        ROOTS_PLACE.mkdir(parents=True, exist_ok=True)
        ROOTS_PLACE.chmod(0o711)
    directory.parent.mkdir(parents=True, exist_ok=True)
    private_directory(directory, entered_by=unprivileged())
    return directory


def unprivileged() -> Account | None:
    """Find whom root runs PostgreSQL as; None for a normal user, who runs it himself."""
    if os.geteuid() != 0:
        return None
    try:
        nobody = pwd.getpwnam("nobody")
        return Account(uid=nobody.pw_uid, gid=nobody.pw_gid)
    except KeyError:
        return Account(uid=65534, gid=65534)


def private_directory(directory: Path, *, entered_by: Account | None = None) -> None:
    """Make a directory for its owner alone; the named account may pass through, not look round."""
    directory.mkdir(mode=0o700, exist_ok=True)
    if entered_by is not None:
        os.chown(directory, -1, entered_by.gid)
        directory.chmod(0o710)


def can_reach(account: Account, path: Path) -> bool:
    """Tell whether the account may pass through every directory down to the path that exists."""
    existing = next(place for place in (path, *path.parents) if place.exists())
    return all(_may_enter(account, place) for place in (existing, *existing.parents))


def _may_enter(account: Account, place: Path) -> bool:
    status = place.stat()
    if status.st_uid == account.uid:
        return bool(status.st_mode & 0o100)
    if status.st_gid == account.gid:
        return bool(status.st_mode & 0o010)
    return bool(status.st_mode & 0o001)
