"""The state directory: everything an installation keeps outside its database."""

import hashlib
import os
import pwd
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
ROOT_STATE_HOME = Path("/var/lib/billfold")


@dataclass(frozen=True)
class SystemUser:
    """A user of the operating system: whom PostgreSQL runs as when we are root."""

    uid: int
    gid: int


def default() -> Path:
    """Return the state directory in use: BILLFOLD_STATE, or this copy's own."""
    configured = os.environ.get("BILLFOLD_STATE")
    if configured:
        return Path(configured).expanduser().absolute()
    return directory_for_root(PROJECT) if os.geteuid() == 0 else PROJECT / ".state"


def directory_for_root(path: Path) -> Path:
    """Return the directory root uses for a path, where an unprivileged PostgreSQL can reach it."""
    return ROOT_STATE_HOME / hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:12]


def create_if_missing(directory: Path) -> Path:
    """Make the state directory if it is missing; leave one that exists, and its parents, alone."""
    if directory.is_dir():
        return directory
    if directory.parent == ROOT_STATE_HOME and not ROOT_STATE_HOME.exists():
        ROOT_STATE_HOME.mkdir(parents=True, exist_ok=True)
        ROOT_STATE_HOME.chmod(0o711)
    directory.parent.mkdir(parents=True, exist_ok=True)
    make_private(directory, entered_by=unprivileged_user())
    return directory


def unprivileged_user() -> SystemUser | None:
    """Return the user root runs PostgreSQL as; None if we are not root and run it ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        nobody = pwd.getpwnam("nobody")
        return SystemUser(uid=nobody.pw_uid, gid=nobody.pw_gid)
    except KeyError:
        return SystemUser(uid=65534, gid=65534)


def make_private(directory: Path, *, entered_by: SystemUser | None = None) -> None:
    """Make a directory for its owner alone; `entered_by` may pass through it, but not list it."""
    directory.mkdir(mode=0o700, exist_ok=True)
    if entered_by is not None:
        os.chown(directory, -1, entered_by.gid)
        directory.chmod(0o710)


def can_reach(user: SystemUser, path: Path) -> bool:
    """Say whether the user may pass through every directory down to the path that exists."""
    existing = next(parent for parent in (path, *path.parents) if parent.exists())
    return all(_may_enter(user, folder) for folder in (existing, *existing.parents))


def _may_enter(user: SystemUser, folder: Path) -> bool:
    status = folder.stat()
    if status.st_uid == user.uid:
        return bool(status.st_mode & 0o100)
    if status.st_gid == user.gid:
        return bool(status.st_mode & 0o010)
    return bool(status.st_mode & 0o001)
