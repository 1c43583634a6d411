"""The biller's bank connection, the day it collects on, and the names of other banks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final

from django.db import connection, transaction

from billfold import bankdays
from billfold.banking import account_fingerprints
from billfold.banking.models import BankConnection, RoutingNumber
from billfold.platform import locks, sealing
from billfold.platform.ids import new_id

_DAY_LOCK: Final = "open day"


class NoBank(Exception):
    """The biller has no bank connection, so nothing can be collected."""


class OneBankOnly(Exception):
    """The biller has a bank connection; a payment does not say to which of two it belongs."""


def default() -> BankConnection:
    """Return the connection that collects. Raises: NoBank."""
    bank = BankConnection.objects.order_by("name").first()
    if bank is None:
        raise NoBank
    return bank


def cutoff_eastern() -> time:
    """Return the time of the collecting connection's cut-off. Raises: NoBank."""
    cutoffs = BankConnection.objects.order_by("name").values_list("cutoff_eastern", flat=True)
    for cutoff in cutoffs[:1]:
        return cutoff
    raise NoBank


@dataclass(frozen=True, slots=True)
class OpenDay:
    """When the collecting connection's days close, and which are closed already."""

    cutoff_eastern: time
    closed_through: date | None

    def counting_from(self, now: datetime) -> datetime:
        """The moment from which a payment made now counts: not before the last closed cut-off."""
        if self.closed_through is None:
            return now
        return max(now, bankdays.cutoff_at(self.closed_through, self.cutoff_eastern))

    def next_file_day(self, now: datetime) -> date:
        """The day of the next cut-off that has not begun."""
        return bankdays.file_day(self.counting_from(now), cutoff_eastern=self.cutoff_eastern)


def keep_day_open() -> OpenDay:
    """Keep any cut-off from beginning before this transaction has ended. Raises: NoBank."""
    locks.until_commit(_DAY_LOCK, is_shared=True)
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT cutoff_eastern, closed_through FROM banking_bankconnection
               ORDER BY name LIMIT 1"""
        )
        row = cursor.fetchone()
    if row is None:
        raise NoBank
    return OpenDay(*row)


def block_cut_offs() -> None:
    """Keep cut-offs from filling files before this transaction has ended; wait for one that does.

    Returns and stopped accounts are recorded between two files, never while one is being filled.
    Must be called before other rows are locked.
    """
    keep_day_open()
    list(BankConnection.objects.select_for_update(no_key=True).order_by("name").values_list("pk"))


def close_day(bank: BankConnection, day: date) -> None:
    """Close a day: wait for payments being scheduled; later ones go to the next cut-off."""
    with transaction.atomic(durable=True):
        locks.until_commit(_DAY_LOCK)
        BankConnection.objects.filter(pk=bank.pk).exclude(closed_through__gte=day).update(
            closed_through=day
        )


def add(account_number: str, **terms: Any) -> BankConnection:
    """Add the biller's bank connection, its account number sealed. Raises: OneBankOnly."""
    if BankConnection.objects.exists():
        raise OneBankOnly
    connection_id = new_id()
    context = f"banking_bankconnection|account_number|{connection_id}"
    return BankConnection.objects.create(
        id=connection_id,
        account_number_sealed=sealing.seal(account_number.encode(), context=context),
        account_fingerprint=account_fingerprints.of_own_account(account_number),
        account_last4=account_number[-4:],
        **terms,
    )


def load_bank_names(banks: Mapping[str, str]) -> int:
    """Store the names of banks by routing number; return how many are stored now."""
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
    """Return the name of a routing number's bank, if it is stored."""
    return (
        RoutingNumber.objects.filter(pk=routing_number).values_list("bank_name", flat=True).first()
    )
