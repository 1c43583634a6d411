"""Customers and what they owe. An invoice's open amount is a ledger balance, not a column here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from billfold.ledger.chart import RECEIVABLE, Account
from billfold.money import Money

if TYPE_CHECKING:
    from billfold.people.models import Person


class BillerProfile(models.Model):
    """What payers see of the biller, and the biller's terms. One row."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    trade_name = models.TextField()
    legal_name = models.TextField()
    address = models.TextField()
    state = models.CharField(max_length=2)
    zone = models.TextField(default="America/New_York")
    base_url = models.TextField(default="http://localhost:8000")
    brand_color = models.TextField(default="#1d5c49")
    support_phone = models.TextField(default="", blank=True)
    support_email = models.TextField(default="", blank=True)
    support_hours = models.TextField(default="", blank=True)
    remit_to = models.TextField(default="", blank=True)
    wire_routing_number = models.TextField(default="", blank=True)
    ach_routing_number = models.TextField(default="", blank=True)
    deposit_account_number = models.TextField(default="", blank=True)
    swift_code = models.TextField(default="", blank=True)
    return_fee_minor = models.BigIntegerField(default=2500)
    paper_fee_minor = models.BigIntegerField(default=1000)
    debit_days = models.SmallIntegerField(default=2)
    check_days = models.SmallIntegerField(default=5)
    return_limit_count = models.SmallIntegerField(default=10)
    """How many debits of a kind must have come back before its return limit brakes."""
    tiles = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="profile_only_one"),
            models.CheckConstraint(
                condition=Q(brand_color__regex=r"^#[0-9a-fA-F]{6}$"), name="profile_brand_is_hex"
            ),
            models.CheckConstraint(
                condition=Q(return_fee_minor__gte=0) & Q(paper_fee_minor__gte=0),
                name="profile_fees_not_negative",
            ),
        ]


class FeeCap(models.Model):
    """The highest fee a state allows for a returned payment. No row: not reviewed, so no fee."""

    state = models.CharField(max_length=2, primary_key=True)
    cap_minor = models.BigIntegerField()
    source = models.TextField()
    reviewed_on = models.DateField()


class Customer(models.Model):
    """Who owes: one account at the biller."""

    id = models.UUIDField(primary_key=True)
    number = models.TextField(unique=True)
    name = models.TextField()
    email = models.TextField(default="", blank=True)
    address = models.TextField(default="", blank=True)
    state = models.CharField(max_length=2, default="", blank=True)
    terms = models.TextField(default="", blank=True)
    paper_bill = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    @staticmethod
    def visible_to(person: Person) -> models.QuerySet[Customer]:
        """Limit to the customers this person has access to."""
        return Customer.objects.filter(access__person=person).order_by("number")

    def __str__(self) -> str:
        return f"{self.number} {self.name}"


class AccessRole(models.TextChoices):
    """What a person may do for one customer; each role includes those before it."""

    VIEW = "view", "View"
    PAY = "pay", "Pay"
    ADMIN = "admin", "Manage people"


class AccessGrant(models.Model):
    """What a person may do for a customer from a moment on. The last one counts. Append-only."""

    id = models.UUIDField(primary_key=True)
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    number = models.IntegerField()
    """Counts the grants to one person for one customer, from 1."""
    role = models.TextField(choices=AccessRole.choices, blank=True)
    """Empty: the access ends here."""
    by_id = models.TextField()
    by_name = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "customer", "number"], name="access_grants_in_order"
            ),
            models.CheckConstraint(
                condition=Q(role__in=[*AccessRole.values, ""]), name="access_role_is_known"
            ),
            models.CheckConstraint(condition=Q(number__gte=1), name="access_grants_count_from_one"),
        ]


class Access(models.Model):
    """A person may act for a customer: a view of the last grants, without those that end it."""

    id = models.UUIDField(primary_key=True)
    person = models.ForeignKey("people.Person", on_delete=models.DO_NOTHING)
    customer = models.ForeignKey(Customer, on_delete=models.DO_NOTHING)
    role = models.TextField(choices=AccessRole.choices)

    class Meta:
        managed = False


class InvoiceKind(models.TextChoices):
    """An invoice came from the billing system; a charge is a fee of our own making."""

    INVOICE = "invoice", "Invoice"
    CHARGE = "charge", "Charge"


class Invoice(models.Model):
    """Something owed. It has no status: its open amount is the balance of its receivable."""

    id = models.UUIDField(primary_key=True)
    kind = models.TextField(choices=InvoiceKind.choices, default=InvoiceKind.INVOICE)
    number = models.TextField(unique=True)
    reference = models.TextField(default="", blank=True)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT)
    invoice_date = models.DateField()
    due_date = models.DateField()
    issued_minor = models.BigIntegerField()
    """What it was issued with; `amount` is what it is after its revisions."""
    currency = models.CharField(max_length=3, default="USD")
    description = models.TextField(default="", blank=True)
    cause = models.TextField(null=True, unique=True)
    """For a charge: the one fact that caused it."""
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(issued_minor__gt=0), name="invoice_above_zero"),
            models.CheckConstraint(
                condition=Q(kind="invoice", cause__isnull=True)
                | Q(kind="charge", cause__isnull=False),
                name="invoice_charge_has_its_cause",
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "due_date"], name="invoice_by_customer_due"),
            models.Index(fields=["reference"], name="invoice_by_reference"),
        ]

    @staticmethod
    def visible_to(person: Person) -> models.QuerySet[Invoice]:
        """Limit to invoices of customers this person has access to."""
        return Invoice.objects.filter(customer__access__person=person)

    @property
    def subject(self) -> str:
        """The ledger's name for this invoice: `invoice/INV-7`, `charge/RF-…`."""
        return f"{self.kind}/{self.number}"

    @property
    def receivable(self) -> Account:
        return RECEIVABLE.of(self.subject)

    @property
    def amount(self) -> Money:
        """The present amount. Read many invoices with `select_related("present")`."""
        return Money(self.present.amount_minor, self.currency)


class InvoiceRevision(models.Model):
    """Another amount that an invoice was given before anything was paid. Append-only."""

    id = models.UUIDField(primary_key=True)
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="revisions")
    number = models.IntegerField()
    """2 for the first change: the invoice as it was issued is number 1."""
    amount_minor = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["invoice", "number"], name="revision_once"),
            models.CheckConstraint(
                condition=Q(amount_minor__gt=0, number__gte=2), name="revision_above_zero"
            ),
        ]


class PresentAmount(models.Model):
    """The present amount of each invoice: a view of its last revision, or of its issue."""

    invoice = models.OneToOneField(
        Invoice, on_delete=models.DO_NOTHING, primary_key=True, related_name="present"
    )
    revision = models.IntegerField()
    amount_minor = models.BigIntegerField()

    class Meta:
        managed = False


class InvoiceLine(models.Model):
    """One line of an invoice, as the billing system sent it. Lines are not booked; invoices are."""

    id = models.UUIDField(primary_key=True)
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="lines")
    position = models.IntegerField()
    description = models.TextField()
    quantity = models.TextField(default="", blank=True)
    amount_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["invoice", "position"], name="line_one_place_each")
        ]


class CreditNote(models.Model):
    """The biller owes the customer. Booked to unapplied, and from there to the invoice it names."""

    id = models.UUIDField(primary_key=True)
    number = models.TextField(unique=True)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT)
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, null=True)
    credit_date = models.DateField()
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3, default="USD")
    reason = models.TextField(default="", blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="credit_above_zero")
        ]

    @property
    def subject(self) -> str:
        return f"credit/{self.number}"

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)


class InvoiceDocument(models.Model):
    """The PDF of an invoice, as the biller sent it."""

    invoice = models.OneToOneField(
        Invoice, on_delete=models.PROTECT, primary_key=True, related_name="document"
    )
    name = models.TextField()
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField()


class ImportRun(models.Model):
    """One imported file, with its bytes and how many rows it changed."""

    id = models.UUIDField(primary_key=True)
    kind = models.TextField()
    name = models.TextField()
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField()
    """The file's bytes, gzip."""
    at = models.DateTimeField()
    by = models.TextField()
    rows = models.IntegerField()
    added = models.IntegerField()
    changed = models.IntegerField()
    total_minor = models.BigIntegerField(null=True)
