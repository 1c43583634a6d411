"""What comes back of a prenote: the bank of a new account says no, or names another account.

No money moved, so nothing is booked and nothing costs a fee: the payments that wait are refused.
Source: Nacha Operating Rules, prenotification; docs/bank-files.md#account-validation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from billfold.payments.cases import casework
from billfold.payments.funnel import recording, returns
from billfold.payments.models import Instruction, Payment
from billfold.payments.outgoing import prenotes
from billfold.payments.rules.lifecycle import State
from billfold.rails.ach import reason_codes
from billfold.rails.ach.returns import ReturnCode
from billfold.rails.protocol import AnyEvent, Corrected, Refused, Returned

_NOT_OF_THE_ACCOUNT = frozenset({"C04", "C09", "C10", "C11", "C12", "C13"})
"""Changes of names, numbers and formats of ours: the account is open all the same."""
_DEBITED = (State.IN_TRANSIT, State.SETTLED)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and the prenote it answers."""

    prenote: Instruction
    event: Returned | Corrected


def follow(answers: Sequence[Answer], evidence: str, *, now: datetime) -> None:
    """Refuse the payments that rest on a prenote that was returned, and stop its account; use the
    data that a notice of change brings. The same again changes nothing. Needs an open transaction.
    """
    resting = _resting({answer.prenote.payment.method.account_fingerprint for answer in answers})
    events: list[AnyEvent] = []
    found: list[casework.NewCase] = []
    codes: dict[UUID, list[ReturnCode]] = defaultdict(list)
    for answer in answers:
        prenote, event = answer.prenote, replace(answer.event, evidence=evidence)
        payments = resting[prenote.payment.method.account_fingerprint]
        waiting = [each for each in payments if each.state == State.SCHEDULED]
        if isinstance(event, Corrected):
            named = {prenote.payment.reference}
            if _corrects(event):  # Each payment may have a method of its own.
                named |= {each.reference for each in waiting}
            events += [replace(event, subject=reference) for reference in sorted(named)]
        if _vouches_still(event) or prenote.answer:
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
            found += _to_look_at(prenote, event, key, is_late=is_late)
    recording.record(events, now=now)
    returns.stop_accounts(codes, now=now)
    casework.open_new(found, now=now)


def _resting(fingerprints: set[str]) -> dict[str, list[Payment]]:
    """Lock the payments whose debit rests on a prenote of their account, by that account."""
    found: dict[str, list[Payment]] = defaultdict(list)
    locked = Payment.objects.select_for_update(of=["self"], no_key=True).filter(
        method__account_fingerprint__in=fingerprints,
        mandate__validated_by=prenotes.KIND,
        state__in=[State.SCHEDULED, *_DEBITED],
    )
    for payment in locked.select_related("method").order_by("id"):
        found[payment.method.account_fingerprint].append(payment)
    return found


def _vouches_still(event: Returned | Corrected) -> bool:
    """Say whether the account, as corrected, may be debited all the same."""
    if isinstance(event, Returned):
        return False
    return event.code in _NOT_OF_THE_ACCOUNT or _corrects(event)


def _corrects(event: Corrected) -> bool:
    return reason_codes.correction(event.code, event.corrected) is not None


def _to_look_at(
    prenote: Instruction, event: Returned, key: str, *, is_late: bool
) -> list[casework.NewCase]:
    """Ask a person where the code says so, or a debit went out before the answer came."""
    code = reason_codes.return_code(event.code)
    said = ["prenote returned"]
    if is_late:
        said.append("a debit of the account is out already")
    if reason_codes.is_suspected_fraud(event.code, event.info):
        said.append("suspected fraud")
    if len(said) == 1 and not code.opens_case:
        return []
    return [
        casework.NewCase(
            key=key,
            kind="return to look at",
            title="; ".join([f"{code.label} ({event.code})", *said]),
            evidence=event.evidence,
            payment_id=prenote.payment_id,
            facts={"todo": code.todo, "info": event.info},
        )
    ]
