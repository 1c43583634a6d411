"""The simulated bank's account validation: it knows which accounts are closed."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from billfold.payments.accounts import account_validation
from billfold.payments.accounts.bank_accounts import TypedAccount

NAME: Final = "bank_service"
CLOSED_ENDING: Final = "02"


def offer() -> None:
    """Let billers choose this validation of accounts."""
    account_validation.VALIDATORS[NAME] = validate


def validate(account: TypedAccount, *, now: datetime) -> account_validation.Validation:
    """Answer for an account, the same answer every time. Raises: AccountRefused."""
    if account.account_number.endswith(CLOSED_ENDING):
        raise account_validation.AccountRefused("the account is closed")
    return account_validation.Validation(
        by=NAME, evidence="simulated bank: open, takes debits", at=now
    )
