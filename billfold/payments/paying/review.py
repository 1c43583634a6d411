"""The review of a payment: its day, the words the payer agrees to, the fingerprint of both."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from billfold import bankdays
from billfold.banking import connections
from billfold.money import Money, total
from billfold.payments.accounts import mandates, method_access
from billfold.payments.accounts.account_validation import Validation
from billfold.payments.accounts.bank_accounts import TypedAccount
from billfold.payments.accounts.mandates import Consent
from billfold.payments.method_models import BankAccount, MethodState, PaymentMethod
from billfold.payments.models import Payment
from billfold.payments.paying import scheduling
from billfold.payments.paying.payable_bills import CURRENCY
from billfold.payments.paying.scheduling import Intent
from billfold.people.models import Person
from billfold.platform.audit import Actor
from billfold.receivables.models import BillerProfile


@dataclass(frozen=True, slots=True)
class Draft:
    """One payment as chosen, waiting for its review. It has either a method or an account."""

    reference: str
    customer_id: UUID
    shares: dict[UUID, Money]
    method_id: UUID | None
    account: TypedAccount | None
    remember: bool
    validation: Validation

    def __post_init__(self) -> None:
        assert (self.method_id is None) != (self.account is None)


class AccountGone(Exception):
    """The saved account of a draft was removed or stopped meanwhile."""


@dataclass(frozen=True, slots=True)
class ReviewedPayment:
    """A draft at one moment: what Pay will do, and the words it is agreed to with."""

    draft: Draft
    payer: Actor
    source: TypedAccount | PaymentMethod
    account: TypedAccount | BankAccount
    """The account of the source, as it is now."""
    biller_name: str
    zone: ZoneInfo
    return_fee: Money
    collect_on: date
    cutoff_eastern: time
    reflected_by: date

    @property
    def amount(self) -> Money:
        return total(self.draft.shares.values(), CURRENCY)

    @property
    def cutoff(self) -> datetime:
        """Until when the payment can be canceled, in the biller's zone."""
        return bankdays.cutoff_at(self.collect_on, self.cutoff_eastern).astimezone(self.zone)

    @property
    def last4(self) -> str:
        if isinstance(self.account, BankAccount):
            return self.account.last4
        return self.account.account_number[-4:]

    def authorization(self) -> str:
        """Write the authorisation, from what is so at this moment."""
        return mandates.single_text(
            biller=self.biller_name,
            account=f"{self.account.account_type} account ending {self.last4}",
            amount=self.amount,
            day=self.collect_on,
            cancel_until=self.cutoff,
            return_fee=self.return_fee,
        )

    def intent(self, *, ip_address: str, user_agent: str) -> Intent:
        """Say what Pay will do, agreed to from that place."""
        return Intent(
            reference=self.draft.reference,
            customer_id=self.draft.customer_id,
            shares=self.draft.shares,
            account=self.source,
            authority=Consent(
                text=self.authorization(),
                agreed_by=self.payer,
                ip_address=ip_address,
                user_agent=user_agent,
            ),
            actor=self.payer,
            validation=self.draft.validation,
            remember=self.draft.remember,
        )

    def fingerprint(self) -> str:
        """Name exactly this request under exactly these words, wherever they are agreed to."""
        intent = self.intent(ip_address="", user_agent="")
        return _fingerprint(intent.request_hash, self.authorization())


def prepare(
    draft: Draft, payer: Actor, *, profile: BillerProfile, return_fee: Money, now: datetime
) -> ReviewedPayment:
    """Put a draft beside the books as they are now. Raises: AccountGone."""
    source = draft.account or _usable_method(draft, payer)
    account = source.account if isinstance(source, PaymentMethod) else source
    cutoff = connections.default().cutoff_eastern
    collect_on = scheduling.collection_day(
        account, draft.validation, counts_from=now, cutoff_eastern=cutoff
    )
    return ReviewedPayment(
        draft=draft,
        payer=payer,
        source=source,
        account=account,
        biller_name=profile.legal_name,
        zone=ZoneInfo(profile.zone),
        return_fee=return_fee,
        collect_on=collect_on,
        cutoff_eastern=cutoff,
        reflected_by=bankdays.add_banking_days(collect_on, profile.debit_days),
    )


def fingerprint_of_payment(payment: Payment) -> str:
    """Recompute the fingerprint of a payment that was made, from what is stored."""
    return _fingerprint(payment.request_hash, payment.mandate.text)


def _fingerprint(request_hash: str, authorization: str) -> str:
    return hashlib.sha256(f"{request_hash}|{authorization}".encode()).hexdigest()


def _usable_method(draft: Draft, payer: Actor) -> PaymentMethod:
    assert draft.method_id is not None  # A draft has either a method or an account.
    methods = method_access.usable_for(draft.customer_id, person_id=Person.id_of(payer))
    method = (
        methods.filter(pk=draft.method_id, state=MethodState.ACTIVE)
        .select_related("present__account")
        .first()
    )
    if method is None:
        raise AccountGone
    return method
