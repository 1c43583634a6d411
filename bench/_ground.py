"""What benchmarks stand on: a private durable PostgreSQL, a biller in it, and pgbench beside."""

from __future__ import annotations

import multiprocessing
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Barrier
from pathlib import Path


@contextmanager
def ground() -> Iterator[Path]:
    """Start a server with flushed commits and make Cedarline in it; give the state folder."""
    state = Path(tempfile.mkdtemp(prefix="billfold-bench-"))
    state.chmod(0o711)
    from billfold.platform.postgres.server import Cluster

    cluster = Cluster(state)
    os.environ |= {
        "BILLFOLD_MODE": "test",
        "BILLFOLD_STATE": str(state),
        "DATABASE_URL": cluster.dsn("billfold"),
        "DJANGO_SETTINGS_MODULE": "billfold.config.settings",
    }
    try:
        with cluster:
            import django

            django.setup()
            from billfold.platform import sealing, tenancy

            sealing.make_keys()
            tenancy.install()
            tenancy.add("cedarline", "Cedarline Communications", ["localhost"])
            from django.db import connection

            connection.close()  # A process that is started from here opens its own.
            yield state
            connection.close()
        cluster.remove()
    finally:
        shutil.rmtree(state, ignore_errors=True)


def pgbench(seconds: int, clients: int, *, script: str | None = None) -> float:
    """Measure transactions a second of TPC-B, or of a script, on the same server."""
    from billfold.platform.postgres.server import SUPERUSER, Cluster

    cluster = Cluster(Path(os.environ["BILLFOLD_STATE"]))
    program = str(cluster._programs / "pgbench")
    admin = ["-h", str(cluster.socket), "-p", "5432", "-U", SUPERUSER]
    target = [*admin, "pgbench"]
    with_database = subprocess.run(
        [str(cluster._programs / "createdb"), *admin, "pgbench"],
        check=False,
        capture_output=True,
    )
    if with_database.returncode == 0:
        subprocess.run([program, "-i", "-q", "-s", "10", *target], check=True, capture_output=True)
    extra = ["-f", script] if script else []
    run = subprocess.run(
        [program, "-T", str(seconds), "-c", str(clients), "-j", "2", "-n", *extra, *target],
        check=True,
        capture_output=True,
        text=True,
    )
    found = re.search(r"tps = ([\d.]+)", run.stdout)
    assert found, run.stdout
    return float(found[1])


def together(clients: int, act: Callable[[int, Barrier], float]) -> float:
    """Let processes act at once, each giving its own rate; add the rates up."""
    from django.db import connection

    connection.close()  # Each process opens its own.
    ready = multiprocessing.Barrier(clients)
    out: multiprocessing.Queue[float] = multiprocessing.Queue()
    running = [
        multiprocessing.Process(target=lambda number=number: out.put(act(number, ready)))
        for number in range(clients)
    ]
    for each in running:
        each.start()
    rate = sum(out.get() for _ in running)
    for each in running:
        each.join()
    return rate


def timed(act: Callable[[], object]) -> float:
    """Give the seconds an act takes."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def report(
    name: str, ratio: float, wanted: float, *, at_most: bool = False, note: str = ""
) -> None:
    """Print one ratio beside its limit."""
    met = ratio <= wanted if at_most else ratio >= wanted
    sign = "<=" if at_most else ">="
    print(
        f"{'ok  ' if met else 'MISS'} {name}: {ratio:.2f} (wanted {sign} {wanted}) {note}",
        flush=True,
    )
