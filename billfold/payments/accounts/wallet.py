"""Saved bank accounts of a customer: offered, named, preferred, taken away."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from billfold.payments.accounts import bank_accounts
from billfold.payments.accounts.bank_accounts import BankAccount
from billfold.payments.models import MethodState, Payment, PaymentMethod
from billfold.payments.rules.lifecycle import State
from billfold.platform import audit

NICKNAME_LONGEST: Final = 40
_UNDER_WAY: Final = [State.SCHEDULED, State.UNKNOWN, State.IN_TRANSIT]


class Stopped(Exception):
    """A bank said no to this account, so it is not used again before a person has looked."""


class AlreadySaved(Exception):
    """The customer has saved this account before."""

    def __init__(self, method: PaymentMethod) -> None:
        super().__init__(method.label)
        self.method = method


def saved(customer_id: UUID) -> list[PaymentMethod]:
    """List what the customer saved, the preferred one first; a stopped one is listed, not hidden.

    An account saved twice, by two payments at once, is listed once.
    """
    found = PaymentMethod.objects.filter(customer_id=customer_id, is_remembered=True).exclude(
        state=MethodState.REMOVED
    )
    listed: dict[str, PaymentMethod] = {}
    for method in found.order_by("-is_default", "-created_at", "id"):
        listed.setdefault(method.account_fingerprint, method)
    return list(listed.values())


def usable(found: list[PaymentMethod]) -> list[PaymentMethod]:
    """Keep those that can be debited."""
    return [method for method in found if method.state == MethodState.ACTIVE]


def check_not_stopped(account: BankAccount) -> None:
    """Refuse an account that a return took out of use, whoever types it. Raises: Stopped."""
    if bank_accounts.stopped([account.fingerprint]):
        raise Stopped


def opened(method: PaymentMethod) -> BankAccount:
    """Open a saved account, to have it validated."""
    return BankAccount(
        routing_number=method.routing_number,
        account_number=method.account_number(),
        account_type="savings" if method.account_type == "savings" else "checking",
        holder="business" if method.holder == "business" else "personal",
        holder_name=method.holder_name,
        bank_name=method.bank_name,
    )


def add(
    account: BankAccount, *, customer_id: UUID, actor: audit.Actor, now: datetime
) -> PaymentMethod:
    """Save an account. Raises: AlreadySaved."""
    for method in saved(customer_id):
        if method.account_fingerprint == account.fingerprint:
            raise AlreadySaved(method)
    with transaction.atomic(durable=True):
        made = bank_accounts.add(account, customer_id=customer_id, remember=True, now=now)
        _note("payment method saved", made, actor, now)
    return made


def describe(
    method: PaymentMethod, *, nickname: str, is_default: bool, actor: audit.Actor, now: datetime
) -> None:
    """Name a saved account and say whether it is offered first; one of a customer is."""
    with transaction.atomic(durable=True):
        locked = _lock(method)
        same = PaymentMethod.objects.filter(customer_id=method.customer_id, is_default=True)
        if is_default:
            same.exclude(pk=method.pk).update(is_default=False)
        before = {"nickname": locked.nickname, "is_default": locked.is_default}
        locked.nickname, locked.is_default = nickname, is_default
        locked.save(update_fields=["nickname", "is_default"])
        after = {"nickname": nickname, "is_default": is_default}
        _note("payment method described", locked, actor, now, before=before, after=after)


def remove(method: PaymentMethod, *, actor: audit.Actor, now: datetime) -> None:
    """Offer an account no more. Payments that were authorised from it still go through."""
    with transaction.atomic(durable=True):
        _lock(method)
        twins = PaymentMethod.objects.filter(
            customer_id=method.customer_id,
            account_fingerprint=method.account_fingerprint,
            is_remembered=True,
        )
        for twin in twins.select_for_update().order_by("id"):
            twin.is_remembered, twin.is_default = False, False
            if twin.state == MethodState.ACTIVE and not under_way(twin):
                twin.state = MethodState.REMOVED
            twin.save(update_fields=["is_remembered", "is_default", "state"])
            _note("payment method removed", twin, actor, now)


def under_way(method: PaymentMethod) -> list[Payment]:
    """List the payments from an account that are not finished."""
    return list(
        Payment.objects.filter(
            method__account_fingerprint=method.account_fingerprint,
            customer_id=method.customer_id,
            state__in=_UNDER_WAY,
        )
    )


def _lock(method: PaymentMethod) -> PaymentMethod:
    """Hold all methods of the customer in one order, so that two defaults cannot cross."""
    held = PaymentMethod.objects.filter(customer_id=method.customer_id).order_by("id")
    return {each.pk: each for each in held.select_for_update()}[method.pk]


def _note(
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
