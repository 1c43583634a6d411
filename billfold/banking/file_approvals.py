"""Approvals: who releases a file to the bank, and whether their word still counts.

A file leaves after two people, or one where the biller says so, approved exactly its bytes, or by
itself up to the biller's limit. What they said is judged again when the file is sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction

from billfold.bankdays import EASTERN
from billfold.banking.models import BankFile, FileApproval, FileState
from billfold.people import rights
from billfold.platform import audit, brake, retries
from billfold.platform.faults import fault
from billfold.platform.ids import new_id
from billfold.platform.models import AuditEntry

APPROVALS_NEEDED: Final = 2
RELEASED: Final = "bank file released"
WITHDRAWN: Final = "bank file withdrawn"
"""Acts that decide on a file, as the audit trail names them."""
_UNDER_LIMIT: Final = audit.job("release under the biller's limit")


class OtherBytes(Exception):
    """The approval names another hash than the file's: the person saw other bytes."""


class ApprovedAlready(Exception):
    """This person has approved the file already, and nobody approves twice."""


class NotWaiting(Exception):
    """The file does not wait for its release: `decision` tells who decided before."""

    def __init__(self, decision: AuditEntry | None) -> None:
        super().__init__()
        self.decision = decision


class EffectiveDatePassed(Exception):
    """The file's effective date can no longer be met: it must be taken back and made anew."""


@retries.retried()
def approve(file_id: UUID, sha256: str, *, actor: audit.Actor, now: datetime) -> BankFile:
    """Approve exactly these bytes; the second person's approval releases the file.

    Who approved before and is no treasurer any more does not count.
    Raises: brake.Braked, NotWaiting, OtherBytes, rights.NotATreasurer, ApprovedAlready,
    EffectiveDatePassed.
    """
    fault("approve_begun")
    with transaction.atomic(durable=True):
        brake.require_off()
        file = (
            BankFile.objects.select_for_update(of=["self"])
            .select_related("connection")
            .get(pk=file_id, direction="out")
        )
        if file.state != FileState.BUILT:
            raise NotWaiting(last_decision(file))
        if sha256 != file.sha256:
            raise OtherBytes
        if is_too_late(file, now):
            raise EffectiveDatePassed
        if not _may_approve([actor.id]):
            raise rights.NotATreasurer
        has_approved = file.counting_approvals().filter(actor_id=actor.id).exists()
        if not has_approved:
            _add_approval(file, actor, now)
        if len(list_in_force(file)) >= count_needed(file):
            _release(file, actor, now)
        elif has_approved:
            raise ApprovedAlready
        fault("approve_inside")
    fault("approve_committed")
    return file


def count_needed(file: BankFile) -> int:
    """Count the people who must release a file. What may leave a second time needs two anywhere."""
    is_second_time = file.release_round > 1
    return APPROVALS_NEEDED if file.connection.two_people_release or is_second_time else 1


def list_in_force(file: BankFile) -> list[FileApproval]:
    """Return the approvals of these bytes, this round, by people who may release files now."""
    return keep_in_force(file.counting_approvals().filter(sha256=file.sha256).order_by("at", "id"))


def keep_in_force(approvals: Iterable[FileApproval]) -> list[FileApproval]:
    """Keep those of the approvals whose people may release files now."""
    approvals = list(approvals)
    approvers = _may_approve([approval.actor_id for approval in approvals])
    return [approval for approval in approvals if approval.actor_id in approvers]


def _may_approve(actor_ids: Sequence[str]) -> set[str]:
    """Return those of the actors who may release files now; a demo brings two of its own."""
    demo = {id for id in actor_ids if id.startswith("demo/") and not settings.IS_LIVE}
    return rights.active_treasurers(actor_ids) | demo


def may_leave(file: BankFile) -> bool:
    """Say whether the people, or the limit, that released a file would release it now."""
    if len(list_in_force(file)) >= count_needed(file):
        return True
    by_itself = file.counting_approvals().filter(actor_id=_UNDER_LIMIT.id).exists()
    return by_itself and _is_under_limit(file)


def _is_under_limit(file: BankFile) -> bool:
    return file.debit_minor + file.credit_minor <= file.connection.release_limit_minor


def last_decision(file: BankFile) -> AuditEntry | None:
    """Return who last released the file or took it back, as the audit trail has it."""
    return audit.last(f"bankfile/{file.id}", (RELEASED, WITHDRAWN))


def is_too_late(file: BankFile, now: datetime) -> bool:
    """Say whether a file can no longer settle on its effective date.

    A bank takes standard entries until the day before. Source: docs/bank-files.md#effective-date.
    """
    today = now.astimezone(EASTERN).date()
    return file.effective_date is not None and today >= file.effective_date


def release_under_limit(file: BankFile, *, now: datetime) -> None:
    """Release a file up to the biller's limit without people. Needs an open transaction."""
    if _is_under_limit(file):
        _add_approval(file, _UNDER_LIMIT, now)
        _release(file, _UNDER_LIMIT, now)


def _add_approval(file: BankFile, actor: audit.Actor, now: datetime) -> None:
    FileApproval.objects.create(
        id=new_id(),
        file=file,
        sha256=file.sha256,
        actor_id=actor.id,
        actor_name=actor.name,
        at=now,
        round=file.release_round,
    )
    audit.record(
        "bank file approved",
        f"bankfile/{file.id}",
        actor=actor,
        now=now,
        after={"sha256": file.sha256},
    )


def _release(file: BankFile, actor: audit.Actor, now: datetime) -> None:
    moved = BankFile.objects.filter(pk=file.pk, state=FileState.BUILT).update(
        state=FileState.RELEASED, released_at=now
    )
    if not moved:
        raise NotWaiting(last_decision(file))
    file.state = FileState.RELEASED
    audit.record(RELEASED, f"bankfile/{file.id}", actor=actor, now=now)


def require_new_approvals(file: BankFile) -> None:
    """Let a file that never arrived be approved anew. Needs an open transaction."""
    BankFile.objects.filter(pk=file.pk, state=FileState.SENDING).update(
        state=FileState.BUILT, released_at=None, release_round=file.release_round + 1
    )
