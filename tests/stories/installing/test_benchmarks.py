"""Every benchmark still works: each runs at a tiny size, and its figures are not judged."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.db import connection

from billfold.platform import tenancy
from tests import databases, environment
from tests.places import PROJECT
from tests.waiting import HUNG_AFTER_SECONDS

BENCHMARKS = sorted(path.stem for path in (PROJECT / "bench").glob("[a-z]*.py"))
RATIO = re.compile(r"^tiny .+: -?[\d,]+\.\d\d \(wanted [<>]= [\d.]+\)", re.MULTILINE)


@pytest.fixture
def lent(name: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """Lend a database to a benchmark that would start a server of its own."""
    if "_server.running()" not in (PROJECT / "bench" / f"{name}.py").read_text():
        return {}
    return {"BENCH_DATABASE_URL": request.getfixturevalue("database")}


@pytest.fixture
def database(django_db_setup: tenancy.Biller, django_db_blocker: object) -> Iterator[str]:
    """Copy the stories' database, in which nothing but two billers is."""
    with django_db_blocker.unblock():
        connection.close()
    databases.copy(environment.SERVER, "billfold", "benchmark")
    yield "benchmark"
    databases.drop(environment.SERVER, "benchmark")


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_runs_and_prints_its_ratios(name: str, lent: dict[str, str]) -> None:
    outcome = subprocess.run(
        [sys.executable, "-m", f"bench.{name}", "--tiny"],
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": str(PROJECT)} | lent,
        capture_output=True,
        text=True,
        timeout=HUNG_AFTER_SECONDS,
        check=False,
    )

    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert RATIO.search(outcome.stdout), outcome.stdout
    assert "Traceback" not in outcome.stderr, outcome.stderr
