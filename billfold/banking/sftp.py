"""Files over SFTP. The server's key is pinned; our key is in a file outside the database."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import asyncssh

from billfold import typed_text
from billfold.platform.faults import fault

LARGEST_BYTES: Final = 100_000_000
"""A document is read into memory; the statement of a busy month has a tenth of this."""
PART_ENDING: Final = ".part"
DEADLINE_SECONDS = 60.0
"""When a try ends, whatever the other side does: its connection is cut."""
T = TypeVar("T")
Confirm = Callable[[], None]
"""Asks once more whether an act may be completed; raises if not."""


class FarSideFailed(Exception):
    """Why a far side did not do what was wanted; what it says of itself is kept masked."""

    def __init__(self, reason: str) -> None:
        super().__init__(typed_text.printable_name(reason))


class Unreachable(FarSideFailed, ConnectionError):
    """The bank's side did not answer as it should; whether anything happened is not known."""


class NotBegun(Unreachable):
    """The bank's side did not answer before any byte of an upload had gone there."""


class Unfetchable(FarSideFailed):
    """One document cannot be fetched; the others may be."""


@dataclass(frozen=True, slots=True)
class SftpTransport:
    """An account at the bank's SFTP server."""

    host: str
    username: str
    key_file: str
    known_hosts_file: str
    to_bank: str
    from_bank: str
    taken: str = ""
    port: int = 22

    def put(self, name: str, content: bytes, confirm: Confirm) -> None:
        has_begun = False

        async def upload(client: asyncssh.SFTPClient) -> None:
            nonlocal has_begun
            part = posixpath.join(self.to_bank, name + PART_ENDING)
            has_begun = True
            async with client.open(part, "wb") as file:
                await file.write(content)
            fault("upload_inside")
            confirm()
            await client.rename(part, posixpath.join(self.to_bank, name))

        try:
            self._run(upload)
        except Unreachable as error:
            if has_begun:
                raise
            raise NotBegun(str(error)) from error

    def has_unfinished(self, name: str) -> bool:
        async def look_up(client: asyncssh.SFTPClient) -> bool:
            return name + PART_ENDING in await client.listdir(self.to_bank)

        return self._run(look_up)

    def read_back(self, name: str) -> bytes | None:
        async def look_up(client: asyncssh.SFTPClient) -> bytes | None:
            for folder in filter(None, (self.to_bank, self.taken)):
                if name in await client.listdir(folder):
                    return await _read(client, posixpath.join(folder, name))
            return None

        try:
            return self._run(look_up)
        except Unfetchable:
            return b""  # Something has our file's name that cannot be our upload.

    def waiting(self) -> list[str]:
        async def list_names(client: asyncssh.SFTPClient) -> list[str]:
            names = []
            for entry in await client.readdir(self.from_bank):
                name = str(entry.filename)
                path = posixpath.join(self.from_bank, name)
                is_complete = not name.startswith(".") and not name.endswith((PART_ENDING, ".tmp"))
                if is_complete and "/" not in name and await client.isfile(path):
                    names.append(name)
            return sorted(names)

        return self._run(list_names)

    def get(self, name: str) -> bytes:
        return self._run(lambda client: _read(client, posixpath.join(self.from_bank, name)))

    def remove(self, name: str) -> None:
        async def remove(client: asyncssh.SFTPClient) -> None:
            path = posixpath.join(self.from_bank, name)
            if await client.exists(path):
                await client.remove(path)

        self._run(remove)

    def _run(self, act: Callable[[asyncssh.SFTPClient], Awaitable[T]]) -> T:
        """Carry out `act` in a session of its own. Raises: Unreachable."""

        async def session() -> T:
            loop = asyncio.get_running_loop()
            deadline = loop.time() + DEADLINE_SECONDS
            connecting = asyncssh.connect(
                self.host,
                self.port,
                username=self.username,
                client_keys=[self.key_file],
                known_hosts=self.known_hosts_file,
                agent_path=None,
                config=None,
                login_timeout=DEADLINE_SECONDS,
            )
            connection = await asyncio.wait_for(connecting, DEADLINE_SECONDS)
            # To cancel would not do: whoever closes in order waits for the other side again.
            cut = loop.call_at(deadline, connection.abort)
            try:
                async with (
                    connection,
                    connection.start_sftp_client(path_errors="surrogateescape") as client,
                ):
                    answer = await act(client)
            finally:
                cut.cancel()
            return answer

        try:
            Path(self.key_file).stat()
            return asyncio.run(session())
        except (OSError, asyncssh.Error, asyncssh.KeyImportError, TimeoutError) as error:
            raise Unreachable(f"{self.host}: {error}") from error


async def _read(client: asyncssh.SFTPClient, path: str) -> bytes:
    try:
        async with client.open(path, "rb") as file:
            data = await file.read(LARGEST_BYTES + 1)
    except (asyncssh.SFTPPermissionDenied, asyncssh.SFTPFailure) as error:
        raise Unfetchable(error.reason) from error
    content = data if isinstance(data, bytes) else data.encode()
    if len(content) > LARGEST_BYTES:
        raise Unfetchable(f"it has more than {LARGEST_BYTES:,} bytes")
    return content
