"""Lifting the brake: two treasurers say that files may leave although something was seen.

Each word is about exactly what is seen at that moment: if the brake is set again meanwhile, because
more is seen, the words before it count no longer. Whether those who spoke may speak is asked again
when the second word takes effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import transaction

from billfold.payments.cases import notes
from billfold.people import rights
from billfold.platform import audit, brake, retries
from billfold.platform.brake import StandingBrake
from billfold.platform.models import BrakeAct, BrakeEntry

PEOPLE_NEEDED: Final = 2


class NotStanding(Exception):
    """The brake does not stand any more, or was set again since: there is something else to see."""


class LiftingNeedsReason(Exception):
    """The brake is lifted only with a text that says why files may leave."""


class AgreedAlready(Exception):
    """This person has agreed already, and nobody agrees twice."""


@retries.retried()
def agree(kind: str, number: int, why: str, *, actor: audit.Actor, now: datetime) -> bool:
    """Agree to lift a brake as it was set by that entry; say whether this lifted it.

    Raises: NotStanding, LiftingNeedsReason, rights.NotATreasurer, AgreedAlready,
    notes.NamesAnAccount.
    """
    reason = why.strip()
    if not reason:
        raise LiftingNeedsReason
    notes.check(reason)
    with transaction.atomic(durable=True):
        brake.keep_to_myself()
        standing = _standing(kind, number)
        if not rights.active_treasurers([actor.id]):
            raise rights.NotATreasurer
        others = agreements(standing)
        if actor.id in {entry.actor_id for entry in others}:
            raise AgreedAlready
        brake.append(
            standing.kind, BrakeAct.AGREED, standing.seen, why=reason, actor=actor, now=now
        )
        is_lifted = len(others) + 1 >= PEOPLE_NEEDED
        if is_lifted:
            brake.append(
                standing.kind, BrakeAct.LIFTED, standing.seen, why=reason, actor=actor, now=now
            )
    return is_lifted


def _standing(kind: str, number: int) -> StandingBrake:
    for standing in brake.standing():
        if (standing.kind, standing.number) == (kind, number):
            return standing
    raise NotStanding


def agreements(standing: StandingBrake) -> Sequence[BrakeEntry]:
    """Return who agreed to lift a brake as it stands, and may do so now."""
    entries = list(
        BrakeEntry.objects.filter(
            kind=standing.kind, act=BrakeAct.AGREED, number__gt=standing.number
        ).order_by("number")
    )
    treasurers = rights.active_treasurers({entry.actor_id for entry in entries})
    return [entry for entry in entries if entry.actor_id in treasurers]
