"""Every background job with its interval, and the worker's loop.

Rows are the queue: a job looks for work that is due and does it. Nothing is enqueued, so nothing is
lost when a worker is; running a job twice changes nothing.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.db import Error, connection, transaction

from billfold import bankdays
from billfold.banking import connections, exchange
from billfold.banking.models import BankConnection
from billfold.ledger import book
from billfold.notices import outbox
from billfold.payments.incoming import fetching, intake, reconciliation
from billfold.payments.models import CutOff, Payment
from billfold.payments.outgoing import cutoff, transmission
from billfold.platform import audit, clock, heartbeat, locks, tenancy
from billfold.receivables.models import BillerProfile

log = logging.getLogger("billfold.jobs")


@dataclass(frozen=True, slots=True)
class Job:
    """A function that does what is due, its interval, and whether anything leaves the system."""

    name: str
    run: Callable[[datetime], object]
    every_seconds: float
    leaves_the_system: bool = False


def cut_off(now: datetime) -> None:
    """Run each cut-off that is due, in the order of their days.

    Payments belong to the cut-offs of the one bank connection that collects.
    """
    bank = connections.default()
    for day in _cutoffs_due(bank, now):
        cutoff.collect_due(bank, day, now=now)


def _cutoffs_due(bank: BankConnection, now: datetime) -> Iterator[date]:
    last = CutOff.objects.filter(connection=bank).order_by("-business_date").first()
    if last is not None:
        day = bankdays.next_banking_day(last.business_date)
    else:
        first = Payment.objects.order_by("collect_on").first()
        if first is None:
            return
        # A payment that waits for its prenote needs the cut-off of the day it was made, too.
        created_at = Payment.objects.earliest("created_at").created_at
        first_day = bankdays.file_day(created_at, cutoff_eastern=bank.cutoff_eastern)
        day = min(first_day, bankdays.banking_day_on_or_after(first.collect_on))
    while bankdays.cutoff_at(day, bank.cutoff_eastern) <= now:
        yield day
        day = bankdays.next_banking_day(day)


def send(now: datetime) -> None:
    """Send released files; open a case for each that does not get to the bank in time."""
    for result in exchange.send_released(now=now):
        transmission.open_or_close_case(result, now=now)
    transmission.open_cases_for_late_files(now=now)


def fetch(now: datetime) -> None:
    """Fetch and store the documents the bank left."""
    for bank in BankConnection.objects.order_by("name"):
        fetching.fetch(bank, now=now)


def read(now: datetime) -> None:
    """Read and post the documents that were received."""
    intake.read_received(now=now)


def reconcile(now: datetime) -> None:
    """Match bank lines to the payments that explain them."""
    reconciliation.reconcile(now=now)


def mail(now: datetime) -> None:
    """Send the notices that wait in the outbox."""
    profile = BillerProfile.objects.get()
    outbox.send_waiting(profile.support_email or "billing@localhost", now=now)


def seal_audit(now: datetime) -> None:
    """Seal new audit entries into the hash chain."""
    audit.seal(now=now)


def roll_up(_now: datetime) -> None:
    """Merge the ledger's movement rows."""
    with transaction.atomic(durable=True):
        book.roll_up()


JOBS: Final = (
    Job("cut-off", cut_off, every_seconds=5, leaves_the_system=True),
    Job("send", send, every_seconds=5, leaves_the_system=True),
    Job("fetch", fetch, every_seconds=10),
    Job("read", read, every_seconds=5),
    Job("reconcile", reconcile, every_seconds=5),
    Job("mail", mail, every_seconds=5, leaves_the_system=True),
    Job("seal-audit", seal_audit, every_seconds=5),
    Job("roll-up", roll_up, every_seconds=60),
)
"""In the order in which one run of all of them takes a payment furthest."""


def run_once(biller: tenancy.Biller, *, now: datetime) -> None:
    """Run every job of a biller, in order. On hold, nothing that leaves the system runs."""
    for job in JOBS:
        run(job, biller, now=now)


def run(job: Job, biller: tenancy.Biller, *, now: datetime) -> None:
    """Run one job of one biller; a second worker waits until the first has finished."""
    if job.leaves_the_system and biller.state == "hold":
        return
    with tenancy.use(biller), locks.exclusive(f"{biller.schema}/{job.name}"):
        job.run(now)


_PAUSE_SECONDS: Final = 0.5
_PAUSE_AFTER_ERROR: Final = timedelta(seconds=15)


def work(stop: threading.Event | None = None) -> None:
    """Run the jobs of every biller until stopped. One job's failure leaves the others alone."""
    stopped = stop or _stop_on_signal()
    due_at: dict[tuple[str, str], float] = {}
    held: set[str] = set()
    while not stopped.is_set():
        try:
            billers = tenancy.billers()
        except Error as error:
            log.error("the database does not answer: %s", error)
            connection.close()
            stopped.wait(_PAUSE_AFTER_ERROR.total_seconds())
            continue
        held = _log_holds(billers, held)
        heartbeat.beat()
        for biller in billers:
            for job in JOBS:
                if stopped.is_set():
                    return
                name = (biller.schema, job.name)
                if time.monotonic() >= due_at.get(name, 0.0):
                    wait = attempt(job, biller, now=clock.now())
                    due_at[name] = time.monotonic() + wait
        stopped.wait(_PAUSE_SECONDS)


def _log_holds(billers: Sequence[tenancy.Biller], before: set[str]) -> set[str]:
    """Log which billers were put on HOLD or taken off it since `before`; return those on HOLD."""
    held = {biller.schema for biller in billers if biller.state == "hold"}
    for schema in sorted(held - before):
        log.warning("%s is on HOLD: nothing leaves; see `billfold biller list`", schema)
    for schema in sorted(before - held):
        log.warning("%s is no longer on HOLD", schema)
    return held


def attempt(job: Job, biller: tenancy.Biller, *, now: datetime) -> float:
    """Run a job and log its failure; return the seconds to wait before its next run."""
    try:
        run(job, biller, now=now)
    except connections.NoBank:
        return job.every_seconds
    except Exception:
        log.exception("job %s of %s failed; it will be tried again", job.name, biller.schema)
        connection.close()
        return _PAUSE_AFTER_ERROR.total_seconds()
    return job.every_seconds


def _stop_on_signal() -> threading.Event:
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    return stopped
