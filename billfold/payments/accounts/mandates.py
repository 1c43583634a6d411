"""Mandates: the text of a consent to debit, and its record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from billfold.money import Money
from billfold.payments.accounts import bank_accounts
from billfold.payments.accounts.account_validation import Validation
from billfold.payments.models import Mandate, PaymentMethod
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
    """The exact text a person agreed to, and from where they did."""

    text: str
    agreed_by: Person
    ip_address: str
    user_agent: str


def one_time_text(
    *, biller: str, account: str, amount: Money, day: date, cutoff: str, return_fee: Money
) -> str:
    """Write the authorisation for one debit. Source: spec of ACH, WEB authorisations."""
    fee = _FEE.format(fee=return_fee.formatted()) if return_fee.minor else ""
    return _TEXT.format(
        biller=biller,
        account=account,
        amount=amount.formatted(),
        day=f"{day:%b} {day.day}, {day.year}",
        cutoff=cutoff,
        fee=fee,
    )


def one_time(
    method: PaymentMethod, amount: Money, consent: Consent, validation: Validation, now: datetime
) -> Mandate:
    """Make the mandate of one consent to one debit, to be written with its payment."""
    return Mandate(
        id=new_id(),
        method=method,
        kind="one_time",
        sec_code=bank_accounts.sec_code(method),
        text=consent.text,
        text_version=TEXT_VERSION,
        amount_minor=amount.minor,
        currency=amount.currency,
        agreed_at=now,
        agreed_by=consent.agreed_by,
        agreed_by_name=consent.agreed_by.name,
        ip_address=consent.ip_address,
        user_agent=consent.user_agent,
        account_fingerprint=method.account_fingerprint,
        validated_by=validation.by,
        validated_at=validation.at,
        validation_evidence=validation.evidence,
    )
