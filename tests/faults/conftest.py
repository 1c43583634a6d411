"""One server and one set of warm processes for everything that is killed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import server as servers
from tests.faults.server import Server

MEMORY = Path("/dev/shm")
NEEDED_BYTES = 2 * 1024**3


@pytest.fixture(scope="package")
def server() -> Iterator[Server]:
    """Give a running server, in memory if there is room: it copies many databases."""
    with (
        tempfile.TemporaryDirectory(prefix="billfold-faults-", dir=_where()) as place,
        servers.running(Path(place)) as running,
    ):
        yield running


def _where() -> Path | None:
    has_room = (
        os.access(MEMORY, os.W_OK | os.X_OK) and shutil.disk_usage(MEMORY).free > NEEDED_BYTES
    )
    return MEMORY if has_room else None
