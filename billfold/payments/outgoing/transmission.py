"""Cases about files that were not sent, or of which nobody knows whether they were."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from billfold.bankdays import EASTERN
from billfold.banking import exchange
from billfold.banking.exchange import SendOutcome, SendResult
from billfold.banking.models import BankFile, FileState
from billfold.payments.cases import casework
from billfold.payments.models import Case
from billfold.platform import audit

KIND: Final = "transmission unknown"
UNREACHABLE: Final = "bank does not answer"
TOO_LATE: Final = "file too late"
KINDS: Final = (KIND, UNREACHABLE, TOO_LATE)
_ANSWERS_WITHIN: Final = timedelta(hours=1)
"""How long a bank may be unreachable before a case is opened; the cut-off leaves that long."""


class NotUnknown(Exception):
    """The case is not about a transmission, or it is known meanwhile whether the file arrived."""


def _evidence(file: BankFile) -> str:
    return f"bankfile/{file.id}"


def open_unknown_case(file: BankFile, reason: str, *, now: datetime) -> None:
    """Open a case that asks whether a file arrived, once for each attempt."""
    with transaction.atomic(durable=True):
        earlier = Case.objects.filter(kind=KIND, evidence=_evidence(file))
        if earlier.filter(closed_at=None).exists():
            return
        casework.open_cases(
            [
                casework.NewCase(
                    key=f"transmission/{file.id}/{earlier.count()}",
                    kind=KIND,
                    title=f"Did {file.name} reach the bank? {reason}",
                    evidence=_evidence(file),
                    facts={"sha256": file.sha256, "size": file.size},
                )
            ],
            now=now,
        )


def open_or_close_case(sending: SendResult, *, now: datetime) -> None:
    """Open a case for a file that could not be sent, once, and close it when the file was sent."""
    file = sending.file
    match sending.outcome:
        case SendOutcome.UNKNOWN:
            open_unknown_case(file, sending.reason, now=now)
        case SendOutcome.UNREACHABLE:
            if file.released_at is not None and file.released_at <= now - _ANSWERS_WITHIN:
                words = f"{file.name} is released and the bank does not answer: {sending.reason}"
                _open_case(file, f"unreachable/{file.id}", UNREACHABLE, words, now)
        case SendOutcome.SENT:
            with transaction.atomic(durable=True):
                casework.close_by_evidence(
                    _evidence(file), [UNREACHABLE], "It was sent", actor=audit.job("send"), now=now
                )
        case _:
            pass


def open_cases_for_late_files(*, now: datetime) -> None:
    """Open a case for each unsent file that can no longer settle on its effective date."""
    today = now.astimezone(EASTERN).date()
    late = BankFile.objects.filter(
        direction="out",
        state__in=[FileState.BUILT, FileState.RELEASED],
        effective_date__lte=today,
    )
    for file in late.order_by("made_at", "id"):
        words = (
            f"{file.name} can no longer settle on {file.effective_date:%b %d}: take it back; its "
            "payments go into the next file"
        )
        _open_case(file, f"late/{file.id}", TOO_LATE, words, now)


def _open_case(file: BankFile, key: str, kind: str, title: str, now: datetime) -> None:
    with transaction.atomic(durable=True):
        casework.open_cases([casework.NewCase(key, kind, title, evidence=_evidence(file))], now=now)


def resolve(
    case_id: UUID, resolution: str, *, has_arrived: bool, actor: audit.Actor, now: datetime
) -> None:
    """Resolve an unknown transmission: the file arrived, or it is approved and sent again.

    Raises: NotUnknown; NeedsResolution and AlreadyClosed as `casework.close`.
    """
    with transaction.atomic(durable=True):
        case = Case.objects.select_for_update().get(pk=case_id)
        sending = BankFile.objects.select_for_update().filter(
            pk=case.evidence.removeprefix("bankfile/"), state=FileState.SENDING
        )
        file = sending.first() if case.kind == KIND else None
        if file is None:
            raise NotUnknown
        if has_arrived:
            sending.update(state=FileState.SENT, sent_at=now)
            audit.record("bank file sent", case.evidence, actor=actor, now=now)
        else:
            exchange.require_new_approvals(file)
        casework.close_in_transaction(case_id, resolution, actor=actor, now=now)
        audit.record(
            "transmission decided",
            case.evidence,
            actor=actor,
            now=now,
            after={"arrived": has_arrived},
        )
