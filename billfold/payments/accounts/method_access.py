"""Whose a payment method is, and for which customers it may be used."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from billfold.payments.method_models import MethodAccess, PaymentMethod
from billfold.people.models import Person
from billfold.platform.audit import Actor
from billfold.platform.ids import new_id


@dataclass(frozen=True, slots=True)
class MethodOwner:
    """The person or the company to whom a method belongs; neither, if it is nobody's."""

    person_id: UUID | None = None
    customer_id: UUID | None = None

    def remembered(self) -> QuerySet[PaymentMethod]:
        """Select the methods that this owner has saved."""
        return PaymentMethod.objects.filter(
            owner_person=self.person_id, owner_customer=self.customer_id, is_remembered=True
        )


def owner_of_new(holder: str, *, customer_id: UUID, actor: Actor) -> MethodOwner:
    """Say to whom an account belongs that somebody enters for a customer.

    A business account is the customer's, and whoever may pay for that customer can use it. A
    person's is theirs who entered it; it is nobody's if no person of ours did.
    """
    if holder == "business":
        return MethodOwner(customer_id=customer_id)
    return MethodOwner(person_id=Person.id_of(actor))


def owner_of(method: PaymentMethod) -> MethodOwner:
    """Say to whom a method belongs."""
    return MethodOwner(method.owner_person_id, method.owner_customer_id)


def usable_for(customer_id: UUID, *, person_id: UUID | None) -> QuerySet[PaymentMethod]:
    """Select the methods that a person may use for a customer: their own, which need no more than
    to be used there once, and those of companies that may be used for it.
    """
    usable = Q(owner_customer__isnull=False) & is_given(customer_id)
    if person_id is not None:
        usable |= Q(owner_person=person_id)
    return PaymentMethod.objects.filter(usable)


def is_given(customer_id: UUID) -> Q:
    """Select the methods that may be used for a customer."""
    accesses = MethodAccess.objects.filter(
        method=OuterRef("pk"), customer=customer_id, until__isnull=True
    )
    return Q(Exists(accesses))


def among(methods: Iterable[UUID]) -> set[tuple[UUID, UUID]]:
    """Read which of the methods may be used for which customers."""
    accesses = MethodAccess.objects.filter(method__in=list(methods), until__isnull=True)
    return set(accesses.values_list("method_id", "customer_id"))


def customers_of(method: PaymentMethod) -> list[UUID]:
    """List the customers for which a method may be used."""
    accesses = method.accesses.filter(until__isnull=True).order_by("since", "id")
    return list(accesses.values_list("customer_id", flat=True))


def give(
    method: PaymentMethod, customer_ids: Iterable[UUID], *, actor: Actor, now: datetime
) -> None:
    """Let a method be used for customers; for which it may be already, it still may."""
    MethodAccess.objects.bulk_create(
        [
            MethodAccess(
                id=new_id(),
                method=method,
                customer_id=customer_id,
                since=now,
                by_id=actor.id,
                by_name=actor.name,
            )
            for customer_id in dict.fromkeys(customer_ids)
        ],
        ignore_conflicts=True,
    )


def end(method: PaymentMethod, customer_id: UUID, *, now: datetime) -> None:
    """Let a method be used no more for a customer. What was authorised until now still is."""
    method.accesses.filter(customer=customer_id, until__isnull=True).update(until=now)
