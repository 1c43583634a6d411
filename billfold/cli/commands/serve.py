"""The command that answers the web: serve."""

import socket
from typing import Any, Final

import click
import gunicorn.app.base  # type: ignore[import-untyped]
import gunicorn.glogging  # type: ignore[import-untyped]
import gunicorn.util  # type: ignore[import-untyped]
from django.db import connections

from billfold.cli import child_processes, environment, launcher
from billfold.cli.refusal import CommandRefused
from billfold.cli.whole_number import WholeNumber
from billfold.platform import state_directory
from billfold.platform.log_lines import MaskedFormatter

AT_LEAST_ONE: Final = WholeNumber("a whole number of 1 or more", 1)


class ServerLog(gunicorn.glogging.Logger):  # type: ignore[misc]
    """gunicorn's log of errors, written as our own lines are: it quotes requests it cannot read."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(MaskedFormatter(self.error_fmt, self.datefmt))


class WebServer(gunicorn.app.base.BaseApplication):  # type: ignore[misc]
    """gunicorn, set up by these options and by no file or environment variable."""

    def __init__(self, options: dict[str, object]) -> None:
        self.options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return gunicorn.util.import_app("billfold.config.wsgi:application")


def _read_address(text: str) -> str:
    if text.startswith(("fd://", "unix:/")):
        return text
    host, _, port = text.rpartition(":")
    if not (host and port.isascii() and port.isdecimal() and 1 <= int(port) <= 65_535):
        raise click.BadParameter(
            f"{text!r} is neither HOST:PORT, such as 127.0.0.1:8000, nor unix:/PATH"
        )
    return text


@launcher.command("serve")
@click.option("--bind", type=_read_address, default="127.0.0.1:8000", metavar="HOST:PORT")
@click.option(
    "--workers",
    type=AT_LEAST_ONE,
    default=2,
    metavar="WORKERS",
    help="processes (default 2)",
)
@click.option(
    "--threads",
    type=AT_LEAST_ONE,
    default=8,
    metavar="THREADS",
    help="of each (default 8)",
)
@click.option(
    "--grace-seconds",
    type=AT_LEAST_ONE,
    default=30,
    metavar="GRACE_SECONDS",
    help="how long a request may still take when the server is told to stop (default 30)",
)
def serve(bind: str, workers: int, threads: int, grace_seconds: int) -> None:
    """Answer the web until stopped."""
    environment.check_is_there()
    with environment.database():
        child_processes.follow_supervisor()
        _check_is_free(bind)
        secret = state_directory.default() / "keys" / "web-secret"
        if not (secret.is_file() and secret.read_text().strip()):
            raise CommandRefused(
                f"{secret} is missing: put the installation's key files there first."
            )
        environment.check_is_ours()
        connections.close_all()  # The processes that gunicorn forks may not share ours.
        WebServer(
            {
                "bind": bind,
                "workers": workers,
                "worker_class": "gthread",
                "threads": threads,
                "graceful_timeout": grace_seconds,
                # Nothing of ours uses it, and it lies in the home folder.
                "control_socket_disable": True,
                "loglevel": "warning",
                "logger_class": ServerLog,
                "proc_name": "billfold-web",
            }
        ).run()


def _check_is_free(address: str) -> None:
    """Refuse a host and port at which nobody can listen. Raises: CommandRefused."""
    if address.startswith(("fd://", "unix:/")):
        return
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    try:
        family, _, _, _, place = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except OSError as error:
        words = error.strerror or str(error)
        raise CommandRefused(
            f"Cannot listen at {address}: {words}. Name another with --bind."
        ) from None
