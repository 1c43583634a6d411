"""The worker proves the promises once a day by itself, and a finding sets the brake at once."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from django.db import OperationalError, connection

from billfold import jobs
from billfold.payments.models import ProofRun
from billfold.payments.proof import report
from billfold.payments.proof.check import ProofCheck
from billfold.payments.proof.checks import CHECKS
from billfold.platform import brake, tenancy
from billfold.worker import loop
from tests.conftest import MONDAY
from tests.waiting import HUNG_AFTER_SECONDS, wait_until

_CUT_LINE = "SELECT pg_terminate_backend(pg_backend_pid())::text"
LAST_JOBS = [job for job in jobs.JOBS if job.name in {"seal-audit", "verify"}]


def braked_by(biller: tenancy.Biller, *, now: datetime) -> list[str]:
    """Let the last jobs of a round run, and give what the brake stands for."""
    for job in LAST_JOBS:
        jobs.run(job, biller, now=now)
    with tenancy.use(biller):
        return [str(standing.kind) for standing in brake.standing()]


def test_promise_21_a_finding_of_the_day_brakes_and_the_next_clean_day_lifts(desk):
    assert braked_by(desk, now=MONDAY) == []
    as_owner(desk, f"GRANT DELETE ON ledger_transfer TO {desk.role}")

    assert braked_by(desk, now=MONDAY + timedelta(hours=1)) == [], "it runs once a day"
    assert braked_by(desk, now=MONDAY + timedelta(days=1)) == ["finding"]

    as_owner(desk, f"REVOKE DELETE ON ledger_transfer FROM {desk.role}")
    assert braked_by(desk, now=MONDAY + timedelta(days=2)) == []
    with tenancy.use(desk):
        runs = ProofRun.objects.order_by("day").values_list("broken", flat=True)
        assert list(runs) == [[], [3, 22], []]


def test_promise_21_the_worker_proves_beside_its_loop(desk):
    stopped = threading.Event()
    proving = threading.Thread(
        target=loop.run_long_jobs, args=(stopped,), kwargs={"after_seconds": 0}, daemon=True
    )
    proving.start()
    try:
        with tenancy.use(desk):
            wait_until(ProofRun.objects.exists, "the day is proved")
    finally:
        stopped.set()
        proving.join(HUNG_AFTER_SECONDS)

    assert not proving.is_alive()
    assert "verify" not in {job.name for job in loop.LOOP_JOBS}


def test_promise_21_a_lost_connection_is_no_finding(desk):
    cut = ProofCheck(1, "Cut", lambda inspection: inspection.offenders(_CUT_LINE))

    with pytest.raises(OperationalError):
        report.run(desk, now=MONDAY, checks=[cut, *CHECKS])


def as_owner(biller: tenancy.Biller, statement: str) -> None:
    with tenancy.as_owner(biller), connection.cursor() as cursor:
        cursor.execute(statement)
