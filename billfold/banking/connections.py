"""The biller's bank account: its terms, and the directory of other banks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from django.db import connection, transaction

from billfold import bankdays
from billfold.banking.models import BankConnection, RoutingNumber
from billfold.platform import sealing, tenancy
from billfold.platform.ids import new_id


class NoBank(Exception):
    """The biller has no bank account set up, so nothing can be collected."""


class OneBankOnly(Exception):
    """The biller has a bank account; a payment could not say which of two it was promised to."""


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


@dataclass(frozen=True, slots=True)
class OpenDay:
    """When the collecting account's days close, and which are closed already."""

    cutoff_eastern: time
    closed_through: date | None

    def counting_from(self, now: datetime) -> datetime:
        """Give the moment from which a payment made now counts: no earlier than the last close."""
        if self.closed_through is None:
            return now
        return max(now, bankdays.cutoff_at(self.closed_through, self.cutoff_eastern))

    def next_file_day(self, now: datetime) -> date:
        """Give the day of the next cut-off that has not begun."""
        return bankdays.file_day(self.counting_from(now), cutoff_eastern=self.cutoff_eastern)


def keep_day_open() -> OpenDay:
    """Let no cut-off begin before this transaction has ended. Raises: NoBank."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 0))", [_lock()])
        cursor.execute(
            """SELECT cutoff_eastern, closed_through FROM banking_bankconnection
               ORDER BY name LIMIT 1"""
        )
        row = cursor.fetchone()
    if row is None:
        raise NoBank
    return OpenDay(*row)


def hold_cut_offs() -> None:
    """Let no cut-off fill a file before this transaction has ended; wait for one that does.

    What stops an account or brings debits back is decided between two files, never beside one.
    To be called before other rows are locked.
    """
    keep_day_open()
    list(BankConnection.objects.select_for_update(no_key=True).order_by("name").values_list("pk"))


def close_day(bank: BankConnection, day: date) -> None:
    """Begin a cut-off: wait for who is scheduling, and send everybody after them to a later day."""
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [_lock()])
        BankConnection.objects.filter(pk=bank.pk).exclude(closed_through__gte=day).update(
            closed_through=day
        )


def _lock() -> str:
    return f"{tenancy.current().schema}/open day"


def add(account_number: str, **terms: Any) -> BankConnection:
    """Set up the bank account of the biller, its number sealed. Raises: OneBankOnly."""
    if BankConnection.objects.exists():
        raise OneBankOnly
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
