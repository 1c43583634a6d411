"""The audit trail, one row for each change, chained by seals; and which far sides keep silent."""

from __future__ import annotations

from django.db import models


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
    seal = models.ForeignKey(AuditSeal, on_delete=models.PROTECT)
    position = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["seal", "position"], name="audit_one_place_each")
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
