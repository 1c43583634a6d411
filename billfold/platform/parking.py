"""Parking: an item at which an act fails again and again is set aside, and the rest flows.

A failure of one item, such as a letter or a received file, is counted. It is tried again after a
while that doubles; after `MOST_FAILURES` it is parked until a person lets it be tried again. What
is wrong with the database, the network, the disk or the keys, or a closed gate, is no fault of an
item: it is raised.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeVar

from django.conf import settings
from django.db import Error, ProgrammingError, transaction
from django.db.models import Q

from billfold.platform import retries, sealing
from billfold.platform.faults import InjectedFault, fault
from billfold.platform.gate import GateClosed, PassageLost
from billfold.platform.ids import new_id
from billfold.platform.models import ItemFailure

log = logging.getLogger("billfold.parking")
_LONGEST_WAIT: Final = timedelta(hours=1)
_UNCOUNTED_WAIT: Final = timedelta(minutes=5)
_CHANGED: Final = ("attempts", "error", "next_try_at", "parked_at")
Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


class NotNow(Exception):
    """The far side cannot take this item at present, which is not counted; the text says why."""


class NotTried(Exception):
    """The item could not be tried at all; what is known of it stays."""


class Report(Protocol):
    """Tells people of parked items; its functions run in the transaction that parks or forgets."""

    def parked(self, failure: ItemFailure, *, now: datetime) -> None:
        """Tell that an item is parked."""

    def through(self, failure: ItemFailure, *, now: datetime) -> None:
        """Tell that an item that had failed is through."""


def is_of_item(error: BaseException) -> bool:
    """Say whether an error is about one item, not about what all of them need."""
    if isinstance(error, Error):  # A statement that is not understood or allowed fails for all.
        return not (retries.is_temporary(error) or isinstance(error, ProgrammingError))
    return not isinstance(
        error,
        InjectedFault | GateClosed | PassageLost | sealing.KeysMissing | OSError | MemoryError,
    )


def waiting(job: str, *, now: datetime) -> list[str]:
    """List the items of a job that are not to be tried now: parked, or waiting for another try."""
    failures = ItemFailure.objects.filter(job=job)
    failures = failures.filter(Q(next_try_at__gt=now) | Q(parked_at__isnull=False))
    return list(failures.values_list("item", flat=True))


def failed(job: str) -> list[str]:
    """List the items of a job that failed, whether they wait or not."""
    return list(ItemFailure.objects.filter(job=job).values_list("item", flat=True))


def attempt_each(
    job: str,
    items: Iterable[tuple[str, Item]],
    act: Callable[[Item], Outcome],
    *,
    report: Report,
    now: datetime,
) -> Iterator[Outcome]:
    """Act on each item by its name; yield what came of those that did not fail.

    An item that waits is left out. `act` opens its own transaction.
    """
    failures: dict[str, ItemFailure] | None = None
    for name, item in items:
        if failures is None:
            failures = {failure.item: failure for failure in ItemFailure.objects.filter(job=job)}
        failure = failures.get(name)
        if failure and failure.waits(now):
            continue
        try:
            outcome = act(item)
        except NotTried:
            continue
        except Exception as error:
            if not is_of_item(error):
                raise
            count_failure(job, name, error, report=report, now=now)
            continue
        if failure:
            forget([failure], report=report, now=now)
        yield outcome


@retries.retried(after=retries.UNDONE | retries.EXISTS)
def count_failure(
    job: str,
    item: str,
    error: BaseException,
    *,
    report: Report,
    now: datetime,
    at_most: int | None = None,
) -> None:
    """Count a failure of an item; park it after `at_most` of them. Opens its own transaction."""
    log.warning("%s of %s failed", job, item, exc_info=error)
    is_counted = not isinstance(error, NotNow)
    fault("park_begun")
    with transaction.atomic(durable=True):
        locked = ItemFailure.objects.select_for_update().filter(job=job, item=item)
        known = locked.first()
        failure = known or ItemFailure(id=new_id(), job=job, item=item)
        failure.attempts += is_counted
        failure.error = type(error).__name__ if is_counted else str(error)
        wait = timedelta(minutes=2 ** min(failure.attempts - 1, 10)) if is_counted else None
        failure.next_try_at = now + min(wait or _UNCOUNTED_WAIT, _LONGEST_WAIT)
        if failure.attempts >= (at_most or settings.MOST_FAILURES):
            failure.parked_at = now
        failure.save(update_fields=_CHANGED if known else None, force_insert=known is None)
        if failure.parked_at:
            report.parked(failure, now=now)
        fault("park_inside")
    fault("park_committed")


def forget(failures: Iterable[ItemFailure], *, report: Report, now: datetime) -> None:
    """Forget the failures of items that are through, or that nothing is to be done with."""
    with transaction.atomic():
        for failure in failures:
            ItemFailure.objects.filter(pk=failure.pk).delete()
            report.through(failure, now=now)


def try_again(failure: ItemFailure, *, now: datetime) -> None:
    """Let a parked item be tried again, with as many tries as at first."""
    ItemFailure.objects.filter(pk=failure.pk).update(attempts=0, parked_at=None, next_try_at=now)
