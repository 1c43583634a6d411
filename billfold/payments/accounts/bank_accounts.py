"""Bank accounts of customers: validated, stored sealed, compared by fingerprint, corrected."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from billfold.banking import account_fingerprints, connections
from billfold.formats import nacha
from billfold.payments.accounts import method_access
from billfold.payments.method_models import BankAccount, PaymentMethod, PresentAccount
from billfold.payments.rules import card_numbers
from billfold.payments.rules.account_label import account_label
from billfold.platform import audit, sealing
from billfold.platform.ids import new_id
from billfold.rails.ach.reason_codes import Correction
from billfold.rails.protocol import AccountType

Holder = Literal["personal", "business"]
ACCOUNT_LONGEST = 17
_RETURNS: Final = audit.job("returns")


class NotARoutingNumber(ValueError):
    """Not nine digits, all zero, outside the ranges in use, or a wrong check digit."""


class NotAnAccountNumber(ValueError):
    """Not 1 to 17 letters, digits and dashes, or nothing but zeros."""


class LooksLikeACard(ValueError):
    """The number may be a payment card's, which must not come near us."""


class CorrectedOtherwise(Exception):
    """The same document corrects the account a second time, to something else."""


@dataclass(frozen=True, slots=True)
class TypedAccount:
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


def sec_code(account: TypedAccount | BankAccount) -> str:
    """Choose the code by the account, not by the customer. Source: Nacha, SEC codes."""
    return "CCD" if account.holder == "business" else "WEB"


def unseal_number(account_id: UUID, number_sealed: bytes) -> str:
    """Open a sealed account number that was read with many others."""
    return sealing.unseal(number_sealed, context=_context(account_id)).decode()


def _context(account_id: UUID) -> str:
    return f"payments_bankaccount|number|{account_id}"


def add(
    typed: TypedAccount,
    *,
    customer_id: UUID,
    remember: bool,
    actor: audit.Actor,
    now: datetime,
) -> PaymentMethod:
    """Store a bank account as a payment method of who enters it, its number sealed, to be used for
    that customer. Needs an open transaction.

    If it is remembered, it takes the place of the same account that its owner saved before.
    Raises: LooksLikeACard.
    """
    if card_numbers.looks_like_card(typed.account_number):
        raise LooksLikeACard
    owner = method_access.owner_of_new(typed.holder, customer_id=customer_id, actor=actor)
    method = PaymentMethod(
        id=new_id(),
        label=account_label(typed.account_type, typed.account_number[-4:]),
        account_fingerprint=typed.account_fingerprint,
        owner_person_id=owner.person_id,
        owner_customer_id=owner.customer_id,
        is_remembered=remember and owner != method_access.MethodOwner(),
        state_since=now,
        created_at=now,
    )
    account = _new_account(method, typed, now)
    customers = [customer_id, *_forget_twins(method)]
    method.save(force_insert=True)
    account.save(force_insert=True)
    method.present = PresentAccount(account=account, method=method)
    method_access.give(method, customers, actor=actor, now=now)
    return method


def _new_account(method: PaymentMethod, typed: TypedAccount, now: datetime) -> BankAccount:
    account_id = new_id()
    number = typed.account_number
    return BankAccount(
        id=account_id,
        method=method,
        routing_number=typed.routing_number,
        bank_name=typed.bank_name,
        number_sealed=sealing.seal(number.encode(), context=_context(account_id)),
        account_fingerprint=typed.account_fingerprint,
        account_fingerprint_with_zeros=typed.account_fingerprint_with_zeros,
        last4=number[-4:],
        account_type=typed.account_type,
        holder=typed.holder,
        holder_name=typed.holder_name,
        created_at=now,
    )


def _forget_twins(method: PaymentMethod) -> list[UUID]:
    """Let a remembered method take the place of its owner's others for the same account.

    Gives the customers for which those were used.
    """
    if not method.is_remembered:
        return []
    twins = method_access.owner_of(method).remembered()
    twins = twins.filter(account_fingerprint=method.account_fingerprint).exclude(pk=method.pk)
    customers: list[UUID] = []
    for twin in twins.select_for_update():
        method.is_default = method.is_default or twin.is_default
        method.is_backup = not method.is_default and (method.is_backup or twin.is_backup)
        method.nickname = method.nickname or twin.nickname
        customers += method_access.customers_of(twin)
    twins.update(is_remembered=False, is_default=False, is_backup=False)
    return customers


def unsealed(method: PaymentMethod) -> TypedAccount:
    """Unseal the account of a method, to have it validated or corrected."""
    account = method.account
    return TypedAccount(
        routing_number=account.routing_number,
        account_number=account.number(),
        account_type="savings" if account.account_type == "savings" else "checking",
        holder="business" if account.holder == "business" else "personal",
        holder_name=account.holder_name,
        bank_name=account.bank_name,
    )


def correct(
    method_id: UUID, correction: Correction, *, code: str, evidence: str, now: datetime
) -> None:
    """Put corrected bank data in force: a new account, linked to the one it replaces. The same data
    changes nothing. Consents follow the link, for the customer's own bank supplied the data.

    Raises: CorrectedOtherwise if the same document corrected the account to something else.
    """
    method = PaymentMethod.objects.select_for_update().get(pk=method_id)
    before, typed = method.account, unsealed(method)
    routing_number = correction.routing_number or typed.routing_number
    corrected = replace(
        typed,
        routing_number=routing_number,
        account_number=correction.account_number or typed.account_number,
        account_type=correction.account_type or typed.account_type,
        bank_name=typed.bank_name
        if routing_number == typed.routing_number
        else connections.bank_name(routing_number) or "",
    )
    if corrected == typed:
        return
    if method.accounts.filter(evidence=evidence).exists():
        raise CorrectedOtherwise
    account = _new_account(method, corrected, now)
    account.replaces, account.code, account.evidence = before, code, evidence
    account.save(force_insert=True)
    method.label = account.label
    method.account_fingerprint = account.account_fingerprint
    customers = _forget_twins(method)
    method.save(
        update_fields=["label", "account_fingerprint", "is_default", "is_backup", "nickname"]
    )
    method_access.give(method, customers, actor=_RETURNS, now=now)
    audit.record(
        "bank account corrected by notice of change",
        f"method/{method.id}",
        actor=_RETURNS,
        now=now,
        before={"ending": before.last4},
        after={
            "ending": account.last4,
            "code": code,
            "account_fingerprint": account.account_fingerprint,
        },
    )
