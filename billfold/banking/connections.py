"""The biller's bank connections, the days they collect on, and the names of other banks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q

from billfold import bankdays
from billfold.banking import account_fingerprints
from billfold.banking.models import BankConnection, RoutingNumber
from billfold.platform import locks, sealing
from billfold.platform.ids import new_id

_DAY_LOCK: Final = "open day"


class NoBank(Exception):
    """The biller has no bank connection, so nothing can be collected."""


def default() -> BankConnection:
    """Return the connection through which new payments are collected. Raises: NoBank."""
    bank = BankConnection.objects.filter(is_default=True).first()
    if bank is None:
        raise NoBank
    return bank


@dataclass(frozen=True, slots=True)
class OpenDay:
    """When a connection's days close, and which are closed already."""

    connection_id: UUID
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


@dataclass(frozen=True, slots=True)
class FileTurn:
    """A locked connection whose next file is made, and what files before it used up."""

    bank: BankConnection
    last_sequence: int
    same_origin: Sequence[UUID]
    """Connections whose files of a day share their modifiers."""


def keep_day_open(connection_id: UUID | None = None) -> OpenDay:
    """Keep any cut-off from beginning before this transaction has ended.

    Gives the open day of that connection, or of the one that collects new payments. One lock serves
    all connections: a day is closed in a moment, and many acts touch payments of several.
    Raises: NoBank.
    """
    locks.until_commit(_DAY_LOCK, is_shared=True)
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT id, cutoff_eastern, closed_through FROM banking_bankconnection
               WHERE CASE WHEN %(id)s::uuid IS NULL THEN is_default ELSE id = %(id)s END""",
            {"id": connection_id},
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
    locks.until_commit(_DAY_LOCK, is_shared=True)
    list(BankConnection.objects.select_for_update(no_key=True).order_by("pk").values_list("pk"))


def lock_for_files(connection_id: UUID) -> FileTurn:
    """Lock a connection for the next file, and those that its bank tells apart by trace alone.

    Connections with one routing number share their traces, and those with one immediate origin the
    modifiers of a day: each counts on from what any of them used. Needs an open transaction.
    """
    own = BankConnection.objects.get(pk=connection_id)
    alike = list(
        BankConnection.objects.select_for_update(no_key=True)
        .filter(
            Q(odfi_routing_number=own.odfi_routing_number)
            | Q(immediate_origin=own.immediate_origin)
        )
        .order_by("pk")
    )
    bank = next(each for each in alike if each.pk == connection_id)
    last_sequence = max(
        each.last_sequence for each in alike if each.odfi_routing_number == bank.odfi_routing_number
    )
    origin = [each.pk for each in alike if each.immediate_origin == bank.immediate_origin]
    return FileTurn(bank, last_sequence, origin)


def close_day(bank: BankConnection, day: date) -> None:
    """Close a connection's day: wait for payments being scheduled; later ones go to the next."""
    with transaction.atomic(durable=True):
        locks.until_commit(_DAY_LOCK)
        BankConnection.objects.filter(pk=bank.pk).exclude(closed_through__gte=day).update(
            closed_through=day
        )


def add(account_number: str, **terms: Any) -> BankConnection:
    """Add a bank connection, its account number sealed. The first one is the default."""
    connection_id = new_id()
    context = f"banking_bankconnection|account_number|{connection_id}"
    return BankConnection.objects.create(
        id=connection_id,
        account_number_sealed=sealing.seal(account_number.encode(), context=context),
        account_fingerprint=account_fingerprints.of_own_account(account_number),
        account_last4=account_number[-4:],
        **terms | {"is_default": not BankConnection.objects.exists()},
    )


def make_default(bank: BankConnection) -> None:
    """Let a connection collect the payments promised from now on. Needs an open transaction."""
    BankConnection.objects.filter(is_default=True).update(is_default=False)
    bank.is_default = True
    bank.save(update_fields=["is_default"])


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
