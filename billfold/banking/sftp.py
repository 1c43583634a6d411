"""Files over SFTP: the host's key is pinned, our key stays in a file outside the database."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import asyncssh

from billfold.platform.faults import fault

LARGEST_BYTES: Final = 100_000_000
"""A document is read whole into memory; the statement of a busy month has a tenth of this."""
_SECONDS = 60.0
T = TypeVar("T")


class Unreachable(Exception):
    """The far side did not answer as it should; nothing is known to have happened."""


class Unfetchable(Exception):
    """One document cannot be fetched as it is; those beside it can."""


@dataclass(frozen=True, slots=True)
class Sftp:
    """An account at the bank's SFTP server."""

    host: str
    username: str
    key_file: str
    known_hosts_file: str
    to_bank: str
    from_bank: str
    taken: str = ""
    port: int = 22

    @property
    def shows_uploads(self) -> bool:
        return bool(self.taken)

    def put(self, name: str, content: bytes) -> None:
        async def upload(far: asyncssh.SFTPClient) -> None:
            part = posixpath.join(self.to_bank, name + ".part")
            async with far.open(part, "wb") as file:
                await file.write(content)
            fault("upload_inside")
            await far.rename(part, posixpath.join(self.to_bank, name))

        self._run(upload)

    def far_side(self, name: str) -> bytes | None:
        async def look(far: asyncssh.SFTPClient) -> bytes | None:
            for folder in filter(None, (self.to_bank, self.taken)):
                # Only a folder that can be listed proves that a file is not in it.
                if name in await far.listdir(folder):
                    return await _read(far, posixpath.join(folder, name))
            return None

        try:
            return self._run(look)
        except Unfetchable:
            return b""  # Something stands there under our name that cannot be ours.

    def waiting(self) -> list[str]:
        async def names(far: asyncssh.SFTPClient) -> list[str]:
            found = []
            for entry in await far.readdir(self.from_bank):
                name = str(entry.filename)
                path = posixpath.join(self.from_bank, name)
                finished = not name.startswith(".") and not name.endswith((".part", ".tmp"))
                if finished and "/" not in name and await far.isfile(path):
                    found.append(name)
            return sorted(found)

        return self._run(names)

    def get(self, name: str) -> bytes:
        return self._run(lambda far: _read(far, posixpath.join(self.from_bank, name)))

    def done(self, name: str) -> None:
        async def remove(far: asyncssh.SFTPClient) -> None:
            path = posixpath.join(self.from_bank, name)
            if await far.exists(path):
                await far.remove(path)

        self._run(remove)

    def _run(self, act: Callable[[asyncssh.SFTPClient], Awaitable[T]]) -> T:
        async def session() -> T:
            async with (
                asyncssh.connect(
                    self.host,
                    self.port,
                    username=self.username,
                    client_keys=[self.key_file],
                    known_hosts=self.known_hosts_file,
                    agent_path=None,
                    config=None,
                ) as link,
                link.start_sftp_client(path_errors="surrogateescape") as far,
            ):
                return await act(far)

        async def bounded() -> T:
            return await asyncio.wait_for(session(), _SECONDS)

        try:
            Path(self.key_file).stat()
            return asyncio.run(bounded())
        except (OSError, asyncssh.Error, asyncssh.KeyImportError, TimeoutError) as refused:
            raise Unreachable(f"{self.host}: {refused}") from refused


async def _read(far: asyncssh.SFTPClient, path: str) -> bytes:
    try:
        async with far.open(path, "rb") as file:
            content = await file.read(LARGEST_BYTES + 1)
    except (asyncssh.SFTPPermissionDenied, asyncssh.SFTPFailure) as refused:
        raise Unfetchable(refused.reason) from refused
    whole = content if isinstance(content, bytes) else content.encode()
    if len(whole) > LARGEST_BYTES:
        raise Unfetchable(f"it has more than {LARGEST_BYTES:,} bytes")
    return whole
