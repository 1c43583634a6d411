"""Stops the accounts that returns name, and keeps stopped accounts from coming back.

An account is stopped under every method that names it, whoever saved or typed it. Another
customer's account that is the same but for leading zeros may be a different one: it is put on hold,
with a case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from billfold.payments.accounts import bank_accounts
from billfold.payments.accounts.bank_accounts import TypedAccount
from billfold.payments.cases import casework
from billfold.payments.cases.case_kinds import CaseKind
from billfold.payments.method_models import BankAccount, Mandate, MethodState, PaymentMethod
from billfold.platform import audit
from billfold.rails.ach.return_reasons import ReturnCode
from billfold.receivables.models import Customer

_STATE_AFTER: Final = {"remove": MethodState.FROZEN, "hold": MethodState.HELD}
_RETURNS: Final = audit.job("returns")
_STOPPED: Final = [MethodState.FROZEN, MethodState.HELD]


class AccountStopped(Exception):
    """A return stopped this account; it is not used before a person has looked at it."""


class AccountOnHold(Exception):
    """The account may be one that a return stopped; a person finds out before it is used."""


def stop(codes_by_method: Mapping[UUID, Sequence[ReturnCode]], *, now: datetime) -> None:
    """Stop the accounts of methods as return codes require. Needs an open transaction."""
    codes = {
        method_id: [code for code in of_method if code.account != "keep"]
        for method_id, of_method in codes_by_method.items()
    }
    codes = {method_id: of_method for method_id, of_method in codes.items() if of_method}
    twins = _lock_twins(codes)
    for method_id, method_codes in codes.items():
        returned = next(twin for twin in twins if twin.pk == method_id)
        alike = [t for t in twins if t.account_fingerprint == returned.account_fingerprint]
        same = [t for t in alike if _is_same(t, returned.account, _customers(returned))]
        for code in method_codes:
            _stop([twin.pk for twin in same], code, now)
        _hold([t for t in alike if t not in same], returned, now)


def are_any_stopped(accounts: Iterable[TypedAccount | PaymentMethod]) -> bool:
    """Tell whether one of the accounts, or one like it, is stopped, whoever's it is."""
    fingerprints = [account.account_fingerprint for account in accounts]
    return _stopped_twins(fingerprints).exists()


def check(account: TypedAccount, *, customer_id: UUID, now: datetime) -> None:
    """Refuse an account that a return stopped, whoever types it.

    One that is like another customer's stopped account is put on hold, and staff get a case.
    Raises: AccountStopped, AccountOnHold.
    """
    if not are_any_stopped([account]):
        return
    with transaction.atomic(durable=True):
        twins = list(
            _stopped_twins([account.account_fingerprint]).order_by("id").select_for_update()
        )
        same = [twin for twin in twins if _is_same(twin, account, {customer_id})]
        if twins and not same:
            method = bank_accounts.add(
                account, customer_id=customer_id, remember=False, actor=_RETURNS, now=now
            )
            _hold([method], twins[0], now)
    if any(not twin.awaits_check for twin in same):
        raise AccountStopped
    if twins:
        raise AccountOnHold


def _is_same(
    twin: PaymentMethod, account: TypedAccount | BankAccount, customers: Set[UUID]
) -> bool:
    """Tell whether accounts that differ at most in leading zeros are one for certain: they were
    used for one customer, or do not differ at all.
    """
    number = twin.account.account_fingerprint_with_zeros
    return bool(_customers(twin) & customers) or number == account.account_fingerprint_with_zeros


def _customers(method: PaymentMethod) -> Set[UUID]:
    """List the customers for which a method may be used, or could be once."""
    return {access.customer_id for access in method.accesses.all()}


def _stopped_twins(fingerprints: Sequence[str]) -> QuerySet[PaymentMethod]:
    return PaymentMethod.objects.filter(account_fingerprint__in=fingerprints, state__in=_STOPPED)


def _lock_twins(method_ids: Iterable[UUID]) -> list[PaymentMethod]:
    """Lock every method on the accounts of these methods, in id order.

    Each typed account is a method of its own, so an account may have many.
    """
    methods = PaymentMethod.objects.filter(pk__in=list(method_ids))
    fingerprints = set(methods.values_list("account_fingerprint", flat=True))
    twins = PaymentMethod.objects.filter(account_fingerprint__in=fingerprints)
    locked = twins.select_for_update(of=["self"], no_key=True).order_by("id")
    related = locked.select_related("present__account")
    return list(related.prefetch_related("accesses__customer"))


def _stop(method_ids: Sequence[UUID], code: ReturnCode, now: datetime) -> None:
    state, reason = _STATE_AFTER[code.account], f"{code.label} ({code.code})"
    # A removed method, too: its account must not come back by being typed again.
    PaymentMethod.objects.filter(pk__in=method_ids).exclude(state=MethodState.FROZEN).update(
        state=state, state_reason=reason, state_since=now
    )
    if code.account == "remove":
        Mandate.objects.filter(method__in=method_ids, revoked_at=None).update(
            revoked_at=now, revoked_why=reason
        )
    _record("payment method stopped", method_ids, state, reason, now)


def _hold(methods: Sequence[PaymentMethod], stopped: PaymentMethod, now: datetime) -> None:
    """Put active methods on hold, and open a case for each customer for whom they are used."""
    active = [method for method in methods if method.state == MethodState.ACTIVE]
    if not active:
        return
    ids = [method.pk for method in active]
    PaymentMethod.objects.filter(pk__in=ids).update(
        state=MethodState.HELD, state_reason=PaymentMethod.AWAITS_CHECK, state_since=now
    )
    first: dict[Customer, PaymentMethod] = {}
    for method in active:
        for access in method.accesses.select_related("customer").order_by("since", "id")[:1]:
            first.setdefault(access.customer, method)
    accesses = stopped.accesses.order_by("since", "id")
    stopped_for = ", ".join(accesses.values_list("customer__number", flat=True))
    casework.open_cases(
        [
            casework.NewCase(
                key=f"like-stopped/{method.pk}",
                kind=CaseKind.LIKE_STOPPED_ACCOUNT,
                title=(
                    f"Account ending {method.account.last4} of {customer.number} is on "
                    "hold: but for leading zeros it is one that was stopped"
                ),
                facts={
                    "account": method.label,
                    "customer": customer.number,
                    "stopped for": stopped_for,
                },
            )
            for customer, method in first.items()
        ],
        now=now,
    )
    _record("payment method stopped", ids, MethodState.HELD, PaymentMethod.AWAITS_CHECK, now)


def _record(
    action: str, method_ids: Sequence[UUID], state: str, reason: str, now: datetime
) -> None:
    after = {"state": state, "reason": reason}
    audit.write(
        [
            audit.new_entry(action, f"method/{method_id}", actor=_RETURNS, now=now, after=after)
            for method_id in method_ids
        ]
    )
