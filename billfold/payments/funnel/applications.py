"""Writes which payment was applied to which invoice, beside the transfers that book it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from billfold.payments.rules.accounting import PaymentFacts, Share, application_key
from billfold.payments.rules.lifecycle import State, Step
from billfold.platform import rows
from billfold.platform.ids import new_ids
from billfold.rails.protocol import Refused, Returned, Submitted, Withdrawn


def write(steps: Sequence[Step], facts: Mapping[str, PaymentFacts], *, now: datetime) -> None:
    """Write an application for each share submitted, and its opposite for each that came back."""
    applications: list[tuple[UUID, UUID, int, str, UUID | None]] = []
    for step in steps:
        payment = facts[step.reference]
        if isinstance(step.event, Submitted):
            applications.extend(_row(step, payment, share) for share in payment.remitted)
        elif _is_undone(step):
            applications.extend(_opposite_row(step, payment, share) for share in payment.applied)
    if not applications:
        return
    rows.insert(
        "payments_application",
        {
            "id": ("uuid", new_ids(len(applications))),
            "payment_id": ("uuid", [row[0] for row in applications]),
            "invoice_id": ("uuid", [row[1] for row in applications]),
            "amount_minor": ("bigint", [row[2] for row in applications]),
            "transfer_key": ("text", [row[3] for row in applications]),
            "undoes_id": ("uuid", [row[4] for row in applications]),
            "at": ("timestamptz", [now] * len(applications)),
        },
    )


def _is_undone(step: Step) -> bool:
    if isinstance(step.event, Refused):
        return step.before is State.IN_TRANSIT
    return isinstance(step.event, Returned | Withdrawn)


def _row(
    step: Step, payment: PaymentFacts, share: Share
) -> tuple[UUID, UUID, int, str, UUID | None]:
    return payment.id, share.invoice_id, share.amount_minor, application_key(step, share), None


def _opposite_row(
    step: Step, payment: PaymentFacts, share: Share
) -> tuple[UUID, UUID, int, str, UUID | None]:
    key = application_key(step, share)
    return payment.id, share.invoice_id, -share.amount_minor, key, share.id
