"""The audit trail, the feed, the brake; which far sides keep silent; at which items jobs failed."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class AuditEntry(models.Model):
    """Who changed what, on whose behalf. Append-only."""

    id = models.UUIDField(primary_key=True)
    at = models.DateTimeField()
    actor_id = models.TextField()
    actor_name = models.TextField()
    on_behalf_of = models.TextField(default="")
    action = models.TextField()
    subject = models.TextField()
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    request_id = models.TextField(default="")

    class Meta:
        indexes = [
            models.Index(fields=["subject", "at"], name="audit_by_subject"),
            models.Index(fields=["at"], name="audit_by_moment"),
        ]


class AuditUnsealed(models.Model):
    """An entry that waits for its seal. A trigger adds it with the entry; the seal removes it."""

    entry = models.OneToOneField(AuditEntry, on_delete=models.PROTECT, primary_key=True)


class AuditSeal(models.Model):
    """A link of the chain: a hash over the seal before it and its own entries. Append-only."""

    number = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    hash = models.TextField(unique=True)


class AuditLink(models.Model):
    """Which seal covers an entry, and its position there. Append-only."""

    entry = models.OneToOneField(AuditEntry, on_delete=models.PROTECT, primary_key=True)
    seal = models.ForeignKey(AuditSeal, on_delete=models.PROTECT, db_index=False)
    position = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["seal", "position"], name="audit_one_place_each")
        ]


class TransactionId(models.TextField):  # type: ignore[type-arg]
    """The id of a transaction, never used twice in its cluster."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "xid8"


class FeedRow(models.Model):
    """What one transaction added of one kind of fact. `platform.feed` numbers it, once."""

    id = models.UUIDField(primary_key=True)
    kind = models.TextField()
    at = models.DateTimeField()
    xid = TransactionId()
    """Of the transaction that wrote it, as its cluster counts."""
    number = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["number"], name="feed_number_once", condition=models.Q(number__isnull=False)
            )
        ]
        indexes = [
            models.Index(
                fields=["xid", "id"], name="feed_waiting", condition=models.Q(number__isnull=True)
            )
        ]


class FeedSeries(models.Model):
    """The numbers given in one place, as `feed_place()` names it. Append-only."""

    number = models.BigIntegerField(primary_key=True)
    place = models.TextField()


class BrakeKind(models.TextChoices):
    """What sets the brake."""

    FINDING = "finding", "Finding of verify"
    RETURN_LIMIT = "return-limit", "Return limit"


class BrakeAct(models.TextChoices):
    """What an entry of the brake does."""

    SET = "set", "Set"
    AGREED = "agreed", "Agreed to lift it"
    LIFTED = "lifted", "Lifted"
    ENDED = "ended", "No longer there"
    WARNED = "warned", "Warned"


class BrakeEntry(models.Model):
    """The brake is set, agreed to be lifted or lifted, or a warning changes. Append-only.

    The last entry of a kind that sets or lifts says whether the brake stands.
    """

    number = models.BigIntegerField(primary_key=True)
    kind = models.TextField()
    act = models.TextField()
    at = models.DateTimeField()
    actor_id = models.TextField()
    actor_name = models.TextField()
    why = models.TextField(default="")
    seen = models.JSONField(default=dict)
    """What was seen, in words, by its key. What a lifting names brakes no more while it is seen."""

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=BrakeKind.values), name="brake_kind_is_known"
            ),
            models.CheckConstraint(
                condition=models.Q(act__in=BrakeAct.values), name="brake_act_is_known"
            ),
        ]


class Silence(models.Model):
    """One job got no answer from one far side, since when, and when it is tried again."""

    pk = models.CompositePrimaryKey("job", "far_side")
    job = models.TextField()
    far_side = models.TextField()
    since = models.DateTimeField()
    tries = models.IntegerField()
    next_try_at = models.DateTimeField()
    reason = models.TextField()


class ItemFailure(models.Model):
    """One item at which a job failed: how often, when it is tried again, whether it is parked."""

    id = models.UUIDField(primary_key=True)
    job = models.TextField()
    item = models.TextField()
    """The item's name among those of the job: an id, a reference, the name of a document."""
    attempts = models.IntegerField(default=0)
    error = models.TextField()
    """The kind of the last error; its words may hold account numbers."""
    next_try_at = models.DateTimeField()
    parked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "item"], name="failure_one_per_item")]

    def waits(self, now: datetime) -> bool:
        """Tell whether the item is not to be tried now."""
        return self.parked_at is not None or self.next_try_at > now
