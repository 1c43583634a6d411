"""Bank accounts of customers: validated, stored sealed, compared by fingerprint, corrected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from billfold.banking import account_fingerprints
from billfold.formats import nacha
from billfold.payments.models import Mandate, MethodChange, PaymentMethod
from billfold.payments.rules import card_numbers
from billfold.platform import audit, sealing
from billfold.platform.ids import new_id
from billfold.rails.ach.reason_codes import Correction
from billfold.rails.protocol import AccountType

Holder = Literal["personal", "business"]
ACCOUNT_LONGEST = 17


class NotARoutingNumber(ValueError):
    """Not nine digits, all zero, outside the ranges in use, or a wrong check digit."""


class NotAnAccountNumber(ValueError):
    """Not 1 to 17 letters, digits and dashes, or nothing but zeros."""


class LooksLikeACard(ValueError):
    """The number may be a payment card's, which must not come near us."""


class CorrectedOtherwise(Exception):
    """The same document corrects the account a second time, to something else."""


@dataclass(frozen=True, slots=True)
class BankAccount:
    """A bank account as a payer typed it, its numbers valid."""

    routing_number: str
    account_number: str
    account_type: AccountType
    holder: Holder
    holder_name: str
    bank_name: str = ""

    def __post_init__(self) -> None:
        if not nacha.is_routing_number(self.routing_number):
            raise NotARoutingNumber
        number = self.account_number
        # A bank may correct a number to one with dashes; it is kept as the bank wrote it.
        letters = number.replace("-", "")
        if not letters.isascii() or not letters.isalnum() or len(number) > ACCOUNT_LONGEST:
            raise NotAnAccountNumber
        if not letters.strip("0"):
            raise NotAnAccountNumber

    @property
    def account_fingerprint(self) -> str:
        """Fingerprint by which the same account is recognised, however its number is typed."""
        return account_fingerprints.of_account(self.routing_number, self.account_number)

    @property
    def account_fingerprint_with_zeros(self) -> str:
        """Fingerprint by which accounts of two customers are the same."""
        return account_fingerprints.with_zeros(self.routing_number, self.account_number)


def sec_code(account: BankAccount | PaymentMethod) -> str:
    """Choose the code by the account, not by the customer. Source: Nacha, SEC codes."""
    return "CCD" if account.holder == "business" else "WEB"


def unseal_number(method_id: UUID, account_sealed: bytes) -> str:
    """Open a sealed account number that was read with many others."""
    context = f"payments_paymentmethod|account|{method_id}"
    return sealing.unseal(account_sealed, context=context).decode()


def _seal_number(method_id: UUID, account_number: str) -> bytes:
    context = f"payments_paymentmethod|account|{method_id}"
    return sealing.seal(account_number.encode(), context=context)


def add(account: BankAccount, *, customer_id: UUID, remember: bool, now: datetime) -> PaymentMethod:
    """Store a bank account as a payment method, its number sealed. Needs an open transaction.

    If it is remembered, it takes the place of the same account that was saved before.
    Raises: LooksLikeACard.
    """
    if card_numbers.looks_like_card(account.account_number):
        raise LooksLikeACard
    method_id = new_id()
    method = PaymentMethod(
        id=method_id,
        customer_id=customer_id,
        routing_number=account.routing_number,
        bank_name=account.bank_name,
        account_sealed=_seal_number(method_id, account.account_number),
        account_fingerprint=account.account_fingerprint,
        account_fingerprint_with_zeros=account.account_fingerprint_with_zeros,
        account_last4=account.account_number[-4:],
        account_type=account.account_type,
        holder=account.holder,
        holder_name=account.holder_name,
        is_remembered=remember,
        created_at=now,
    )
    _forget_twins(method)
    method.save(force_insert=True)
    return method


def _forget_twins(method: PaymentMethod) -> None:
    """Let a remembered method take the place of the customer's others for the same account."""
    twins = PaymentMethod.objects.filter(
        customer_id=method.customer_id,
        account_fingerprint=method.account_fingerprint,
        is_remembered=True,
    ).exclude(pk=method.pk)
    if not method.is_remembered:
        return
    for twin in twins.select_for_update():
        method.is_default = method.is_default or twin.is_default
        method.nickname = method.nickname or twin.nickname
    twins.update(is_remembered=False, is_default=False)


def correct(
    method_id: UUID, correction: Correction, *, code: str, evidence: str, now: datetime
) -> None:
    """Put corrected bank data in force and keep the old, sealed. The same data changes nothing.

    Raises: CorrectedOtherwise if the same document corrected the account to something else.
    """
    method = PaymentMethod.objects.select_for_update().get(pk=method_id)
    old_number = method.account_number()
    number = correction.account_number or old_number
    routing_number = correction.routing_number or method.routing_number
    account_type = correction.account_type or method.account_type
    before = f"{method.routing_number}|{old_number}|{method.account_type}"
    if f"{routing_number}|{number}|{account_type}" == before:
        return
    if MethodChange.objects.filter(method=method, evidence=evidence).exists():
        raise CorrectedOtherwise
    change = MethodChange(id=new_id(), method=method, at=now, code=code, evidence=evidence)
    change.before_sealed = sealing.seal(
        before.encode(), context=f"payments_methodchange|before|{change.id}"
    )
    change.save(force_insert=True)
    method.routing_number, method.account_type = routing_number, account_type
    method.account_sealed = _seal_number(method.id, number)
    method.account_last4 = number[-4:]
    method.account_fingerprint = account_fingerprints.of_account(routing_number, number)
    method.account_fingerprint_with_zeros = account_fingerprints.with_zeros(routing_number, number)
    _forget_twins(method)
    method.save(
        update_fields=[
            "routing_number",
            "account_type",
            "account_sealed",
            "account_last4",
            "account_fingerprint",
            "account_fingerprint_with_zeros",
            "is_default",
            "nickname",
        ]
    )
    # The customer's bank supplied the data, so the consent goes on for the corrected account.
    Mandate.objects.filter(method=method, revoked_at=None).update(
        account_fingerprint=method.account_fingerprint
    )
    audit.record(
        "bank account corrected by notice of change",
        f"method/{method.id}",
        actor=audit.job("returns"),
        now=now,
        before={"ending": old_number[-4:]},
        after={
            "ending": method.account_last4,
            "code": code,
            "account_fingerprint": method.account_fingerprint,
        },
    )
