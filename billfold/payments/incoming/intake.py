"""Reads stored bank files, each once, into statement lines, events and cases."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from billfold import bankdays, formats
from billfold.banking import connections, exchange, statement_days, statements
from billfold.banking.models import BankFile, FileState
from billfold.formats.problems import Unreadable
from billfold.money import Money
from billfold.payments.cases import casework, parked_items
from billfold.payments.cases.case_kinds import CaseKind
from billfold.payments.funnel import recording
from billfold.payments.incoming import (
    acknowledgements,
    likely_payments,
    prenote_returns,
    receipts,
    rejections,
    repeats,
    statement_intake,
)
from billfold.payments.models import Case, Instruction
from billfold.platform import audit, parking, retries
from billfold.platform.faults import fault
from billfold.rails import registry
from billfold.rails.protocol import (
    AnyEvent,
    BankDocument,
    Corrected,
    DocumentRefused,
    Noticed,
    Received,
    Rejected,
    Returned,
)

log = logging.getLogger("billfold.intake")
UNREADABLE: Final = CaseKind.UNREADABLE_FILE
HAS_WORK: Final = "EXISTS (SELECT FROM banking_bankfile WHERE state = 'received')"
"""Whether `read_received` has something to do: an SQL condition."""


_NOTICES: Final[Mapping[str, str]] = {
    "unclear": "it comes back, but does not say clearly why",
    "foreign": "it stands in a batch of another company",
    "unexpected": "the bank sent an entry that answers none of ours",
}
"""Kind of a notice -> why it fits nothing, where its name does not say it."""


class NotRecognised(Exception):
    """The file is none of the kinds this bank sends."""


REFUSALS: Final = (
    Unreadable,
    statement_days.NeedsReview,
    statements.UnknownAccount,
    statements.UnknownCurrency,
    statements.DayNotOver,
    statements.ContradictsItself,
    statements.DoesNotAddUp,
    acknowledgements.NotAnAcknowledgement,
    DocumentRefused,
    NotRecognised,
)
"""Why a document is refused: something is wrong with it, not with us."""


def read_received(*, now: datetime) -> list[BankFile]:
    """Read every stored document that was not read yet, each in a transaction of its own.

    One that cannot be read is refused with a case, and the next one is read. One with days past the
    banking calendar waits until that is extended. One at which our own code fails is read again
    later, and in the end parked.
    """
    is_waiting = Q(state=FileState.RECEIVED)
    # One that was read just before a crash is known to have failed still: no more is to be done.
    is_waiting |= Q(pk__in=parking.failed(parked_items.READ))
    waiting = BankFile.objects.filter(is_waiting, direction="in")
    ids = waiting.order_by("made_at", "id").values_list("id", flat=True)
    documents = [(str(file_id), file_id) for file_id in ids]
    return list(
        parking.attempt_each(
            parked_items.READ,
            documents,
            lambda file_id: _read_one(file_id, now),
            report=parked_items,
            now=now,
        )
    )


def _read_one(file_id: UUID, now: datetime) -> BankFile:
    fault("read_begun")
    try:
        file = _read_once(file_id, now)
    except REFUSALS as refused:
        file = _refuse(file_id, refused, now)
    except bankdays.UnknownYear as unknown:
        log.warning("bank file %s waits to be read: %s", file_id, unknown)
        raise parking.NotTried from unknown
    fault("read_committed")
    return file


@retries.retried(after=retries.UNDONE | retries.EXISTS)
def _read_once(file_id: UUID, now: datetime) -> BankFile:
    with transaction.atomic(durable=True):
        file = BankFile.objects.select_for_update().get(pk=file_id)
        if file.state == FileState.RECEIVED:
            _save_state(file, _read(file, now))
            casework.close_by_evidence(
                f"bankfile/{file.id}", [UNREADABLE], "It was read", actor=audit.job("read"), now=now
            )
        fault("read_inside")
    return file


def _read(file: BankFile, now: datetime) -> FileState:
    """Read a document by its kind; give the state it is in then."""
    document = exchange.unseal_document(file)
    match file.kind:
        case "statement":
            return statement_intake.take_in(file, document.content, now=now)
        case "acknowledgement":
            acknowledgements.apply(document.content, now=now)
        case "remittance":
            receipts.report_advice(file, document.content, now=now)
        case _:
            _read_events(file, document, now)
    return FileState.READ


def _read_events(file: BankFile, document: BankDocument, now: datetime) -> None:
    """Read a document by its rail; receipts are reported, what speaks of our entries is resolved.

    Raises: NotRecognised, and what the rail raises.
    """
    try:
        rail = registry.reader_of(file.kind)
    except registry.NoRail:
        raise NotRecognised(formats.sniff(document.content).reason) from None
    events = list(rail.read(document))
    file.entry_count = len(events)
    received = [event for event in events if isinstance(event, Received)]
    others = [event for event in events if not isinstance(event, Received)]
    if others:
        connections.block_cut_offs()
    is_repeat = repeats.note(file, map(_fact, events), now=now)
    receipts.report(file, received, noun=rail.receipts_noun, is_repeat=is_repeat, now=now)
    _resolve(file, others, now)


def _fact(event: AnyEvent) -> tuple[object, ...]:
    """Return what tells an event from others, whatever file it comes in."""
    return event.key, getattr(event, "amount", ""), getattr(event, "corrected", "")


def _save_state(file: BankFile, state: FileState) -> None:
    file.state = state
    counted = ["entry_count", "debit_minor", "credit_minor", "facts_fingerprint"]
    file.save(update_fields=["state", "problems", "answered_at", *counted])


def _refuse(file_id: UUID, refused: Exception, now: datetime) -> BankFile:
    """Refuse a file as a whole: its bytes stay, its problems are listed, a case is opened."""
    return _mark_refused(file_id, describe(refused), now)


def describe(refused: Exception) -> list[str]:
    """Put in words, problem by problem, why a document was refused."""
    if isinstance(refused, Unreadable):
        return [str(problem) for problem in refused.problems]
    facts = f"({refused})" * bool(str(refused))
    return [" ".join(filter(None, [type(refused).__doc__, facts]))]


def _mark_refused(file_id: UUID, problems: Sequence[str], now: datetime) -> BankFile:
    with transaction.atomic(durable=True):
        file = BankFile.objects.select_for_update().get(pk=file_id)
        if file.state != FileState.RECEIVED:
            return file
        file.problems = problems[:200]
        _save_state(file, FileState.REFUSED)
        evidence = f"bankfile/{file.id}"
        earlier = Case.objects.filter(evidence=evidence, kind=UNREADABLE)
        if earlier.filter(closed_at=None).exists():
            return file
        casework.open_cases(
            [
                casework.NewCase(
                    key=f"unreadable/{file.id}/{earlier.count()}",
                    kind=UNREADABLE,
                    title=f"{file.name}: {problems[0]}",
                    evidence=evidence,
                    facts={"problems": problems[:20]},
                )
            ],
            now=now,
        )
    return file


def _resolve(file: BankFile, events: Sequence[AnyEvent], now: datetime) -> None:
    """Resolve each event through the instruction of its trace; open cases for misfits."""
    evidence = f"bankfile/{file.id}"
    instructions = {
        instruction.trace: instruction
        for instruction in Instruction.objects.filter(
            trace__in=[event.subject for event in events]
        ).select_related("payment__method")
    }
    likely = likely_payments.find_by_amount(
        {
            (event.amount.minor, event.rdfi)
            for event in events
            if isinstance(event, Returned | Noticed) and event.subject not in instructions
        }
    )
    rejected = rejections.identify([event for event in events if isinstance(event, Rejected)])
    misfits = [*rejections.new_cases(rejected, evidence)]
    events_to_record: list[AnyEvent] = []
    prenote_events = [
        prenote_returns.PrenoteReturn(each.instruction, each.event)
        for each in rejected
        if each.instruction and each.instruction.kind == "prenote"
    ]
    for event in events:
        if isinstance(event, Rejected) or _asks_for_nothing(event):
            continue
        misfit = _misfit(event, instructions.get(event.subject))
        if misfit:
            misfits.append(
                _misfit_case(event, misfit, evidence, instructions.get(event.subject), likely)
            )
        elif (
            isinstance(event, Returned | Corrected)
            and instructions[event.subject].kind == "prenote"
        ):
            prenote_events.append(prenote_returns.PrenoteReturn(instructions[event.subject], event))
        else:
            reference = instructions[event.subject].payment.reference
            events_to_record.append(replace(event, subject=reference, evidence=evidence))
    recording.record(events_to_record, now=now)
    prenote_returns.apply(prenote_events, evidence, now=now)
    casework.open_cases(misfits, now=now)
    rejections.close_answered(events_to_record, now=now)
    file.debit_minor = sum(event.amount.minor for event in events if isinstance(event, Returned))


def _asks_for_nothing(event: AnyEvent) -> bool:
    return isinstance(event, Noticed) and event.kind == "acknowledged"


def _misfit(event: AnyEvent, instruction: Instruction | None) -> str:
    """Say why an event does not fit what we sent; nothing if it does."""
    if isinstance(event, Noticed):
        return _NOTICES.get(event.kind, f"{event.kind} {event.code}")
    if instruction is None:
        return "the trace number is none of ours"
    if not instruction.is_live:
        return "its file was taken back, so nothing should have come of it"
    if isinstance(event, Returned) and event.amount.minor != instruction.amount_minor:
        return "another amount than we sent"
    if isinstance(event, Returned | Corrected) and event.rdfi != instruction.rdfi:
        return "another bank than we sent to"
    return ""


def _misfit_case(
    event: AnyEvent,
    misfit: str,
    evidence: str,
    instruction: Instruction | None,
    likely: likely_payments.LikelyPayments,
) -> casework.NewCase:
    """Make the case of a misfit, with the payment it names or those it may mean."""
    code = getattr(event, "code", "")
    amount = getattr(event, "amount", None)
    is_return = isinstance(event, Returned) or (
        isinstance(event, Noticed) and event.kind in {"unclear", "foreign"} and bool(event.amount)
    )
    words = code if isinstance(event, Noticed) else casework.event_label(event)
    facts: dict[str, object] = {
        "trace": event.subject,
        "code": code,
        "amount": amount.formatted() if amount else "",
        "on": event.on.isoformat(),
    }
    if instruction:
        facts["sent"] = Money(instruction.amount_minor, instruction.currency).formatted()
    elif is_return and isinstance(event, Returned | Noticed):
        facts["likely"] = likely.get((event.amount.minor, event.rdfi), [])
    return casework.NewCase(
        key=f"parked/{event.subject}/{event.key}/{amount}",
        kind=CaseKind.UNFIT_RETURN if is_return else CaseKind.UNFIT_NOTICE,
        title=f"{words} for trace {event.subject}: {misfit}",
        evidence=evidence,
        payment_id=instruction.payment_id if instruction else None,
        facts=facts,
    )
