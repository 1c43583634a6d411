"""What follows a return or a notice of change: fee, frozen account, corrected account, case.

The codes' consequences are data in `rails.ach_codes`; this file carries them out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

from billfold.payments.accounts import bank_accounts
from billfold.payments.cases import casework, masking
from billfold.payments.funnel import return_fees
from billfold.payments.funnel.loading import Loaded
from billfold.payments.models import Instruction, Mandate, MethodState, PaymentMethod
from billfold.payments.rules.lifecycle import Step
from billfold.platform import audit
from billfold.rails.ach import reason_codes
from billfold.rails.ach.returns import ReturnCode
from billfold.rails.protocol import Corrected, Returned
from billfold.receivables import billing

_STATE_AFTER: Final = {"remove": MethodState.FROZEN, "hold": MethodState.HELD}


def follow(steps: Sequence[Step], loaded: Loaded, *, now: datetime) -> dict[str, billing.NewCharge]:
    """Carry out what returns and corrections ask for; give the fee charged, by reference."""
    returned = [step for step in steps if isinstance(step.event, Returned)]
    for step in steps:
        if isinstance(step.event, Corrected):
            _correct(step, step.event, loaded, now)
    if not returned:
        return {}
    _stop_methods(returned, loaded, now)
    _open_cases(returned, loaded, now)
    return return_fees.charge(returned, loaded, now=now)


def _stop_methods(returned: Sequence[Step], loaded: Loaded, now: datetime) -> None:
    """Take accounts out of use where the code says so, and end the consents they carried.

    An account is stopped under every method that names it, whoever saved or typed it.
    """
    codes: dict[UUID, list[ReturnCode]] = defaultdict(list)
    for step in returned:
        assert isinstance(step.event, Returned)
        code = reason_codes.return_code(step.event.code)
        codes[loaded.told[step.reference].method_id].append(code)
    stop_accounts(codes, now=now)


def stop_accounts(said: Mapping[UUID, Sequence[ReturnCode]], *, now: datetime) -> None:
    """Stop the accounts of methods as the codes of returns say, under every method of them."""
    codes = {
        method_id: [code for code in each if code.account != "keep"]
        for method_id, each in said.items()
    }
    codes = {method_id: each for method_id, each in codes.items() if each}
    for method_id, same_account in bank_accounts.of_account(codes).items():
        for code in codes[method_id]:
            _stop([method.pk for method in same_account], code, now)


def _stop(method_ids: Sequence[UUID], code: ReturnCode, now: datetime) -> None:
    state, reason = _STATE_AFTER[code.account], f"{code.label} ({code.code})"
    PaymentMethod.objects.filter(pk__in=method_ids).exclude(
        state__in=[MethodState.FROZEN, MethodState.REMOVED]
    ).update(state=state, state_reason=reason)
    if code.account == "remove":
        Mandate.objects.filter(method__in=method_ids, revoked_at=None).update(
            revoked_at=now, revoked_why=reason
        )
    actor, after = audit.job("returns"), {"state": state, "reason": reason}
    audit.write(
        [
            audit.entry(
                "payment method stopped", f"method/{made}", actor=actor, now=now, after=after
            )
            for made in method_ids
        ]
    )


def _open_cases(returned: Sequence[Step], loaded: Loaded, now: datetime) -> None:
    settled_on = _settlement_days([loaded.facts[step.reference].id for step in returned])
    found = []
    for step in returned:
        event = step.event
        assert isinstance(event, Returned)
        payment_id = loaded.facts[step.reference].id
        code = reason_codes.return_code(event.code)
        words = _words(code, event, settled_on.get(payment_id))
        if words or code.opens_case:
            found.append(
                casework.NewCase(
                    key=f"returned/{step.reference}/{event.key}",
                    kind="return to look at",
                    title="; ".join([f"{code.label} ({event.code})", *words]),
                    evidence=event.evidence,
                    payment_id=payment_id,
                    facts={"todo": code.todo, "info": masking.masked(event.info, bank="")},
                )
            )
    casework.open_new(found, now=now)


def _words(code: ReturnCode, event: Returned, settled_on: date | None) -> list[str]:
    """Say what a return is beyond its code. Source: docs/bank-files.md#return-codes."""
    said = []
    if reason_codes.is_suspected_fraud(event.code, event.info):
        said.append("suspected fraud")
    if settled_on and reason_codes.is_untimely(
        code.code, settlement=settled_on, available=event.on
    ):
        said.append("late return: the bank may dishonour it (R68)")
    return said


def _settlement_days(payment_ids: Sequence[UUID]) -> dict[UUID, date]:
    """Find the days on which the live debits of payments settled, or should."""
    live = Instruction.objects.filter(payment__in=payment_ids, is_live=True, kind="payment")
    days = live.values_list("payment_id", "file__effective_date")
    return {payment_id: day for payment_id, day in days if day is not None}


def _correct(step: Step, event: Corrected, loaded: Loaded, now: datetime) -> None:
    """Use the bank data the customer's bank gave, from the next entry on; else ask a person."""
    told = loaded.told[step.reference]
    correction = reason_codes.correction(event.code, event.corrected)
    change = reason_codes.change_code(event.code)
    if correction is None:
        said = "cannot be trusted" if change.applies else "needs a person"
        _ask_about_change(step, event, said, loaded, now)
        return
    try:
        bank_accounts.correct(
            told.method_id, correction, code=event.code, evidence=event.evidence, now=now
        )
    except bank_accounts.CorrectedOtherwise:
        said = "says something else than another one in the same file"
        _ask_about_change(step, event, said, loaded, now)


def _ask_about_change(
    step: Step, event: Corrected, said: str, loaded: Loaded, now: datetime
) -> None:
    casework.open_new(
        [
            casework.NewCase(
                key=f"change/{step.reference}/{event.key}",
                kind="notice of change",
                title=f"Notice of change: {casework.event_words(event)} {said}",
                evidence=event.evidence,
                payment_id=loaded.facts[step.reference].id,
                facts={"code": event.code, "info": _said(event)},
            )
        ],
        now=now,
    )


def _said(event: Corrected) -> str:
    """Give what the bank would have us use, unless it is an account."""
    is_account = reason_codes.change_code(event.code).applies
    return "" if is_account else masking.masked(event.corrected.strip(), bank="")
