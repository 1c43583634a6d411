"""People who sign in, and what each may do.

A right is never changed: it is a new row, and a view gives the last one of each person. Which
customers a person may see or pay for is in `receivables.Access`.
"""

from __future__ import annotations

from typing import ClassVar, Final
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower

from billfold.platform.audit import Actor

_PERSON: Final = "person/"


class Role(models.TextChoices):
    """What a member of staff may do. A payer has no role here."""

    PAYER = "payer", "Payer"
    CLERK = "clerk", "Clerk"
    TREASURER = "treasurer", "Treasurer"


class PersonStore(BaseUserManager["Person"]):
    """Finds persons, each with what they may do at present."""

    def get_queryset(self) -> models.QuerySet[Person]:
        return super().get_queryset().select_related("right")

    def get_by_natural_key(self, username: str | None) -> Person:
        return self.get(email=(username or "").strip().lower())


class Person(AbstractBaseUser):
    """A login: a payer's clerk, or a member of the biller's staff."""

    id = models.UUIDField(primary_key=True)
    email = models.EmailField(max_length=254)
    name = models.TextField()
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
        ]

    @property
    def role(self) -> Role:
        """The present role; `people.rights` gives another."""
        return Role(self.right.role)

    @property
    def is_active(self) -> bool:  # type: ignore[override]  # It is a column at Django.
        """Whether this person may sign in; nobody may who was granted nothing."""
        return hasattr(self, "right") and self.right.is_active

    @property
    def is_staff(self) -> bool:
        return self.role != Role.PAYER

    @property
    def may_release_files(self) -> bool:
        return self.role == Role.TREASURER

    def actor(self) -> Actor:
        """Return this person as the actor of an audit entry."""
        return Actor(id=f"{_PERSON}{self.id}", name=self.name)

    @staticmethod
    def id_of(actor: Actor) -> UUID | None:
        """Read the id of the person who acts; None if it is no person, such as a job."""
        try:
            return UUID(actor.id.removeprefix(_PERSON)) if actor.id.startswith(_PERSON) else None
        except ValueError:
            return None

    def initials(self) -> str:
        return "".join(word[0] for word in self.name.split()[:2]).upper()


class RoleGrant(models.Model):
    """What a person may do from a moment on, and who decided so; the last counts. Append-only."""

    id = models.UUIDField(primary_key=True)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="grants")
    number = models.IntegerField()
    """Counts the grants of one person, from 1."""
    role = models.TextField(choices=Role.choices)
    is_active = models.BooleanField()
    """Whether the person may sign in at all."""
    by_id = models.TextField()
    by_name = models.TextField()
    why = models.TextField(default="", blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "number"], name="people_grants_in_order"),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="people_role_is_known"
            ),
            models.CheckConstraint(
                condition=models.Q(number__gte=1), name="people_grants_count_from_one"
            ),
        ]


class PersonRight(models.Model):
    """What a person may do at present: a view of the last grant."""

    person = models.OneToOneField(
        Person, on_delete=models.DO_NOTHING, primary_key=True, related_name="right"
    )
    number = models.IntegerField()
    role = models.TextField(choices=Role.choices)
    is_active = models.BooleanField()

    class Meta:
        managed = False
        db_table = "people_right"


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
