"""New passwords: chosen by the person, or given for one sign-in and then to be changed."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from billfold.people.models import Person
from billfold.platform import audit

LONGEST = 1_000


class NotGoodEnough(Exception):
    """The password is too short or long, too common, or too like the person's name or e-mail."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = reasons


def check(person: Person, password: str) -> None:
    """Check that a person may have this password. Raises: NotGoodEnough."""
    if len(password) > LONGEST:
        raise NotGoodEnough([f"Use {LONGEST:,} characters or fewer."])
    try:
        validate_password(password, person)
    except ValidationError as error:
        raise NotGoodEnough(list(error.messages)) from error


def change(person: Person, password: str, *, now: datetime) -> None:
    """Set the password a person chose. Their other sessions end. Raises: NotGoodEnough."""
    check(person, password)
    _set(person, password, "password changed", person.actor(), now)


def replace(person: Person, password: str, *, actor: audit.Actor, now: datetime) -> None:
    """Set a password that must be changed at the next sign-in. All the person's sessions end."""
    _set(person, password, "password replaced", actor, now, must_change=True)


def _set(
    person: Person,
    password: str,
    action: str,
    actor: audit.Actor,
    now: datetime,
    *,
    must_change: bool = False,
) -> None:
    person.set_password(password)
    person.must_change_password = must_change
    with transaction.atomic():
        person.save(update_fields=["password", "must_change_password"])
        audit.record(action, f"person/{person.id}", actor=actor, now=now)
