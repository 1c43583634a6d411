"""What the bank answers to a file we sent: it takes it, or refuses it whole.

An answer that does not fit what the file is by now changes nothing by itself: a person must look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from billfold.banking import connections
from billfold.banking.models import BankFile, FileState
from billfold.payments.cases import casework, masking, unresolved_files
from billfold.payments.models import Instruction
from billfold.payments.outgoing import cutoff, transmission
from billfold.platform import audit

_ACTOR: Final = audit.job("acknowledgement")
_UNANSWERED: Final = frozenset({FileState.RELEASED, FileState.SENDING, FileState.SENT})
"""States in which a yes may come."""


class NotAnAcknowledgement(Exception):
    """The bank's answer names no file of ours, or says neither yes nor no."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a bank's acknowledgement says of one file."""

    verdict: Literal["accepted", "rejected"]
    sha256: str
    reasons: Sequence[str]


def follow(plain: bytes, *, now: datetime) -> None:
    """Mark the file the bank answers about; one refused whole is withdrawn. Again: nothing.

    Needs an open transaction. Raises: NotAnAcknowledgement.
    """
    answer = _answer(plain)
    connections.hold_cut_offs()
    file = BankFile.objects.select_for_update().filter(direction="out", sha256=answer.sha256)
    sent = file.first()
    if sent is None:
        raise NotAnAcknowledgement("it answers about a file we did not send")
    bank = sent.connection.odfi_routing_number
    reasons = [masking.masked(reason, bank=bank) for reason in answer.reasons]
    answer = replace(answer, reasons=reasons)
    if sent.state == answer.verdict:
        return
    if answer.verdict == "accepted" and _may_be_there(sent):
        _accept(sent, now)
    elif answer.verdict == "rejected" and sent.state in {FileState.SENDING, FileState.SENT}:
        _reject(sent, answer, now)
    else:
        _ask(sent, answer, now)


def _may_be_there(sent: BankFile) -> bool:
    """Say whether the bank can have the file, if only because a person was told wrongly that it
    never arrived: then it waits for its second release.
    """
    is_found_missing = sent.state == FileState.BUILT and sent.release_round > 1
    return sent.state in _UNANSWERED or is_found_missing


def _accept(sent: BankFile, now: datetime) -> None:
    before = sent.state
    if before == FileState.BUILT:  # What went out is what was released the time before.
        sent.release_round -= 1
        sent.released_at = sent.counting_approvals().latest("at").at
    sent.state, sent.answered_at, sent.sent_at = FileState.ACCEPTED, now, sent.sent_at or now
    released = ["release_round", "released_at"]
    sent.save(update_fields=["state", "answered_at", "sent_at", *released])
    subject = f"bankfile/{sent.id}"
    casework.close_about(subject, transmission.KINDS, "The bank took it", actor=_ACTOR, now=now)
    audit.record(
        "bank file accepted",
        subject,
        actor=_ACTOR,
        now=now,
        before={"state": before},
        after={"state": sent.state},
    )


def _reject(sent: BankFile, answer: _Answer, now: datetime) -> None:
    why = "; ".join(answer.reasons)
    try:
        cutoff.withdraw(sent.pk, why=why, actor=_ACTOR, now=now)
    except cutoff.NotWithdrawable:
        _ask(sent, answer, now)
        return
    BankFile.objects.filter(pk=sent.pk).update(problems=list(answer.reasons))
    casework.open_new(
        [
            casework.NewCase(
                key=f"rejected/{sent.id}",
                kind="file rejected",
                title=f"The bank refused {sent.name}: {why}",
                evidence=f"bankfile/{sent.id}",
                facts={"reasons": list(answer.reasons)},
            )
        ],
        now=now,
    )


def _ask(sent: BankFile, answer: _Answer, now: datetime) -> None:
    """Ask what the bank did with a file of which it says what cannot follow."""
    facts: dict[str, object] = {"reasons": list(answer.reasons)}
    title = f"The bank says {answer.verdict} of {sent.name}, which is {sent.state} here"
    again = _files_again(sent)
    if answer.verdict == "accepted" and again:
        title += f": its payments are asked for again in {', '.join(again)}"
        facts["files"] = again
    elif answer.verdict == "accepted" and sent.state in {FileState.VOID, FileState.REJECTED}:
        title += ": its payments go into no file before this is settled"
    casework.open_new(
        [
            casework.NewCase(
                key=f"answer/{sent.id}/{answer.verdict}",
                kind=unresolved_files.KIND,
                title=title,
                evidence=f"bankfile/{sent.id}",
                facts=facts,
            )
        ],
        now=now,
    )


def _files_again(sent: BankFile) -> list[str]:
    """Name the files that ask again for what a withdrawn file asked for."""
    asked = Instruction.objects.filter(kind="payment")
    payments = asked.filter(file=sent, is_live=False).values("payment")
    later = asked.filter(payment__in=payments, is_live=True).exclude(file=sent)
    return sorted(set(later.values_list("file__name", flat=True)))


def _answer(plain: bytes) -> _Answer:
    pairs = [line.partition(":")[::2] for line in plain.decode("utf-8", "replace").splitlines()]
    said = {name.strip(): value.strip() for name, value in pairs}
    reasons = [value.strip() for name, value in pairs if name.strip() == "reason"]
    match said.get("status"), said.get("sha256", ""):
        case ("accepted" | "rejected") as verdict, sha256 if sha256:
            return _Answer(verdict, sha256, reasons)
        case _:
            raise NotAnAcknowledgement("it says neither accepted nor rejected of a sha256")
