"""A private PostgreSQL with flushed commits, a biller in it, and pgbench beside."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.context import BaseContext
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench import _size

if TYPE_CHECKING:
    from billfold.platform.tenancy import Biller

BILLER: Final = "cedarline"
READY_DATABASE: Final = "BENCH_DATABASE_URL"
"""Names a database with the biller in it, on the server whose state BILLFOLD_STATE names: the suite
lends it, so that not every benchmark makes its own."""


@contextmanager
def running() -> Iterator[Path]:
    """Set Django up on a database with the biller in it; give an empty folder to write to."""
    with tempfile.TemporaryDirectory(prefix="billfold-bench-") as folder:
        place = Path(folder)
        place.chmod(0o711)
        if READY_DATABASE in os.environ:
            from billfold.platform.postgres.server import PrivateServer

            state = Path(os.environ["BILLFOLD_STATE"])
            _set_up(state, PrivateServer(state).addresses(os.environ[READY_DATABASE]))
            yield place
        else:
            with _private_server(place / "state"):
                yield place


def _set_up(state: Path, addresses: dict[str, str]) -> None:
    os.environ |= addresses | {
        "BILLFOLD_MODE": "test",
        "BILLFOLD_STATE": str(state),
        "DJANGO_SETTINGS_MODULE": "billfold.config.settings",
    }
    import django

    django.setup()


@contextmanager
def _private_server(state: Path) -> Iterator[None]:
    from billfold.platform.postgres.server import PrivateServer

    state.mkdir(mode=0o711)
    cluster = PrivateServer(state)
    with cluster:
        _set_up(state, cluster.addresses())
        from django.db import connection

        from billfold.platform import sealing, tenancy

        sealing.make_keys()
        tenancy.install()
        tenancy.add(BILLER, "Cedarline Communications", ["localhost"])
        connection.close()  # A process that is started from here opens its own.
        yield
        connection.close()
    cluster.remove()


def biller(schema: str = BILLER) -> Biller:
    """Load a biller; one that is not there yet is added."""
    from billfold.platform import tenancy

    if schema not in {each.schema for each in tenancy.billers()}:
        tenancy.add(schema, schema.capitalize(), [f"{schema}.test"])
    return tenancy.biller(schema)


def host() -> str:
    """Load a host name under which the biller is served."""
    from django.db import connection

    from billfold.platform import tenancy

    with tenancy.no_biller(), connection.cursor() as cursor:
        cursor.execute("SELECT min(host) FROM public.biller_host WHERE schema = %s", [BILLER])
        return str(cursor.fetchone()[0])


def vacuum(schema: str = BILLER) -> None:
    """Leave a biller's tables as a quiet night would."""
    from django.db import connection

    from billfold.platform import tenancy

    with tenancy.as_owner(biller(schema)), connection.cursor() as cursor:
        cursor.execute(
            """SELECT string_agg(format('%I.%I', schemaname, tablename), ', ') FROM pg_tables
               WHERE schemaname = current_schema()"""
        )
        [(tables,)] = cursor.fetchall()
        cursor.execute(f"VACUUM ANALYZE {tables}")


def in_another_process(
    act: Callable[..., object], *arguments: object, context: BaseContext | None = None
) -> None:
    """Carry out an act whose memory must not count here."""
    process = (context or multiprocessing.get_context()).Process(target=act, args=arguments)
    process.start()
    process.join()
    if process.exitcode != 0:
        raise SystemExit(f"{act.__name__} ended with {process.exitcode}.")


def together(clients: int, act: Callable[[int, Barrier], float]) -> float:
    """Let processes act at once, each giving its own rate; add the rates up."""
    from django.db import connection

    connection.close()  # Each process opens its own.
    ready = multiprocessing.Barrier(clients)
    answers = [_started(act, number, ready) for number in range(clients)]
    return sum(answer.recv() for answer in answers)


def _started(
    act: Callable[[int, Barrier], float], number: int, ready: Barrier
) -> multiprocessing.connection.Connection:
    """Start a process that acts; give where its rate will come, or EOFError if it dies."""

    def work() -> None:
        try:
            child.send(act(number, ready))
        except BaseException:
            ready.abort()  # The others would wait for us.
            raise

    ours, child = multiprocessing.Pipe(duplex=False)
    multiprocessing.Process(target=work).start()
    child.close()
    return ours


def pgbench(seconds: int, clients: int) -> float:
    """Measure transactions a second of TPC-B on the same server."""
    from billfold.platform.postgres.server import SUPERUSER, PrivateServer

    cluster = PrivateServer(Path(os.environ["BILLFOLD_STATE"]))
    programs = cluster._programs
    name = "pgbench"
    server = ["-h", str(cluster.socket), "-p", "5432", "-U", SUPERUSER]
    scale = _size.choose(tiny="1", usual="10")
    length = _size.choose(tiny=["-t", "10"], usual=["-T", str(seconds)])
    subprocess.run([programs / "createdb", *server, name], check=True, capture_output=True)
    try:
        run = [programs / "pgbench", *server]
        subprocess.run([*run, "-i", "-q", "-s", scale, name], check=True, capture_output=True)
        measured = subprocess.run(
            [*run, *length, "-c", str(clients), "-j", "2", "-n", name],
            check=True,
            capture_output=True,
            text=True,
        )
    finally:
        subprocess.run([programs / "dropdb", *server, "--force", name], check=True)
    rate = re.search(r"tps = ([\d.]+)", measured.stdout)
    assert rate, measured.stdout
    return float(rate[1])
