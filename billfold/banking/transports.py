"""How files travel to and from the bank: through a folder, or SFTP. Uploads are atomic."""

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
from billfold.banking.sftp import PART_ENDING, Confirm, NotBegun, Unfetchable, Unreachable
from billfold.platform.faults import fault

__all__ = [
    "FolderTransport",
    "NotATransport",
    "NotBegun",
    "Transport",
    "Unfetchable",
    "Unreachable",
    "from_setting",
]
_ERRORS_OF_ONE_FILE = frozenset({errno.EACCES, errno.EPERM, errno.ELOOP, errno.EIO, errno.EISDIR})


class NotATransport(ValueError):
    """The bank connection's transport setting is not complete."""


class Transport(Protocol):
    """One way of exchanging files. Any method may raise Unreachable: try again later."""

    def put(self, name: str, content: bytes, confirm: Confirm) -> None:
        """Upload under a temporary name, then rename: an interrupted upload is never complete.

        `confirm` is called just before the rename and raises if the file must not be completed.
        Raises: NotBegun if nothing reached the far side.
        """

    def has_unfinished(self, name: str) -> bool:
        """Say whether an upload of ours lies there under its temporary name: it was cut short."""

    def read_back(self, name: str) -> bytes | None:
        """Read an upload, where we put it or where the bank filed it; None if it is not there."""

    def waiting(self) -> list[str]:
        """List the names of the documents the bank left for us."""

    def get(self, name: str) -> bytes:
        """Download a document. Raises: Unfetchable if only this one cannot be downloaded."""

    def remove(self, name: str) -> None:
        """Remove a document at the bank; it is stored here, sealed."""


@dataclass(frozen=True, slots=True)
class FolderTransport:
    """Folders that the bank, or its transfer program, reads and writes too."""

    to_bank: Path
    from_bank: Path
    taken: Path | None = None

    def put(self, name: str, content: bytes, confirm: Confirm) -> None:
        part = self.to_bank / (name + PART_ENDING)
        try:
            with _translated_errors(self.to_bank):
                part.unlink(missing_ok=True)  # From an interrupted upload, or planted there.
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
                descriptor = os.open(part, flags, 0o640)
        except Unreachable as error:
            raise NotBegun(str(error)) from error
        with _translated_errors(self.to_bank), open(descriptor, "wb") as file:  # noqa: PTH123
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fault("upload_inside")
        confirm()
        with _translated_errors(self.to_bank):
            part.rename(self.to_bank / name)

    def read_back(self, name: str) -> bytes | None:
        for folder in filter(None, (self.to_bank, self.taken)):
            with _translated_errors(folder):
                if name in {path.name for path in folder.iterdir()}:
                    try:
                        return _read(folder / name)
                    except Unfetchable:
                        return b""  # Something has our file's name that cannot be our upload.
        return None

    def has_unfinished(self, name: str) -> bool:
        with _translated_errors(self.to_bank):
            return name + PART_ENDING in {path.name for path in self.to_bank.iterdir()}

    def waiting(self) -> list[str]:
        with _translated_errors(self.from_bank):
            return sorted(
                path.name
                for path in self.from_bank.iterdir()
                if not _is_unfinished(path.name) and _is_document(path)
            )

    def get(self, name: str) -> bytes:
        with _translated_errors(self.from_bank):
            return _read(self.from_bank / name)

    def remove(self, name: str) -> None:
        with _translated_errors(self.from_bank):
            (self.from_bank / name).unlink(missing_ok=True)


def _is_unfinished(name: str) -> bool:
    return name.startswith(".") or name.endswith((PART_ENDING, ".tmp"))


def _is_document(path: Path) -> bool:
    """Say whether it is a file, or a link to one: that is listed, and refused when fetched."""
    return stat.S_ISREG(path.lstat().st_mode) or (path.is_symlink() and not path.is_dir())


def _read(path: Path) -> bytes:
    """Read a file that others put there, without following links. Raises: Unfetchable."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:  # noqa: PTH123
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Unfetchable("it is not a file")
            content = file.read(sftp.LARGEST_BYTES + 1)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise Unfetchable("it is a link, and links are not followed") from error
        if error.errno in _ERRORS_OF_ONE_FILE:
            raise Unfetchable(os.strerror(error.errno)) from error
        raise
    if len(content) > sftp.LARGEST_BYTES:
        raise Unfetchable(f"it has more than {sftp.LARGEST_BYTES:,} bytes")
    return content


@contextmanager
def _translated_errors(folder: Path) -> Iterator[None]:
    """Raise Unreachable in place of the system's errors."""
    try:
        yield
    except OSError as error:
        raise Unreachable(f"{folder}: {error.strerror}") from error


def from_setting(setting: dict[str, Any]) -> Transport:
    """Make the transport that a bank connection's setting describes. Raises: NotATransport."""
    try:
        match setting["kind"]:
            case "folder":
                taken = setting.get("taken")
                return FolderTransport(
                    to_bank=Path(setting["to_bank"]),
                    from_bank=Path(setting["from_bank"]),
                    taken=Path(taken) if taken else None,
                )
            case "sftp":
                return sftp.SftpTransport(
                    **{key: value for key, value in setting.items() if key != "kind"}
                )
            case other:
                raise NotATransport(f"kind {other!r}; use folder or sftp")
    except (KeyError, TypeError) as error:
        raise NotATransport(str(error)) from error
