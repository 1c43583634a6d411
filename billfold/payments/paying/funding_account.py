"""Where the money of a payment comes from: a saved account, or a new one that was validated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from billfold.banking import connections
from billfold.payments.accounts import account_validation, method_access
from billfold.payments.accounts.account_validation import Validation
from billfold.payments.accounts.bank_accounts import TypedAccount
from billfold.payments.funnel import stopped_accounts
from billfold.payments.method_models import MethodState


@dataclass(frozen=True, slots=True)
class FundingAccount:
    """A saved method, or an account typed just now, with the proof that it can be debited."""

    method_id: UUID | None
    account: TypedAccount | None
    validation: Validation


def find_saved(account: TypedAccount, *, customer_id: UUID, person_id: UUID) -> UUID | None:
    """Recognise an account that this person, or the customer's company, saved before."""
    methods = method_access.usable_for(customer_id, person_id=person_id)
    return (
        methods.filter(
            is_remembered=True,
            state=MethodState.ACTIVE,
            account_fingerprint=account.account_fingerprint,
            present__account__account_type=account.account_type,
            present__account__holder=account.holder,
        )
        .values_list("id", flat=True)
        .first()
    )


def validate(account: TypedAccount, *, customer_id: UUID, now: datetime) -> Validation:
    """Have an account validated, the way the bank connection says.

    This may ask outside, so no transaction is open.
    Raises: AccountStopped, AccountOnHold, AccountRefused, CannotValidate.
    """
    stopped_accounts.check(account, customer_id=customer_id, now=now)
    try:
        setting = connections.default().account_validation
    except connections.NoBank as refusal:
        raise account_validation.CannotValidate from refusal
    return account_validation.validate(account, setting=setting, now=now)
