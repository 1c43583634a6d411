"""Cases about items that are parked: opened when one is, closed when it is through."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from billfold.banking import exchange
from billfold.banking.models import BankFile
from billfold.notices import outbox
from billfold.payments.cases import casework
from billfold.payments.cases.case_kinds import CaseKind
from billfold.payments.models import Case, Payment
from billfold.platform import audit, parking
from billfold.platform.models import ItemFailure

MAIL: Final = outbox.JOB
FETCH: Final = exchange.FETCH
READ: Final = "read"
RECONCILE: Final = "reconcile"
CUT_OFF: Final = "cut-off"
_SUBJECTS: Final = {
    MAIL: ("notice", CaseKind.FAILED_LETTER, "A letter could not be sent"),
    FETCH: ("document", CaseKind.FAILED_DOCUMENT, "A document could not be fetched"),
    READ: ("bankfile", CaseKind.FAILED_FILE, "A file could not be taken in"),
    RECONCILE: ("bankline", CaseKind.FAILED_LINE, "A bank line could not be matched"),
    CUT_OFF: ("payment", CaseKind.FAILED_PAYMENT, "A payment could not be put into a file"),
}
"""Job -> what its items are, the kind of case, and its words."""
KINDS: Final = frozenset(kind for _, kind, _ in _SUBJECTS.values())


class NoLongerParked(Exception):
    """The item is parked no longer: somebody let it be tried again, or it is through."""


def subject_of(failure: ItemFailure) -> str:
    """Name the item as evidence names it, such as `bankfile/<id>`."""
    return f"{_SUBJECTS[failure.job][0]}/{failure.item}"


def parked(failure: ItemFailure, *, now: datetime) -> None:
    """Open a case for a parked item, unless one is open. Needs an open transaction."""
    _, kind, words = _SUBJECTS[failure.job]
    evidence = subject_of(failure)
    earlier = Case.objects.filter(evidence=evidence, kind=kind)
    if earlier.filter(closed_at=None).exists():
        return
    name = _name(failure)
    casework.open_cases(
        [
            casework.NewCase(
                key=f"parked/{evidence}/{earlier.count()}",
                kind=kind,
                title=f"{words}{name and f': {name}'} ({failure.error})",
                evidence=evidence,
                payment_id=_payment_id(failure),
                facts={"failures": failure.attempts},
            )
        ],
        now=now,
    )


def through(failure: ItemFailure, *, now: datetime) -> None:
    """Close the case of an item that is through. Needs an open transaction."""
    _, kind, _ = _SUBJECTS[failure.job]
    actor = audit.job(failure.job)
    casework.close_by_evidence(subject_of(failure), [kind], "It is through", actor=actor, now=now)


def list_parked() -> QuerySet[ItemFailure]:
    """Select what is parked, longest first."""
    return ItemFailure.objects.exclude(parked_at=None).order_by("parked_at", "id")


def is_file_parked(file_id: UUID) -> bool:
    """Tell whether a received file is parked, so that nobody reads it."""
    return list_parked().filter(job=READ, item=str(file_id)).exists()


def is_payment_parked(reference: str) -> bool:
    """Tell whether a payment is parked, so that no cut-off takes it."""
    return list_parked().filter(job=CUT_OFF, item=reference).exists()


def forget_payments(references: Collection[str], *, now: datetime) -> None:
    """Forget that payments failed at a cut-off: they are in a file, or canceled."""
    failures = ItemFailure.objects.filter(job=CUT_OFF, item__in=references)
    for failure in failures:
        failure.delete()
        through(failure, now=now)


def try_again(failure_id: UUID, *, actor: audit.Actor, now: datetime) -> None:
    """Let a parked item be tried again at once. Raises: NoLongerParked."""
    with transaction.atomic(durable=True):
        locked = ItemFailure.objects.select_for_update().filter(pk=failure_id)
        failure = locked.exclude(parked_at=None).first()
        if failure is None:
            raise NoLongerParked
        parking.try_again(failure, now=now)
        audit.record("parked item tried again", subject_of(failure), actor=actor, now=now)


def _name(failure: ItemFailure) -> str:
    """Name an item for people, as far as its name holds no secret."""
    match failure.job:
        case "read":
            return BankFile.objects.values_list("name", flat=True).get(pk=failure.item)
        case "fetch" | "cut-off":
            return failure.item
        case _:
            return ""


def _payment_id(failure: ItemFailure) -> UUID | None:
    if failure.job != CUT_OFF:
        return None
    return Payment.objects.values_list("pk", flat=True).get(reference=failure.item)
