"""Moving a demo's clock to a later day, with everything that is due until then, in order.

A real worker may run at the same time: each job holds its lock and does only what is not done yet,
so nothing happens twice. A second `advance` waits, and then sees that the clock was moved already.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db.models import Count

from billfold import bankdays, jobs
from billfold.banking import file_approvals
from billfold.banking.models import BankConnection, BankFile, FileState
from billfold.notices.models import Notice
from billfold.payments.models import Case, SubjectEvent
from billfold.platform import audit, brake, clock, locks, tenancy
from billfold.simulator.bank.simulated_bank import SimulatedBank
from billfold.simulator.bank.terms import BankTerms

MORNING_EASTERN: Final = time(9, 0)
BANK_CUT_OFF_EASTERN: Final = time(20, 0)
"""The simulated bank's cut-off: three hours after the biller's, so that people can release."""
DEMO_TREASURERS: Final = (
    audit.Actor(id="demo/treasurer-1", name="Demo treasurer 1"),
    audit.Actor(id="demo/treasurer-2", name="Demo treasurer 2"),
)
_SOON: Final = timedelta(seconds=1)

ReleaseFiles = Callable[[datetime], int]
"""Releases the files that wait, at a moment; returns how many there were."""


def demo_treasurers_release(now: datetime) -> int:
    """Release every waiting file as the two treasurers of the demo."""
    waiting = BankFile.objects.filter(direction="out", state=FileState.BUILT)
    files = list(waiting.order_by("made_at", "id"))
    for file in files:
        for treasurer in DEMO_TREASURERS:
            # A person may have been quicker, or approved before, or the day may be over; or the
            # brake is set.
            with suppress(
                brake.Braked,
                file_approvals.NotWaiting,
                file_approvals.ApprovedAlready,
                file_approvals.EffectiveDatePassed,
            ):
                file_approvals.approve(file.pk, file.sha256, actor=treasurer, now=now)
    return len(files)


def bank_of(connection: BankConnection) -> SimulatedBank:
    """Return the simulated bank that uses the folders of a bank connection."""
    terms = BankTerms(
        odfi_routing_number=connection.odfi_routing_number,
        account_number=connection.account_number(),
        company_id=connection.company_id,
        immediate_origin=connection.immediate_origin,
        balanced=connection.balanced,
        settlement="net" if connection.settlement == "net" else "gross",
        cutoff_eastern=BANK_CUT_OFF_EASTERN,
        bank_name=connection.bank_name.upper(),
    )
    return SimulatedBank(Path(connection.transport["to_bank"]).parent, terms)


def banks() -> list[SimulatedBank]:
    """List the simulated banks of the biller being served."""
    connections = BankConnection.objects.order_by("name")
    return [bank_of(own) for own in connections if own.transport.get("kind") == "folder"]


def morning_after(now: datetime, days: int) -> datetime:
    """Return 09:00 Eastern of the day that comes `days` banking days later."""
    today = now.astimezone(bankdays.EASTERN).date()
    return morning_of(bankdays.add_banking_days(today, days))


def morning_of(day: date) -> datetime:
    """Return 09:00 Eastern of a day."""
    return bankdays.cutoff_at(day, MORNING_EASTERN)


def advance(
    biller: tenancy.Biller,
    *,
    days: int = 1,
    now: datetime,
    release: ReleaseFiles = demo_treasurers_release,
) -> list[str]:
    """Run through the next banking days; return what happened, in short lines.

    Stops at 09:00 Eastern of the last day. Raises: NotMovable on a live instance.
    """
    return run_until(biller, morning_after(now, days), now=now, release=release)


def run_until(
    biller: tenancy.Biller, until: datetime, *, now: datetime, release: ReleaseFiles
) -> list[str]:
    """Do everything that is due until a moment, in order, and leave the clock there.

    Raises: NotMovable on a live instance.
    """
    if settings.IS_LIVE:
        raise clock.NotMovable
    with tenancy.use(biller), locks.exclusive(_lock_name(biller)):
        start = max(now, clock.now())  # Another call may have moved it while we waited.
        story: list[str] = []
        for moment in _moments(start, until) if start < until else ():
            story += _run_moment(biller, moment, release)
        return story


def run_banks(biller: tenancy.Biller) -> None:
    """Let a biller's banks do what is due by the clock, but not while `run_until` runs."""
    with tenancy.use(biller), locks.exclusive(_lock_name(biller)):
        _banks_act(clock.now())


def _lock_name(biller: tenancy.Biller) -> str:
    return f"{biller.schema}/simulated days"


def _moments(now: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the moments at which something is due; each is computed after what came before it."""
    yield now
    at = now
    while (at := _next_due(at)) < until:
        yield at
    yield until


def _next_due(at: datetime) -> datetime:
    later = [max(bank.next_due(at), at + _SOON) for bank in banks()]
    for connection in BankConnection.objects.order_by("name"):
        day = bankdays.file_day(at, cutoff_eastern=connection.cutoff_eastern)
        later.append(bankdays.cutoff_at(day, connection.cutoff_eastern))
    return min(later, default=datetime.max.replace(tzinfo=at.tzinfo))


def _run_moment(biller: tenancy.Biller, moment: datetime, release: ReleaseFiles) -> list[str]:
    """Let the banks, the jobs and the people do what is due at one moment.

    Nobody else proves the promises meanwhile: what the leap of the clock made due would look
    forgotten.
    """
    with locks.exclusive(jobs.lock_name(jobs.VERIFY, biller)):
        clock.move_to(moment)
        before = _Counts.read()
        lines = _banks_act(moment)
        jobs.run_once(biller, now=moment)
        released = release(moment)
        if released:
            jobs.run_once(biller, now=moment)
        lines += _banks_act(moment)
        jobs.run_once(biller, now=moment)
    at = f"{moment.astimezone(bankdays.EASTERN):%a %d %b %H:%M}"
    return [*lines, *(f"{at} {line}" for line in _Counts.read().since(before))]


def _banks_act(moment: datetime) -> list[str]:
    return [line for bank in banks() for line in bank.act(moment)]


@dataclass(frozen=True, slots=True)
class _Counts:
    """How many there are of each thing that the lines report."""

    built: int
    released: int
    paid: int
    returned: int
    corrected: int
    failed: int
    cases: int
    mails: int

    @classmethod
    def read(cls) -> _Counts:
        """Count them in the database."""
        out = BankFile.objects.filter(direction="out")
        rows = SubjectEvent.objects.values_list("kind", "outcome").annotate(Count("id"))
        events = Counter({(kind, outcome): count for kind, outcome, count in rows})
        return cls(
            built=out.count(),
            released=out.exclude(released_at=None).count(),
            paid=events["settled", "settled"],
            returned=events["returned", "returned"],
            corrected=sum(n for (kind, _), n in events.items() if kind == "corrected"),
            failed=events["refused", "failed"],
            cases=Case.objects.count(),
            mails=Notice.objects.exclude(sent_at=None).count(),
        )

    def since(self, before: _Counts) -> list[str]:
        """Write a line for each count that has grown since `before`."""
        lines = [
            (self.built - before.built, "file made at the cut-off", "files made at the cut-off"),
            (self.released - before.released, "file released", "files released"),
            (self.paid - before.paid, "payment is paid", "payments are paid"),
            (self.returned - before.returned, "payment came back", "payments came back"),
            (self.corrected - before.corrected, "bank account corrected", "accounts corrected"),
            (self.failed - before.failed, "payment not made", "payments not made"),
            (self.cases - before.cases, "case opened for staff", "cases opened for staff"),
            (self.mails - before.mails, "message sent", "messages sent"),
        ]
        return [f"{count} {one if count == 1 else many}" for count, one, many in lines if count > 0]
