"""A real SFTP server of a bank, in a thread: own host key, one customer's key, one folder."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

from tests.waiting import HUNG_AFTER_SECONDS

FOLDERS = ("to_bank", "from_bank", "taken")
USER = "cedarline"


@dataclass
class SftpBank:
    """What a test may know of the server, and where it can cut the line."""

    place: Path
    port: int = 0
    cut_after_bytes: int | None = None
    cut_after_rename: bool = False
    is_silent: bool = False
    unanswered: list[Any] = field(default_factory=list)
    on_write: Callable[[], None] | None = None
    links: list[asyncssh.SSHServerConnection] = field(default_factory=list)

    @property
    def root(self) -> Path:
        return self.place / "root"

    def folder(self, name: str) -> Path:
        return self.root / name

    def setting(self, **other: object) -> dict[str, Any]:
        """Write the connection's transport setting that reaches this server."""
        return {
            "kind": "sftp",
            "host": "127.0.0.1",
            "port": self.port,
            "username": USER,
            "key_file": str(self.place / "customer_key"),
            "known_hosts_file": str(self.place / "known_hosts"),
            "to_bank": "/to_bank",
            "from_bank": "/from_bank",
            "taken": "/taken",
            **other,
        }

    def pin(self, key: asyncssh.SSHKey) -> None:
        public = key.export_public_key().decode().strip()
        (self.place / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {public}\n")


@contextmanager
def running(place: Path) -> Iterator[SftpBank]:
    """Serve until the test is over."""
    bank = SftpBank(place)
    for name in FOLDERS:
        bank.folder(name).mkdir(parents=True)
    host_key = asyncssh.generate_private_key("ssh-ed25519")
    customer_key = asyncssh.generate_private_key("ssh-ed25519")
    customer_key.write_private_key(str(place / "customer_key"))
    (place / "customer_key").chmod(0o600)
    customer_key.write_public_key(str(place / "authorized_keys"))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(_listen(bank, host_key), loop).result(
        HUNG_AFTER_SECONDS
    )
    bank.port = server.get_port()
    bank.pin(host_key)
    try:
        yield bank
    finally:
        asyncio.run_coroutine_threadsafe(_close(server), loop).result(HUNG_AFTER_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
        for file in bank.unanswered:
            file.close()


async def _listen(bank: SftpBank, host_key: asyncssh.SSHKey) -> asyncssh.SSHAcceptor:
    class Files(asyncssh.SFTPServer):
        """Shut into the bank's folder; cuts the line where the test asks for it."""

        def __init__(self, channel: asyncssh.SSHServerChannel) -> None:
            super().__init__(channel, chroot=str(bank.root).encode())

        def write(self, file: object, offset: int, data: bytes) -> Any:
            if bank.is_silent:
                bank.unanswered.append(file)
                return asyncio.Event().wait()
            if bank.on_write:
                bank.on_write()
            if bank.cut_after_bytes is None:
                return super().write(file, offset, data)
            super().write(file, offset, data[: bank.cut_after_bytes])
            file.flush()
            return self._cut()

        def close(self, file: object) -> Any:
            return asyncio.Event().wait() if bank.is_silent else super().close(file)

        def rename(self, oldpath: bytes, newpath: bytes) -> None:
            super().rename(oldpath, newpath)
            if bank.cut_after_rename:
                self._cut()

        def _cut(self) -> int:
            self.channel.get_connection().abort()
            raise asyncssh.SFTPConnectionLost("cut by the test")

    return await asyncssh.listen(
        "127.0.0.1",
        0,
        server_host_keys=[host_key],
        authorized_client_keys=str(bank.place / "authorized_keys"),
        sftp_factory=Files,
        allow_scp=False,
    )


async def _close(server: asyncssh.SSHAcceptor) -> None:
    server.close()
    await server.wait_closed()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
