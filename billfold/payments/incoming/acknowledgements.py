"""Applies the bank's acknowledgements to the files they are about: accepted, or rejected whole.

One that does not fit the state of the file changes nothing by itself: a case is opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from billfold.banking import connections
from billfold.banking.models import BankFile, FileState
from billfold.payments.cases import casework, masking, unresolved_files
from billfold.payments.cases.case_kinds import CaseKind
from billfold.payments.models import Instruction
from billfold.payments.outgoing import transmission, withdrawal
from billfold.platform import audit

_ACTOR: Final = audit.job("acknowledgement")
_UNANSWERED: Final = frozenset({FileState.RELEASED, FileState.SENDING, FileState.SENT})
"""States in which a file may be accepted."""


class NotAnAcknowledgement(Exception):
    """The bank's answer names no file of ours, or says neither yes nor no."""


@dataclass(frozen=True, slots=True)
class _Acknowledgement:
    """What the bank says about one file."""

    verdict: Literal["accepted", "rejected"]
    sha256: str
    reasons: Sequence[str]


def apply(plain: bytes, *, now: datetime) -> None:
    """Mark the file as accepted, or withdraw it if it was rejected. Repeated, it changes nothing.

    Needs an open transaction. Raises: NotAnAcknowledgement.
    """
    acknowledgement = _parse(plain)
    connections.block_cut_offs()
    file = BankFile.objects.select_for_update().filter(
        direction="out", sha256=acknowledgement.sha256
    )
    sent = file.first()
    if sent is None:
        raise NotAnAcknowledgement("it answers about a file we did not send")
    bank = sent.connection.odfi_routing_number
    reasons = [masking.masked(reason, bank=bank) for reason in acknowledgement.reasons]
    acknowledgement = replace(acknowledgement, reasons=reasons)
    if sent.state == acknowledgement.verdict:
        return
    if acknowledgement.verdict == "accepted" and _bank_may_have(sent):
        _accept(sent, now)
    elif acknowledgement.verdict == "rejected" and sent.state in {
        FileState.SENDING,
        FileState.SENT,
    }:
        _reject(sent, acknowledgement, now)
    else:
        _open_case(sent, acknowledgement, now)


def _bank_may_have(sent: BankFile) -> bool:
    """Tell whether the bank can have the file. It can also where a person decided, wrongly, that it
    never arrived: then it waits for its second release.
    """
    was_declared_missing = sent.state == FileState.BUILT and sent.release_round > 1
    return sent.state in _UNANSWERED or was_declared_missing


def _accept(sent: BankFile, now: datetime) -> None:
    before = sent.state
    if before == FileState.BUILT:  # What went out is what was released the time before.
        sent.release_round -= 1
        sent.released_at = sent.counting_approvals().latest("at").at
    sent.state, sent.answered_at, sent.sent_at = FileState.ACCEPTED, now, sent.sent_at or now
    released = ["release_round", "released_at"]
    sent.save(update_fields=["state", "answered_at", "sent_at", *released])
    subject = f"bankfile/{sent.id}"
    casework.close_by_evidence(
        subject, transmission.KINDS, "The bank took it", actor=_ACTOR, now=now
    )
    audit.record(
        "bank file accepted",
        subject,
        actor=_ACTOR,
        now=now,
        before={"state": before},
        after={"state": sent.state},
    )


def _reject(sent: BankFile, acknowledgement: _Acknowledgement, now: datetime) -> None:
    why = "; ".join(acknowledgement.reasons)
    try:
        withdrawal.withdraw(sent.pk, why=why, actor=_ACTOR, now=now)
    except withdrawal.NotWithdrawable:
        _open_case(sent, acknowledgement, now)
        return
    BankFile.objects.filter(pk=sent.pk).update(problems=list(acknowledgement.reasons))
    casework.open_cases(
        [
            casework.NewCase(
                key=f"rejected/{sent.id}",
                kind=CaseKind.REJECTED_FILE,
                title=f"The bank refused {sent.name}: {why}",
                evidence=f"bankfile/{sent.id}",
                facts={"reasons": list(acknowledgement.reasons)},
            )
        ],
        now=now,
    )


def _open_case(sent: BankFile, acknowledgement: _Acknowledgement, now: datetime) -> None:
    """Open a case about an acknowledgement that does not fit the state of its file."""
    facts: dict[str, object] = {"reasons": list(acknowledgement.reasons)}
    title = f"The bank says {acknowledgement.verdict} of {sent.name}, which is {sent.state} here"
    later_files = _later_files(sent)
    if acknowledgement.verdict == "accepted" and later_files:
        title += f": its payments are asked for again in {', '.join(later_files)}"
        facts["files"] = later_files
    elif acknowledgement.verdict == "accepted" and sent.state in {
        FileState.VOID,
        FileState.REJECTED,
    }:
        title += ": its payments go into no file before this is settled"
    casework.open_cases(
        [
            casework.NewCase(
                key=f"answer/{sent.id}/{acknowledgement.verdict}",
                kind=unresolved_files.KIND,
                title=title,
                evidence=f"bankfile/{sent.id}",
                facts=facts,
            )
        ],
        now=now,
    )


def _later_files(sent: BankFile) -> list[str]:
    """List the later files that debit again what a withdrawn file was to debit."""
    debits = Instruction.objects.filter(kind="payment")
    payments = debits.filter(file=sent, is_live=False).values("payment")
    later = debits.filter(payment__in=payments, is_live=True).exclude(file=sent)
    return sorted(set(later.values_list("file__name", flat=True)))


def _parse(plain: bytes) -> _Acknowledgement:
    pairs = [line.partition(":")[::2] for line in plain.decode("utf-8", "replace").splitlines()]
    values = {name.strip(): value.strip() for name, value in pairs}
    reasons = [value.strip() for name, value in pairs if name.strip() == "reason"]
    match values.get("status"), values.get("sha256", ""):
        case ("accepted" | "rejected") as verdict, sha256 if sha256:
            return _Acknowledgement(verdict, sha256, reasons)
        case _:
            raise NotAnAcknowledgement("it says neither accepted nor rejected of a sha256")
