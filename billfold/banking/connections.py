"""The biller's bank account: its terms, and the directory of other banks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Any

from django.db import transaction

from billfold.banking.models import BankConnection, RoutingNumber
from billfold.platform import sealing
from billfold.platform.ids import new_id


class NoBank(Exception):
    """The biller has no bank account set up, so nothing can be collected."""


def default() -> BankConnection:
    """Find the account that collects. Raises: NoBank."""
    found = BankConnection.objects.order_by("name").first()
    if found is None:
        raise NoBank
    return found


def cutoff_eastern() -> time:
    """Tell when the collecting account's day closes. Raises: NoBank."""
    found = BankConnection.objects.order_by("name").values_list("cutoff_eastern", flat=True)
    for cutoff in found[:1]:
        return cutoff
    raise NoBank


def add(account_number: str, **terms: Any) -> BankConnection:
    """Set up a bank account of the biller, its number sealed."""
    made = new_id()
    context = f"banking_bankconnection|account_number|{made}"
    return BankConnection.objects.create(
        id=made,
        account_number_sealed=sealing.seal(account_number.encode(), context=context),
        account_fingerprint=own_account(account_number),
        account_last4=account_number[-4:],
        **terms,
    )


def own_account(account_number: str) -> str:
    """Make the keyed hash by which a statement's account is recognised."""
    return sealing.fingerprint(account_number.lstrip("0"), purpose="own bank account")


def load_directory(banks: Mapping[str, str]) -> int:
    """Replace names of banks by routing number; give how many are known now."""
    with transaction.atomic():
        RoutingNumber.objects.bulk_create(
            (RoutingNumber(number=number, bank_name=name) for number, name in banks.items()),
            batch_size=2_000,
            update_conflicts=True,
            update_fields=["bank_name"],
            unique_fields=["number"],
        )
    return RoutingNumber.objects.count()


def bank_name(routing_number: str) -> str | None:
    """Name the bank of a routing number, if the directory has it."""
    return (
        RoutingNumber.objects.filter(pk=routing_number).values_list("bank_name", flat=True).first()
    )
