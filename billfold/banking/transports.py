"""How files travel to and from the bank: a folder, or SFTP. An upload is whole or absent."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from billfold.banking import sftp
from billfold.banking.sftp import Unfetchable, Unreachable
from billfold.platform.faults import fault

__all__ = ["Folder", "NotATransport", "Transport", "Unfetchable", "Unreachable", "of"]
PART_ENDING = ".part"
_OF_ONE_FILE = frozenset({errno.EACCES, errno.EPERM, errno.ELOOP, errno.EIO, errno.EISDIR})


class NotATransport(ValueError):
    """The bank connection's transport setting is not complete."""


class Transport(Protocol):
    """One way of exchanging files. Any method may raise Unreachable; then try again later."""

    @property
    def shows_uploads(self) -> bool:
        """Say whether uploads stay to be seen, so that absence proves one never came."""

    def put(self, name: str, content: bytes) -> None:
        """Upload under a temporary name, then rename: a cut line leaves nothing whole."""

    def far_side(self, name: str) -> bytes | None:
        """Fetch an upload back, from where we put it or where the bank filed it."""

    def waiting(self) -> list[str]:
        """List what the bank left for us, by name."""

    def get(self, name: str) -> bytes:
        """Fetch one of them. Raises: Unfetchable if it is this one that cannot be had."""

    def done(self, name: str) -> None:
        """Remove one from there, now that it is stored here, sealed."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that the bank, or its transfer program, also sees."""

    to_bank: Path
    from_bank: Path
    taken: Path | None = None

    @property
    def shows_uploads(self) -> bool:
        return self.taken is not None

    def put(self, name: str, content: bytes) -> None:
        with _reached(self.to_bank):
            part = self.to_bank / (name + PART_ENDING)
            part.unlink(missing_ok=True)  # Of an upload that was cut short, or laid for us.
            fresh = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            with open(os.open(part, fresh, 0o640), "wb") as file:  # noqa: PTH123
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            fault("upload_inside")
            part.rename(self.to_bank / name)

    def far_side(self, name: str) -> bytes | None:
        for folder in filter(None, (self.to_bank, self.taken)):
            # Only a folder that can be listed proves that a file is not in it.
            with _reached(folder):
                if name in {path.name for path in folder.iterdir()}:
                    try:
                        return _read(folder / name)
                    except Unfetchable:
                        return b""  # Something stands there under our name that cannot be ours.
        return None

    def waiting(self) -> list[str]:
        with _reached(self.from_bank):
            return sorted(
                path.name
                for path in self.from_bank.iterdir()
                if not _is_unfinished(path.name) and _is_document(path)
            )

    def get(self, name: str) -> bytes:
        with _reached(self.from_bank):
            return _read(self.from_bank / name)

    def done(self, name: str) -> None:
        with _reached(self.from_bank):
            (self.from_bank / name).unlink(missing_ok=True)


def _is_unfinished(name: str) -> bool:
    return name.startswith(".") or name.endswith((PART_ENDING, ".tmp"))


def _is_document(path: Path) -> bool:
    """Tell files from folders and pipes; a link to a file is listed, and then not followed."""
    return stat.S_ISREG(path.lstat().st_mode) or (path.is_symlink() and not path.is_dir())


def _read(path: Path) -> bytes:
    """Read a file that others put there, and nothing it leads to. Raises: Unfetchable."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:  # noqa: PTH123
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Unfetchable("it is not a file")
            content = file.read(sftp.LARGEST_BYTES + 1)
    except OSError as refused:
        if refused.errno == errno.ELOOP:
            raise Unfetchable("it is a link, and links are not followed") from refused
        if refused.errno in _OF_ONE_FILE:
            raise Unfetchable(os.strerror(refused.errno)) from refused
        raise
    if len(content) > sftp.LARGEST_BYTES:
        raise Unfetchable(f"it has more than {sftp.LARGEST_BYTES:,} bytes")
    return content


@contextmanager
def _reached(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as refused:
        raise Unreachable(f"{folder}: {refused.strerror}") from refused


def of(setting: dict[str, Any]) -> Transport:
    """Make the transport a bank connection asks for. Raises: NotATransport."""
    try:
        match setting["kind"]:
            case "folder":
                taken = setting.get("taken")
                return Folder(
                    to_bank=Path(setting["to_bank"]),
                    from_bank=Path(setting["from_bank"]),
                    taken=Path(taken) if taken else None,
                )
            case "sftp":
                return sftp.Sftp(**{key: value for key, value in setting.items() if key != "kind"})
            case other:
                raise NotATransport(f"kind {other!r}; use folder or sftp")
    except (KeyError, TypeError) as missing:
        raise NotATransport(str(missing)) from missing
