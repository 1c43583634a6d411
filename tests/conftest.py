"""What stories share: the biller, its database, and a clock that stands where a story puts it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import DEFAULT_DB_ALIAS, connection, connections

from billfold import jobs
from billfold.platform import clock, sealing, tenancy
from tests import databases, environment
from tests.world import World

# Monday, 09:00 Eastern, in the week before Thanksgiving.
MONDAY = datetime(2026, 11, 16, 14, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: object) -> Iterator[tenancy.Biller]:
    """Start the private PostgreSQL, make two billers."""
    environment.SERVER.start()
    connections.settings[DEFAULT_DB_ALIAS]["ENGINE"] = "tests.superuser"
    connections[DEFAULT_DB_ALIAS] = connections.create_connection(DEFAULT_DB_ALIAS)
    sealing.make_keys()
    with django_db_blocker.unblock():
        tenancy.install()
        served = tenancy.add("cedarline", "Cedarline Communications", ["testserver"])
        BLANK.append(databases.dump_biller(environment.SERVER, served.schema))
        add_blank("harborpoint", "harborpoint.test")
        with tenancy.use(served):
            yield served
        connection.close()


@contextmanager
def without_daily_proof() -> Iterator[None]:
    """Leave out the daily `verify`: it signs in as another login, which no transaction sees.

    What it does is told outside a transaction, in tests/stories/proof/test_daily_proof.py.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "JOBS", tuple(job for job in jobs.JOBS if job.name != "verify"))
        yield


BLANK: list[databases.BillerDump] = []
"""A biller of whom nothing is known yet, once there is a server."""


def add_blank(schema: str, *hosts: str) -> tenancy.Biller:
    """Make a biller, for good, with nothing in it."""
    BLANK[0].copy(schema, hosts=hosts)
    return tenancy.biller(schema)


@pytest.fixture
def cedarline(db: None, django_db_setup: tenancy.Biller) -> Iterator[tenancy.Biller]:
    """Serve Cedarline inside a transaction that is rolled back."""
    # The host is known beforehand: looking it up would switch billers inside the transaction.
    tenancy._hosts["testserver"] = (math.inf, django_db_setup)
    with without_daily_proof():
        yield django_db_setup


@pytest.fixture
def outside_transaction(
    django_db_setup: tenancy.Biller, django_db_blocker: object
) -> Iterator[tenancy.Biller]:
    """Serve Cedarline with no transaction around the test; it must not write what others see."""
    with django_db_blocker.unblock():
        yield django_db_setup


@pytest.fixture
def now() -> datetime:
    """Put the clock on a Monday morning, 09:00 Eastern."""
    clock.move_to(MONDAY)
    return MONDAY


@pytest.fixture
def world(cedarline: tenancy.Biller, tmp_path: Path) -> World:
    """Set up a small world on Monday, November 16, 2026, 09:00 Eastern."""
    return World(biller=cedarline, folder=tmp_path / "bank", now=MONDAY)


@pytest.fixture
def desk(django_db_setup: tenancy.Biller, django_db_blocker: object) -> Iterator[tenancy.Biller]:
    """Serve a biller whose data is written for good, and taken away afterwards."""
    with django_db_blocker.unblock():
        clock.move_to(MONDAY)
        biller = add_blank("import_desk", "desk.test")
        yield biller
        databases.remove_biller(environment.SERVER, biller.schema)
