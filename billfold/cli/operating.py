"""Commands that run an instance: serve, worker, database, migrate."""

import argparse
import os
import signal
import socket
import threading
from typing import TYPE_CHECKING, Any

from billfold.cli import main, supervision
from billfold.cli.refusal import Refused
from billfold.platform import state
from billfold.platform.postgres.server import Cluster

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

LOOK_EVERY_SECONDS = 1.0


def add(commands: "Commands") -> None:
    """Add the commands."""
    serve = commands.add_parser("serve", help="answer the web")
    serve.add_argument("--bind", type=_address, default="127.0.0.1:8000", metavar="HOST:PORT")
    serve.add_argument("--workers", type=_at_least_one, default=2, help="processes (default 2)")
    serve.add_argument("--threads", type=_at_least_one, default=8, help="of each (default 8)")
    serve.add_argument(
        "--grace-seconds",
        type=_at_least_one,
        default=30,
        help="how long a request may still take when the server is told to stop (default 30)",
    )
    serve.set_defaults(run=_serve, django=False)

    worker = commands.add_parser("worker", help="carry out every job when it is due")
    worker.set_defaults(run=_work)

    private = commands.add_parser(
        "database", help="run the private PostgreSQL until stopped, for other processes to use"
    )
    private.set_defaults(run=_hold_database, database=False, django=False)

    migrate = commands.add_parser("migrate", help="bring every biller up to this version")
    migrate.set_defaults(run=_migrate, founds=True)


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def _address(text: str) -> str:
    if text.startswith(("fd://", "unix:/")):
        return text
    host, _, port = text.rpartition(":")
    if not (host and port.isascii() and port.isdecimal() and 1 <= int(port) <= 65_535):
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither HOST:PORT, such as 127.0.0.1:8000, nor unix:/PATH"
        )
    return text


def _check_is_free(address: str) -> None:
    """Raises: Refused if nobody can listen at that host and port."""
    if address.startswith(("fd://", "unix:/")):
        return
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    try:
        found = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
        with socket.socket(found[0][0], socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(found[0][4])
    except OSError as refusal:
        words = refusal.strerror or str(refusal)
        raise Refused(f"Cannot listen at {address}: {words}. Name another with --bind.") from None


def _serve(arguments: argparse.Namespace) -> None:
    supervision.follow_supervisor()
    _check_is_free(arguments.bind)
    secret = state.default() / "keys" / "web-secret"
    if not (secret.is_file() and secret.read_text().strip()):
        raise Refused(f"{secret} is missing: put the installation's key files there first.")
    main.set_up_django()
    main.check_installation()
    _hang_up()
    import gunicorn.app.base  # type: ignore[import-untyped]
    import gunicorn.util  # type: ignore[import-untyped]

    class Web(gunicorn.app.base.BaseApplication):  # type: ignore[misc]
        """gunicorn, told everything by us and nothing by a file or the environment."""

        def load_config(self) -> None:
            for name, value in _gunicorn_settings(arguments).items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            return gunicorn.util.import_app("billfold.config.wsgi:application")

    Web().run()


def _hang_up() -> None:
    """Close our connection: the processes that gunicorn forks may not share it."""
    from django.db import connections

    connections.close_all()


def _gunicorn_settings(arguments: argparse.Namespace) -> dict[str, object]:
    return {
        "bind": arguments.bind,
        "workers": arguments.workers,
        "worker_class": "gthread",
        "threads": arguments.threads,
        "graceful_timeout": arguments.grace_seconds,
        "control_socket_disable": True,  # Nothing of ours uses it, and it lies in the home folder.
        "loglevel": "warning",
        "proc_name": "billfold-web",
    }


def _work(_arguments: argparse.Namespace) -> None:
    supervision.follow_supervisor()
    from billfold import jobs

    jobs.work()


def _hold_database(_arguments: argparse.Namespace) -> None:
    """Raises: Refused."""
    if os.environ.get("DATABASE_URL"):
        raise Refused("DATABASE_URL names a server: there is no private one to run.")
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with Cluster(state.default()) as cluster:
        notify_ready()
        while not stopped.wait(LOOK_EVERY_SECONDS):
            if not cluster.is_running():
                raise Refused(f"PostgreSQL has ended: see {cluster.log}.")


def notify_ready() -> None:
    """Tell systemd, if that is who waits. Source: sd_notify(3)."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
            link.connect(address.replace("@", "\0", 1) if address[0] == "@" else address)
            link.send(b"READY=1")


def _migrate(_arguments: argparse.Namespace) -> None:
    from django.conf import settings
    from django.db import connection

    from billfold.platform import live_mark, sealing, tenancy

    if not settings.IS_LIVE:
        sealing.make_keys()  # A live instance gets its keys from `billfold init`, once.
    tenancy.install()
    if not settings.IS_LIVE:
        with tenancy.nobody(), connection.cursor() as cursor:
            live_mark.make_instance(cursor, settings.MODE)
    for biller in tenancy.billers():
        tenancy.migrate(biller)
        print(f"{biller.schema}: up to date", flush=True)
