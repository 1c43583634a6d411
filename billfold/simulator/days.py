"""The movable days of a demo: everything due on the way happens, in order, and the clock with it.

A real worker may run at the same time. Each job holds its lock and finds only what nobody did yet,
so nothing is done twice; a second `advance` waits, then sees that the clock stands there already.
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
from billfold.banking import exchange
from billfold.banking.models import BankConnection, BankFile, FileState
from billfold.notices.models import Notice
from billfold.payments.models import Case, PaymentEvent
from billfold.platform import audit, clock, locks, tenancy
from billfold.simulator.bank.bank import Bank
from billfold.simulator.bank.terms import BankTerms

MORNING_EASTERN: Final = time(9, 0)
BANK_CUT_OFF_EASTERN: Final = time(20, 0)
"""The simulated bank's own: three hours after the biller's, so that people can release."""
DEMO_TREASURERS: Final = (
    audit.Actor(id="demo/treasurer-1", name="Demo treasurer 1"),
    audit.Actor(id="demo/treasurer-2", name="Demo treasurer 2"),
)
_SOON: Final = timedelta(seconds=1)

Release = Callable[[datetime], int]
"""Releases files that wait, at a moment; gives how many it had a hand in."""


def nobody_releases(_now: datetime) -> int:
    """Leave files waiting for the biller's own people."""
    return 0


def demo_treasurers_release(now: datetime) -> int:
    """Release every waiting file as two named people of the demo."""
    waiting = BankFile.objects.filter(direction="out", state=FileState.BUILT)
    found = list(waiting.order_by("made_at", "id"))
    for file in found:
        for treasurer in DEMO_TREASURERS:
            # A person may be quicker, one yes may have been given before, and a day has gone by.
            with suppress(
                exchange.NotWaiting, exchange.ApprovedAlready, exchange.EffectiveDatePassed
            ):
                exchange.approve(file.pk, file.sha256, actor=treasurer, now=now)
    return len(found)


def bank_of(connection: BankConnection) -> Bank:
    """Set up the simulated bank at the other end of a folder connection."""
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
    return Bank(Path(connection.transport["to_bank"]).parent, terms)


def banks() -> list[Bank]:
    """List the simulated banks of the biller being served."""
    connections = BankConnection.objects.order_by("name")
    return [bank_of(each) for each in connections if each.transport.get("kind") == "folder"]


def morning_after(now: datetime, days: int) -> datetime:
    """Find 09:00 Eastern of the banking day that comes `days` banking days later."""
    today = now.astimezone(bankdays.EASTERN).date()
    return morning_of(bankdays.add_banking_days(today, days))


def morning_of(day: date) -> datetime:
    """Find 09:00 Eastern of a day."""
    return bankdays.cutoff_at(day, MORNING_EASTERN)


def advance(
    biller: tenancy.Biller,
    *,
    days: int = 1,
    now: datetime,
    release: Release = demo_treasurers_release,
) -> list[str]:
    """Live through the next banking days and tell them in short lines.

    Stops at 09:00 Eastern of the last. Raises: NotMovable on a live instance.
    """
    return live_until(biller, morning_after(now, days), now=now, release=release)


def live_until(
    biller: tenancy.Biller, until: datetime, *, now: datetime, release: Release
) -> list[str]:
    """Do everything due from now until a moment, in order, and leave the clock there.

    Raises: NotMovable on a live instance.
    """
    if settings.IS_LIVE:
        raise clock.NotMovable
    with tenancy.use(biller), locks.alone(_days_of(biller)):
        start = max(now, clock.now())  # Somebody else may have moved it while we waited.
        story: list[str] = []
        for moment in _moments(start, until) if start < until else ():
            story += _live(biller, moment, release)
        return story


def keep_banks(biller: tenancy.Biller) -> None:
    """Let a biller's banks do what is due by the clock, but never while its days are lived."""
    with tenancy.use(biller), locks.alone(_days_of(biller)):
        _banks_act(clock.now())


def _days_of(biller: tenancy.Biller) -> str:
    return f"{biller.schema}/simulated days"


def _moments(now: datetime, until: datetime) -> Iterator[datetime]:
    """Step from one due moment to the next; what an act makes due is seen before the next step."""
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


def _live(biller: tenancy.Biller, moment: datetime, release: Release) -> list[str]:
    """Let the bank, the jobs and the people do what is due at one moment."""
    clock.move_to(moment)
    before = _Seen.look()
    told = _banks_act(moment)
    jobs.run_once(biller, now=moment)
    released = release(moment)
    if released:
        jobs.run_once(biller, now=moment)
    told += _banks_act(moment)
    jobs.run_once(biller, now=moment)
    at = f"{moment.astimezone(bankdays.EASTERN):%a %d %b %H:%M}"
    return [*told, *(f"{at} {line}" for line in _Seen.look().since(before))]


def _banks_act(moment: datetime) -> list[str]:
    return [line for bank in banks() for line in bank.act(moment)]


@dataclass(frozen=True, slots=True)
class _Seen:
    """How much there is of what a story tells, whoever did it."""

    built: int
    released: int
    paid: int
    returned: int
    corrected: int
    failed: int
    cases: int
    mails: int

    @classmethod
    def look(cls) -> _Seen:
        """Count."""
        out = BankFile.objects.filter(direction="out")
        rows = PaymentEvent.objects.values_list("kind", "outcome").annotate(Count("id"))
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

    def since(self, before: _Seen) -> list[str]:
        """Tell what is new."""
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
