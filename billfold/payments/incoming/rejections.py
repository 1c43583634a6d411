"""Names the payments whose entries our bank rejected, each in a case.

The bank writes its mark over a part of the trace number. What is left of it, the amount, the bank,
the customer and the account say which entry it was, if they say so of one alone. Nothing is booked:
the bank may repair the entry and send it on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection

from billfold.banking import account_fingerprints
from billfold.payments.cases import casework
from billfold.payments.cases.case_kinds import CaseKind
from billfold.payments.incoming import likely_payments
from billfold.payments.models import Case, Instruction, Payment
from billfold.platform import audit
from billfold.rails.protocol import AnyEvent, Rejected, Returned, Settled

_SEQUENCE: Final = slice(-7, None)
"""The digits of a trace number that the bank's mark leaves. Source: bank guides."""

_CANDIDATES: Final = """
SELECT i.id, i.amount_minor, i.rdfi, i.trace, upper(c.number), m.account_fingerprint, p.reference,
       p.state IN ('scheduled', 'in_transit')
FROM payments_instruction i
JOIN payments_payment p ON p.id = i.payment_id
JOIN payments_paymentmethod m ON m.id = p.method_id
JOIN receivables_customer c ON c.id = p.customer_id
WHERE i.is_live
  AND (i.amount_minor, i.rdfi) IN (SELECT * FROM unnest(%s::bigint[], %s::text[]))
  AND (i.trace = ANY(%s) OR upper(c.number) = ANY(%s) OR m.account_fingerprint = ANY(%s))
ORDER BY p.created_at DESC, p.id"""
"""Files are written in capitals."""


class _Candidate(NamedTuple):
    """An entry of ours that a rejected one may be, with what identifies it."""

    id: UUID
    amount_minor: int
    rdfi: str
    trace: str
    customer_number: str
    account_fingerprint: str
    reference: str
    is_under_way: bool


@dataclass(frozen=True, slots=True)
class IdentifiedRejection:
    """A rejected entry, and what we sent that it is."""

    event: Rejected
    instruction: Instruction | None
    """None if nothing we sent is it for certain."""
    likely: Sequence[str]
    """References of payments that it may mean, if none is certain."""


def case_key(event: Rejected) -> str:
    """Name the case of a rejected entry."""
    return f"parked/{event.key}"


def identify(events: Sequence[Rejected]) -> list[IdentifiedRejection]:
    """Find for each rejected entry the one that we sent."""
    if not events:
        return []
    candidates = _candidates(events)
    fitting = {event.key: _fitting(event, candidates) for event in events}
    certain = {key: each[0].id for key, each in fitting.items() if len(each) == 1}
    instructions = {
        instruction.id: instruction
        for instruction in Instruction.objects.filter(pk__in=certain.values()).select_related(
            "payment__method"
        )
    }
    of_amount = likely_payments.find_by_amount({(each.amount.minor, each.rdfi) for each in events})
    return [
        IdentifiedRejection(
            event,
            instructions[certain[event.key]] if event.key in certain else None,
            list(dict.fromkeys(each.reference for each in fitting[event.key]))
            or of_amount.get((event.amount.minor, event.rdfi), []),
        )
        for event in events
    ]


def _candidates(events: Sequence[Rejected]) -> list[_Candidate]:
    amounts = sorted({(event.amount.minor, event.rdfi) for event in events})
    with connection.cursor() as cursor:
        cursor.execute(
            _CANDIDATES,
            [
                *map(list, zip(*amounts, strict=True)),
                [event.subject for event in events],
                [event.customer_number.upper() for event in events if event.customer_number],
                [_fingerprint(event) for event in events],
            ],
        )
        return [_Candidate(*row) for row in cursor.fetchall()]


def _fingerprint(event: Rejected) -> str:
    return account_fingerprints.of_account(event.routing_number, event.account_number)


def _fitting(event: Rejected, candidates: Sequence[_Candidate]) -> list[_Candidate]:
    """Select the entries that nothing in the rejected one contradicts.

    Amount, bank and customer must be the same, and the trace number or the account. Of several, an
    entry that is still under way is meant, and one whose trace number ends alike.
    """
    fingerprint = _fingerprint(event)
    fitting = [
        each
        for each in candidates
        if (each.amount_minor, each.rdfi) == (event.amount.minor, event.rdfi)
        and event.customer_number.upper() in ("", each.customer_number)
    ]
    traced = [each for each in fitting if each.trace == event.subject]
    if len(traced) == 1:
        return traced
    fitting = [each for each in fitting if each.account_fingerprint == fingerprint]
    sequence = event.subject[_SEQUENCE]
    tests: tuple[Callable[[_Candidate], bool], ...] = (
        lambda each: each.is_under_way,
        lambda each: each.trace[_SEQUENCE] == sequence,
    )
    for test in tests:
        fitting = [each for each in fitting if test(each)] or fitting
    return fitting


def new_cases(
    rejections: Sequence[IdentifiedRejection], evidence: str
) -> Iterator[casework.NewCase]:
    """Make the case of each rejected entry."""
    for rejection in rejections:
        event, instruction = rejection.event, rejection.instruction
        payment = instruction.payment if instruction else None
        whose = payment.reference if payment else "a payment that is not known for certain"
        what = "prenote" if not event.amount else f"debit of {event.amount.formatted()}"
        yield casework.NewCase(
            key=case_key(event),
            kind=CaseKind.REJECTED_ENTRY,
            title=f"The bank rejected the {what} for {whose}, reason {event.code}",
            evidence=evidence,
            payment_id=payment.id if payment else None,
            facts={
                "trace": event.subject,
                "code": event.code,
                "amount": event.amount.formatted(),
                "customer": event.customer_number,
                "on": event.on.isoformat(),
                **({} if payment else {"likely": list(rejection.likely)}),
            },
        )


def payments_of(events: Iterable[Rejected]) -> dict[str, Payment]:
    """Give the payments of rejected entries by the key of the event, as their cases name them."""
    keys = {case_key(event): event.key for event in events}
    cases = Case.objects.filter(key__in=keys, payment__isnull=False)
    return {
        keys[case.key]: case.payment
        for case in cases.select_related("payment__customer")
        if case.payment
    }


def close_answered(events: Sequence[AnyEvent], *, now: datetime) -> None:
    """Close the cases of rejected entries whose payments settled or came back after all.

    The subjects of the events are references of payments. Needs an open transaction.
    """
    waiting = list(
        Case.objects.filter(
            kind=CaseKind.REJECTED_ENTRY, closed_at=None, payment__isnull=False
        ).values_list("payment__reference", "key")
    )
    if not waiting:
        return
    outcomes = {
        event.subject: "Its payment settled" if isinstance(event, Settled) else "It was returned"
        for event in events
        if isinstance(event, Settled | Returned)
    }
    for reference, key in waiting:
        if reference in outcomes:
            casework.close_by_key(
                key, outcomes[reference], actor=audit.job("reconciliation"), now=now
            )
