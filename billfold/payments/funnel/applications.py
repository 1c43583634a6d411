"""What money was put on which invoice: written beside the booking that did it, never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from billfold.payments.rules.accounting import PaymentFacts, Share, application_key
from billfold.payments.rules.lifecycle import State, Step
from billfold.platform import rows
from billfold.platform.ids import new_ids
from billfold.rails.protocol import Refused, Returned, Submitted, Withdrawn


def follow(steps: Sequence[Step], facts: Mapping[str, PaymentFacts], *, now: datetime) -> None:
    """Apply what goes out; take off what comes back by an opposite row."""
    made: list[tuple[UUID, UUID, int, str, UUID | None]] = []
    for step in steps:
        payment = facts[step.reference]
        if isinstance(step.event, Submitted):
            made.extend(_row(step, payment, share) for share in payment.remitted)
        elif _takes_off(step):
            made.extend(_opposite(step, payment, share) for share in payment.applied)
    if not made:
        return
    rows.insert(
        "payments_application",
        {
            "id": ("uuid", new_ids(len(made))),
            "payment_id": ("uuid", [row[0] for row in made]),
            "invoice_id": ("uuid", [row[1] for row in made]),
            "amount_minor": ("bigint", [row[2] for row in made]),
            "transfer_key": ("text", [row[3] for row in made]),
            "undoes_id": ("uuid", [row[4] for row in made]),
            "at": ("timestamptz", [now] * len(made)),
        },
    )


def _takes_off(step: Step) -> bool:
    if isinstance(step.event, Refused):
        return step.before is State.IN_TRANSIT
    return isinstance(step.event, Returned | Withdrawn)


def _row(
    step: Step, payment: PaymentFacts, share: Share
) -> tuple[UUID, UUID, int, str, UUID | None]:
    return payment.id, share.invoice_id, share.amount_minor, application_key(step, share), None


def _opposite(
    step: Step, payment: PaymentFacts, share: Share
) -> tuple[UUID, UUID, int, str, UUID | None]:
    key = application_key(step, share)
    return payment.id, share.invoice_id, -share.amount_minor, key, share.id
