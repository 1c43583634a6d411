"""What pays, for whom it may, and the consents to it."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.db.models import Q

from billfold.payments.rules.account_label import account_label
from billfold.people.models import Person
from billfold.platform import sealing
from billfold.platform.audit import Actor


class MethodState(models.TextChoices):
    """Whether a method can be used. Frozen: a return said so; held: a person must look first."""

    ACTIVE = "active", "Active"
    HELD = "held", "On hold"
    FROZEN = "frozen", "No longer usable"
    REMOVED = "removed", "Removed"


class PaymentMethod(models.Model):
    """What pays: a bank account, later a card. What it is of stands beside it, in a table a kind.

    It belongs to the person or company that entered it, or to nobody. `MethodAccess` says for which
    customers it may be used.
    """

    id = models.UUIDField(primary_key=True)
    kind = models.TextField(default="bank")
    """bank · card"""
    label = models.TextField()
    """How people know it, with no more of its number than the last four digits."""
    account_fingerprint = models.TextField()
    """The same for the same account, however its number is written; follows notices of change."""
    owner_person = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    owner_customer = models.ForeignKey(
        "receivables.Customer",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
    )
    is_remembered = models.BooleanField(default=False)
    is_default = models.BooleanField(default=False, db_default=False)
    is_backup = models.BooleanField(default=False, db_default=False)
    nickname = models.CharField(max_length=40, default="", db_default="", blank=True)
    state = models.TextField(choices=MethodState.choices, default=MethodState.ACTIVE)
    state_reason = models.TextField(default="", blank=True)
    state_since = models.DateTimeField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["bank", "card"]), name="method_kind"),
            models.CheckConstraint(
                condition=Q(owner_person__isnull=True) | Q(owner_customer__isnull=True),
                name="method_has_one_owner_at_most",
            ),
            models.CheckConstraint(
                condition=Q(is_remembered=False)
                | Q(owner_person__isnull=False)
                | Q(owner_customer__isnull=False),
                name="method_of_nobody_is_not_remembered",
            ),
            models.CheckConstraint(
                condition=Q(is_default=False) | Q(is_backup=False),
                name="method_default_or_backup",
            ),
            models.CheckConstraint(
                condition=Q(state__in=MethodState.values), name="method_state_is_known"
            ),
            models.UniqueConstraint(
                fields=["owner_person", "account_fingerprint"],
                name="method_saved_once_a_person",
                condition=Q(is_remembered=True, owner_person__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["owner_customer", "account_fingerprint"],
                name="method_saved_once_a_company",
                condition=Q(is_remembered=True, owner_customer__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["account_fingerprint"], name="method_by_fingerprint"),
        ]

    AWAITS_CHECK: Final = "We have to check this account first"
    """Reason of a hold that no return of this account was the cause of."""

    @property
    def account(self) -> BankAccount:
        """Its bank account as it is now."""
        return self.present.account

    @property
    def awaits_check(self) -> bool:
        """Whether it is on hold for being like another customer's stopped account."""
        return self.state == MethodState.HELD and self.state_reason == self.AWAITS_CHECK


class BankAccount(models.Model):
    """A bank account as it was entered, or as a notice of change corrected it. Append-only.

    Its number is sealed; people see the last four digits. The account of a method is the one that
    no other replaces.
    """

    id = models.UUIDField(primary_key=True)
    method = models.ForeignKey(PaymentMethod, on_delete=models.PROTECT, related_name="accounts")
    routing_number = models.CharField(max_length=9)
    bank_name = models.TextField(default="", blank=True)
    number_sealed = models.BinaryField()
    account_fingerprint = models.TextField()
    """The same for the same account, however its number is written."""
    account_fingerprint_with_zeros = models.TextField()
    """The stricter one, by which accounts of two customers are the same."""
    last4 = models.CharField(max_length=4)
    account_type = models.TextField()
    holder = models.TextField()
    """personal · business: decides the SEC code, not the customer's kind."""
    holder_name = models.TextField()
    replaces = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    """The account before a notice of change; none if it was entered."""
    code = models.TextField(default="", blank=True)
    """Of the notice of change."""
    evidence = models.TextField(default="", blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(account_type__in=["checking", "savings"]), name="account_type_is_known"
            ),
            models.CheckConstraint(
                condition=Q(holder__in=["personal", "business"]), name="account_holder_is_known"
            ),
            models.CheckConstraint(
                condition=Q(replaces__isnull=True, code="", evidence="")
                | (Q(replaces__isnull=False) & ~Q(code="") & ~Q(evidence="")),
                name="account_entered_or_corrected",
            ),
            models.UniqueConstraint(
                fields=["method"],
                name="account_entered_once",
                condition=Q(replaces__isnull=True),
            ),
            models.UniqueConstraint(
                fields=["replaces"],
                name="account_replaced_once",
                condition=Q(replaces__isnull=False),
            ),
        ]

    def number(self) -> str:
        """Open the sealed account number."""
        context = f"payments_bankaccount|number|{self.id}"
        return sealing.unseal(self.number_sealed, context=context).decode()

    @property
    def label(self) -> str:
        return account_label(self.account_type, self.last4)


class PresentAccount(models.Model):
    """Which bank account a method is of now. Of those linked by notices of change, the last."""

    account = models.OneToOneField(
        BankAccount,
        on_delete=models.DO_NOTHING,
        primary_key=True,
        db_column="id",
        related_name="+",
    )
    method = models.OneToOneField(
        PaymentMethod, on_delete=models.DO_NOTHING, related_name="present"
    )

    class Meta:
        managed = False


class MethodAccess(models.Model):
    """For which customer a method may be used, given by whom, from when until when."""

    id = models.UUIDField(primary_key=True)
    method = models.ForeignKey(PaymentMethod, on_delete=models.PROTECT, related_name="accesses")
    customer = models.ForeignKey("receivables.Customer", on_delete=models.PROTECT)
    since = models.DateTimeField()
    by_id = models.TextField()
    by_name = models.TextField()
    until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["method", "customer"],
                name="method_access_once",
                condition=Q(until__isnull=True),
            )
        ]


class Mandate(models.Model):
    """A dated consent to pull money: the exact text, who gave it, when and from where.

    Only its end is ever added to it.
    """

    id = models.UUIDField(primary_key=True)
    method = models.ForeignKey(PaymentMethod, on_delete=models.PROTECT, related_name="mandates")
    account = models.ForeignKey(
        BankAccount, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    """The account it was given for; it holds for what a notice of change made of that."""
    kind = models.TextField()
    """single · recurring"""
    sec_code = models.CharField(max_length=3)
    text = models.TextField()
    text_version = models.TextField()
    amount_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, default="USD")
    agreed_at = models.DateTimeField()
    agreed_by_id = models.TextField()
    """Text, as in the audit trail."""
    agreed_by_name = models.TextField()
    ip_address = models.TextField(default="", blank=True)
    user_agent = models.TextField(default="", blank=True)
    signed_in_by = models.TextField(default="password")
    validated_by = models.TextField(default="", blank=True)
    """How its account was validated; a prenote's answer comes later, as a `PrenoteProof`."""
    validated_at = models.DateTimeField(null=True)
    validation_evidence = models.TextField(default="", blank=True)
    revoked_at = models.DateTimeField(null=True)
    revoked_why = models.TextField(default="", blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(sec_code__in=["WEB", "PPD", "CCD"]), name="mandate_sec_code"
            ),
            models.CheckConstraint(
                condition=Q(kind="recurring", amount_minor__isnull=True)
                | Q(kind__in=["single", "recurring"], amount_minor__gt=0),
                name="mandate_kind_and_amount",
            ),
        ]

    def agreed_by(self) -> Actor:
        """Name who gave it."""
        return Actor(self.agreed_by_id, self.agreed_by_name)
