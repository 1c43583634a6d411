"""The worker: runs each biller's jobs when they are due, until it is stopped.

What works in the database alone runs in one loop, one job after the other. Whatever waits for a far
side runs apart from it (`calls`).
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
from billfold.banking.connections import NoBank
from billfold.jobs import Job, NetworkJob
from billfold.platform import clock, heartbeat, tenancy
from billfold.platform.tenancy import Biller
from billfold.worker.calls import Dispatcher

log = logging.getLogger("billfold.worker")
LOOP_JOBS: Final = tuple(job for job in jobs.JOBS if isinstance(job, Job))
_PAUSE_SECONDS: Final = 0.5
_PAUSE_AFTER_ERROR_SECONDS: Final = 15.0


def work(stop: threading.Event | None = None) -> None:
    """Run the jobs of every biller until stopped. One job's failure leaves the others alone."""
    stopped = stop or _stop_on_signal()
    calling = threading.Thread(target=Dispatcher().run, args=(stopped,), name="calls")
    calling.start()
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
            for job in LOOP_JOBS:
                if stopped.is_set():
                    return
                name = (biller.schema, job.name)
                if time.monotonic() >= due_at.get(name, 0.0):
                    wait = attempt(job, biller, now=clock.now())
                    due_at[name] = time.monotonic() + wait
        stopped.wait(_PAUSE_SECONDS)


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
    except NoBank:
        return job.every_seconds
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
