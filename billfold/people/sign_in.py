"""Signing in: by e-mail and password, slowed per target and per source, telling nothing else."""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.db import transaction
from django.db.models import Count, Q
from django.http import HttpRequest

from billfold.people.models import Person, SignInAttempt
from billfold.platform import audit, sealing
from billfold.platform.ids import new_id

WINDOW = timedelta(minutes=15)
PER_PAIR = 10
"""From one source at one target."""
PER_TARGET = 100
"""From all sources: enough that no one source can lock somebody else out."""
PER_SOURCE = 50
_IPV6_SITE = 64


class TooManyAttempts(Exception):
    """Sign-in is closed to this target or source until the window has passed."""


class ByEmail(BaseBackend):
    """Finds a person by e-mail and password; an unknown e-mail takes the same time."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, **credentials: Any
    ) -> Person | None:
        password = credentials.get("password") or ""
        try:
            person = Person.objects.get_by_natural_key(username)
        except Person.DoesNotExist:
            Person().set_password(password)  # Spend the time a real check takes.
            return None
        right = person.check_password(password)
        return person if right and person.is_active else None

    def get_user(self, user_id: Any) -> Person | None:
        return Person.objects.filter(pk=user_id, is_active=True).first()


def begin(email: str, source: str, *, now: datetime) -> SignInAttempt:
    """Note a try before its password is looked at, so that tries made at once count each other.

    Raises: TooManyAttempts if there were too many lately; that try does not count.
    """
    target, origin = _hashes(email, source)
    SignInAttempt.objects.filter(at__lte=now - WINDOW).delete()
    made = SignInAttempt.objects.create(id=new_id(), target=target, source=origin, at=now)
    of_target, of_source = Q(target=target), Q(source=origin)
    counted = SignInAttempt.objects.filter(of_target | of_source, at__gt=now - WINDOW).aggregate(
        pair=Count("id", filter=of_target & of_source),
        target=Count("id", filter=of_target),
        source=Count("id", filter=of_source),
    )
    limits = {"pair": PER_PAIR, "target": PER_TARGET, "source": PER_SOURCE}
    if any(counted[name] > limit for name, limit in limits.items()):
        made.delete()
        raise TooManyAttempts
    return made


def succeeded(attempt: SignInAttempt, person: Person, source: str, *, now: datetime) -> None:
    """Take the try back, and put the sign-in on record."""
    with transaction.atomic():
        attempt.delete()
        audit.record(
            "signed in",
            f"person/{person.id}",
            actor=person.actor(),
            now=now,
            after={"from": source},
        )


def failed(attempt: SignInAttempt, email: str, source: str, *, now: datetime) -> None:
    """Put a failed try on record: by person, or by its keyed hash if nobody has that e-mail."""
    person = Person.objects.filter(email=email.strip().lower()).first()
    with transaction.atomic():
        audit.record(
            "sign-in failed",
            f"person/{person.id}" if person else f"sign-in/{attempt.target[:16]}",
            actor=audit.Actor(id="stranger", name="somebody not signed in"),
            now=now,
            after={"from": source},
        )


def signed_out(person: Person, *, now: datetime) -> None:
    """Put the end of a session on record."""
    with transaction.atomic():
        audit.record("signed out", f"person/{person.id}", actor=person.actor(), now=now)


def _hashes(email: str, source: str) -> tuple[str, str]:
    return (
        sealing.fingerprint(email.strip().lower(), purpose="sign-in target"),
        sealing.fingerprint(_site(source), purpose="sign-in source"),
    )


def _site(source: str) -> str:
    """Name who commands an address: of version 6 everybody has a whole network."""
    try:
        address = ipaddress.ip_address(source)
    except ValueError:
        return source
    if address.version == 4:
        return source
    return str(ipaddress.ip_network((address, _IPV6_SITE), strict=False))
