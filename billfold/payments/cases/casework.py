"""Cases: questions that people decide, opened with evidence and closed with a resolution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from billfold.payments.cases import case_kinds, notes
from billfold.payments.cases.case_kinds import CaseKind
from billfold.payments.models import Case, CaseNote
from billfold.payments.rules.accounting import PaymentFacts
from billfold.payments.rules.lifecycle import Canceled, LifecycleEvent, Postponed, Stray
from billfold.platform import audit
from billfold.platform.ids import new_id, new_ids
from billfold.rails.ach import reason_codes
from billfold.rails.protocol import (
    Corrected,
    Event,
    Refused,
    Rejected,
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
    Rejected: "Rejected entry",
    Canceled: "Cancellation",
    Postponed: "Later payment day",
}


class NeedsResolution(Exception):
    """A case is closed only with a text that says what was decided."""


class CarriesMoney(Exception):
    """No words close the case: it stays open until what became of its money is booked or shown."""


class AlreadyClosed(Exception):
    """Somebody else closed the case first."""

    def __init__(self, closed_by: str) -> None:
        super().__init__()
        self.closed_by = closed_by


@dataclass(frozen=True, slots=True)
class NewCase:
    """A case to open. The same key opens one case, however often the fact is seen."""

    key: str
    kind: CaseKind
    title: str
    evidence: str = ""
    payment_id: UUID | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


def open_cases(new_cases: Sequence[NewCase], *, now: datetime) -> None:
    """Open cases, many at once. Needs an open transaction."""
    Case.objects.bulk_create(
        (
            Case(
                id=case_id,
                key=new.key,
                kind=new.kind,
                title=new.title,
                facts=dict(new.facts),
                evidence=new.evidence,
                payment_id=new.payment_id,
                opened_at=now,
            )
            for case_id, new in zip(new_ids(len(new_cases)), new_cases, strict=True)
        ),
        ignore_conflicts=True,
    )


def open_stray_cases(
    strays: Sequence[Stray], facts: Mapping[str, PaymentFacts], *, now: datetime
) -> None:
    """Open a case for each event the lifecycle does not allow."""
    open_cases(
        [
            NewCase(
                key=f"stray/payment/{stray.reference}/{stray.event.key}",
                kind=CaseKind.STRAY_EVENT,
                title=f"{event_label(stray.event)} for a payment that is {_state_label(stray)}",
                evidence=stray.event.evidence,
                payment_id=facts[stray.reference].id,
                facts={"reference": stray.reference, "event": stray.event.key},
            )
            for stray in strays
        ],
        now=now,
    )


def _state_label(stray: Stray) -> str:
    return stray.state.value.replace("_", " ")


def event_label(event: LifecycleEvent) -> str:
    """Name an event for people; a return or change by its code in words, then the code."""
    if isinstance(event, Returned):
        return f"{reason_codes.return_code(event.code).label} ({event.code})"
    if isinstance(event, Corrected):
        return f"{reason_codes.change_code(event.code).label} ({event.code})"
    return _EVENTS.get(type(event), type(event).__name__)


def close(case_id: UUID, resolution: str, *, actor: audit.Actor, now: datetime) -> None:
    """Close a case with its resolution.

    Raises: NeedsResolution, AlreadyClosed, CarriesMoney, notes.NamesAnAccount.
    """
    with transaction.atomic(durable=True):
        if case_kinds.carries_money(Case.objects.values_list("kind", flat=True).get(pk=case_id)):
            raise CarriesMoney
        close_in_transaction(case_id, resolution, actor=actor, now=now)


def add_note(case_id: UUID, text: str, *, actor: audit.Actor, now: datetime) -> None:
    """Keep what a person found out about a case, and leave the case as it is.

    Raises: NeedsResolution, notes.NamesAnAccount.
    """
    if not text.strip():
        raise NeedsResolution
    notes.check(text)
    with transaction.atomic(durable=True):
        CaseNote.objects.create(
            id=new_id(), case_id=case_id, at=now, by_name=actor.name, text=text.strip()
        )
        audit.record("case noted", f"case/{case_id}", actor=actor, now=now)


def close_in_transaction(
    case_id: UUID, resolution: str, *, actor: audit.Actor, now: datetime
) -> None:
    """Close a case within the act that settles it. Needs an open transaction.

    Raises: NeedsResolution, AlreadyClosed, notes.NamesAnAccount.
    """
    text = resolution.strip()
    if not text:
        raise NeedsResolution
    notes.check(text)
    closed = Case.objects.filter(pk=case_id, closed_at=None).update(
        closed_at=now, closed_by=actor.name, resolution=text
    )
    if not closed:
        raise AlreadyClosed(Case.objects.values_list("closed_by", flat=True).get(pk=case_id))
    audit.record("case closed", f"case/{case_id}", actor=actor, now=now, after={"resolution": text})


def close_by_evidence(
    evidence: str, kinds: Sequence[str], resolution: str, *, actor: audit.Actor, now: datetime
) -> None:
    """Close the open cases of these kinds about one evidence. Needs an open transaction."""
    waiting = Case.objects.filter(evidence=evidence, kind__in=kinds, closed_at=None)
    for case in waiting.select_for_update().order_by("id"):
        close_in_transaction(case.id, resolution, actor=actor, now=now)


def close_by_key(key: str, resolution: str, *, actor: audit.Actor, now: datetime) -> None:
    """Close the case of a fact that was accounted for meanwhile. Needs an open transaction."""
    for case in Case.objects.filter(key=key, closed_at=None).select_for_update():
        close_in_transaction(case.id, resolution, actor=actor, now=now)
