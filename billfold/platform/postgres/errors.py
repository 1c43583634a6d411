"""Why the private PostgreSQL cannot be used. Each message is one line and says what to do."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


class Unavailable(Exception):
    """The private PostgreSQL cannot be used; the message says what to do."""


@dataclass(eq=False)
class ProgramsMissing(Unavailable):
    looked_in: str

    def __str__(self) -> str:
        return (
            f"PostgreSQL's programs are missing ({self.looked_in}): delete .venv and run "
            "`python3 run.py` again, or set DATABASE_URL to a server of your own."
        )


@dataclass(eq=False)
class OtherMajorVersion(Unavailable):
    data: Path
    data_version: str
    program_version: str

    def __str__(self) -> str:
        return (
            f"The database in {self.data} was made by PostgreSQL {self.data_version}, and this is "
            f"PostgreSQL {self.program_version}: back it up with that version and restore it here."
        )


@dataclass(eq=False)
class NotWritable(Unavailable):
    path: str

    def __str__(self) -> str:
        return f"Cannot write to {self.path}: give this user the folder, or choose --state DIR."


@dataclass(eq=False)
class DiskFull(Unavailable):
    path: str

    def __str__(self) -> str:
        return f"No space is left for {self.path}: free some, or choose another disk with --state."


@dataclass(eq=False)
class InUse(Unavailable):
    data: Path

    def __str__(self) -> str:
        return f"The database in {self.data} is in use: stop the other Billfold process first."


@dataclass(eq=False)
class NotStarted(Unavailable):
    reason: str
    log: Path

    def __str__(self) -> str:
        return f"PostgreSQL did not start: {self.reason} (see {self.log})."


@dataclass(eq=False)
class NotStopped(Unavailable):
    pid: int

    def __str__(self) -> str:
        return f"PostgreSQL does not stop: end process {self.pid} by hand."


@dataclass(eq=False)
class StartCanceled(Unavailable):
    def __str__(self) -> str:
        return "Stopped while PostgreSQL was starting."


@contextmanager
def translated_user_errors(log: Path) -> Iterator[None]:
    """Raise NotStarted where root may not run a process as another user."""
    try:
        yield
    except PermissionError as error:
        raise NotStarted(
            reason="this root may not act as another user; start Billfold as a normal user, "
            "or set DATABASE_URL to a server of your own",
            log=log,
        ) from error


@contextmanager
def translated_os_errors(home: Path) -> Iterator[None]:
    """Raise NotWritable and DiskFull in place of the system's errors."""
    try:
        yield
    except OSError as error:
        path = str(error.filename or home)
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise NotWritable(path=path) from error
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(path=path) from error
        raise
