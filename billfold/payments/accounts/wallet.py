"""Saved bank accounts of persons and companies: listed, added, named, made default, removed."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet

from billfold.payments.accounts import bank_accounts, method_access
from billfold.payments.accounts.bank_accounts import TypedAccount
from billfold.payments.method_models import MethodState, PaymentMethod
from billfold.payments.models import Payment
from billfold.payments.rules.lifecycle import State
from billfold.platform import audit, retries

NICKNAME_LONGEST: Final = 40
_UNFINISHED: Final = [State.SCHEDULED, State.UNKNOWN, State.IN_TRANSIT]


class AlreadySaved(Exception):
    """The account is saved for this customer already."""

    def __init__(self, method: PaymentMethod) -> None:
        super().__init__(method.label)
        self.method = method


def saved(customer_id: UUID, *, person_id: UUID) -> list[PaymentMethod]:
    """List what a person has saved that may be used for a customer, with what the customer's
    company has: the default first, the person's own before the company's, stopped ones included.
    """
    methods = visible(customer_id, person_id=person_id).select_related("present__account")
    return list(
        methods.order_by("-is_default", F("owner_person").asc(nulls_last=True), "-created_at", "id")
    )


def visible(customer_id: UUID, *, person_id: UUID) -> QuerySet[PaymentMethod]:
    """Select what a person sees in the wallet of a customer."""
    methods = method_access.usable_for(customer_id, person_id=person_id)
    return methods.filter(method_access.is_given(customer_id), is_remembered=True).exclude(
        state=MethodState.REMOVED
    )


def usable(methods: list[PaymentMethod]) -> list[PaymentMethod]:
    """Select the methods that can be debited."""
    return [method for method in methods if method.state == MethodState.ACTIVE]


@retries.retried(after=retries.UNDONE | retries.EXISTS)
def add(
    account: TypedAccount, *, customer_id: UUID, actor: audit.Actor, now: datetime
) -> PaymentMethod:
    """Save an account for a customer. What its owner saved before is saved once more for this one.

    Raises: AlreadySaved.
    """
    owner = method_access.owner_of_new(account.holder, customer_id=customer_id, actor=actor)
    with transaction.atomic(durable=True):
        method = (
            owner.remembered()
            .select_for_update()
            .filter(account_fingerprint=account.account_fingerprint)
            .first()
        )
        if method is None:
            method = bank_accounts.add(
                account, customer_id=customer_id, remember=True, actor=actor, now=now
            )
        elif customer_id in method_access.customers_of(method):
            raise AlreadySaved(method)
        else:
            method_access.give(method, [customer_id], actor=actor, now=now)
        _record("payment method saved", method, actor, now)
    return method


def update(
    method: PaymentMethod, *, nickname: str, is_default: bool, actor: audit.Actor, now: datetime
) -> None:
    """Set a saved account's nickname, and whether it is its owner's default."""
    with transaction.atomic(durable=True):
        locked = _lock_all(method)
        if is_default:
            same = method_access.owner_of(method).remembered().filter(is_default=True)
            same.exclude(pk=method.pk).update(is_default=False)
        before = {"nickname": locked.nickname, "is_default": locked.is_default}
        locked.nickname, locked.is_default = nickname, is_default
        locked.is_backup = locked.is_backup and not is_default
        locked.save(update_fields=["nickname", "is_default", "is_backup"])
        after = {"nickname": nickname, "is_default": is_default}
        _record("payment method described", locked, actor, now, before=before, after=after)


def remove(method: PaymentMethod, *, customer_id: UUID, actor: audit.Actor, now: datetime) -> None:
    """Remove an account from a customer's wallet; for others it stays as it is.

    Payments already authorised from it still go through.
    """
    with transaction.atomic(durable=True):
        locked = _lock_all(method)
        method_access.end(locked, customer_id, now=now)
        if not method_access.customers_of(locked):
            locked.is_remembered, locked.is_default, locked.is_backup = False, False, False
            has_unfinished = Payment.objects.filter(method=locked, state__in=_UNFINISHED).exists()
            if locked.state == MethodState.ACTIVE and not has_unfinished:
                locked.state, locked.state_since = MethodState.REMOVED, now
            locked.save(
                update_fields=["is_remembered", "is_default", "is_backup", "state", "state_since"]
            )
        _record("payment method removed", locked, actor, now)


def unfinished_payments(method: PaymentMethod, *, customer_id: UUID) -> list[Payment]:
    """List a customer's payments from an account that are not finished."""
    return list(
        Payment.objects.filter(
            method__account_fingerprint=method.account_fingerprint,
            customer_id=customer_id,
            state__in=_UNFINISHED,
        )
    )


def _lock_all(method: PaymentMethod) -> PaymentMethod:
    """Lock all methods of its owner in one order, so that two defaults cannot cross."""
    methods = PaymentMethod.objects.filter(
        owner_person=method.owner_person_id, owner_customer=method.owner_customer_id
    ).order_by("id")
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
        after=after or {"ending": method.account.last4},
    )
