"""Signing in: by e-mail and password, slowed per target and per source, telling nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest

from billfold.people.models import Person, SignInAttempt
from billfold.platform import sealing
from billfold.platform.ids import new_id

WINDOW = timedelta(minutes=15)
PER_TARGET = 10
PER_SOURCE = 50


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


def check_throttle(email: str, source: str, *, now: datetime) -> None:
    """Refuse when there were too many failures lately. Raises: TooManyAttempts."""
    target, origin = _hashes(email, source)
    since = now - WINDOW
    recent = SignInAttempt.objects.filter(at__gt=since)
    if (
        recent.filter(target=target).count() >= PER_TARGET
        or recent.filter(source=origin).count() >= PER_SOURCE
    ):
        raise TooManyAttempts


def note_failure(email: str, source: str, *, now: datetime) -> None:
    """Remember one failure, and forget those of an earlier window."""
    target, origin = _hashes(email, source)
    SignInAttempt.objects.filter(at__lte=now - WINDOW).delete()
    SignInAttempt.objects.create(id=new_id(), target=target, source=origin, at=now)


def _hashes(email: str, source: str) -> tuple[str, str]:
    return (
        sealing.fingerprint(email.strip().lower(), purpose="sign-in target"),
        sealing.fingerprint(source, purpose="sign-in source"),
    )
