"""The command that runs the private PostgreSQL: database."""

import os
import signal
import socket
import threading
from typing import Final

from billfold.cli import launcher
from billfold.cli.refusal import CommandRefused
from billfold.platform import state_directory
from billfold.platform.postgres.server import PrivateServer

LOOK_EVERY_SECONDS: Final = 1.0


@launcher.command("database")
def run_database() -> None:
    """Run the private PostgreSQL until stopped."""
    if os.environ.get("DATABASE_URL"):
        raise CommandRefused("DATABASE_URL names a server: there is no private one to run.")
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with PrivateServer(state_directory.default()) as cluster:
        notify_ready()
        while not stopped.wait(LOOK_EVERY_SECONDS):
            if not cluster.is_running():
                raise CommandRefused(f"PostgreSQL has ended: see {cluster.log}.")


def notify_ready() -> None:
    """Tell systemd, if that is who waits. Source: sd_notify(3)."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
            link.connect(address.replace("@", "\0", 1) if address[0] == "@" else address)
            link.send(b"READY=1")
