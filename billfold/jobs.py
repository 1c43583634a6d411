"""Every background job with its interval.

Rows are the queue: a job looks for work that is due and does it. Nothing is enqueued, so nothing is
lost when a worker is; running a job twice changes nothing. Which jobs have work is asked in one
statement, so that an idle biller costs next to nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, TypeVar

from django.db import connection, transaction

from billfold import bankdays
from billfold.bankdays import EASTERN
from billfold.banking import exchange
from billfold.banking.exchange import SendOutcome
from billfold.banking.models import BankConnection
from billfold.ledger import book
from billfold.notices import outbox
from billfold.payments.cases import parked_items
from billfold.payments.incoming import fetching, intake, reconciliation
from billfold.payments.models import CutOff, Payment
from billfold.payments.outgoing import cutoff, return_limits, transmission
from billfold.payments.proof import daily
from billfold.payments.rules.lifecycle import State
from billfold.platform import audit, far_sides, feed, locks, parking, tenancy
from billfold.platform.far_sides import Contact
from billfold.receivables.models import BillerProfile


@dataclass(frozen=True, slots=True)
class Job:
    """A function that does what is due, its interval, and whether it makes what leaves the system.

    It works in the database alone, and the worker runs one after the other.
    """

    name: str
    run: Callable[[datetime], object]
    has_work: str
    """An SQL condition, with the parameters of `with_work`.

    It may hold although nothing is to be done, never the other way round, and must stay cheap
    however much history there is.
    """
    every_seconds: float = 5
    leaves_the_system: bool = False
    is_long: bool = False
    """It takes as long as the biller is large, so the worker runs it beside the others."""


@dataclass(frozen=True, slots=True)
class NetworkJob:
    """A function that does what is due with one far side, and the names of the biller's far sides.

    It may wait for the far side, so the worker runs it apart. It gives what the contact showed, or
    nothing if there was none.
    """

    name: str
    far_sides: Callable[[], Sequence[str]]
    run: Callable[[str, datetime], Contact | None]
    has_work: str
    """An SQL condition, as that of `Job`, over all far sides of the biller."""
    every_seconds: float = 5
    leaves_the_system: bool = False


AnyJob = TypeVar("AnyJob", bound=Job | NetworkJob)


def cut_off(now: datetime) -> None:
    """Run each cut-off that is due: of each bank connection, in the order of their days.

    What fails at one connection keeps back no cut-off of another. Raises: what failed last.
    """
    failure: Exception | None = None
    for bank in BankConnection.objects.order_by("name"):
        try:
            for day in _cutoffs_due(bank, now):
                return_limits.watch(now=now)
                cutoff.collect_due(bank, day, now=now)
        except Exception as error:
            if not parking.is_of_item(error):
                raise
            failure = error
    if failure is not None:
        raise failure


_CUT_OFF_IS_DUE: Final = """(
    SELECT bool_or(CASE WHEN last_cutoff.business_date IS NULL
           THEN bank.closed_through IS NOT NULL OR EXISTS (
               SELECT FROM payments_payment p
               WHERE p.connection_id = bank.id AND p.state = 'scheduled'
                 AND (p.collect_on <= bank.closed_day OR p.created_at
                      < (bank.closed_day + bank.cutoff_eastern) AT TIME ZONE %(eastern)s))
           ELSE last_cutoff.business_date < bank.closed_day END)
    FROM (
        SELECT id, cutoff_eastern, closed_through, CASE
            WHEN (%(now)s::timestamptz AT TIME ZONE %(eastern)s)::time < cutoff_eastern
            THEN %(closed_before)s::date ELSE %(closed_after)s::date END AS closed_day
        FROM banking_bankconnection) bank
    LEFT JOIN LATERAL (
        SELECT business_date FROM payments_cutoff c WHERE c.connection_id = bank.id
        ORDER BY business_date DESC LIMIT 1) last_cutoff ON true)"""
"""Whether `_cutoffs_due` gives any."""


def _cutoffs_due(bank: BankConnection, now: datetime) -> Iterator[date]:
    last = CutOff.objects.filter(connection=bank).order_by("-business_date").first()
    day = _first_day(bank) if last is None else bankdays.next_banking_day(last.business_date)
    if day is None:
        return
    while bankdays.cutoff_at(day, bank.cutoff_eastern) <= now:
        yield day
        day = bankdays.next_banking_day(day)


def _first_day(bank: BankConnection) -> date | None:
    """Find the day of a connection's first cut-off; none while no payment waits for it."""
    if bank.closed_through is not None:
        return bank.closed_through  # It has begun, and is not complete.
    waiting = Payment.objects.filter(connection=bank, state=State.SCHEDULED)
    first = waiting.order_by("collect_on").first()
    if first is None:
        return None
    # A payment that waits for its prenote needs the cut-off of the day it was made, too.
    created_at = waiting.earliest("created_at").created_at
    first_day = bankdays.file_day(created_at, cutoff_eastern=bank.cutoff_eastern)
    return min(first_day, bankdays.banking_day_on_or_after(first.collect_on))


def _banks() -> list[str]:
    return list(BankConnection.objects.order_by("name").values_list("name", flat=True))


def send(bank_name: str, now: datetime) -> Contact | None:
    """Send a bank's released files; open a case for each that does not get there in time."""
    bank = BankConnection.objects.get(name=bank_name)
    results = exchange.send_released(bank, now=now)
    for result in results:
        transmission.open_or_close_case(result, now=now)
    transmission.open_cases_for_late_files(now=now)
    for result in results:
        if result.outcome is SendOutcome.UNREACHABLE:
            return Contact(result.reason)
    has_answered = {SendOutcome.SENT, SendOutcome.UNKNOWN}
    return Contact() if any(result.outcome in has_answered for result in results) else None


def fetch(bank_name: str, now: datetime) -> Contact:
    """Fetch and store the documents a bank left."""
    bank = BankConnection.objects.get(name=bank_name)
    return Contact(fetching.fetch(bank, now=now).unreachable)


def read(now: datetime) -> None:
    """Read and post the documents that were received."""
    if intake.read_received(now=now):
        return_limits.watch(now=now)


def reconcile(now: datetime) -> None:
    """Match bank lines to the payments that explain them."""
    reconciliation.reconcile(now=now)


def _mail_server() -> list[str]:
    return ["mail server"]


def mail(_far_side: str, now: datetime) -> Contact | None:
    """Send the notices that wait in the outbox."""
    profile = BillerProfile.objects.first()
    if profile is None:  # The biller is still being set up.
        return None
    sender = profile.support_email or "billing@localhost"
    return outbox.send_waiting(sender, report=parked_items, now=now)


def seal_audit(now: datetime) -> None:
    """Seal new audit entries into the hash chain."""
    audit.seal(now=now)


def number_feed(_now: datetime) -> None:
    """Number what is new in the feed, behind whoever still writes."""
    feed.number()


def verify(now: datetime) -> None:
    """Prove the promises and measure the returns, once a day; what is wrong sets the brake."""
    daily.run(tenancy.current(), now=now)


def roll_up(_now: datetime) -> None:
    """Merge the ledger's movement rows."""
    with transaction.atomic(durable=True):
        book.roll_up()


VERIFY: Final = Job("verify", verify, daily.HAS_WORK, every_seconds=60, is_long=True)
JOBS: Final = (
    Job("cut-off", cut_off, _CUT_OFF_IS_DUE, leaves_the_system=True),
    NetworkJob("send", _banks, send, transmission.HAS_WORK, leaves_the_system=True),
    NetworkJob("fetch", _banks, fetch, fetching.HAS_WORK, every_seconds=10),
    Job("read", read, intake.HAS_WORK),
    Job("reconcile", reconcile, reconciliation.HAS_WORK),
    NetworkJob("mail", _mail_server, mail, outbox.HAS_WORK, leaves_the_system=True),
    Job("seal-audit", seal_audit, audit.HAS_WORK),
    Job("number-feed", number_feed, feed.HAS_WORK),
    Job("roll-up", roll_up, book.HAS_WORK, every_seconds=60),
    VERIFY,
)
"""In the order in which one run of all of them takes a payment furthest."""


def run_once(biller: tenancy.Biller, *, now: datetime) -> None:
    """Run each job of a biller that has work when its turn comes, in order.

    On hold, nothing that leaves the system runs.
    """
    left = [job for job in JOBS if not is_held(job, biller)]
    while left:
        with tenancy.use(biller):
            due = with_work(left, now=now)
        if not due:
            return
        run(due[0], biller, now=now)
        left = left[left.index(due[0]) + 1 :]


def run(job: Job | NetworkJob, biller: tenancy.Biller, *, now: datetime) -> None:
    """Run one job of one biller; a second worker waits until the first has finished."""
    if is_held(job, biller):
        return
    with tenancy.use(biller):
        if isinstance(job, Job):
            with locks.exclusive(lock_name(job, biller)):
                job.run(now)
            return
        for far_side in job.far_sides():
            with locks.exclusive(line_lock(biller, far_side)):
                contact = job.run(far_side, now)
                if contact is not None:
                    far_sides.record(job.name, far_side, contact, now=now)


def with_work(jobs: Sequence[AnyJob], *, now: datetime) -> list[AnyJob]:
    """Select the jobs that have work for the biller being served, in one statement."""
    today = now.astimezone(EASTERN).date()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(job.has_work for job in jobs)}",
            {
                "now": now,
                "today": today,
                "eastern": EASTERN.key,
                # The last day that is closed, before the hour of today's cut-off and after it.
                "closed_before": bankdays.previous_banking_day(today),
                "closed_after": bankdays.banking_day_on_or_before(today),
            },
        )
        answers = cursor.fetchone()
    return [job for job, has_work in zip(jobs, answers, strict=True) if has_work]


def is_held(job: Job | NetworkJob, biller: tenancy.Biller) -> bool:
    """Say whether HOLD keeps a job from running."""
    return job.leaves_the_system and biller.state == "hold"


def lock_name(job: Job, biller: tenancy.Biller) -> str:
    """Name the lock of whoever runs a job: only one does at a time."""
    return f"{biller.schema}/{job.name}"


def line_lock(biller: tenancy.Biller, far_side: str) -> str:
    """Name the lock of whoever calls a far side: only one does at a time."""
    return f"{biller.schema}/call {far_side}"
