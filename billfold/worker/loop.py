"""The worker: runs each biller's jobs when they are due, until it is stopped.

What works in the database alone runs in one loop, one job after the other. Whatever waits for a far
side runs apart from it (`calls`), and so does what takes long.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import Error, connection

from billfold import jobs
from billfold.jobs import Job, NetworkJob
from billfold.platform import clock, heartbeat, tenancy
from billfold.platform.tenancy import Biller
from billfold.worker.calls import Dispatcher

log = logging.getLogger("billfold.worker")
LOOP_JOBS: Final = tuple(job for job in jobs.JOBS if isinstance(job, Job) and not job.is_long)
LONG_JOBS: Final = tuple(job for job in jobs.JOBS if isinstance(job, Job) and job.is_long)
_PAUSE_SECONDS: Final = 0.5
_PAUSE_AFTER_ERROR_SECONDS: Final = 15.0
LONG_JOBS_AFTER_SECONDS: Final = 600.0
"""What piled up while no worker ran is done first: `verify` would take it for forgotten."""
_LONG_PAUSE_SECONDS: Final = 60.0


def work(stop: threading.Event | None = None) -> None:
    """Run the jobs of every biller until stopped. One job's failure leaves the others alone."""
    stopped = stop or _stop_on_signal()
    calling = threading.Thread(target=Dispatcher().run, args=(stopped,), name="calls")
    calling.start()
    # Whoever stops the worker does not wait for it: what is cut short is begun again.
    long_jobs = threading.Thread(target=run_long_jobs, args=(stopped,), name="long", daemon=True)
    long_jobs.start()
    try:
        _loop(stopped)
    finally:
        stopped.set()
        calling.join()
        connection.close()


def _loop(stopped: threading.Event) -> None:
    due_at: dict[tuple[str, str], float] = {}
    held: set[str] = set()
    while not stopped.is_set():
        try:
            billers = tenancy.billers()
        except Error as error:
            log.error("the database does not answer: %s", error)
            connection.close()
            stopped.wait(_PAUSE_AFTER_ERROR_SECONDS)
            continue
        held = _log_holds(billers, held)
        heartbeat.beat()
        for biller in billers:
            if stopped.is_set():
                return
            begun_at = time.monotonic()
            due = [
                job for job in LOOP_JOBS if due_at.get((biller.schema, job.name), 0.0) <= begun_at
            ]
            for name, wait in make_pass(biller, due, stopped).items():
                due_at[biller.schema, name] = time.monotonic() + wait
        stopped.wait(_PAUSE_SECONDS)


def run_long_jobs(
    stopped: threading.Event, *, after_seconds: float = LONG_JOBS_AFTER_SECONDS
) -> None:
    """Run what takes long and has work, one biller after the other, until stopped."""
    wait = after_seconds
    try:
        while not stopped.wait(wait):
            try:
                billers = tenancy.billers()
            except Error as error:
                log.error("the database does not answer: %s", error)
                connection.close()
                billers = []
            for biller in billers:
                make_pass(biller, LONG_JOBS, stopped)
            wait = _LONG_PAUSE_SECONDS
    finally:
        connection.close()


def make_pass(biller: Biller, due: Sequence[Job], stopped: threading.Event) -> dict[str, float]:
    """Run those of the jobs that have work; return the seconds to wait before each is next asked.

    Once one of them has worked, the others are absent: they are asked again at once, since it may
    have left something for them.
    """
    may_run = [job for job in due if not jobs.is_held(job, biller)]
    if not may_run:
        return {}
    waits: dict[str, float] = {}
    try:
        with tenancy.use(biller):
            for job in jobs.with_work(may_run, now=clock.now()):
                if not stopped.is_set():
                    waits[job.name] = attempt(job, biller, now=clock.now())
    except Exception:
        log.exception("%s cannot be asked for work; it will be tried again", biller.schema)
        connection.close()
        return {job.name: _PAUSE_AFTER_ERROR_SECONDS for job in may_run}
    return waits or {job.name: job.every_seconds for job in may_run}


def _log_holds(billers: Sequence[Biller], before: set[str]) -> set[str]:
    """Log which billers were put on HOLD or taken off it since `before`; return those on HOLD."""
    held = {biller.schema for biller in billers if biller.state == "hold"}
    for schema in sorted(held - before):
        log.warning("%s is on HOLD: nothing leaves; see `billfold biller list`", schema)
    for schema in sorted(before - held):
        log.warning("%s is no longer on HOLD", schema)
    return held


def attempt(job: Job | NetworkJob, biller: Biller, *, now: datetime) -> float:
    """Run a job and log its failure; return the seconds to wait before its next run."""
    try:
        jobs.run(job, biller, now=now)
    except Exception:
        log.exception("job %s of %s failed; it will be tried again", job.name, biller.schema)
        connection.close()
        return _PAUSE_AFTER_ERROR_SECONDS
    return job.every_seconds


def _stop_on_signal() -> threading.Event:
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    return stopped
