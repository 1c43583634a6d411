"""Payments and everything that proves them."""

from __future__ import annotations

from datetime import date

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q

from billfold.ledger.chart import IN_TRANSIT, UNAPPLIED, Account
from billfold.money import Money
from billfold.payments.method_models import Mandate, PaymentMethod
from billfold.payments.rules.lifecycle import State
from billfold.platform.audit import Actor


class Payment(models.Model):
    """One payment by one customer. Its state changes only through `rules.lifecycle`."""

    id = models.UUIDField(primary_key=True)
    reference = models.TextField(unique=True, db_collation="C")
    """Made when the page is drawn: the confirmation number, and the idempotency key."""
    request_hash = models.CharField(max_length=64)
    customer = models.ForeignKey("receivables.Customer", on_delete=models.PROTECT, db_index=False)
    """Its index is `payment_by_customer`."""
    made_by_id = models.TextField()
    """Text, as in the audit trail: a person, or a job such as autopay."""
    made_by_name = models.TextField()
    method = models.ForeignKey(PaymentMethod, on_delete=models.PROTECT)
    method_label = models.TextField()
    """The label that was agreed to."""
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

    def made_by(self) -> Actor:
        """Name who made it."""
        return Actor(self.made_by_id, self.made_by_name)

    def debited_label(self) -> str:
        """Name what is debited: as it was sent, or as it is now while the payment waits."""
        if self.state == State.SCHEDULED:
            return self.method.label
        entries = self.instructions.filter(kind="payment", is_live=True)
        return entries.values_list("method_label", flat=True).first() or ""

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
            models.UniqueConstraint(fields=["subject", "key"], name="event_once_per_subject"),
            models.UniqueConstraint(
                fields=["subject", "kind"],
                name="event_moves_money_once",
                condition=Q(kind__in=["settled", "returned", "takenback"]) & ~Q(outcome="stray"),
            ),
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
    method_label = models.TextField()
    """The label of what was debited, as it was sent."""
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


class PrenoteProof(models.Model):
    """A prenote that validated the account of a mandate, while it is live. Append-only."""

    id = models.UUIDField(primary_key=True)
    mandate = models.ForeignKey(
        Mandate, on_delete=models.PROTECT, related_name="prenote_proofs", db_index=False
    )
    prenote = models.ForeignKey(Instruction, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["mandate", "prenote"], name="prenote_proves_once")
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
