"""Matches bank lines with what we sent: an exact match settles it, anything else opens a case."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet, Sum

from billfold.bankdays import EASTERN
from billfold.banking.models import BankFile, BankLine, FileState
from billfold.money import Money
from billfold.payments.cases import casework
from billfold.payments.cases.case_kinds import CaseKind
from billfold.payments.funnel import recording
from billfold.payments.models import Instruction, Payment, PaymentEvent
from billfold.payments.rules.lifecycle import State
from billfold.platform import audit
from billfold.platform.faults import fault
from billfold.rails.protocol import AnyEvent, Settled, TakenBack

KIND: Final = CaseKind.BANK_LINE
ACH_CREDITS: Final = frozenset({"142", "165", "166", "167", "168"})
"""Lines that may be the total of our debit file. Source: BAI2 type codes."""
RETURN_DEBITS: Final = frozenset({"468", "556", "557", "558"})
"""Lines by which the bank takes returned money. Source: BAI2 type codes."""
DEBITED: Final = (State.IN_TRANSIT, State.SETTLED, State.RETURNED)
"""States of a payment that the bank may take back: it was asked for the money."""
SETTLES_WITHIN: Final = timedelta(days=10)
"""How late a bank may credit a file and still be understood without a person."""
_TRACE: Final = re.compile(r"(?<!\d)\d{15}(?!\d)")


@dataclass(frozen=True, slots=True)
class LineMatch:
    """The events that explain a bank line, or why it cannot be matched."""

    events: Sequence[AnyEvent] = ()
    why_not: str = ""
    facts: dict[str, object] | None = None
    payment_id: UUID | None = None
    """The one payment it names, if it does."""
    how: str = "Explained by what the bank sent later"


class _DoesNotFit(Exception):
    """The events that would explain a line do not fit the state of their payments."""


def reconcile(*, now: datetime) -> int:
    """Match bank lines, oldest first, each in a transaction of its own; give how many matched."""
    waiting = BankLine.objects.filter(explained_at=None).order_by("as_of", "line", "id")
    explained = 0
    for line_id in waiting.values_list("id", flat=True):
        fault("reconcile_begun")
        with transaction.atomic(durable=True):
            line = BankLine.objects.select_for_update().get(pk=line_id)
            if line.explained_at is None and _explain(line, now):
                explained += 1
            fault("reconcile_inside")
        fault("reconcile_committed")
    return explained


def _explain(line: BankLine, now: datetime) -> bool:
    match = _match_credit(line) if line.is_credit else _match_debit(line)
    if match.events and not _is_recorded(match.events, now):
        why_not = "what it seems to be does not fit its payments"
        match = LineMatch(
            why_not=why_not, facts={"payments": [e.subject for e in match.events[:10]]}
        )
    if not match.events:
        _open_case(line, match, now)
        return False
    BankLine.objects.filter(pk=line.pk).update(explained_at=now)
    actor = audit.job("reconciliation")
    casework.close_by_key(_case_key(line), match.how, actor=actor, now=now)
    return True


def _is_recorded(events: Sequence[AnyEvent], now: datetime) -> bool:
    """Record the events that explain a line, if every one takes effect; otherwise none."""
    try:
        with transaction.atomic():
            if recording.record(events, now=now) != recording.Recorded(len(events), 0, 0):
                raise _DoesNotFit
    except _DoesNotFit:
        return False
    return True


def _case_key(line: BankLine) -> str:
    return f"bankline/{line.id}"


def _open_case(line: BankLine, match: LineMatch, now: datetime) -> None:
    amount = Money(line.amount_minor, line.currency)
    direction = "in" if line.is_credit else "out"
    casework.open_cases(
        [
            casework.NewCase(
                key=_case_key(line),
                kind=KIND,
                title=f"{amount.formatted()} {direction} on {line.as_of:%b %d}: {match.why_not}",
                evidence=line.evidence,
                payment_id=match.payment_id,
                facts={"type": line.type_code, **(match.facts or {})},
            )
        ],
        now=now,
    )


def _match_credit(line: BankLine) -> LineMatch:
    """Match a credit with the one file whose total it is, else with that less its returns.

    A file's total less every return read so far is exact too, whatever the bank agreed to; where
    gross was agreed, no other file may come into question.
    """
    if line.type_code not in ACH_CREDITS:
        return LineMatch(why_not="money nobody was asked for")
    files = _unsettled_files(line)
    named = [file for file in files if _text_names_file(line, file)]
    candidates = named or files
    exact = [file for file in candidates if file.debit_minor == line.amount_minor]
    if len(exact) == 1:
        return LineMatch(_settled_events(line, exact[0]))
    if len(exact) > 1:
        return LineMatch(why_not="several files have this total", facts=_file_names(exact))
    net = [match for file in candidates if (match := _net_of_returns(line, file))]
    if len(net) == 1 and (len(candidates) == 1 or line.connection.settlement == "net"):
        return net[0]
    return _no_exact_file(line, candidates)


def _unsettled_files(line: BankLine) -> list[BankFile]:
    """Find the files that the line may settle: sent, due by then, not settled yet."""
    return [
        file
        for file in BankFile.objects.filter(
            connection=line.connection,
            direction="out",
            state__in=[FileState.SENDING, FileState.SENT, FileState.ACCEPTED],
            effective_date__lte=line.as_of,
            effective_date__gte=line.as_of - SETTLES_WITHIN,
            debit_minor__gt=0,
        )
        .select_related("connection")
        .order_by("effective_date", "modifier")
        if not _is_settled(file)
    ]


def _is_settled(file: BankFile) -> bool:
    return _payments_in(file).filter(_has("settled")).exists()


def _payments_in(file: BankFile) -> QuerySet[Payment]:
    """Select the payments that a file debits; a prenote debits nothing."""
    return Payment.objects.filter(
        instructions__file=file, instructions__is_live=True, instructions__kind="payment"
    )


def _has(kind: str) -> Exists:
    """Make the condition that an event of this kind took effect on a payment."""
    events = PaymentEvent.objects.filter(payment=OuterRef("pk"), kind=kind)
    return Exists(events.exclude(outcome="stray"))


def _text_names_file(line: BankLine, file: BankFile) -> bool:
    """Tell whether the text of the line names the file."""
    stem = file.name.removesuffix(".ach")
    words = line.text().split()
    return stem in words or file.name in words


def _file_names(files: Sequence[BankFile]) -> dict[str, object]:
    return {"files": [file.name for file in files]}


def _references(file: BankFile) -> list[str]:
    return list(
        Instruction.objects.filter(file=file, is_live=True, kind="payment")
        .order_by("trace")
        .values_list("payment__reference", flat=True)
    )


def _settled_events(line: BankLine, file: BankFile) -> list[AnyEvent]:
    return [
        Settled(reference, "settled", line.as_of, evidence=line.evidence)
        for reference in _references(file)
    ]


def _net_of_returns(line: BankLine, file: BankFile) -> LineMatch | None:
    """Match a file that is credited less the payments returned already; nothing if it is not."""
    returned = _payments_in(file).filter(state=State.RETURNED).exclude(_has("takenback"))
    less = returned.aggregate(sum=Sum("amount_minor"))["sum"] or 0
    if not less or file.debit_minor - less != line.amount_minor:
        return None
    taken = [
        TakenBack(payment.reference, "takenback", line.as_of, evidence=line.evidence)
        for payment in returned.order_by("id")
    ]
    how = f"It is {file.name} less the payments returned meanwhile, {Money(less).formatted()}"
    return LineMatch([*_settled_events(line, file), *taken], how=how)


def _no_exact_file(line: BankLine, files: Sequence[BankFile]) -> LineMatch:
    """Describe the difference to the nearest file, and the entries that would explain it."""
    if not files:
        return LineMatch(why_not="no file of ours has this total")
    file = min(files, key=lambda each: abs(each.debit_minor - line.amount_minor))
    difference = file.debit_minor - line.amount_minor
    likely = list(
        Instruction.objects.filter(file=file, is_live=True, amount_minor=abs(difference))
        .order_by("trace")
        .values_list("payment__reference", flat=True)[:10]
    )
    return LineMatch(
        why_not=f"differs from {file.name} by {Money(difference).formatted()}",
        facts={
            "file": file.name,
            "file_total": Money(file.debit_minor).formatted(),
            "difference": Money(difference).formatted(),
            "likely": likely,
        },
    )


def _match_debit(line: BankLine) -> LineMatch:
    """Match a debit with the one returned payment it takes back."""
    if line.type_code not in RETURN_DEBITS:
        return LineMatch(why_not="money taken that nobody here sent")
    traces = _TRACE.findall(line.text())
    candidates = Payment.objects.filter(
        amount_minor=line.amount_minor,
        currency=line.currency,
        created_at__lt=_end_of(line.as_of),
    ).exclude(_has("takenback"))
    if traces:
        traced = candidates.filter(
            state__in=DEBITED,
            instructions__is_live=True,
            instructions__kind="payment",
            instructions__trace__in=traces,
        )
        named = list(traced.distinct()[:2])
        return (
            _match_taken_back(line, named, candidates)
            if named
            else _unmatched_trace(traces, candidates)
        )
    return _match_taken_back(line, list(candidates.filter(state=State.RETURNED)[:2]), candidates)


def _end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), tzinfo=EASTERN)


def _unmatched_trace(traces: Sequence[str], candidates: QuerySet[Payment]) -> LineMatch:
    """Name the payment of a trace and what was sent for it, else those it may mean."""
    named = list(
        Instruction.objects.filter(trace__in=traces, kind="payment").order_by("-is_live")[:2]
    )
    one = named[0] if len(named) == 1 else None
    return LineMatch(
        why_not="its trace and amount fit no payment",
        facts={
            "traces": list(traces),
            **({"sent": Money(one.amount_minor, one.currency).formatted()} if one else {}),
            **({} if named else _likely_payments(candidates)),
        },
        payment_id=one.payment_id if one else None,
    )


def _likely_payments(candidates: QuerySet[Payment]) -> dict[str, object]:
    likely = candidates.filter(state__in=DEBITED).order_by("-created_at", "-id")
    return {"likely": list(likely.values_list("reference", flat=True)[:10])}


def _match_taken_back(
    line: BankLine, payments: Sequence[Payment], candidates: QuerySet[Payment]
) -> LineMatch:
    if len(payments) == 1:
        event = TakenBack(payments[0].reference, "takenback", line.as_of, evidence=line.evidence)
        return LineMatch([event])
    if payments:
        why_not = "several returned payments have this amount"
    else:
        why_not = "no returned payment has this amount"
    return LineMatch(why_not=why_not, facts=_likely_payments(candidates))
