"""The brake of a biller: while it stands, nothing is cut, released or sent to the bank.

A finding of `verify` sets it, or a return limit that is crossed. Mails and sign-in go on: HOLD is
what stops everything. Each act is an entry that stays, and the last one of a kind says how it is.
Whoever lifts the brake allows what was seen; it is set again by what is new.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from billfold.platform import audit, locks
from billfold.platform.audit import Actor
from billfold.platform.models import BrakeAct, BrakeEntry, BrakeKind

_LOCK: Final = "brake"
_SETS_OR_LIFTS: Final = (BrakeAct.SET, BrakeAct.LIFTED, BrakeAct.ENDED)
_REASONS: Final = {
    BrakeKind.FINDING: "verify found something",
    BrakeKind.RETURN_LIMIT: "a return limit is crossed",
}


@dataclass(frozen=True, slots=True)
class StandingBrake:
    """A brake that stands: the entry that set it, and what was seen then."""

    kind: BrakeKind
    number: int
    at: datetime
    seen: Mapping[str, str]


class Braked(Exception):
    """The brake stands, so nothing is cut, released or sent."""

    def __init__(self, brakes: Sequence[StandingBrake]) -> None:
        super().__init__(reason(brakes))
        self.brakes = brakes


def standing() -> tuple[StandingBrake, ...]:
    """Read which brakes of the biller stand; none, and files may leave."""
    return tuple(
        StandingBrake(BrakeKind(last.kind), last.number, last.at, last.seen)
        for last in _last_entries().order_by("kind")
        if last.act == BrakeAct.SET
    )


def stands() -> Exists:
    """Ask, within a query about something else, whether any brake of the biller stands."""
    return Exists(_last_entries().filter(act=BrakeAct.SET))


def _last_entries() -> QuerySet[BrakeEntry]:
    """Select, of each kind, the last entry that sets or lifts."""
    entries = BrakeEntry.objects.filter(act__in=_SETS_OR_LIFTS)
    later = entries.filter(kind=OuterRef("kind"), number__gt=OuterRef("number"))
    return entries.filter(~Exists(later))


def reason(brakes: Sequence[StandingBrake]) -> str:
    """Say for staff why nothing leaves; nothing if no brake stands."""
    return " and ".join(_REASONS[brake.kind] for brake in brakes)


def keep_as_is() -> tuple[StandingBrake, ...]:
    """Keep the brake from changing before the open transaction has ended; say what stands.

    Must be called before rows are locked.
    """
    locks.until_commit(_LOCK, is_shared=True)
    return standing()


def require_off() -> None:
    """Refuse to go on while the brake stands; it stays off until the open transaction has ended.

    Must be called before rows are locked. Raises: Braked.
    """
    brakes = keep_as_is()
    if brakes:
        raise Braked(brakes)


def keep_to_myself() -> None:
    """Keep everybody else from asking for the brake before the open transaction has ended."""
    locks.until_commit(_LOCK)


def last_lifting(kind: BrakeKind) -> BrakeEntry | None:
    """Return the entry by which the brake was lifted last; None if it never was."""
    liftings = BrakeEntry.objects.filter(kind=kind, act=BrakeAct.LIFTED)
    return liftings.order_by("-number").first()


def observe(
    kind: BrakeKind,
    seen: Mapping[str, str],
    *,
    lifts_when_clean: bool,
    actor: Actor,
    seen_at: datetime,
    now: datetime,
) -> None:
    """Set the brake if anything is seen that nobody allowed; else note what is gone.

    `lifts_when_clean`: with nothing left to see the brake is lifted, unless it was set after
    `seen_at`.
    """
    with transaction.atomic(durable=True):
        keep_to_myself()
        last = _last_entries().filter(kind=kind).first()
        is_set = last is not None and last.act == BrakeAct.SET
        known = last.seen.keys() if last else frozenset()
        if seen.keys() - known:
            append(kind, BrakeAct.SET, seen, actor=actor, now=now)
        elif last and is_set and not seen and lifts_when_clean and seen_at >= last.at:
            append(kind, BrakeAct.LIFTED, {}, why="nothing is found any more", actor=actor, now=now)
        elif not is_set and known - seen.keys():
            append(kind, BrakeAct.ENDED, seen, actor=actor, now=now)


def warn(kind: BrakeKind, seen: Mapping[str, str], *, actor: Actor, now: datetime) -> None:
    """Note what comes near to setting the brake, whenever that is something else than before."""
    if seen.keys() == warnings(kind).keys():
        return
    with transaction.atomic(durable=True):
        keep_to_myself()
        if seen.keys() != warnings(kind).keys():
            append(kind, BrakeAct.WARNED, seen, actor=actor, now=now)


def warnings(kind: BrakeKind) -> Mapping[str, str]:
    """Return what comes near to setting the brake, in words, by its key."""
    last = BrakeEntry.objects.filter(kind=kind, act=BrakeAct.WARNED).order_by("-number").first()
    return last.seen if last else {}


def append(
    kind: BrakeKind,
    act: BrakeAct,
    seen: Mapping[str, str],
    *,
    why: str = "",
    actor: Actor,
    now: datetime,
) -> None:
    """Write the next entry. Needs an open transaction and `keep_to_myself`."""
    last = BrakeEntry.objects.order_by("-number").first()
    entry = BrakeEntry.objects.create(
        number=last.number + 1 if last else 1,
        kind=kind,
        act=act,
        at=now,
        actor_id=actor.id,
        actor_name=actor.name,
        why=why,
        seen=dict(seen),
    )
    audit.record(
        f"brake {act}",
        f"brake/{entry.number}",
        actor=actor,
        now=now,
        after={"kind": kind, "why": why, "seen": len(seen)},
    )
