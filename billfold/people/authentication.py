"""Signing in by e-mail and password, with a limit on attempts per target and per source."""

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
MOST_PER_PAIR = 10
"""Attempts within WINDOW from one source at one target."""
MOST_PER_TARGET = 100
"""From all sources: enough that no one source can lock somebody else out."""
MOST_PER_SOURCE = 50
_IPV6_SITE = 64


class TooManyAttempts(Exception):
    """No sign-in is possible for this target or source until WINDOW has passed."""


class ByEmail(BaseBackend):
    """Finds a person by e-mail and password; an unknown e-mail takes as long as a known one."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, **credentials: Any
    ) -> Person | None:
        password = credentials.get("password") or ""
        try:
            person = Person.objects.get_by_natural_key(username)
        except Person.DoesNotExist:
            Person().set_password(password)  # Takes the time of a real check.
            return None
        is_right = person.check_password(password)
        return person if is_right and person.is_active else None

    def get_user(self, user_id: Any) -> Person | None:
        return Person.objects.filter(pk=user_id, right__is_active=True).first()


def note_attempt(email: str, source: str, *, now: datetime) -> SignInAttempt:
    """Write down an attempt before its password is checked, so that simultaneous ones all count.

    Raises: TooManyAttempts if there were too many within WINDOW; this one is then not counted.
    """
    target, origin = _hashes(email, source)
    SignInAttempt.objects.filter(at__lte=now - WINDOW).delete()
    attempt = SignInAttempt.objects.create(id=new_id(), target=target, source=origin, at=now)
    of_target, of_source = Q(target=target), Q(source=origin)
    counts = SignInAttempt.objects.filter(of_target | of_source, at__gt=now - WINDOW).aggregate(
        pair=Count("id", filter=of_target & of_source),
        target=Count("id", filter=of_target),
        source=Count("id", filter=of_source),
    )
    limits = {"pair": MOST_PER_PAIR, "target": MOST_PER_TARGET, "source": MOST_PER_SOURCE}
    if any(counts[name] > limit for name, limit in limits.items()):
        attempt.delete()
        raise TooManyAttempts
    return attempt


def record_success(attempt: SignInAttempt, person: Person, source: str, *, now: datetime) -> None:
    """Delete the attempt, which no longer counts, and write the sign-in to the audit trail."""
    with transaction.atomic():
        attempt.delete()
        audit.record(
            "signed in",
            f"person/{person.id}",
            actor=person.actor(),
            now=now,
            after={"from": source},
        )


def record_failure(attempt: SignInAttempt, email: str, source: str, *, now: datetime) -> None:
    """Write a failed sign-in to the audit trail, under a keyed hash if nobody has that e-mail."""
    person = Person.objects.filter(email=email.strip().lower()).first()
    with transaction.atomic():
        audit.record(
            "sign-in failed",
            f"person/{person.id}" if person else f"sign-in/{attempt.target[:16]}",
            actor=audit.Actor(id="stranger", name="somebody not signed in"),
            now=now,
            after={"from": source},
        )


def record_sign_out(person: Person, *, now: datetime) -> None:
    """Write a sign-out to the audit trail."""
    with transaction.atomic():
        audit.record("signed out", f"person/{person.id}", actor=person.actor(), now=now)


def _hashes(email: str, source: str) -> tuple[str, str]:
    return (
        sealing.fingerprint(email.strip().lower(), purpose="sign-in target"),
        sealing.fingerprint(_network(source), purpose="sign-in source"),
    )


def _network(source: str) -> str:
    """Return the address, or of version 6 its network: a single user commands all of that."""
    try:
        address = ipaddress.ip_address(source)
    except ValueError:
        return source
    if address.version == 4:
        return source
    return str(ipaddress.ip_network((address, _IPV6_SITE), strict=False))
