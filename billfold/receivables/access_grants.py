"""Letting people act for customers: each grant is a row of its own, and the last one counts."""

from __future__ import annotations

from datetime import datetime

from billfold.people import rights
from billfold.people.models import Person
from billfold.platform.audit import Actor
from billfold.platform.ids import new_id
from billfold.receivables.models import AccessGrant, Customer


def give(person: Person, customer: Customer, role: str, *, actor: Actor, now: datetime) -> None:
    """Let a person do what `role` says for a customer, from now on. Needs an open transaction."""
    _add(person, customer, role, actor, now)


def end(person: Person, customer: Customer, *, actor: Actor, now: datetime) -> None:
    """End what a person may do for a customer, at once. Needs an open transaction."""
    _add(person, customer, "", actor, now)


def _add(person: Person, customer: Customer, role: str, actor: Actor, now: datetime) -> None:
    rights.lock(person)
    grants = AccessGrant.objects.filter(person=person, customer=customer)
    last = grants.order_by("-number").first()
    AccessGrant.objects.create(
        id=new_id(),
        person=person,
        customer=customer,
        number=last.number + 1 if last else 1,
        role=role,
        by_id=actor.id,
        by_name=actor.name,
        at=now,
    )
