"""Files taken back that the bank says it took: only people can find out what was debited."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from billfold.payments.models import Case, Instruction

KIND: Final = "answer that does not fit"


def files() -> list[UUID]:
    """List the files in doubt. Their payments go into no other file and are not canceled."""
    said = Case.objects.filter(kind=KIND, key__endswith="/accepted", closed_at=None)
    return [
        UUID(evidence.removeprefix("bankfile/"))
        for evidence in said.values_list("evidence", flat=True)
    ]


def is_about(payment_id: UUID) -> bool:
    """Say whether the bank may have debited a payment although its file was taken back."""
    asked = Instruction.objects.filter(payment=payment_id, kind="payment")
    return asked.filter(file__in=files()).exists()
