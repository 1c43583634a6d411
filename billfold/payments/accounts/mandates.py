"""Mandates: the text of a consent to debit, and its record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from billfold.money import Money
from billfold.payments.accounts import bank_accounts
from billfold.payments.accounts.account_validation import PRENOTE, Validation
from billfold.payments.method_models import Mandate, PaymentMethod
from billfold.payments.rules import written_times
from billfold.platform import audit
from billfold.platform.ids import new_id

TEXT_VERSION: Final = "single-2026-11"
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
    """The exact text that somebody agreed to, and from where they did."""

    text: str
    agreed_by: audit.Actor
    ip_address: str
    user_agent: str


def single_text(
    *,
    biller: str,
    account: str,
    amount: Money,
    day: date,
    cancel_until: datetime,
    return_fee: Money,
) -> str:
    """Write the authorisation for one debit; `cancel_until` is in the biller's zone.

    Source: spec of ACH, WEB authorisations.
    """
    fee = _FEE.format(fee=return_fee.formatted()) if return_fee.minor else ""
    return _TEXT.format(
        biller=biller,
        account=account,
        amount=amount.formatted(),
        day=written_times.day(day),
        cutoff=f"{written_times.time_of_day(cancel_until)} on {written_times.day(cancel_until)}",
        fee=fee,
    )


def single(
    method: PaymentMethod, amount: Money, consent: Consent, validation: Validation, now: datetime
) -> Mandate:
    """Make the mandate of one consent to one debit, to be written with its payment."""
    account = method.account
    return Mandate(
        id=new_id(),
        method=method,
        account=account,
        kind="single",
        sec_code=bank_accounts.sec_code(account),
        text=consent.text,
        text_version=TEXT_VERSION,
        amount_minor=amount.minor,
        currency=amount.currency,
        agreed_at=now,
        agreed_by_id=consent.agreed_by.id,
        agreed_by_name=consent.agreed_by.name,
        ip_address=consent.ip_address,
        user_agent=consent.user_agent,
        validated_by=validation.by,
        validated_at=validation.at,
        validation_evidence=validation.evidence,
    )


def validation_of(mandate: Mandate) -> Validation:
    """Give the proof that a mandate's account can be debited: that of the day it was given, or the
    prenote that came since.
    """
    if mandate.validated_by != PRENOTE or mandate.validated_at is not None:
        return Validation(mandate.validated_by, mandate.validation_evidence, mandate.validated_at)
    proofs = mandate.prenote_proofs.filter(prenote__is_live=True, prenote__answer="")
    proof = proofs.select_related("prenote").order_by("at", "id").first()
    if proof is None:
        return Validation(PRENOTE, "", None)
    return Validation(PRENOTE, f"{PRENOTE}/{proof.prenote.trace}", proof.at)
