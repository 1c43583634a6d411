"""A file that does not get to the bank, or nobody knows whether it did: a person decides."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from billfold.bankdays import EASTERN
from billfold.banking import exchange
from billfold.banking.exchange import Outcome, Sending
from billfold.banking.models import BankFile, FileState
from billfold.payments.cases import casework
from billfold.payments.models import Case
from billfold.platform import audit

KIND: Final = "transmission unknown"
UNREACHABLE: Final = "bank does not answer"
TOO_LATE: Final = "file too late"
KINDS: Final = (KIND, UNREACHABLE, TOO_LATE)
_ANSWERS_WITHIN: Final = timedelta(hours=1)
"""How long a bank may be away before people hear of it; the cut-off leaves them that long."""


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
        casework.open_new(
            [
                casework.NewCase(
                    key=f"transmission/{file.id}/{earlier.count()}",
                    kind=KIND,
                    title=f"Did {file.name} reach the bank? {reason}",
                    evidence=_about(file),
                    facts={"sha256": file.sha256, "size": file.size},
                )
            ],
            now=now,
        )


def follow(sending: Sending, *, now: datetime) -> None:
    """Ask people about a file that stays here, once, and stop asking when it has left."""
    file = sending.file
    match sending.outcome:
        case Outcome.UNKNOWN:
            open_case(file, sending.reason, now=now)
        case Outcome.UNREACHABLE:
            if file.released_at is not None and file.released_at <= now - _ANSWERS_WITHIN:
                words = f"{file.name} is released and the bank does not answer: {sending.reason}"
                _ask(file, f"unreachable/{file.id}", UNREACHABLE, words, now)
        case Outcome.SENT:
            with transaction.atomic(durable=True):
                casework.close_about(
                    _about(file), [UNREACHABLE], "It was sent", actor=audit.job("send"), now=now
                )
        case _:
            pass


def ask_about_late_files(*, now: datetime) -> None:
    """Ask people to take back what can no longer settle on its day."""
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
        _ask(file, f"late/{file.id}", TOO_LATE, words, now)


def _ask(file: BankFile, key: str, kind: str, title: str, now: datetime) -> None:
    with transaction.atomic(durable=True):
        casework.open_new([casework.NewCase(key, kind, title, evidence=_about(file))], now=now)


def decide(
    case_id: UUID, resolution: str, *, has_arrived: bool, actor: audit.Actor, now: datetime
) -> None:
    """Carry out what a person found out: the bank has the file, or it is approved and sent anew.

    Raises: NotUnknown; NeedsResolution and AlreadyClosed as `cases.close`.
    """
    with transaction.atomic(durable=True):
        case = Case.objects.select_for_update().get(pk=case_id)
        about = BankFile.objects.select_for_update().filter(
            pk=case.evidence.removeprefix("bankfile/"), state=FileState.SENDING
        )
        file = about.first() if case.kind == KIND else None
        if file is None:
            raise NotUnknown
        if has_arrived:
            about.update(state=FileState.SENT, sent_at=now)
            audit.record("bank file sent", case.evidence, actor=actor, now=now)
        else:
            exchange.ask_again(file)
        casework.close_within(case_id, resolution, actor=actor, now=now)
        audit.record(
            "transmission decided",
            case.evidence,
            actor=actor,
            now=now,
            after={"arrived": has_arrived},
        )
