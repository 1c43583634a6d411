"""Where the money of a payment comes from: a saved account, or a new one that was validated.

Rules alone: nothing here knows a request or a page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from billfold.banking import connections
from billfold.payments.accounts import account_validation, wallet
from billfold.payments.accounts.account_validation import Validation
from billfold.payments.accounts.bank_accounts import BankAccount
from billfold.payments.funnel import stopped_accounts
from billfold.payments.models import PaymentMethod


@dataclass(frozen=True, slots=True)
class FundingAccount:
    """A saved method, or an account typed just now, with the proof that it can be debited."""

    method_id: UUID | None
    account: BankAccount | None
    validation: Validation


def find_saved(account: BankAccount, saved: Sequence[PaymentMethod]) -> UUID | None:
    """Recognise a saved account that was typed once more."""
    traits = (account.account_fingerprint, account.account_type, account.holder)
    for method in wallet.usable(list(saved)):
        if (method.account_fingerprint, method.account_type, method.holder) == traits:
            return method.id
    return None


def validate(account: BankAccount, *, customer_id: UUID, now: datetime) -> Validation:
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
