"""Giving people roles and taking them away: each is a row of its own, and the last one counts."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from billfold.people.models import Person, PersonRight, Role, RoleGrant
from billfold.platform.audit import Actor
from billfold.platform.ids import new_id

_PERSON: Final = "person/"


class NotATreasurer(Exception):
    """Only an active treasurer's word counts here."""


def add_person(
    email: str,
    password: str | None,
    *,
    name: str,
    role: str = Role.PAYER,
    actor: Actor,
    now: datetime,
) -> Person:
    """Add a person with a first role; without a password nobody can sign in as them.

    Needs an open transaction.
    """
    person = Person(id=new_id(), email=email.strip().lower(), name=name)
    person.set_password(password)
    person.save(force_insert=True)
    give(person, role, actor=actor, now=now)
    return person


def give(
    person: Person,
    role: str,
    *,
    is_active: bool = True,
    why: str = "",
    actor: Actor,
    now: datetime,
) -> None:
    """Give a person a role from now on, or with `is_active` false take the login away.

    Needs an open transaction: who does so at the same moment waits, and counts as the later.
    """
    lock(person)
    last = RoleGrant.objects.filter(person=person).order_by("-number").first()
    grant = RoleGrant.objects.create(
        id=new_id(),
        person=person,
        number=last.number + 1 if last else 1,
        role=role,
        is_active=is_active,
        by_id=actor.id,
        by_name=actor.name,
        why=why,
        at=now,
    )
    person.right = PersonRight(
        person=person, number=grant.number, role=grant.role, is_active=grant.is_active
    )


def lock(person: Person) -> None:
    """Let nobody else give this person anything meanwhile. Needs an open transaction."""
    Person.objects.select_for_update(of=["self"], no_key=True).get(pk=person.pk)


def active_treasurers(actor_ids: Collection[str]) -> set[str]:
    """Return those of the actors (`person/<id>`) who are active treasurers at this moment."""
    ids = [actor.removeprefix(_PERSON) for actor in actor_ids if actor.startswith(_PERSON)]
    rights = PersonRight.objects.filter(person_id__in=ids, role=Role.TREASURER, is_active=True)
    return {f"{_PERSON}{person_id}" for person_id in rights.values_list("person_id", flat=True)}


def count_treasurers() -> int:
    """Count the active treasurers."""
    return PersonRight.objects.filter(role=Role.TREASURER, is_active=True).count()
