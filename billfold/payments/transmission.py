"""A file whose sending was cut short, and a bank that cannot say: a person decides."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from billfold.banking.models import BankFile, FileState
from billfold.payments import cases
from billfold.payments.models import Case
from billfold.platform import audit

KIND = "transmission unknown"


class NotUnknown(Exception):
    """The case is not about a transmission, or the file's fate is known by now."""


def _about(file: BankFile) -> str:
    return f"bankfile/{file.id}"


def open_case(file: BankFile, reason: str, *, now: datetime) -> None:
    """Ask whether a file arrived, once for each try."""
    with transaction.atomic(durable=True):
        earlier = Case.objects.filter(kind=KIND, evidence=_about(file))
        if earlier.filter(closed_at=None).exists():
            return
        cases.open_new(
            [
                cases.NewCase(
                    key=f"transmission/{file.id}/{earlier.count()}",
                    kind=KIND,
                    title=f"Did {file.name} reach the bank? {reason}",
                    evidence=_about(file),
                    facts={"sha256": file.sha256, "size": file.size},
                )
            ],
            now=now,
        )


def decide(
    case_id: UUID, resolution: str, *, has_arrived: bool, actor: audit.Actor, now: datetime
) -> None:
    """Carry out what a person found out: the bank has the file, or it is sent once more.

    Raises: NotUnknown; NeedsResolution and AlreadyClosed as `cases.close`.
    """
    with transaction.atomic(durable=True):
        case = Case.objects.select_for_update().get(pk=case_id)
        file = BankFile.objects.select_for_update().filter(
            pk=case.evidence.removeprefix("bankfile/"), state=FileState.SENDING
        )
        if case.kind != KIND or not file.exists():
            raise NotUnknown
        if has_arrived:
            file.update(state=FileState.SENT, sent_at=now)
        else:
            file.update(state=FileState.RELEASED)
        cases.close_within(case_id, resolution, actor=actor, now=now)
        audit.record(
            "transmission decided",
            case.evidence,
            actor=actor,
            now=now,
            after={"arrived": has_arrived},
        )
