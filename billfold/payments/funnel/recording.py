"""Records events of payments: the only way in which an event changes state, books and invoices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from billfold.ledger import book
from billfold.notices import outbox
from billfold.payments.cases import casework
from billfold.payments.funnel import loading, messages, returns
from billfold.payments.rules import accounting, lifecycle
from billfold.payments.rules.accounting import PaymentFacts
from billfold.payments.rules.lifecycle import LifecycleEvent, Plan, State
from billfold.platform import feed, rows
from billfold.platform.faults import fault
from billfold.platform.feed import FeedKind
from billfold.platform.ids import new_ids

_CHUNK = 5_000


class UnknownPayment(Exception):
    """An event names a payment that does not exist; `intake` opens a case for such an event."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a batch of events did."""

    new: int
    repeated: int
    strays: int


def record(events: Sequence[LifecycleEvent], *, now: datetime) -> Recorded:
    """Apply events to their payments, the books and the invoices. Needs an open transaction.

    Each event's subject is a payment's reference. Costs a fixed number of statements for each
    few thousand events. Repeated events change nothing; events the lifecycle does not allow
    open a case. Raises: UnknownPayment.
    """
    new_count = stray_count = 0
    for at in range(0, len(events), _CHUNK):
        new, strays = _record_chunk(events[at : at + _CHUNK], now)
        new_count, stray_count = new_count + new, stray_count + strays
    return Recorded(new=new_count, repeated=len(events) - new_count, strays=stray_count)


def _record_chunk(events: Sequence[LifecycleEvent], now: datetime) -> tuple[int, int]:
    locked = loading.lock(event.subject for event in events)
    for event in events:
        if event.subject not in locked.facts:
            raise UnknownPayment(event.subject)
    ids = {reference: payment.id for reference, payment in locked.facts.items()}
    earlier = _earlier_events(locked.facts)
    new = _new_events(events, earlier)
    happened = [(event.reference, event.kind) for event in earlier if event.outcome != "stray"]
    plan = lifecycle.plan(locked.states, new, happened)
    _add_events(new, plan, locked.facts, now)
    _move_states(plan, ids)
    book.post(accounting.transfers(plan.steps, locked.facts), now=now)
    fault("record_inside")
    fees = returns.apply_consequences(plan.steps, locked, now=now)
    casework.open_stray_cases(plan.strays, locked.facts, now=now)
    outbox.queue(messages.for_steps(plan.steps, locked, fees), now=now)
    return len(new), len(plan.strays)


@dataclass(frozen=True, slots=True)
class _EarlierEvent:
    """An event that was recorded before."""

    reference: str
    key: str
    kind: str
    outcome: str


def _earlier_events(facts: Mapping[str, PaymentFacts]) -> list[_EarlierEvent]:
    references = {payment.subject: reference for reference, payment in facts.items()}
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT subject, key, kind, outcome FROM payments_subjectevent
               WHERE subject = ANY(%s)""",
            [list(references)],
        )
        return [_EarlierEvent(references[subject], *rest) for subject, *rest in cursor.fetchall()]


def _new_events(
    events: Sequence[LifecycleEvent], earlier: Sequence[_EarlierEvent]
) -> list[LifecycleEvent]:
    """Select the events that are not recorded yet, each once."""
    seen = {(event.reference, event.key) for event in earlier}
    new = []
    for event in events:
        name = (event.subject, event.key)
        if name not in seen:
            seen.add(name)
            new.append(event)
    return new


def _add_events(
    new: Sequence[LifecycleEvent],
    plan: Plan,
    facts: Mapping[str, PaymentFacts],
    now: datetime,
) -> None:
    if not new:
        return
    outcomes = {(step.reference, step.event.key): step.after.value for step in plan.steps}
    feed_row = feed.row(FeedKind.EVENTS, now=now)
    rows.insert(
        "payments_subjectevent",
        {
            "id": ("uuid", new_ids(len(new))),
            "subject": ("text", [facts[event.subject].subject for event in new]),
            "key": ("text", [event.key for event in new]),
            "kind": ("text", [lifecycle.event_kind(event) for event in new]),
            "on_date": ("date", [event.on for event in new]),
            "at": ("timestamptz", [now] * len(new)),
            "code": ("text", [getattr(event, "code", "") for event in new]),
            "evidence": ("text", [event.evidence for event in new]),
            "outcome": (
                "text",
                [outcomes.get((event.subject, event.key), "stray") for event in new],
            ),
            "feed_row_id": ("uuid", [feed_row] * len(new)),
        },
    )


def _move_states(plan: Plan, ids: Mapping[str, UUID]) -> None:
    """Change states by compare-and-swap. The rows are locked, so each must still be as read."""
    moves: list[tuple[str, tuple[State, State]]] = list(plan.moves.items())
    if not moves:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE payments_payment p SET state = m.after
               FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS m (id, before, after)
               WHERE p.id = m.id AND p.state = m.before""",
            [
                [ids[reference] for reference, _ in moves],
                [before.value for _, (before, _) in moves],
                [after.value for _, (_, after) in moves],
            ],
        )
        if cursor.rowcount != len(moves):
            raise AssertionError("a locked payment changed its state")
