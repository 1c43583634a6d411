"""A customer's saved bank accounts: listed, added, named, made default, removed."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from billfold.payments.accounts import bank_accounts
from billfold.payments.accounts.bank_accounts import BankAccount
from billfold.payments.models import MethodState, Payment, PaymentMethod
from billfold.payments.rules.lifecycle import State
from billfold.platform import audit, retries

NICKNAME_LONGEST: Final = 40
_UNFINISHED: Final = [State.SCHEDULED, State.UNKNOWN, State.IN_TRANSIT]


class AlreadySaved(Exception):
    """The customer has saved this account before."""

    def __init__(self, method: PaymentMethod) -> None:
        super().__init__(method.label)
        self.method = method


def saved(customer_id: UUID) -> list[PaymentMethod]:
    """List the saved accounts, the default first, stopped ones included."""
    methods = PaymentMethod.objects.filter(customer_id=customer_id, is_remembered=True).exclude(
        state=MethodState.REMOVED
    )
    return list(methods.order_by("-is_default", "-created_at", "id"))


def usable(methods: list[PaymentMethod]) -> list[PaymentMethod]:
    """Select the methods that can be debited."""
    return [method for method in methods if method.state == MethodState.ACTIVE]


def unsealed_account(method: PaymentMethod) -> BankAccount:
    """Unseal a saved account, to have it validated."""
    return BankAccount(
        routing_number=method.routing_number,
        account_number=method.account_number(),
        account_type="savings" if method.account_type == "savings" else "checking",
        holder="business" if method.holder == "business" else "personal",
        holder_name=method.holder_name,
        bank_name=method.bank_name,
    )


@retries.retried(after=retries.UNDONE | retries.EXISTS)
def add(
    account: BankAccount, *, customer_id: UUID, actor: audit.Actor, now: datetime
) -> PaymentMethod:
    """Save an account. Raises: AlreadySaved."""
    with transaction.atomic(durable=True):
        earlier = PaymentMethod.objects.filter(
            customer_id=customer_id,
            account_fingerprint=account.account_fingerprint,
            is_remembered=True,
        ).first()
        if earlier is not None:
            raise AlreadySaved(earlier)
        method = bank_accounts.add(account, customer_id=customer_id, remember=True, now=now)
        _record("payment method saved", method, actor, now)
    return method


def update(
    method: PaymentMethod, *, nickname: str, is_default: bool, actor: audit.Actor, now: datetime
) -> None:
    """Set a saved account's nickname, and whether it is the customer's default."""
    with transaction.atomic(durable=True):
        locked = _lock_all(method)
        same = PaymentMethod.objects.filter(customer_id=method.customer_id, is_default=True)
        if is_default:
            same.exclude(pk=method.pk).update(is_default=False)
        before = {"nickname": locked.nickname, "is_default": locked.is_default}
        locked.nickname, locked.is_default = nickname, is_default
        locked.save(update_fields=["nickname", "is_default"])
        after = {"nickname": nickname, "is_default": is_default}
        _record("payment method described", locked, actor, now, before=before, after=after)


def remove(method: PaymentMethod, *, actor: audit.Actor, now: datetime) -> None:
    """Remove an account from the wallet. Payments already authorised from it still go through."""
    with transaction.atomic(durable=True):
        _lock_all(method)
        twins = PaymentMethod.objects.filter(
            customer_id=method.customer_id,
            account_fingerprint=method.account_fingerprint,
            is_remembered=True,
        )
        for twin in twins.select_for_update().order_by("id"):
            twin.is_remembered, twin.is_default = False, False
            if twin.state == MethodState.ACTIVE and not unfinished_payments(twin):
                twin.state = MethodState.REMOVED
            twin.save(update_fields=["is_remembered", "is_default", "state"])
            _record("payment method removed", twin, actor, now)


def unfinished_payments(method: PaymentMethod) -> list[Payment]:
    """List the payments from an account that are not finished."""
    return list(
        Payment.objects.filter(
            method__account_fingerprint=method.account_fingerprint,
            customer_id=method.customer_id,
            state__in=_UNFINISHED,
        )
    )


def _lock_all(method: PaymentMethod) -> PaymentMethod:
    """Lock all methods of the customer in one order, so that two defaults cannot cross."""
    methods = PaymentMethod.objects.filter(customer_id=method.customer_id).order_by("id")
    return {locked.pk: locked for locked in methods.select_for_update()}[method.pk]


def _record(
    action: str,
    method: PaymentMethod,
    actor: audit.Actor,
    now: datetime,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    audit.record(
        action,
        f"method/{method.id}",
        actor=actor,
        now=now,
        before=before,
        after=after or {"ending": method.account_last4},
    )
