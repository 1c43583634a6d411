"""What follows a return or a notice of change: fee, frozen account, corrected account, case.

The codes' consequences are data in `rails.ach_codes`; this file carries them out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from billfold.payments import cases, methods, return_fees
from billfold.payments.facts import Loaded
from billfold.payments.lifecycle import Step
from billfold.payments.models import Mandate, MethodState, PaymentMethod
from billfold.platform import audit
from billfold.rails import ach_codes
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
    """Take accounts out of use where the code says so, and end the consents they carried."""
    for step in returned:
        assert isinstance(step.event, Returned)
        code = ach_codes.return_code(step.event.code)
        if code.account == "keep":
            continue
        told = loaded.told[step.reference]
        reason = f"{code.label} ({code.code})"
        PaymentMethod.objects.filter(pk=told.method_id).exclude(
            state__in=[MethodState.FROZEN, MethodState.REMOVED]
        ).update(state=_STATE_AFTER[code.account], state_reason=reason)
        if code.account == "remove":
            Mandate.objects.filter(method=told.method_id, revoked_at=None).update(
                revoked_at=now, revoked_why=reason
            )
        audit.record(
            "payment method stopped",
            f"method/{told.method_id}",
            actor=audit.job("returns"),
            now=now,
            after={"state": _STATE_AFTER[code.account], "reason": reason},
        )


def _open_cases(returned: Sequence[Step], loaded: Loaded, now: datetime) -> None:
    found = []
    for step in returned:
        assert isinstance(step.event, Returned)
        code = ach_codes.return_code(step.event.code)
        if code.opens_case:
            found.append(
                cases.NewCase(
                    key=f"returned/{step.reference}/{step.event.key}",
                    kind="return to look at",
                    title=f"{code.label} ({step.event.code})",
                    evidence=step.event.evidence,
                    payment_id=loaded.facts[step.reference].id,
                    facts={"todo": code.todo, "info": step.event.info},
                )
            )
    cases.open_new(found, now=now)


def _correct(step: Step, event: Corrected, loaded: Loaded, now: datetime) -> None:
    """Use the bank data the customer's bank gave, from the next entry on; else ask a person."""
    told = loaded.told[step.reference]
    correction = ach_codes.correction(event.code, event.corrected)
    change = ach_codes.change_code(event.code)
    if correction is None and not change.applies and not change.opens_case:
        return  # The name or our own customer number: noted as an event, nothing to change.
    if correction is None:
        cases.open_new(
            [
                cases.NewCase(
                    key=f"change/{step.reference}/{event.key}",
                    kind="notice of change",
                    title=f"Notice of change {event.code} cannot be applied by itself",
                    evidence=event.evidence,
                    payment_id=loaded.facts[step.reference].id,
                    facts={"code": event.code},
                )
            ],
            now=now,
        )
        return
    methods.correct(told.method_id, correction, code=event.code, evidence=event.evidence, now=now)
