"""Carries out the consequences of a return or change: fee, stopped or corrected account, case.

The consequences of the codes are data in `rails.ach`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from billfold.payments.accounts import bank_accounts
from billfold.payments.cases import casework, masking
from billfold.payments.cases.case_kinds import CaseKind
from billfold.payments.funnel import return_fees, stopped_accounts
from billfold.payments.funnel.loading import LockedPayments
from billfold.payments.models import Instruction
from billfold.payments.rules.lifecycle import Step
from billfold.rails.ach import reason_codes
from billfold.rails.ach.return_reasons import ReturnCode
from billfold.rails.protocol import Corrected, Returned
from billfold.receivables import billing


def apply_consequences(
    steps: Sequence[Step], locked: LockedPayments, *, now: datetime
) -> dict[str, billing.NewCharge]:
    """Carry out what returns and corrections call for; give the fees charged, by reference."""
    returned = [step for step in steps if isinstance(step.event, Returned)]
    for step in steps:
        if isinstance(step.event, Corrected):
            _correct(step, step.event, locked, now)
    if not returned:
        return {}
    _stop_methods(returned, locked, now)
    _open_cases(returned, locked, now)
    return return_fees.charge(returned, locked, now=now)


def _stop_methods(returned: Sequence[Step], locked: LockedPayments, now: datetime) -> None:
    """Stop accounts and revoke their mandates where the return code requires it."""
    codes: dict[UUID, list[ReturnCode]] = defaultdict(list)
    for step in returned:
        assert isinstance(step.event, Returned)
        code = reason_codes.return_code(step.event.code)
        codes[locked.recipients[step.reference].method_id].append(code)
    stopped_accounts.stop(codes, now=now)


def _open_cases(returned: Sequence[Step], locked: LockedPayments, now: datetime) -> None:
    settled_on = _settlement_days([locked.facts[step.reference].id for step in returned])
    new_cases = []
    for step in returned:
        event = step.event
        assert isinstance(event, Returned)
        payment_id = locked.facts[step.reference].id
        code = reason_codes.return_code(event.code)
        remarks = _remarks(code, event, settled_on.get(payment_id))
        if remarks or code.opens_case:
            new_cases.append(
                casework.NewCase(
                    key=f"returned/{step.reference}/{event.key}",
                    kind=CaseKind.RETURN,
                    title="; ".join([f"{code.label} ({event.code})", *remarks]),
                    evidence=event.evidence,
                    payment_id=payment_id,
                    facts={"todo": code.todo, "info": masking.masked(event.info, bank="")},
                )
            )
    casework.open_cases(new_cases, now=now)


def _remarks(code: ReturnCode, event: Returned, settled_on: date | None) -> list[str]:
    """List what else matters about a return. Source: docs/bank-files.md#return-codes."""
    remarks = []
    if reason_codes.is_suspected_fraud(event.code, event.info):
        remarks.append("suspected fraud")
    if settled_on and reason_codes.is_untimely(
        code.code, settlement=settled_on, available=event.on
    ):
        remarks.append("late return: the bank may dishonour it (R68)")
    return remarks


def _settlement_days(payment_ids: Sequence[UUID]) -> dict[UUID, date]:
    """Read the effective date of each payment's live debit."""
    live = Instruction.objects.filter(payment__in=payment_ids, is_live=True, kind="payment")
    days = live.values_list("payment_id", "file__effective_date")
    return {payment_id: day for payment_id, day in days if day is not None}


def _correct(step: Step, event: Corrected, locked: LockedPayments, now: datetime) -> None:
    """Put corrected bank data in force, or open a case where it cannot be used."""
    method_id = locked.recipients[step.reference].method_id
    correction = reason_codes.correction(event.code, event.corrected)
    change = reason_codes.change_code(event.code)
    if correction is None:
        why = "cannot be trusted" if change.applies else "needs a person"
        _open_change_case(step, event, why, locked, now)
        return
    try:
        bank_accounts.correct(
            method_id, correction, code=event.code, evidence=event.evidence, now=now
        )
    except bank_accounts.CorrectedOtherwise:
        why = "says something else than another one in the same file"
        _open_change_case(step, event, why, locked, now)


def _open_change_case(
    step: Step, event: Corrected, why: str, locked: LockedPayments, now: datetime
) -> None:
    casework.open_cases(
        [
            casework.NewCase(
                key=f"change/{step.reference}/{event.key}",
                kind=CaseKind.CHANGE,
                title=f"Notice of change: {casework.event_label(event)} {why}",
                evidence=event.evidence,
                payment_id=locked.facts[step.reference].id,
                facts={"code": event.code, "info": _corrected_words(event)},
            )
        ],
        now=now,
    )


def _corrected_words(event: Corrected) -> str:
    """Give the corrected data for a person to read, unless it is an account number."""
    is_account = reason_codes.change_code(event.code).applies
    return "" if is_account else masking.masked(event.corrected.strip(), bank="")
