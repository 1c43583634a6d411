"""What a person must decide: opened with its evidence, closed with a resolution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from billfold.banking.models import Deposit
from billfold.payments.cases import notes
from billfold.payments.models import Case
from billfold.payments.rules.accounting import PaymentFacts
from billfold.payments.rules.lifecycle import Canceled, Fact, Postponed, Stray
from billfold.platform import audit
from billfold.platform.ids import new_ids
from billfold.rails.ach import reason_codes
from billfold.rails.protocol import (
    Corrected,
    Event,
    Refused,
    Returned,
    Settled,
    Submitted,
    TakenBack,
    Withdrawn,
)

_EVENTS: Final[Mapping[type[Event], str]] = {
    Submitted: "Entry in a file",
    Settled: "Settlement",
    TakenBack: "Money taken back",
    Withdrawn: "File taken back",
    Refused: "Refusal",
    Canceled: "Cancellation",
    Postponed: "Later payment day",
}


class NeedsResolution(Exception):
    """A case closes only with a word on what was decided."""


class NotExplained(Exception):
    """A bank line stays an open item until bookings name it; words alone do not close it."""


class AlreadyClosed(Exception):
    """Somebody closed the case first."""


@dataclass(frozen=True, slots=True)
class NewCase:
    """A case to open. The same key opens one case, however often the fact is seen."""

    key: str
    kind: str
    title: str
    evidence: str = ""
    payment_id: UUID | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


def open_new(found: Sequence[NewCase], *, now: datetime) -> None:
    """Open cases, many at once. Needs an open transaction."""
    Case.objects.bulk_create(
        (
            Case(
                id=made,
                key=new.key,
                kind=new.kind,
                title=new.title,
                facts=dict(new.facts),
                evidence=new.evidence,
                payment_id=new.payment_id,
                opened_at=now,
            )
            for made, new in zip(new_ids(len(found)), found, strict=True)
        ),
        ignore_conflicts=True,
    )


def open_strays(
    strays: Sequence[Stray], facts: Mapping[str, PaymentFacts], *, now: datetime
) -> None:
    """Open a case for each event the lifecycle does not allow."""
    open_new(
        [
            NewCase(
                key=f"stray/{stray.reference}/{stray.event.key}",
                kind="stray event",
                title=f"{event_words(stray.event)} for a payment that is {_state(stray)}",
                evidence=stray.event.evidence,
                payment_id=facts[stray.reference].id,
                facts={"reference": stray.reference, "event": stray.event.key},
            )
            for stray in strays
        ],
        now=now,
    )


def _state(stray: Stray) -> str:
    return stray.state.value.replace("_", " ")


def event_words(event: Fact) -> str:
    """Say what came: a code in words before the code itself."""
    if isinstance(event, Returned):
        return f"{reason_codes.return_code(event.code).label} ({event.code})"
    if isinstance(event, Corrected):
        return f"{reason_codes.change_code(event.code).label} ({event.code})"
    return _EVENTS.get(type(event), type(event).__name__)


def close(case_id: UUID, resolution: str, *, actor: audit.Actor, now: datetime) -> None:
    """Close a case with what was decided.

    Raises: NeedsResolution, AlreadyClosed, NotExplained, notes.NamesAnAccount.
    """
    with transaction.atomic(durable=True):
        if _is_about_an_open_line(case_id):
            raise NotExplained
        close_within(case_id, resolution, actor=actor, now=now)


def _is_about_an_open_line(case_id: UUID) -> bool:
    evidence = Case.objects.values_list("evidence", flat=True).get(pk=case_id)
    kind, _, name = evidence.partition("/")
    return kind == "deposit" and Deposit.objects.filter(pk=name, explained_at=None).exists()


def close_within(case_id: UUID, resolution: str, *, actor: audit.Actor, now: datetime) -> None:
    """Close a case as a part of the act that settles it. Needs an open transaction.

    Raises: NeedsResolution, AlreadyClosed, notes.NamesAnAccount.
    """
    decided = resolution.strip()
    if not decided:
        raise NeedsResolution
    notes.check(decided)
    closed = Case.objects.filter(pk=case_id, closed_at=None).update(
        closed_at=now, closed_by=actor.name, resolution=decided
    )
    if not closed:
        raise AlreadyClosed
    audit.record(
        "case closed", f"case/{case_id}", actor=actor, now=now, after={"resolution": decided}
    )


def close_about(
    evidence: str, kinds: Sequence[str], resolution: str, *, actor: audit.Actor, now: datetime
) -> None:
    """Close the cases of some kinds that an act has settled. Needs an open transaction."""
    waiting = Case.objects.filter(evidence=evidence, kind__in=kinds, closed_at=None)
    for case in waiting.select_for_update().order_by("id"):
        close_within(case.id, resolution, actor=actor, now=now)


def close_explained(key: str, resolution: str, *, now: datetime) -> None:
    """Close the case about a fact that explained itself later. Needs an open transaction."""
    actor = audit.job("reconciliation")
    for case in Case.objects.filter(key=key, closed_at=None).select_for_update():
        close_within(case.id, resolution, actor=actor, now=now)
