"""Cases about files that were not sent, or of which nobody knows whether they were."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from billfold.bankdays import EASTERN
from billfold.banking import file_approvals
from billfold.banking.exchange import SendOutcome, SendResult
from billfold.banking.models import BankFile, FileState
from billfold.payments.cases import casework
from billfold.payments.cases.case_kinds import CaseKind
from billfold.payments.models import Case
from billfold.people import rights
from billfold.platform import audit

KIND: Final = CaseKind.UNKNOWN_TRANSMISSION
UNREACHABLE: Final = CaseKind.BANK_UNREACHABLE
TOO_LATE: Final = CaseKind.LATE_FILE
LAPSED: Final = CaseKind.LAPSED_RELEASE
KINDS: Final = (KIND, UNREACHABLE, TOO_LATE, LAPSED)
_ANSWERS_WITHIN: Final = timedelta(hours=1)
"""How long a bank may be unreachable before a case is opened; the cut-off leaves that long."""
HAS_WORK: Final = """EXISTS (
    SELECT FROM banking_bankfile f
    WHERE f.direction = 'out' AND f.state IN ('built', 'released', 'sending') AND CASE
        WHEN f.state <> 'sending' AND f.effective_date <= %(today)s::date
        THEN NOT EXISTS (SELECT FROM payments_case c WHERE c.key = 'late/' || f.id)
        ELSE f.state <> 'built' END)"""
"""Whether files are to be sent, or a case is to be opened for a late one: an SQL condition."""


class NotUnknown(Exception):
    """The case is not about a transmission, or it is known meanwhile whether the file arrived."""


def open_case(file: BankFile) -> Case:
    """Return the case that asks whether a file arrived. Raises: NotUnknown."""
    waiting = Case.objects.filter(kind=KIND, evidence=_evidence(file), closed_at=None).first()
    if waiting is None:
        raise NotUnknown
    return waiting


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
        case SendOutcome.NOT_APPROVED:
            words = f"{file.name} did not leave: who released it may not any more. Approve it again"
            _open_case(file, f"lapsed/{file.id}/{now.isoformat()}", LAPSED, words, now)
        case SendOutcome.UNREACHABLE:
            if file.released_at is not None and file.released_at <= now - _ANSWERS_WITHIN:
                words = f"{file.name} is released and the bank does not answer: {sending.reason}"
                _open_case(file, f"unreachable/{file.id}", UNREACHABLE, words, now)
        case SendOutcome.SENT:
            with transaction.atomic(durable=True):
                casework.close_by_evidence(
                    _evidence(file),
                    [UNREACHABLE, LAPSED],
                    "It was sent",
                    actor=audit.job("send"),
                    now=now,
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


def _open_case(file: BankFile, key: str, kind: CaseKind, title: str, now: datetime) -> None:
    with transaction.atomic(durable=True):
        casework.open_cases([casework.NewCase(key, kind, title, evidence=_evidence(file))], now=now)


def resolve(
    case_id: UUID, resolution: str, *, has_arrived: bool, actor: audit.Actor, now: datetime
) -> None:
    """Resolve an unknown transmission: the file arrived, or it is approved and sent again.

    Sent again it needs two people to approve it, whatever the biller asks for otherwise.
    Raises: NotUnknown, rights.NotATreasurer; NeedsResolution, AlreadyClosed and
    notes.NamesAnAccount as `casework.close`.
    """
    with transaction.atomic(durable=True):
        case = Case.objects.select_for_update().get(pk=case_id)
        sending = BankFile.objects.select_for_update().filter(
            pk=case.evidence.removeprefix("bankfile/"), state=FileState.SENDING
        )
        file = sending.first() if case.kind == KIND else None
        if file is None:
            raise NotUnknown
        if not rights.active_treasurers([actor.id]):
            raise rights.NotATreasurer
        if has_arrived:
            sending.update(state=FileState.SENT, sent_at=now)
            audit.record("bank file sent", case.evidence, actor=actor, now=now)
        else:
            file_approvals.require_new_approvals(file)
        casework.close_in_transaction(case_id, resolution, actor=actor, now=now)
        audit.record(
            "transmission decided",
            case.evidence,
            actor=actor,
            now=now,
            after={"arrived": has_arrived},
        )
