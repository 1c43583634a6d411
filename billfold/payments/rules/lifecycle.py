"""The states of a payment and the table of transitions between them. Pure.

An event that the table does not allow is a stray: a case is opened for it, and nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from billfold.rails.protocol import (
    AnyEvent,
    Corrected,
    Event,
    Refused,
    Returned,
    Settled,
    Submitted,
    TakenBack,
    Withdrawn,
)


class State(StrEnum):
    """Where a payment stands; docs/glossary.md says what the page calls it."""

    SCHEDULED = "scheduled"
    IN_TRANSIT = "in_transit"
    UNKNOWN = "unknown"
    SETTLED = "settled"
    RETURNED = "returned"
    FAILED = "failed"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class Canceled(Event):
    """The payer canceled it before the cut-off."""


@dataclass(frozen=True, slots=True)
class Postponed(Event):
    """Its collection was moved to a later day: the prenote of its account is not through yet."""


LifecycleEvent = AnyEvent | Canceled | Postponed
"""Every event of a payment: those the rails bring, and those that happen in the portal."""

NEXT: Final[Mapping[tuple[State, type[Event]], State]] = {
    (State.SCHEDULED, Submitted): State.IN_TRANSIT,
    (State.SCHEDULED, Canceled): State.CANCELED,
    (State.SCHEDULED, Refused): State.FAILED,
    (State.SCHEDULED, Postponed): State.SCHEDULED,
    (State.IN_TRANSIT, Settled): State.SETTLED,
    (State.IN_TRANSIT, Refused): State.FAILED,
    (State.IN_TRANSIT, Returned): State.RETURNED,
    # Its file was voided or refused whole: the only step back.
    (State.IN_TRANSIT, Withdrawn): State.SCHEDULED,
    (State.SETTLED, Returned): State.RETURNED,
    # A batch is credited gross; its returns are separate debits, sometimes seen first.
    (State.RETURNED, Settled): State.RETURNED,
    (State.RETURNED, TakenBack): State.RETURNED,
    (State.UNKNOWN, Submitted): State.IN_TRANSIT,
    (State.UNKNOWN, Refused): State.FAILED,
    # The bank may take the money before its return file comes.
    (State.SETTLED, TakenBack): State.SETTLED,
    (State.IN_TRANSIT, TakenBack): State.IN_TRANSIT,
    # A notice of change moves no state.
    **{(state, Corrected): state for state in State},
}

ONCE: Final = frozenset({Settled, TakenBack})
"""What happens to a payment once, although the table would allow it again in the same state."""
OPEN_TO_CANCEL: Final = frozenset({State.SCHEDULED})


@dataclass(frozen=True, slots=True)
class Step:
    """One event that took effect on one payment."""

    reference: str
    event: LifecycleEvent
    before: State
    after: State


@dataclass(frozen=True, slots=True)
class Stray:
    """An event that the table does not allow in the state the payment was in."""

    reference: str
    event: LifecycleEvent
    state: State


@dataclass(slots=True)
class Plan:
    """What a batch of events does, decided before anything is written."""

    steps: list[Step] = field(default_factory=list)
    strays: list[Stray] = field(default_factory=list)
    moves: dict[str, tuple[State, State]] = field(default_factory=dict)
    """Reference -> state before the batch, state after it; only where it changes."""


def plan(
    states: Mapping[str, State],
    events: Iterable[LifecycleEvent],
    happened: Iterable[tuple[str, str]] = (),
) -> Plan:
    """Apply each payment's events to its state, in turn. Each subject must be in `states`.

    `happened` gives, as reference and kind, the events that took effect before.
    """
    batch = Plan()
    current, done = dict(states), set(happened)
    for event in events:
        reference = event.subject
        before = current[reference]
        after = NEXT.get((before, type(event)))
        name = (reference, event_kind(event))
        if after is None or (type(event) in ONCE and name in done):
            batch.strays.append(Stray(reference, event, before))
            continue
        done.add(name)
        current[reference] = after
        batch.steps.append(Step(reference, event, before, after))
    batch.moves = {
        reference: (states[reference], after)
        for reference, after in current.items()
        if after is not states[reference]
    }
    return batch


def event_kind(event: Event) -> str:
    """Give the name under which an event is stored: `submitted`, `returned`."""
    return type(event).__name__.lower()
