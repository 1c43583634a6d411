"""Commands that run an instance: serve, worker, migrate."""

import argparse
from typing import TYPE_CHECKING, Any

from billfold.cli import main, supervision

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add(commands: "Commands") -> None:
    """Add the commands."""
    serve = commands.add_parser("serve", help="answer the web")
    serve.add_argument("--bind", default="127.0.0.1:8000", metavar="HOST:PORT")
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

    migrate = commands.add_parser("migrate", help="bring every biller up to this version")
    migrate.set_defaults(run=_migrate)


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def _serve(arguments: argparse.Namespace) -> None:
    supervision.follow_supervisor()
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
