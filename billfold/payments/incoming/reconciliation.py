"""Bank lines against what we sent: a line that fits exactly settles it, anything else is a case."""

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
from billfold.banking.models import BankFile, Deposit, FileState
from billfold.money import Money
from billfold.payments.cases import casework
from billfold.payments.funnel import recording
from billfold.payments.models import Instruction, Payment, PaymentEvent
from billfold.payments.rules.lifecycle import State
from billfold.platform.faults import fault
from billfold.rails.protocol import AnyEvent, Settled, TakenBack

KIND: Final = "bank line to explain"
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
class Match:
    """What a bank line is, or why nobody can tell."""

    events: Sequence[AnyEvent] = ()
    why_not: str = ""
    facts: dict[str, object] | None = None
    payment_id: UUID | None = None
    """The one payment it names, if it does."""
    how: str = "Explained by what the bank sent later"


class _DoesNotFit(Exception):
    """The bookings that would explain a line cannot be made."""


def reconcile(*, now: datetime) -> int:
    """Explain bank lines, oldest first, each in a transaction of its own; give how many were."""
    waiting = Deposit.objects.filter(explained_at=None).order_by("as_of", "line", "id")
    explained = 0
    for deposit_id in waiting.values_list("id", flat=True):
        fault("reconcile_begun")
        with transaction.atomic(durable=True):
            deposit = Deposit.objects.select_for_update().get(pk=deposit_id)
            if deposit.explained_at is None and _explain(deposit, now):
                explained += 1
            fault("reconcile_inside")
        fault("reconcile_committed")
    return explained


def _explain(deposit: Deposit, now: datetime) -> bool:
    match = _credit(deposit) if deposit.is_credit else _debit(deposit)
    if match.events and not _is_recorded(match.events, now):
        why_not = "what it seems to be does not fit its payments"
        match = Match(why_not=why_not, facts={"payments": [e.subject for e in match.events[:10]]})
    if not match.events:
        _open_case(deposit, match, now)
        return False
    Deposit.objects.filter(pk=deposit.pk).update(explained_at=now)
    casework.close_explained(_case_key(deposit), match.how, now=now)
    return True


def _is_recorded(events: Sequence[AnyEvent], now: datetime) -> bool:
    """Record what explains a line, if every event takes effect; otherwise nothing of it."""
    try:
        with transaction.atomic():
            if recording.record(events, now=now) != recording.Recorded(len(events), 0, 0):
                raise _DoesNotFit
    except _DoesNotFit:
        return False
    return True


def _case_key(deposit: Deposit) -> str:
    return f"deposit/{deposit.id}"


def _open_case(deposit: Deposit, match: Match, now: datetime) -> None:
    amount = Money(deposit.amount_minor, deposit.currency)
    direction = "in" if deposit.is_credit else "out"
    casework.open_new(
        [
            casework.NewCase(
                key=_case_key(deposit),
                kind=KIND,
                title=f"{amount.shown()} {direction} on {deposit.as_of:%b %d}: {match.why_not}",
                evidence=deposit.evidence,
                payment_id=match.payment_id,
                facts={"type": deposit.type_code, **(match.facts or {})},
            )
        ],
        now=now,
    )


def _credit(deposit: Deposit) -> Match:
    """Match a credit with the one file whose total it is, else with that less its returns.

    A file's total less every return read so far is exact too, whatever the bank agreed to; where
    gross was agreed, no other file may come into question.
    """
    if deposit.type_code not in ACH_CREDITS:
        return Match(why_not="money nobody was asked for")
    files = _unsettled_files(deposit)
    named = [file for file in files if _names(deposit, file)]
    candidates = named or files
    exact = [file for file in candidates if file.debit_minor == deposit.amount_minor]
    if len(exact) == 1:
        return Match(_settled(deposit, exact[0]))
    if len(exact) > 1:
        return Match(why_not="several files have this total", facts=_names_of(exact))
    net = [match for file in candidates if (match := _net_of_returns(deposit, file))]
    if len(net) == 1 and (len(candidates) == 1 or deposit.connection.settlement == "net"):
        return net[0]
    return _no_exact_file(deposit, candidates)


def _unsettled_files(deposit: Deposit) -> list[BankFile]:
    """Find files whose money may be in this line: sent, due by then, not settled yet."""
    return [
        file
        for file in BankFile.objects.filter(
            connection=deposit.connection,
            direction="out",
            state__in=[FileState.SENDING, FileState.SENT, FileState.ACCEPTED],
            effective_date__lte=deposit.as_of,
            effective_date__gte=deposit.as_of - SETTLES_WITHIN,
            debit_minor__gt=0,
        )
        .select_related("connection")
        .order_by("effective_date", "modifier")
        if not _is_settled(file)
    ]


def _is_settled(file: BankFile) -> bool:
    return _asked_in(file).filter(_has("settled")).exists()


def _asked_in(file: BankFile) -> QuerySet[Payment]:
    """Give the payments that a file asks for; of a prenote it asks for nothing."""
    return Payment.objects.filter(
        instructions__file=file, instructions__is_live=True, instructions__kind="payment"
    )


def _has(kind: str) -> Exists:
    """Say of a payment that an event of a kind took effect on it."""
    events = PaymentEvent.objects.filter(payment=OuterRef("pk"), kind=kind)
    return Exists(events.exclude(outcome="stray"))


def _names(deposit: Deposit, file: BankFile) -> bool:
    """Say whether the bank's own words name the file."""
    stem = file.name.removesuffix(".ach")
    words = deposit.text().split()
    return stem in words or file.name in words


def _names_of(files: Sequence[BankFile]) -> dict[str, object]:
    return {"files": [file.name for file in files]}


def _references(file: BankFile) -> list[str]:
    return list(
        Instruction.objects.filter(file=file, is_live=True, kind="payment")
        .order_by("trace")
        .values_list("payment__reference", flat=True)
    )


def _settled(deposit: Deposit, file: BankFile) -> list[AnyEvent]:
    return [
        Settled(reference, "settled", deposit.as_of, evidence=deposit.evidence)
        for reference in _references(file)
    ]


def _net_of_returns(deposit: Deposit, file: BankFile) -> Match | None:
    """Settle a file credited less those of its payments that are returned already, if it is."""
    returned = _asked_in(file).filter(state=State.RETURNED).exclude(_has("takenback"))
    less = returned.aggregate(sum=Sum("amount_minor"))["sum"] or 0
    if not less or file.debit_minor - less != deposit.amount_minor:
        return None
    taken = [
        TakenBack(payment.reference, "takenback", deposit.as_of, evidence=deposit.evidence)
        for payment in returned.order_by("id")
    ]
    how = f"It is {file.name} less the payments returned meanwhile, {Money(less).shown()}"
    return Match([*_settled(deposit, file), *taken], how=how)


def _no_exact_file(deposit: Deposit, files: Sequence[BankFile]) -> Match:
    """Describe the difference and the entries that would explain it."""
    if not files:
        return Match(why_not="no file of ours has this total")
    file = min(files, key=lambda each: abs(each.debit_minor - deposit.amount_minor))
    difference = file.debit_minor - deposit.amount_minor
    likely = list(
        Instruction.objects.filter(file=file, is_live=True, amount_minor=abs(difference))
        .order_by("trace")
        .values_list("payment__reference", flat=True)[:10]
    )
    return Match(
        why_not=f"differs from {file.name} by {Money(difference).shown()}",
        facts={
            "file": file.name,
            "file_total": Money(file.debit_minor).shown(),
            "difference": Money(difference).shown(),
            "likely": likely,
        },
    )


def _debit(deposit: Deposit) -> Match:
    """Match a debit with the one returned payment it takes back."""
    if deposit.type_code not in RETURN_DEBITS:
        return Match(why_not="money taken that nobody here sent")
    traces = _TRACE.findall(deposit.text())
    candidates = Payment.objects.filter(
        amount_minor=deposit.amount_minor,
        currency=deposit.currency,
        created_at__lt=_end_of(deposit.as_of),
    ).exclude(_has("takenback"))
    if traces:
        asked = candidates.filter(
            state__in=DEBITED,
            instructions__is_live=True,
            instructions__kind="payment",
            instructions__trace__in=traces,
        )
        named = list(asked.distinct()[:2])
        return _taken(deposit, named, candidates) if named else _no_fit(traces, candidates)
    return _taken(deposit, list(candidates.filter(state=State.RETURNED)[:2]), candidates)


def _end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), tzinfo=EASTERN)


def _no_fit(traces: Sequence[str], candidates: QuerySet[Payment]) -> Match:
    """Name the payment a trace leads to and what was sent for it, else those it may mean."""
    named = list(
        Instruction.objects.filter(trace__in=traces, kind="payment").order_by("-is_live")[:2]
    )
    one = named[0] if len(named) == 1 else None
    return Match(
        why_not="its trace and amount fit no payment",
        facts={
            "traces": list(traces),
            **({"sent": Money(one.amount_minor, one.currency).shown()} if one else {}),
            **({} if named else _likely(candidates)),
        },
        payment_id=one.payment_id if one else None,
    )


def _likely(candidates: QuerySet[Payment]) -> dict[str, object]:
    asked = candidates.filter(state__in=DEBITED).order_by("-created_at", "-id")
    return {"likely": list(asked.values_list("reference", flat=True)[:10])}


def _taken(deposit: Deposit, payments: Sequence[Payment], candidates: QuerySet[Payment]) -> Match:
    if len(payments) == 1:
        event = TakenBack(
            payments[0].reference, "takenback", deposit.as_of, evidence=deposit.evidence
        )
        return Match([event])
    if payments:
        why_not = "several returned payments have this amount"
    else:
        why_not = "no returned payment has this amount"
    return Match(why_not=why_not, facts=_likely(candidates))
