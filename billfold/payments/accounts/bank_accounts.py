"""Bank accounts of customers: validated, stored sealed, compared by fingerprint, corrected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from billfold.formats import nacha
from billfold.payments.models import Mandate, MethodChange, MethodState, PaymentMethod
from billfold.platform import audit, sealing
from billfold.platform.ids import new_id
from billfold.rails.ach.reason_codes import Correction
from billfold.rails.protocol import AccountType

Holder = Literal["personal", "business"]
ACCOUNT_LONGEST = 17


class NotARoutingNumber(ValueError):
    """Not nine digits, all zero, outside the ranges in use, or a wrong check digit."""


class NotAnAccountNumber(ValueError):
    """Not 1 to 17 letters and digits, or nothing but zeros."""


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
        if not number.isascii() or not number.isalnum() or len(number) > ACCOUNT_LONGEST:
            raise NotAnAccountNumber
        if not number.strip("0"):
            raise NotAnAccountNumber

    @property
    def fingerprint(self) -> str:
        """Keyed hash by which the same account is recognised without its number."""
        return fingerprint(self.routing_number, self.account_number)


def fingerprint(routing_number: str, account_number: str) -> str:
    """Make the keyed hash of an account."""
    return sealing.fingerprint(f"{routing_number}|{account_number}", purpose="bank account")


def sec_code(account: BankAccount | PaymentMethod) -> str:
    """Choose the code by the account, not by the customer. Source: Nacha, SEC codes."""
    return "CCD" if account.holder == "business" else "WEB"


def lock_methods_by_account(method_ids: Iterable[UUID]) -> dict[UUID, list[PaymentMethod]]:
    """Lock every method on the accounts of these methods, whoever's it is; give them by method.

    Each typed account is a method of its own, so an account may have many. Needs an open
    transaction.
    """
    fingerprints = dict(
        PaymentMethod.objects.filter(pk__in=list(method_ids)).values_list(
            "id", "account_fingerprint"
        )
    )
    locked = list(
        PaymentMethod.objects.select_for_update(no_key=True)
        .filter(account_fingerprint__in=set(fingerprints.values()))
        .order_by("id")
    )
    return {
        method_id: [method for method in locked if method.account_fingerprint == account]
        for method_id, account in fingerprints.items()
    }


def stopped_fingerprints(fingerprints: Iterable[str]) -> set[str]:
    """Select the accounts that a return stopped, under whichever method."""
    return set(
        PaymentMethod.objects.filter(
            account_fingerprint__in=list(fingerprints),
            state__in=[MethodState.FROZEN, MethodState.HELD],
        ).values_list("account_fingerprint", flat=True)
    )


def unseal_number(method_id: UUID, account_sealed: bytes) -> str:
    """Open a sealed account number that was read with many others."""
    context = f"payments_paymentmethod|account|{method_id}"
    return sealing.unseal(account_sealed, context=context).decode()


def _seal_number(method_id: UUID, account_number: str) -> bytes:
    context = f"payments_paymentmethod|account|{method_id}"
    return sealing.seal(account_number.encode(), context=context)


def add(account: BankAccount, *, customer_id: UUID, remember: bool, now: datetime) -> PaymentMethod:
    """Store a bank account as a payment method, its number sealed. Needs an open transaction."""
    method_id = new_id()
    return PaymentMethod.objects.create(
        id=method_id,
        customer_id=customer_id,
        routing_number=account.routing_number,
        bank_name=account.bank_name,
        account_sealed=_seal_number(method_id, account.account_number),
        account_fingerprint=account.fingerprint,
        account_last4=account.account_number[-4:],
        account_type=account.account_type,
        holder=account.holder,
        holder_name=account.holder_name,
        is_remembered=remember,
        created_at=now,
    )


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
    method.account_fingerprint = fingerprint(method.routing_number, number)
    method.save()
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
