"""The simulated bank's account validation: it knows which accounts are closed."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from billfold.payments.accounts.bank_accounts import BankAccount
from billfold.payments.accounts.mandates import AccountRefused, Validation

NAME: Final = "bank_service"
CLOSED_ENDING: Final = "02"


def vouch(account: BankAccount, *, now: datetime) -> Validation:
    """Answer for an account, the same answer every time. Raises: AccountRefused."""
    if account.account_number.endswith(CLOSED_ENDING):
        raise AccountRefused("the account is closed")
    return Validation(by=NAME, evidence="simulated bank: open, takes debits", at=now)
