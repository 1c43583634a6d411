"""Withdraws a file that was never processed; its payments wait for the next cut-off."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time
from uuid import UUID

from django.db import transaction

from billfold import bankdays
from billfold.banking import connections, file_approvals
from billfold.banking.models import BankFile, FileState
from billfold.payments.cases import casework, notes
from billfold.payments.funnel import recording
from billfold.payments.models import Instruction, Payment
from billfold.payments.outgoing import prenotes, transmission
from billfold.payments.reading import promised_days
from billfold.payments.rules.lifecycle import State
from billfold.platform import audit
from billfold.platform.models import AuditEntry
from billfold.rails.protocol import Withdrawn
from billfold.receivables.models import BillerProfile


class NotWithdrawable(Exception):
    """The file may have been processed, so it cannot be withdrawn.

    `decision` tells who decided on it before, if anybody did.
    """

    def __init__(self, decision: AuditEntry | None = None) -> None:
        super().__init__()
        self.decision = decision


class NeedsReason(Exception):
    """A file is withdrawn only with a text that says why."""


def withdraw(file_id: UUID, *, why: str, actor: audit.Actor, now: datetime) -> None:
    """Withdraw a file that was never processed: not sent yet, or rejected by the bank.

    Its payments wait for the next cut-off, and can be canceled until then. Needs an open
    transaction. Raises: NotWithdrawable.
    """
    owner_id = BankFile.objects.values_list("connection_id", flat=True).get(pk=file_id)
    day = connections.keep_day_open(owner_id)
    file = BankFile.objects.select_for_update().get(pk=file_id, direction="out")
    if file.state in {FileState.BUILT, FileState.RELEASED}:
        state = FileState.VOID
    elif file.state in {FileState.SENDING, FileState.SENT}:
        state = FileState.REJECTED
    else:
        raise NotWithdrawable
    instructions = Instruction.objects.filter(file=file, is_live=True, kind="payment")
    payments = Payment.objects.filter(pk__in=instructions.values("payment")).order_by("id")
    states = dict(payments.select_for_update(no_key=True).values_list("reference", "state"))
    references = list(states)
    if any(payment_state != State.IN_TRANSIT for payment_state in states.values()):
        raise NotWithdrawable
    if prenotes.is_answered(file):
        raise NotWithdrawable
    instructions.update(is_live=False)
    prenotes.withdraw(file, next_file_day=day.next_file_day(now), now=now)
    _move_to_next_cutoff(references, day.counting_from(now), day.cutoff_eastern)
    today = now.astimezone(bankdays.EASTERN).date()
    recording.record(
        [
            Withdrawn(reference, f"withdrawn/{file.id}", today, evidence=f"bankfile/{file.id}")
            for reference in references
        ],
        now=now,
    )
    file.state, file.answered_at = state, now
    file.save(update_fields=["state", "answered_at"])
    subject = f"bankfile/{file.id}"
    casework.close_by_evidence(
        subject, transmission.KINDS, "It was taken back", actor=actor, now=now
    )
    audit.record(
        file_approvals.WITHDRAWN,
        subject,
        actor=actor,
        now=now,
        after={"state": state, "why": why},
    )


def _move_to_next_cutoff(references: Sequence[str], counts_from: datetime, cutoff: time) -> None:
    """Move payments to the next cut-off, as if they were made now."""
    debit_days = BillerProfile.objects.values_list("debit_days", flat=True).get()
    collect_on = bankdays.file_day(counts_from, cutoff_eastern=cutoff)
    Payment.objects.filter(reference__in=references).update(
        collect_on=collect_on, reflected_by=promised_days.promise(debit_days)(collect_on)
    )


def withdraw_unsent(
    file_id: UUID, sha256: str, *, why: str, actor: audit.Actor, now: datetime
) -> None:
    """Withdraw exactly these bytes before they are sent, as a person decided.

    Raises: NeedsReason, OtherBytes, NotWithdrawable, notes.NamesAnAccount.
    """
    reason = why.strip()
    if not reason:
        raise NeedsReason
    notes.check(reason)
    with transaction.atomic(durable=True):
        connections.keep_day_open()
        file = BankFile.objects.select_for_update().get(pk=file_id, direction="out")
        if file.state not in {FileState.BUILT, FileState.RELEASED}:
            raise NotWithdrawable(file_approvals.last_decision(file))
        if sha256 != file.sha256:
            raise file_approvals.OtherBytes
        withdraw(file.pk, why=reason, actor=actor, now=now)
