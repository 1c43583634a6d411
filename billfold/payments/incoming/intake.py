"""What the bank sent is read here, once, after it was stored: evidence in, facts out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from billfold.banking import connections, exchange, statement_days, statements
from billfold.banking.models import BankFile, FileState
from billfold.formats.problems import Unreadable
from billfold.money import Money
from billfold.payments.cases import casework
from billfold.payments.funnel import recording
from billfold.payments.incoming import acknowledgements, likely_payments, prenote_answers, receipts
from billfold.payments.models import Case, Instruction
from billfold.platform import audit, retries, sealing
from billfold.platform.faults import fault
from billfold.rails import ach
from billfold.rails.protocol import AnyEvent, Corrected, Document, Noticed, Returned

log = logging.getLogger("billfold.intake")


UNREADABLE: Final = "file could not be read"
STUMBLED: Final = "file could not be taken in"
_KINDS: Final = (UNREADABLE, STUMBLED)


class NotRecognised(Exception):
    """The file is none of the kinds this bank sends."""


_REFUSALS = (
    Unreadable,
    statement_days.WaitsForAPerson,
    statements.OtherAccount,
    statements.OtherCurrency,
    statements.SaidOtherwise,
    statements.DoesNotAddUp,
    acknowledgements.NotAnAcknowledgement,
    NotRecognised,
)


def read_received(*, now: datetime) -> list[BankFile]:
    """Read every stored document that nobody read yet, each in a transaction of its own.

    One that cannot be taken in is put aside with a case, and the next one is read.
    """
    waiting = BankFile.objects.filter(direction="in", state=FileState.RECEIVED)
    return [
        _take_in(file_id, now)
        for file_id in waiting.order_by("made_at", "id").values_list("id", flat=True)
    ]


def _take_in(file_id: UUID, now: datetime) -> BankFile:
    fault("read_begun")
    lost = retries.UNDONE | retries.EXISTS
    try:
        file = retries.whole(lambda: _read_once(file_id, now), after=lost)
    except _REFUSALS as refused:
        file = _refuse(file_id, refused, now)
    except Exception as refused:
        if retries.passes(refused) or isinstance(refused, sealing.KeysMissing):
            raise  # Nothing is wrong with the document: it is read when that is over.
        log.exception("bank file %s could not be taken in", file_id)
        file = _put_aside(file_id, refused, now)
    fault("read_committed")
    return file


def _read_once(file_id: UUID, now: datetime) -> BankFile:
    with transaction.atomic(durable=True):
        file = BankFile.objects.select_for_update().get(pk=file_id)
        if file.state == FileState.RECEIVED:
            _read(file, now)
            _mark(file, FileState.READ)
            casework.close_about(
                f"bankfile/{file.id}", _KINDS, "It was read", actor=audit.job("read"), now=now
            )
        fault("read_inside")
    return file


def _read(file: BankFile, now: datetime) -> None:
    plain = exchange.content(file)
    match file.kind:
        case "statement":
            statements.keep(file, plain)
        case "returns":
            _returns(file, plain, now)
        case "acknowledgement":
            acknowledgements.follow(plain, now=now)
        case "lockbox" | "wires" | "remittance":
            receipts.take_in(file, plain, now=now)
        case _:
            raise NotRecognised


def _mark(file: BankFile, state: FileState) -> None:
    file.state = state
    counted = ["entry_count", "debit_minor", "credit_minor"]
    file.save(update_fields=["state", "problems", "answered_at", *counted])


def _refuse(file_id: UUID, refused: Exception, now: datetime) -> BankFile:
    """Keep the bytes, name every problem, and ask a person. The file was taken in not at all."""
    problems = (
        [str(problem) for problem in refused.problems]
        if isinstance(refused, Unreadable)
        else [" ".join(filter(None, [type(refused).__doc__, f"({refused})" * bool(str(refused))]))]
    )
    return _mark_refused(file_id, UNREADABLE, problems, now)


def _put_aside(file_id: UUID, refused: Exception, now: datetime) -> BankFile:
    """Ask a person about a file our own code stumbled over; its words may hold account numbers."""
    problems = [f"it could not be taken in ({type(refused).__name__})"]
    return _mark_refused(file_id, STUMBLED, problems, now)


def _mark_refused(file_id: UUID, kind: str, problems: Sequence[str], now: datetime) -> BankFile:
    with transaction.atomic(durable=True):
        file = BankFile.objects.select_for_update().get(pk=file_id)
        if file.state != FileState.RECEIVED:
            return file
        file.problems = problems[:200]
        _mark(file, FileState.REFUSED)
        evidence = f"bankfile/{file.id}"
        earlier = Case.objects.filter(evidence=evidence, kind__in=_KINDS)
        if earlier.filter(closed_at=None).exists():
            return file
        casework.open_new(
            [
                casework.NewCase(
                    key=f"unreadable/{file.id}/{earlier.count()}",
                    kind=kind,
                    title=f"{file.name}: {problems[0]}",
                    evidence=evidence,
                    facts={"problems": problems[:20]},
                )
            ],
            now=now,
        )
    return file


def _returns(file: BankFile, plain: bytes, now: datetime) -> None:
    """Resolve each return through the instruction whose trace it names; park what does not fit."""
    connections.hold_cut_offs()
    evidence = f"bankfile/{file.id}"
    events = list(ach.read(Document(file.name, plain)))
    known = {
        instruction.trace: instruction
        for instruction in Instruction.objects.filter(
            trace__in=[event.subject for event in events]
        ).select_related("payment__method")
    }
    likely = likely_payments.of_returns(event for event in events if event.subject not in known)
    recordable: list[AnyEvent] = []
    strange: list[casework.NewCase] = []
    of_prenotes: list[prenote_answers.Answer] = []
    for event in events:
        misfit = _misfit(event, known.get(event.subject))
        if misfit:
            strange.append(_parked(event, misfit, evidence, known.get(event.subject), likely))
        elif isinstance(event, Returned | Corrected) and known[event.subject].kind == "prenote":
            of_prenotes.append(prenote_answers.Answer(known[event.subject], event))
        else:
            reference = known[event.subject].payment.reference
            recordable.append(replace(event, subject=reference, evidence=evidence))
    recording.record(recordable, now=now)
    prenote_answers.follow(of_prenotes, evidence, now=now)
    casework.open_new(strange, now=now)
    file.entry_count = len(events)
    file.debit_minor = sum(event.amount.minor for event in events if isinstance(event, Returned))


def _misfit(event: AnyEvent, instruction: Instruction | None) -> str:
    """Say why a person must look at an event; nothing if it fits what we sent."""
    if isinstance(event, Noticed):
        return f"{event.kind} {event.code}"
    if instruction is None:
        return "the trace number is none of ours"
    if not instruction.is_live:
        return "its file was taken back, so nothing should have come of it"
    if isinstance(event, Returned) and event.amount.minor != instruction.amount_minor:
        return "another amount than we sent"
    if isinstance(event, Returned | Corrected) and event.rdfi != instruction.rdfi:
        return "another bank than we sent to"
    return ""


def _parked(
    event: AnyEvent,
    misfit: str,
    evidence: str,
    instruction: Instruction | None,
    likely: likely_payments.Suspects,
) -> casework.NewCase:
    """Ask about an event: beside the payment it names, or those it may mean."""
    code = getattr(event, "code", "")
    amount = getattr(event, "amount", None)
    words = code if isinstance(event, Noticed) else casework.event_words(event)
    facts: dict[str, object] = {
        "trace": event.subject,
        "code": code,
        "amount": amount.shown() if amount else "",
        "on": event.on.isoformat(),
    }
    if instruction:
        facts["sent"] = Money(instruction.amount_minor, instruction.currency).shown()
    elif isinstance(event, Returned):
        facts["likely"] = likely.get((event.amount.minor, event.rdfi), [])
    return casework.NewCase(
        key=f"parked/{event.subject}/{event.key}/{amount}",
        kind="return that does not fit",
        title=f"{words} for trace {event.subject}: {misfit}",
        evidence=evidence,
        payment_id=instruction.payment_id if instruction else None,
        facts=facts,
    )
