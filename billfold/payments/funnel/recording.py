"""The one funnel: a fact about a payment, from whatever door, takes effect here and only here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from billfold.ledger import book
from billfold.notices import outbox
from billfold.payments.cases import casework
from billfold.payments.funnel import applications, loading, messages, returns
from billfold.payments.rules import accounting, lifecycle
from billfold.payments.rules.lifecycle import Fact, Plan, State
from billfold.platform import rows
from billfold.platform.faults import fault
from billfold.platform.ids import new_ids

_CHUNK = 5_000


class UnknownPayment(Exception):
    """An event names a payment that does not exist; `intake` must park it instead."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a batch of events did."""

    new: int
    repeated: int
    strays: int


def record(events: Sequence[Fact], *, now: datetime) -> Recorded:
    """Apply events to their payments, the books and the invoices. Needs an open transaction.

    Each event's subject is a payment's reference. Costs a fixed number of statements for each
    few thousand events. Repeated events change nothing; events the lifecycle does not allow
    open a case. Raises: UnknownPayment.
    """
    new = strays = 0
    for at in range(0, len(events), _CHUNK):
        fresh, strange = _record_chunk(events[at : at + _CHUNK], now)
        new, strays = new + fresh, strays + strange
    return Recorded(new=new, repeated=len(events) - new, strays=strays)


def _record_chunk(events: Sequence[Fact], now: datetime) -> tuple[int, int]:
    loaded = loading.lock(event.subject for event in events)
    ids = {reference: payment.id for reference, payment in loaded.facts.items()}
    fresh = _fresh(events, ids)
    plan = lifecycle.plan(loaded.states, fresh)
    _add_events(fresh, plan, ids, now)
    _move(plan, ids)
    book.post(accounting.transfers(plan.steps, loaded.facts), now=now)
    fault("record_inside")
    applications.follow(plan.steps, loaded.facts, now=now)
    fees = returns.follow(plan.steps, loaded, now=now)
    casework.open_strays(plan.strays, loaded.facts, now=now)
    outbox.queue(messages.about_steps(plan.steps, loaded, fees), now=now)
    return len(fresh), len(plan.strays)


def _fresh(events: Sequence[Fact], ids: Mapping[str, UUID]) -> list[Fact]:
    """Leave out what is recorded already, and repeats within the batch."""
    for event in events:
        if event.subject not in ids:
            raise UnknownPayment(event.subject)
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT payment_id, key FROM payments_paymentevent
               WHERE (payment_id, key) IN (SELECT * FROM unnest(%s::uuid[], %s::text[]))""",
            [[ids[event.subject] for event in events], [event.key for event in events]],
        )
        seen = set(cursor.fetchall())
    fresh = []
    for event in events:
        name = (ids[event.subject], event.key)
        if name not in seen:
            seen.add(name)
            fresh.append(event)
    return fresh


def _add_events(fresh: Sequence[Fact], plan: Plan, ids: Mapping[str, UUID], now: datetime) -> None:
    outcomes = {(step.reference, step.event.key): step.after.value for step in plan.steps}
    rows.insert(
        "payments_paymentevent",
        {
            "id": ("uuid", new_ids(len(fresh))),
            "payment_id": ("uuid", [ids[event.subject] for event in fresh]),
            "key": ("text", [event.key for event in fresh]),
            "kind": ("text", lifecycle.kinds(fresh)),
            "on_date": ("date", [event.on for event in fresh]),
            "at": ("timestamptz", [now] * len(fresh)),
            "code": ("text", [getattr(event, "code", "") for event in fresh]),
            "evidence": ("text", [event.evidence for event in fresh]),
            "outcome": (
                "text",
                [outcomes.get((event.subject, event.key), "stray") for event in fresh],
            ),
        },
    )


def _move(plan: Plan, ids: Mapping[str, UUID]) -> None:
    """Change states by compare-and-swap. The rows are locked, so each must still be as read."""
    moved: list[tuple[str, tuple[State, State]]] = list(plan.moves.items())
    if not moved:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE payments_payment p SET state = m.after
               FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS m (id, before, after)
               WHERE p.id = m.id AND p.state = m.before""",
            [
                [ids[reference] for reference, _ in moved],
                [before.value for _, (before, _) in moved],
                [after.value for _, (_, after) in moved],
            ],
        )
        if cursor.rowcount != len(moved):
            raise AssertionError("a locked payment changed its state")
