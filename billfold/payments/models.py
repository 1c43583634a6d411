"""Payments and everything that proves them."""

from __future__ import annotations

from datetime import date
from typing import Final

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q

from billfold.ledger.chart import IN_TRANSIT, UNAPPLIED, Account
from billfold.money import Money
from billfold.payments.rules.account_label import account_label
from billfold.payments.rules.lifecycle import State
from billfold.people.models import Person
from billfold.platform import sealing


class MethodState(models.TextChoices):
    """Whether a method can be used. Frozen: a return said so; held: a person must look first."""

    ACTIVE = "active", "Active"
    HELD = "held", "On hold"
    FROZEN = "frozen", "No longer usable"
    REMOVED = "removed", "Removed"


class PaymentMethod(models.Model):
    """A bank account of a customer. Its number is sealed; people see the last four digits."""

    id = models.UUIDField(primary_key=True)
    customer = models.ForeignKey("receivables.Customer", on_delete=models.PROTECT)
    routing_number = models.CharField(max_length=9)
    bank_name = models.TextField(default="", blank=True)
    account_sealed = models.BinaryField()
    account_fingerprint = models.TextField()
    """The same for the same account, however its number is written."""
    account_fingerprint_with_zeros = models.TextField()
    """The stricter one, by which accounts of two customers are the same."""
    account_last4 = models.CharField(max_length=4)
    account_type = models.TextField()
    holder = models.TextField()
    """personal · business: decides the SEC code, not the customer's kind."""
    holder_name = models.TextField()
    is_remembered = models.BooleanField(default=False)
    is_default = models.BooleanField(default=False, db_default=False)
    nickname = models.CharField(max_length=40, default="", db_default="", blank=True)
    state = models.TextField(choices=MethodState.choices, default=MethodState.ACTIVE)
    state_reason = models.TextField(default="", blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(account_type__in=["checking", "savings"]), name="method_account_type"
            ),
            models.CheckConstraint(
                condition=Q(holder__in=["personal", "business"]), name="method_holder"
            ),
            models.CheckConstraint(
                condition=Q(state__in=MethodState.values), name="method_state_is_known"
            ),
            models.UniqueConstraint(
                fields=["customer", "account_fingerprint"],
                name="method_saved_once",
                condition=Q(is_remembered=True),
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "account_fingerprint"], name="method_by_account"),
            models.Index(fields=["account_fingerprint"], name="method_by_fingerprint"),
        ]

    AWAITS_CHECK: Final = "We have to check this account first"
    """Reason of a hold that no return of this account was the cause of."""

    def account_number(self) -> str:
        """Open the sealed account number."""
        context = f"payments_paymentmethod|account|{self.id}"
        return sealing.unseal(self.account_sealed, context=context).decode()

    @property
    def label(self) -> str:
        return account_label(self.account_type, self.account_last4)

    @property
    def awaits_check(self) -> bool:
        """Whether it is on hold for being like another customer's stopped account."""
        return self.state == MethodState.HELD and self.state_reason == self.AWAITS_CHECK


class MethodChange(models.Model):
    """What a notice of change altered on a method: the old value, sealed. Append-only."""

    id = models.UUIDField(primary_key=True)
    method = models.ForeignKey(PaymentMethod, on_delete=models.PROTECT, related_name="changes")
    at = models.DateTimeField()
    code = models.CharField(max_length=3)
    evidence = models.TextField()
    before_sealed = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["method", "evidence", "code"], name="change_once")
        ]


class Mandate(models.Model):
    """A dated consent to pull money: the exact text, who gave it, when and from where."""

    id = models.UUIDField(primary_key=True)
    method = models.ForeignKey(PaymentMethod, on_delete=models.PROTECT, related_name="mandates")
    kind = models.TextField()
    """one_time · standing"""
    sec_code = models.CharField(max_length=3)
    text = models.TextField()
    text_version = models.TextField()
    amount_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, default="USD")
    agreed_at = models.DateTimeField()
    agreed_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    agreed_by_name = models.TextField()
    ip_address = models.TextField(default="", blank=True)
    user_agent = models.TextField(default="", blank=True)
    signed_in_by = models.TextField(default="password")
    account_fingerprint = models.TextField()
    validated_by = models.TextField(default="", blank=True)
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
                condition=Q(kind="standing") | Q(amount_minor__gt=0),
                name="mandate_one_time_has_amount",
            ),
        ]


class Payment(models.Model):
    """One payment by one customer. Its state changes only through `rules.lifecycle`."""

    id = models.UUIDField(primary_key=True)
    reference = models.TextField(unique=True, db_collation="C")
    """Made when the page is drawn: the confirmation number, and the idempotency key."""
    request_hash = models.CharField(max_length=64)
    customer = models.ForeignKey("receivables.Customer", on_delete=models.PROTECT, db_index=False)
    """Its index is `payment_by_customer`."""
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    made_by_name = models.TextField()
    method = models.ForeignKey(PaymentMethod, on_delete=models.PROTECT)
    mandate = models.ForeignKey(Mandate, on_delete=models.PROTECT)
    connection = models.ForeignKey(
        "banking.BankConnection", on_delete=models.PROTECT, db_index=False
    )
    """The bank connection that collects it. Fixed when the payment is promised."""
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3, default="USD")
    rail = models.TextField(default="ach", db_default="ach")
    """The rail by which it moves, of `rails.registry`; fixed when it is promised."""
    state = models.TextField(default=State.SCHEDULED)
    received_date = models.DateField()
    collect_on = models.DateField()
    """Banking day of the cut-off that takes it."""
    reflected_by = models.DateField(null=True)
    """By when its payer was told that it is in; none while no day was promised."""
    retry_of = models.ForeignKey("self", on_delete=models.PROTECT, null=True, db_index=False)
    created_at = models.DateTimeField()
    feed_row = models.ForeignKey(
        "platform.FeedRow",
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="payment_above_zero"),
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in State]),
                name="payment_state_is_known",
            ),
        ]
        indexes = [
            models.Index(
                fields=["connection", "collect_on", "id"],
                name="payment_due",
                condition=Q(state="scheduled"),
            ),
            models.Index(fields=["customer", "-created_at"], name="payment_by_customer"),
            models.Index(fields=["-created_at"], name="payment_newest"),
            models.Index(fields=["amount_minor", "created_at"], name="payment_by_amount"),
            models.Index(
                fields=["amount_minor"], name="payment_returned", condition=Q(state="returned")
            ),
            BrinIndex(autosummarize=True, fields=["feed_row"], name="payment_by_feed_row"),
        ]

    @staticmethod
    def late(*, on: date) -> Q:
        """Select what was promised for a day that has passed, and is not in yet."""
        return Q(state__in=[State.SCHEDULED, State.IN_TRANSIT], reflected_by__lt=on)

    def is_late(self, *, on: date) -> bool:
        is_under_way = self.state in {State.SCHEDULED, State.IN_TRANSIT}
        return is_under_way and self.reflected_by is not None and self.reflected_by < on

    @property
    def subject(self) -> str:
        """Name this payment in the ledger."""
        return f"payment/{self.reference}"

    @property
    def events(self) -> models.QuerySet[SubjectEvent]:
        return SubjectEvent.objects.filter(subject=self.subject)

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def in_transit(self) -> Account:
        return IN_TRANSIT.of(self.subject)

    @property
    def unapplied(self) -> Account:
        return UNAPPLIED.of(self.subject)


class SubjectEvent(models.Model):
    """One fact about a payment or receipt, with its evidence. Append-only."""

    id = models.UUIDField(primary_key=True)
    subject = models.TextField()
    """Whom it is about, as the ledger names it: `payment/<reference>`."""
    key = models.TextField()
    """Names what it rests on: `settled/<bank line>`, `returned/<trace of the return>`."""
    kind = models.TextField()
    on_date = models.DateField()
    at = models.DateTimeField()
    code = models.TextField(default="", blank=True)
    evidence = models.TextField(default="", blank=True)
    outcome = models.TextField()
    """State of its subject afterwards, or `stray`."""
    feed_row = models.ForeignKey(
        "platform.FeedRow",
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subject", "key"], name="event_once_per_subject")
        ]
        indexes = [BrinIndex(autosummarize=True, fields=["feed_row"], name="event_by_feed_row")]


class Remittance(models.Model):
    """How much of a payment the payer meant for an invoice. Append-only."""

    id = models.UUIDField(primary_key=True)
    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, related_name="remittances", db_index=False
    )
    """Its index is that of `remittance_once`."""
    invoice = models.ForeignKey("receivables.Invoice", on_delete=models.PROTECT)
    amount_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["payment", "invoice"], name="remittance_once"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="remittance_above_zero"),
        ]


class Decision(models.Model):
    """Who put money on invoices or took it off, and why. Transfers name it. Append-only.

    What was applied, and how much, is in the ledger alone.
    """

    id = models.UUIDField(primary_key=True)
    at = models.DateTimeField()
    actor_id = models.TextField()
    actor_name = models.TextField()
    why = models.TextField()

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(why=""), name="decision_gives_a_reason")]

    @property
    def evidence(self) -> str:
        """How transfers that it allows name it."""
        return f"decision/{self.id}"


class Instruction(models.Model):
    """One entry in one outgoing file."""

    id = models.UUIDField(primary_key=True)
    file = models.ForeignKey("banking.BankFile", on_delete=models.PROTECT)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="instructions")
    kind = models.TextField(default="payment")
    """payment · prenote: of zero, asks whether the account takes debits"""
    odfi = models.CharField(max_length=8)
    trace = models.CharField(max_length=15)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3, default="USD")
    rdfi = models.CharField(max_length=8)
    is_live = models.BooleanField(default=True)
    """False once its file was voided or refused whole."""
    answer = models.TextField(default="", db_default="", blank=True)
    """Of a prenote: the code it was returned with; then it validates no account."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["odfi", "trace"], name="instruction_trace_once"),
            models.UniqueConstraint(
                fields=["payment", "kind"],
                name="instruction_one_live_per_kind",
                condition=Q(is_live=True),
            ),
            models.CheckConstraint(
                condition=Q(kind="payment", amount_minor__gt=0) | Q(kind="prenote", amount_minor=0),
                name="instruction_amount_is_of_its_kind",
            ),
        ]


class CutOff(models.Model):
    """One cut-off of one bank account on one banking day: it runs once."""

    pk = models.CompositePrimaryKey("connection_id", "business_date")
    connection = models.ForeignKey("banking.BankConnection", on_delete=models.PROTECT)
    business_date = models.DateField()
    run_at = models.DateTimeField()


class ProofRun(models.Model):
    """The daily `verify` of one day, by Eastern time: it runs once. Append-only."""

    day = models.DateField(primary_key=True)
    at = models.DateTimeField()
    broken = models.JSONField(default=list)
    """The numbers of the promises found broken."""


class Case(models.Model):
    """A question that a person decides, with its evidence."""

    id = models.UUIDField(primary_key=True)
    key = models.TextField(unique=True)
    """Names the fact it is about; the same fact opens one case only."""
    kind = models.TextField()
    title = models.TextField()
    facts = models.JSONField(default=dict)
    evidence = models.TextField(default="", blank=True)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, null=True)
    owner_name = models.TextField(default="", blank=True)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    closed_by = models.TextField(default="", blank=True)
    resolution = models.TextField(default="", blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True) | ~Q(resolution=""),
                name="case_closes_with_a_resolution",
            )
        ]
        indexes = [
            models.Index(
                fields=["opened_at"], name="case_open", condition=Q(closed_at__isnull=True)
            )
        ]


class CaseNote(models.Model):
    """What a person found out about a case, kept without closing it. Append-only."""

    id = models.UUIDField(primary_key=True)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="notes")
    at = models.DateTimeField()
    by_name = models.TextField()
    text = models.TextField()
