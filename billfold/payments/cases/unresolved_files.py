"""Files withdrawn here that the bank says it accepted: a person must find out what was debited."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from billfold.payments.cases.case_kinds import CaseKind
from billfold.payments.models import Case, Instruction

KIND: Final = CaseKind.UNFIT_ANSWER


def file_ids() -> list[UUID]:
    """List those files. Their payments go into no other file and cannot be canceled."""
    accepted = Case.objects.filter(kind=KIND, key__endswith="/accepted", closed_at=None)
    return [
        UUID(evidence.removeprefix("bankfile/"))
        for evidence in accepted.values_list("evidence", flat=True)
    ]


def name_payment(payment_id: UUID) -> bool:
    """Tell whether a payment is in such a file, so that the bank may have debited it."""
    instructions = Instruction.objects.filter(payment=payment_id, kind="payment")
    return instructions.filter(file__in=file_ids()).exists()
