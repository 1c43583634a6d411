"""What the bank sent is read here, once, after it was stored: evidence in, facts out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db import transaction

from billfold.banking import exchange, statements
from billfold.banking.models import BankFile, FileState
from billfold.formats.problems import Unreadable
from billfold.payments import cases, cutoff, recording
from billfold.payments.models import Instruction
from billfold.platform import audit
from billfold.platform.faults import fault
from billfold.rails import ach, ach_codes
from billfold.rails.protocol import AnyEvent, Corrected, Document, Noticed, Returned


class NotAnAcknowledgement(Exception):
    """The bank's answer names no file of ours, or says neither yes nor no."""


_REFUSALS = (
    Unreadable,
    statements.WaitsForAPerson,
    statements.OtherAccount,
    statements.OtherCurrency,
    statements.SaidOtherwise,
    NotAnAcknowledgement,
)


def read_received(*, now: datetime) -> list[BankFile]:
    """Read every stored document that nobody read yet, each in a transaction of its own."""
    waiting = BankFile.objects.filter(direction="in", state=FileState.RECEIVED)
    done = []
    for file_id in waiting.order_by("made_at", "id").values_list("id", flat=True):
        fault("read_begun")
        try:
            with transaction.atomic(durable=True):
                file = BankFile.objects.select_for_update().get(pk=file_id)
                if file.state != FileState.RECEIVED:
                    continue
                _read(file, now)
                _mark(file, FileState.READ)
                fault("read_inside")
        except _REFUSALS as refused:
            file = _refuse(file_id, refused, now)
        fault("read_committed")
        done.append(file)
    return done


def _read(file: BankFile, now: datetime) -> None:
    plain = exchange.content(file)
    match file.kind:
        case "statement":
            statements.keep(file, plain)
        case "returns":
            _returns(file, plain, now)
        case "acknowledgement":
            _acknowledgement(file, plain, now)
        case _:
            raise NotAnAcknowledgement("the file is none of the kinds this bank sends")


def _mark(file: BankFile, state: FileState) -> None:
    file.state = state
    file.save(update_fields=["state", "problems", "entry_count", "debit_minor", "answered_at"])


def _refuse(file_id: UUID, refused: Exception, now: datetime) -> BankFile:
    """Keep the bytes, name every problem, and ask a person. The file was taken in not at all."""
    with transaction.atomic(durable=True):
        file = BankFile.objects.select_for_update().get(pk=file_id)
        problems = (
            [str(problem) for problem in refused.problems]
            if isinstance(refused, Unreadable)
            else [f"{type(refused).__doc__} ({refused})"]
        )
        file.problems = problems[:200]
        _mark(file, FileState.REFUSED)
        cases.open_new(
            [
                cases.NewCase(
                    key=f"unreadable/{file.id}",
                    kind="file could not be read",
                    title=f"{file.name}: {problems[0]}",
                    evidence=f"bankfile/{file.id}",
                    facts={"problems": problems[:20]},
                )
            ],
            now=now,
        )
    return file


def _returns(file: BankFile, plain: bytes, now: datetime) -> None:
    """Resolve each return through the instruction whose trace it names; park what does not fit."""
    evidence = f"bankfile/{file.id}"
    events = list(ach.read(Document(file.name, plain)))
    known = {
        instruction.trace: instruction
        for instruction in Instruction.objects.filter(
            trace__in=[event.subject for event in events]
        ).select_related("payment")
    }
    recordable: list[AnyEvent] = []
    strange: list[cases.NewCase] = []
    for event in events:
        misfit = _misfit(event, known.get(event.subject))
        if misfit:
            strange.append(_parked(event, misfit, evidence))
        else:
            reference = known[event.subject].payment.reference
            recordable.append(replace(event, subject=reference, evidence=evidence))
    recording.record(recordable, now=now)
    cases.open_new(strange, now=now)
    file.entry_count = len(events)
    file.debit_minor = sum(event.amount.minor for event in events if isinstance(event, Returned))


def _misfit(event: AnyEvent, instruction: Instruction | None) -> str:
    """Say why a person must look at an event; nothing if it fits what we sent."""
    if isinstance(event, Noticed):
        return f"{event.kind} {event.code}"
    if instruction is None:
        return "the trace number is none of ours"
    if isinstance(event, Returned):
        if event.amount.minor != instruction.amount_minor:
            return "another amount than we sent"
        if event.rdfi != instruction.rdfi:
            return "another bank than we sent to"
    if isinstance(event, Corrected) and event.rdfi != instruction.rdfi:
        return "another bank than we sent to"
    return ""


def _words(event: AnyEvent, code: str) -> str:
    """Say what came in words before its code."""
    if isinstance(event, Returned):
        return f"{ach_codes.return_code(code).label} ({code})"
    if isinstance(event, Corrected):
        return f"{ach_codes.change_code(code).label} ({code})"
    return code


def _parked(event: AnyEvent, misfit: str, evidence: str) -> cases.NewCase:
    code = getattr(event, "code", "")
    amount = getattr(event, "amount", None)
    return cases.NewCase(
        key=f"parked/{event.subject}/{event.key}/{amount}",
        kind="return that does not fit",
        title=f"{_words(event, code)} for trace {event.subject}: {misfit}",
        evidence=evidence,
        facts={
            "trace": event.subject,
            "code": code,
            "amount": amount.shown() if amount else "",
            "on": event.on.isoformat(),
        },
    )


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a bank's acknowledgement says of one file."""

    verdict: str
    sha256: str
    reasons: Sequence[str]


def _acknowledgement(file: BankFile, plain: bytes, now: datetime) -> None:
    """Mark the file the bank answers about; a file refused whole is withdrawn."""
    answer = _answer(plain)
    sent = BankFile.objects.filter(direction="out", sha256=answer.sha256).first()
    if sent is None:
        raise NotAnAcknowledgement("it answers about a file we did not send")
    if sent.state in {FileState.ACCEPTED, FileState.REJECTED}:
        return
    if answer.verdict == "accepted":
        BankFile.objects.filter(pk=sent.pk, state__in=[FileState.SENDING, FileState.SENT]).update(
            state=FileState.ACCEPTED, answered_at=now, sent_at=sent.sent_at or now
        )
        return
    BankFile.objects.filter(pk=sent.pk).update(problems=list(answer.reasons))
    cutoff.withdraw(
        sent.pk, why="; ".join(answer.reasons), actor=audit.job("acknowledgement"), now=now
    )
    cases.open_new(
        [
            cases.NewCase(
                key=f"rejected/{sent.id}",
                kind="file rejected",
                title=f"The bank refused {sent.name}: {'; '.join(answer.reasons)}",
                evidence=f"bankfile/{sent.id}",
                facts={"reasons": list(answer.reasons)},
            )
        ],
        now=now,
    )


def _answer(plain: bytes) -> _Answer:
    pairs = [line.partition(":")[::2] for line in plain.decode("utf-8", "replace").splitlines()]
    said = {name.strip(): value.strip() for name, value in pairs}
    if said.get("status") not in {"accepted", "rejected"} or not said.get("sha256"):
        raise NotAnAcknowledgement("it says neither accepted nor rejected of a sha256")
    reasons = [value.strip() for name, value in pairs if name.strip() == "reason"]
    return _Answer(said["status"], said["sha256"], reasons)
