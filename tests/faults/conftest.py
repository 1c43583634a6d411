"""One server and one set of warm processes for everything that is killed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults import ground
from tests.faults.ground import Ground


@pytest.fixture(scope="package")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Give ground with a running server."""
    with ground.prepared(tmp_path_factory.mktemp("faults")) as made:
        yield made
