"""Applies returns, changes and rejections of prenotes: payments that wait for one are refused.

No money moved, so nothing is booked and no fee is charged.
Source: Nacha Operating Rules, prenotification; docs/bank-files.md#account-validation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from billfold.payments.cases import casework
from billfold.payments.cases.case_kinds import CaseKind
from billfold.payments.funnel import recording, stopped_accounts
from billfold.payments.models import Instruction, Payment
from billfold.payments.outgoing import prenotes
from billfold.payments.rules.lifecycle import State
from billfold.rails.ach import reason_codes
from billfold.rails.ach.return_reasons import ReturnCode
from billfold.rails.protocol import AnyEvent, Corrected, Refused, Rejected, Returned

_NOT_OF_THE_ACCOUNT = frozenset({"C04", "C09", "C10", "C11", "C12", "C13"})
"""Changes of names, identifiers and formats: the account is open all the same."""
_DEBITED = (State.IN_TRANSIT, State.SETTLED)


@dataclass(frozen=True, slots=True)
class PrenoteReturn:
    """A return, change or rejection, and the prenote it answers."""

    prenote: Instruction
    event: Returned | Corrected | Rejected


def apply(prenote_returns: Sequence[PrenoteReturn], evidence: str, *, now: datetime) -> None:
    """Refuse the payments that wait for a prenote which came back, or which our bank rejected; stop
    the account of one that came back; put the data that a notice of change brings in force.
    Repeated, it changes nothing. Needs an open transaction.
    """
    dependent = _lock_dependent_payments(
        {
            prenote_return.prenote.payment.method.account_fingerprint
            for prenote_return in prenote_returns
        }
    )
    events: list[AnyEvent] = []
    new_cases: list[casework.NewCase] = []
    codes: dict[UUID, list[ReturnCode]] = defaultdict(list)
    for prenote_return in prenote_returns:
        prenote, event = prenote_return.prenote, replace(prenote_return.event, evidence=evidence)
        payments = dependent[prenote.payment.method.account_fingerprint]
        waiting = [each for each in payments if each.state == State.SCHEDULED]
        if isinstance(event, Corrected):
            references = {prenote.payment.reference}
            if _corrects(event):  # Each payment may have a method of its own.
                references |= {each.reference for each in waiting}
            events += [replace(event, subject=reference) for reference in sorted(references)]
        if _still_proves_account(event) or prenote.answer:
            continue
        Instruction.objects.filter(pk=prenote.pk).update(answer=event.code)
        key = f"{prenotes.KIND}/{prenote.trace}/{event.code}"
        events += [
            Refused(each.reference, key, event.on, event.code, evidence=evidence)
            for each in waiting
        ]
        if isinstance(event, Returned):
            codes[prenote.payment.method_id].append(reason_codes.return_code(event.code))
            is_late = any(each.state in _DEBITED for each in payments)
            new_cases += _case_for(prenote, event, key, is_late=is_late)
    recording.record(events, now=now)
    stopped_accounts.stop(codes, now=now)
    casework.open_cases(new_cases, now=now)


def _lock_dependent_payments(fingerprints: set[str]) -> dict[str, list[Payment]]:
    """Lock the payments whose debit depends on a prenote of their account, by that account."""
    payments: dict[str, list[Payment]] = defaultdict(list)
    locked = Payment.objects.select_for_update(of=["self"], no_key=True).filter(
        method__account_fingerprint__in=fingerprints,
        mandate__validated_by=prenotes.KIND,
        state__in=[State.SCHEDULED, *_DEBITED],
    )
    for payment in locked.select_related("method").order_by("id"):
        payments[payment.method.account_fingerprint].append(payment)
    return payments


def _still_proves_account(event: Returned | Corrected | Rejected) -> bool:
    """Tell whether the account, as corrected, may still be debited."""
    if not isinstance(event, Corrected):
        return False
    return event.code in _NOT_OF_THE_ACCOUNT or _corrects(event)


def _corrects(event: Corrected) -> bool:
    return reason_codes.correction(event.code, event.corrected) is not None


def _case_for(
    prenote: Instruction, event: Returned, key: str, *, is_late: bool
) -> list[casework.NewCase]:
    """Make a case where the code calls for one, or a debit was sent meanwhile."""
    code = reason_codes.return_code(event.code)
    remarks = ["prenote returned"]
    if is_late:
        remarks.append("a debit of the account is out already")
    if reason_codes.is_suspected_fraud(event.code, event.info):
        remarks.append("suspected fraud")
    if len(remarks) == 1 and not code.opens_case:
        return []
    return [
        casework.NewCase(
            key=key,
            kind=CaseKind.RETURN,
            title="; ".join([f"{code.label} ({event.code})", *remarks]),
            evidence=event.evidence,
            payment_id=prenote.payment_id,
            facts={"todo": code.todo, "info": event.info},
        )
    ]
