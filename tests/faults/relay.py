"""A relay before the database that hangs up at the worst moment: COMMIT in, no answer out."""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

COMMIT = b"COMMIT"


@dataclass
class Relay:
    """Passes bytes on in both directions; hangs up when the first COMMIT has been carried out."""

    server: Path
    cuts_commit: bool = True
    stopped: threading.Event = field(default_factory=threading.Event)

    def serve(self, listener: socket.socket) -> None:
        while not self.stopped.is_set():
            with suppress(TimeoutError):
                near, _ = listener.accept()
                threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        far = socket.socket(socket.AF_UNIX)
        far.connect(str(self.server))
        with near, far, selectors.DefaultSelector() as both:
            both.register(near, selectors.EVENT_READ, far)
            both.register(far, selectors.EVENT_READ, near)
            while True:
                for key, _ in both.select():
                    data = key.fileobj.recv(65536)
                    if not data:
                        return
                    key.data.sendall(data)
                    if key.fileobj is near and COMMIT in data and self.cuts_commit:
                        self.cuts_commit = False
                        far.recv(65536)  # The server has committed; nobody here hears of it.
                        return


@contextmanager
def cut_at_commit(socket_folder: Path, folder: Path) -> Iterator[Relay]:
    """Listen in `folder` for the server in `socket_folder`."""
    name = ".s.PGSQL.5432"
    relay = Relay(socket_folder / name)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / name))
        listener.listen()
        listener.settimeout(0.1)
        thread = threading.Thread(target=relay.serve, args=(listener,))
        thread.start()
        try:
            yield relay
        finally:
            relay.stopped.set()
            thread.join()
