"""Validates bank accounts before their first WEB debit. Source: Nacha, account validation rule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from billfold.payments.accounts import bank_accounts
from billfold.payments.accounts.bank_accounts import TypedAccount
from billfold.payments.models import Payment


class AccountRefused(Exception):
    """The account cannot be debited: validation found out why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CannotValidate(Exception):
    """The biller's way of validation is not available here; nothing is debited without one."""


HISTORY: Final = "history"
PRENOTE: Final = "prenote"


@dataclass(frozen=True, slots=True)
class Validation:
    """Proof that an account is open and takes debits, for its first WEB debit.

    Without a moment the prenote is still to come; with an empty `by` the account needs none.
    """

    by: str
    evidence: str
    at: datetime | None

    def is_awaited(self, sec_code: str) -> bool:
        """Tell whether a debit under that code has to wait for a prenote."""
        return sec_code == "WEB" and self.by == PRENOTE and self.at is None


NOT_NEEDED: Final = Validation(by="", evidence="", at=None)


class Validator(Protocol):
    """One way to satisfy the account validation rule for WEB debits."""

    def __call__(self, account: TypedAccount, *, now: datetime) -> Validation:
        """Validate the account. Raises: AccountRefused, CannotValidate."""


def by_history(fingerprint: str, *, now: datetime) -> Validation | None:
    """Validate an account from which an earlier payment settled and none was returned."""
    paid = Payment.objects.filter(method__account_fingerprint=fingerprint)
    if paid.filter(state="returned").exists():
        return None
    earlier = paid.filter(state="settled").order_by("-created_at").first()
    if earlier is None:
        return None
    return Validation(by=HISTORY, evidence=earlier.subject, at=now)


VALIDATORS: Final[dict[str, Validator]] = {}
"""Name in the bank connection's setting -> validator; the demo's bank service adds itself."""


def validate(account: TypedAccount, *, setting: str, now: datetime) -> Validation:
    """Validate an account before its first debit, in the way the biller chose.

    It may ask a service outside, so it is called before a transaction. A prenote is only sent with
    the next file. Raises: AccountRefused, CannotValidate.
    """
    validation = by_history(account.account_fingerprint, now=now)
    if validation:
        return validation
    if setting in VALIDATORS:
        return VALIDATORS[setting](account, now=now)
    if setting in {PRENOTE, HISTORY} and bank_accounts.sec_code(account) != "WEB":
        return NOT_NEEDED
    if setting == PRENOTE:
        return Validation(by=PRENOTE, evidence="", at=None)
    raise CannotValidate(setting)


def available_settings() -> list[str]:
    """List the settings under which a payment can be made here."""
    return sorted({HISTORY, PRENOTE, *VALIDATORS})
