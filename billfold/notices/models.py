"""The outbox: messages to people, written in the transaction of the fact they are about."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class Notice(models.Model):
    """One message about one fact; the unique key keeps it from being sent twice."""

    id = models.UUIDField(primary_key=True)
    key = models.TextField(unique=True)
    kind = models.TextField()
    to_email = models.TextField()
    to_name = models.TextField(default="")
    subject = models.TextField()
    body = models.TextField()
    about = models.TextField()
    queued_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["queued_at"], name="notice_waiting", condition=Q(sent_at__isnull=True)
            ),
            models.Index(fields=["about"], name="notice_by_subject"),
        ]
