"""Ledger tables. Private to this package: other packages call `book`."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q


class Account(models.Model):
    """A ledger account. With a subject it keeps running sums; a control account keeps none."""

    id = models.UUIDField(primary_key=True)
    code = models.TextField()
    subject = models.TextField(default="", blank=True)
    currency = models.CharField(max_length=3)
    party = models.UUIDField(null=True)
    debits_minor = models.BigIntegerField(default=0)
    credits_minor = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["code", "subject", "currency"], name="ledger_one_account_each"
            ),
            models.UniqueConstraint(fields=["id", "currency"], name="ledger_account_currency"),
            models.CheckConstraint(
                condition=Q(debits_minor__gte=0) & Q(credits_minor__gte=0),
                name="ledger_sums_not_negative",
            ),
            models.CheckConstraint(
                condition=~Q(subject="") | (Q(debits_minor=0) & Q(credits_minor=0)),
                name="ledger_control_keeps_no_sum",
            ),
            models.CheckConstraint(
                condition=~Q(code="receivable") | Q(debits_minor__gte=F("credits_minor")),
                name="ledger_receivable_never_in_credit",
            ),
            models.CheckConstraint(
                condition=~Q(code__in=["unapplied", "unidentified"])
                | Q(credits_minor__gte=F("debits_minor")),
                name="ledger_unapplied_never_in_debit",
            ),
        ]
        indexes = [
            models.Index(fields=["party", "code"], name="ledger_account_by_party"),
        ]


class Transfer(models.Model):
    """A booking. Append-only."""

    id = models.UUIDField(primary_key=True)
    key = models.TextField(unique=True)
    # The keys to both accounts include the currency: see migrations/0001_transfers.sql.
    debit = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="+", db_constraint=False
    )
    credit = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="+", db_constraint=False
    )
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    effective_date = models.DateField()
    """The day of the fact."""
    booked_on = models.DateField()
    """The day of the books: that of the fact, or the first open day after it."""
    posted_at = models.DateTimeField()
    reason = models.TextField()
    evidence = models.TextField(default="", blank=True)
    reverses = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="+")
    feed_row = models.ForeignKey(
        "platform.FeedRow",
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="ledger_amount_positive"),
            models.CheckConstraint(condition=~Q(debit=F("credit")), name="ledger_two_accounts"),
            models.CheckConstraint(
                condition=Q(booked_on__gte=F("effective_date")), name="ledger_booked_after_fact"
            ),
        ]
        indexes = [
            models.Index(
                fields=["evidence"], name="ledger_transfer_by_evidence", condition=~Q(evidence="")
            ),
            BrinIndex(autosummarize=True, fields=["feed_row"], name="ledger_transfer_by_feed_row"),
        ]


class Movement(models.Model):
    """What one posting added to one account code on one day of the books; a job merges rows later.

    The sum per code, currency and day equals that of the transfers at every moment, because a
    row is added together with its transfers, and merging replaces rows by their sum.
    """

    pk = models.CompositePrimaryKey("code", "currency", "booked_on", "batch")
    code = models.TextField()
    currency = models.CharField(max_length=3)
    booked_on = models.DateField()
    batch = models.UUIDField()
    debits_minor = models.BigIntegerField()
    credits_minor = models.BigIntegerField()


class Books(models.Model):
    """Up to which day the books are closed. One row, which only the owner changes.

    A trigger lets the day move forward alone, once those who are posting are done.
    """

    id = models.SmallIntegerField(primary_key=True)
    closed_through = models.DateField(null=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="ledger_books_one_row"),
            models.CheckConstraint(
                condition=Q(closed_through__isnull=True, closed_at__isnull=True)
                | Q(closed_through__isnull=False, closed_at__isnull=False),
                name="ledger_books_closed_at_a_time",
            ),
        ]
