"""People who sign in. Which customers a person may see or pay for is in `receivables.Access`."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower

from billfold.platform.audit import Actor
from billfold.platform.ids import new_id


class Role(models.TextChoices):
    """What a member of staff may do. A payer has no role here."""

    PAYER = "payer", "Payer"
    CLERK = "clerk", "Clerk"
    TREASURER = "treasurer", "Treasurer"


class PersonStore(BaseUserManager["Person"]):
    """Adds persons and finds them by e-mail, in any case."""

    def get_by_natural_key(self, username: str | None) -> Person:
        return self.get(email=(username or "").strip().lower())

    def add(self, email: str, password: str | None, **fields: Any) -> Person:
        """Add a person; without a password nobody can sign in as them."""
        person = self.model(id=new_id(), email=email.strip().lower(), **fields)
        person.set_password(password)
        person.save(using=self._db)
        return person


class Person(AbstractBaseUser):
    """A login: a payer's clerk, or a member of the biller's staff."""

    id = models.UUIDField(primary_key=True)
    email = models.EmailField(max_length=254)
    name = models.TextField()
    role = models.TextField(choices=Role.choices, default=Role.PAYER)
    is_active = models.BooleanField(default=True)
    must_change_password = models.BooleanField(default=False, db_default=False)
    """Somebody else knows the password: it leads to the page for changing it, and nowhere else."""

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects = PersonStore()

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="people_one_login_per_email"),
            models.CheckConstraint(
                condition=models.Q(email=Lower("email")), name="people_email_is_lower_case"
            ),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="people_role_is_known"
            ),
        ]

    @property
    def is_staff(self) -> bool:
        return self.role != Role.PAYER

    @property
    def may_release_files(self) -> bool:
        return self.role == Role.TREASURER

    def actor(self) -> Actor:
        """Return this person as the actor of an audit entry."""
        return Actor(id=f"person/{self.id}", name=self.name)

    def initials(self) -> str:
        return "".join(word[0] for word in self.name.split()[:2]).upper()


class SignInAttempt(models.Model):
    """One failed sign-in, kept while it counts. Target and source are keyed hashes."""

    id = models.UUIDField(primary_key=True)
    target = models.TextField()
    source = models.TextField()
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["target", "at"], name="attempt_by_target"),
            models.Index(fields=["source", "at"], name="attempt_by_source"),
        ]
