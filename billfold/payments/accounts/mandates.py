"""Consent to pull money: its text, its record, and the check that the account can be debited."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Protocol

from billfold.money import Money
from billfold.payments.accounts.bank_accounts import BankAccount
from billfold.payments.models import Mandate, Payment, PaymentMethod
from billfold.people.models import Person
from billfold.platform.ids import new_id

TEXT_VERSION: Final = "one-time-2026-11"
_TEXT: Final = (
    "I authorize {biller} to debit my {account} once for {amount}, on or after {day}. "
    "I can cancel this payment in the portal until {cutoff}. "
    "{fee}"
    "I am an authorized signer on this account. I can print this authorization or find it in my "
    "payment history."
)
_FEE: Final = "If the payment is returned, a Return Fee of up to {fee} may be added to my account. "


@dataclass(frozen=True, slots=True)
class Consent:
    """How and where a person agreed; kept with the exact text they saw."""

    text: str
    agreed_by: Person
    ip_address: str
    user_agent: str


def one_time_text(
    *, biller: str, account: str, amount: Money, day: date, cutoff: str, return_fee: Money
) -> str:
    """Write the authorisation for one debit. Source: spec of ACH, WEB authorisations."""
    fee = _FEE.format(fee=return_fee.shown()) if return_fee.minor else ""
    return _TEXT.format(
        biller=biller,
        account=account,
        amount=amount.shown(),
        day=f"{day:%b} {day.day}, {day.year}",
        cutoff=cutoff,
        fee=fee,
    )


class AccountRefused(Exception):
    """Validation says that the account cannot be debited."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CannotValidate(Exception):
    """The validation the biller chose is not there; nothing is debited without one."""


HISTORY: Final = "history"
PRENOTE: Final = "prenote"


@dataclass(frozen=True, slots=True)
class Validation:
    """Proof that an account is open and takes debits, for its first WEB debit.

    Without a moment it is still to come, by a prenote; by nobody, the account needs none.
    """

    by: str
    evidence: str
    at: datetime | None

    def is_awaited(self, sec_code: str) -> bool:
        """Say whether a debit under that code has to wait for it."""
        return sec_code == "WEB" and self.by == PRENOTE and self.at is None


NOT_NEEDED: Final = Validation(by="", evidence="", at=None)


class Validator(Protocol):
    """One way to satisfy the account validation rule for WEB debits."""

    def __call__(self, account: BankAccount, *, now: datetime) -> Validation:
        """Vouch for the account. Raises: AccountRefused, CannotValidate."""


def by_history(fingerprint: str, *, now: datetime) -> Validation | None:
    """Vouch for an account from which an earlier payment settled and was never returned."""
    paid = Payment.objects.filter(method__account_fingerprint=fingerprint)
    if paid.filter(state="returned").exists():
        return None
    earlier = paid.filter(state="settled").order_by("-created_at").first()
    if earlier is None:
        return None
    return Validation(by=HISTORY, evidence=earlier.subject, at=now)


VALIDATORS: Final[dict[str, Validator]] = {}
"""Name in the bank connection's setting -> validator; the demo's bank service adds itself."""


def validate(account: BankAccount, *, setting: str, now: datetime) -> Validation:
    """Vouch for an account before its first debit, the biller's way. May ask outside: call it
    before a transaction. A prenote only begins with the next file. Raises: AccountRefused,
    CannotValidate.
    """
    known = by_history(account.fingerprint, now=now)
    if known:
        return known
    if setting in VALIDATORS:
        return VALIDATORS[setting](account, now=now)
    if setting in {PRENOTE, HISTORY} and sec_code(account) != "WEB":
        return NOT_NEEDED
    if setting == PRENOTE:
        return Validation(by=PRENOTE, evidence="", at=None)
    raise CannotValidate(setting)


def offered() -> list[str]:
    """Name the settings by which a payment can be made here."""
    return sorted({HISTORY, PRENOTE, *VALIDATORS})


def sec_code(account: BankAccount | PaymentMethod) -> str:
    """Choose the code by the account, not by the customer. Source: Nacha, SEC codes."""
    return "CCD" if account.holder == "business" else "WEB"


def agreed_once(
    method: PaymentMethod, amount: Money, consent: Consent, validation: Validation, now: datetime
) -> Mandate:
    """Make the record of one consent to one debit, to be written with its payment."""
    return Mandate(
        id=new_id(),
        method=method,
        kind="one_time",
        sec_code=sec_code(method),
        text=consent.text,
        text_version=TEXT_VERSION,
        amount_minor=amount.minor,
        currency=amount.currency,
        agreed_at=now,
        agreed_by=consent.agreed_by,
        agreed_by_name=consent.agreed_by.name,
        ip_address=consent.ip_address,
        user_agent=consent.user_agent[:500],
        account_fingerprint=method.account_fingerprint,
        validated_by=validation.by,
        validated_at=validation.at,
        validation_evidence=validation.evidence,
    )
