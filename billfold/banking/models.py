"""Files exchanged with the bank, byte for byte, and the statements it sends."""

from __future__ import annotations

from datetime import time
from typing import Final

from django.db import models
from django.db.models import Q

from billfold.platform import sealing
from billfold.rails.protocol import MOST_FILE_MINOR, BankProfile


class BankConnection(models.Model):
    """One bank account of the biller: how its bank wants files, and how they travel."""

    id = models.UUIDField(primary_key=True)
    name = models.TextField(unique=True)
    bank_name = models.TextField()
    odfi_routing_number = models.CharField(max_length=9)
    immediate_origin = models.TextField()
    company_name = models.TextField()
    company_id = models.TextField()
    entry_description = models.TextField(default="BILL PAY")
    balanced = models.BooleanField(default=False)
    settlement = models.TextField(default="gross")
    account_number_sealed = models.BinaryField()
    account_fingerprint = models.TextField(unique=True)
    account_last4 = models.CharField(max_length=4)
    max_entries = models.IntegerField(default=100_000)
    max_file_minor = models.BigIntegerField(default=MOST_FILE_MINOR, db_default=MOST_FILE_MINOR)
    """The most money one file may debit; the rest of a cut-off goes into another file."""
    line_end = models.TextField(default="\n")
    cutoff_eastern = models.TimeField(default=time(17, 0))
    zone = models.TextField(default="America/New_York", db_default="America/New_York")
    """The zone in which the bank's days end: a statement of a day comes after its end."""
    two_people_release = models.BooleanField(default=True)
    release_limit_minor = models.BigIntegerField(default=0)
    """Files up to this total are released without people; 0 means never."""
    account_validation = models.TextField(default="bank_service")
    lockboxes = models.TextField(default="", db_default="", blank=True)
    """Numbers of the biller's lockboxes at this bank, blanks between them."""
    transport = models.JSONField(default=dict)
    """{"kind": "folder", …} or {"kind": "sftp", …}; secrets stay in files outside the database."""
    is_default = models.BooleanField(default=False, db_default=False)
    """Whether payments are collected through it that nothing gives to another connection."""
    last_sequence = models.BigIntegerField(default=0)
    closed_through = models.DateField(null=True)
    """The last day whose cut-off has begun: payments scheduled since are for a later one."""

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(settlement__in=["gross", "net"]), name="connection_settlement_known"
            ),
            models.UniqueConstraint(
                fields=["is_default"],
                name="connection_one_is_default",
                condition=Q(is_default=True),
            ),
        ]

    def account_number(self) -> str:
        """Decrypt the number of the biller's own account."""
        context = f"banking_bankconnection|account_number|{self.id}"
        return sealing.unseal(self.account_number_sealed, context=context).decode()

    def profile(self) -> BankProfile:
        """Return how the bank wants its files, for the rail."""
        return BankProfile(
            odfi_routing_number=self.odfi_routing_number,
            odfi_name=self.bank_name,
            immediate_origin=self.immediate_origin,
            company_name=self.company_name,
            company_id=self.company_id,
            entry_description=self.entry_description,
            balanced=self.balanced,
            settlement_account=self.account_number() if self.balanced else "",
            line_end="\r\n" if self.line_end == "\r\n" else "\n",
            settlement="net" if self.settlement == "net" else "gross",
            max_entries=self.max_entries,
            max_file_minor=self.max_file_minor,
        )


class FileState(models.TextChoices):
    """The state of a file. Outgoing: built to void. Received: received to refused."""

    BUILT = "built", "Needs approval"
    RELEASED = "released", "Released"
    SENDING = "sending", "Sending"
    SENT = "sent", "Sent"
    ACCEPTED = "accepted", "Accepted"
    REJECTED = "rejected", "Rejected"
    VOID = "void", "Void"
    RECEIVED = "received", "Received"
    WAITING = "waiting", "Waits for two people"
    READ = "read", "Posted"
    REFUSED = "refused", "Could not be read"


class BankFile(models.Model):
    """A document sent to or received from the bank. Its bytes are in `BankFileContent`."""

    id = models.UUIDField(primary_key=True)
    connection = models.ForeignKey(BankConnection, on_delete=models.PROTECT)
    direction = models.TextField(choices=[("out", "Out"), ("in", "In")])
    kind = models.TextField()
    """nacha · returns · statement · acknowledgement · lockbox · wires · remittance · unknown"""
    name = models.TextField()
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    facts_fingerprint = models.TextField(default="", db_default="", blank=True)
    """Keyed hash of what a received file says, whatever its line ends, padding and header; empty
    for kinds of file that are recognised otherwise.
    """
    state = models.TextField(choices=FileState.choices)
    made_at = models.DateTimeField()
    made_by = models.TextField()
    added_by_id = models.TextField(default="", db_default="", blank=True)
    """Who added the document by hand, as the audit trail names them; empty if the bank did."""
    business_date = models.DateField(null=True)
    modifier = models.CharField(max_length=1, default="", blank=True)
    effective_date = models.DateField(null=True)
    entry_count = models.IntegerField(default=0)
    debit_minor = models.BigIntegerField(default=0)
    credit_minor = models.BigIntegerField(default=0)
    release_round = models.SmallIntegerField(default=1, db_default=1)
    """The round of approvals that counts: a file that is to be sent again is approved anew, and a
    statement that waits for other reasons than before is decided anew.
    """
    released_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    problems = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["direction", "sha256"], name="bankfile_once"),
            models.UniqueConstraint(
                fields=["connection", "business_date", "modifier"],
                name="bankfile_one_modifier_a_day",
                condition=Q(direction="out"),
            ),
            models.CheckConstraint(
                condition=Q(state__in=FileState.values), name="bankfile_state_is_known"
            ),
        ]
        indexes = [
            models.Index(fields=["state"], name="bankfile_by_state"),
            models.Index(fields=["-made_at"], name="bankfile_newest"),
        ]

    def __str__(self) -> str:
        return self.name

    def counting_approvals(self) -> models.QuerySet[FileApproval]:
        """Return the approvals of the present round."""
        return self.approvals.filter(round=self.release_round)

    def counting_decisions(self) -> models.QuerySet[StatementDecision]:
        """Return what was said in the present round of a statement that waits."""
        return self.decisions.filter(round=self.release_round)


class BankFileContent(models.Model):
    """The sealed bytes of a file, apart so that only who asks for them loads them. Append-only."""

    file = models.OneToOneField(
        BankFile, on_delete=models.PROTECT, primary_key=True, related_name="content"
    )
    content_sealed = models.BinaryField()


class FileApproval(models.Model):
    """One person's approval of exactly these bytes. Append-only."""

    id = models.UUIDField(primary_key=True)
    file = models.ForeignKey(BankFile, on_delete=models.PROTECT, related_name="approvals")
    sha256 = models.CharField(max_length=64)
    actor_id = models.TextField()
    actor_name = models.TextField()
    at = models.DateTimeField()
    round = models.SmallIntegerField(default=1, db_default=1)
    """The file's release round that was approved; only the present one counts."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["file", "actor_id", "round"], name="approval_once_each")
        ]


class StatementDecision(models.Model):
    """One person's word on a statement that waits: accept or refuse. Append-only."""

    id = models.UUIDField(primary_key=True)
    file = models.ForeignKey(BankFile, on_delete=models.PROTECT, related_name="decisions")
    verdict = models.TextField(choices=[("accept", "Accept"), ("refuse", "Refuse")])
    why = models.TextField(default="", blank=True)
    actor_id = models.TextField()
    actor_name = models.TextField()
    at = models.DateTimeField()
    round = models.SmallIntegerField()
    """The file's release round that was decided on; only the present one counts."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["file", "actor_id", "verdict", "round"], name="decision_once_each"
            )
        ]


class FileRepeat(models.Model):
    """The bank delivered bytes that are stored already, under another name. Append-only."""

    id = models.UUIDField(primary_key=True)
    file = models.ForeignKey(BankFile, on_delete=models.PROTECT, related_name="repeats")
    name = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["file", "name"], name="repeat_noted_once")]


class Statement(models.Model):
    """One day of one account, as the bank reports it. Append-only."""

    id = models.UUIDField(primary_key=True)
    connection = models.ForeignKey(BankConnection, on_delete=models.PROTECT)
    file = models.ForeignKey(BankFile, on_delete=models.PROTECT)
    as_of = models.DateField()
    opening_minor = models.BigIntegerField(null=True)
    closing_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, default="USD")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "as_of"], name="statement_one_a_day")
        ]


REFERENCE_END: Final = "\x1f"
"""Ends the reference in the sealed words of a bank line: ASCII's unit separator."""


class BankLine(models.Model):
    """One line of a statement: money in (credit) or out (debit) as the bank reports it."""

    id = models.UUIDField(primary_key=True)
    connection = models.ForeignKey(BankConnection, on_delete=models.PROTECT)
    statement = models.ForeignKey(Statement, on_delete=models.PROTECT)
    as_of = models.DateField()
    type_code = models.CharField(max_length=3)
    is_credit = models.BooleanField()
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3, default="USD")
    bank_reference = models.TextField(default="", blank=True)
    customer_reference = models.TextField(default="", blank=True)
    """Who paid writes it, so long numbers in it are masked."""
    text_sealed = models.BinaryField()
    """The customer's reference as it came, REFERENCE_END, and the bank's description."""
    text_fingerprint = models.TextField()
    occurrence = models.IntegerField()
    line = models.IntegerField()
    explained_at = models.DateTimeField(null=True)
    """When transfers were booked that name this line."""
    is_due = models.BooleanField(default=True, db_default=True)
    """Reconciliation is to look at it: it is new, or something it could match has changed."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "connection",
                    "as_of",
                    "type_code",
                    "amount_minor",
                    "bank_reference",
                    "customer_reference",
                    "text_fingerprint",
                    "occurrence",
                ],
                name="bankline_once",
            ),
            models.CheckConstraint(condition=Q(amount_minor__gte=0), name="bankline_not_negative"),
        ]
        indexes = [
            models.Index(
                fields=["as_of"],
                name="bankline_unexplained",
                condition=Q(explained_at__isnull=True),
            ),
            models.Index(
                fields=["as_of", "line", "id"], name="bankline_due", condition=Q(is_due=True)
            ),
        ]

    @property
    def evidence(self) -> str:
        """How transfers that this line proves name it."""
        return f"bankline/{self.id}"

    def text(self) -> str:
        """Decrypt the bank's description of the line."""
        words = sealing.unseal(self.text_sealed, context=f"banking_bankline|text|{self.id}")
        return words.decode().partition(REFERENCE_END)[2]


class MatchChange(models.Model):
    """Something bank lines could match that changed since they were looked at.

    Triggers add it in the transaction of the change; reconciliation removes it. A file without an
    amount concerns every amount it asks for.
    """

    id = models.UUIDField(primary_key=True)
    file = models.ForeignKey(BankFile, on_delete=models.PROTECT, null=True)
    amount_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, default="USD", db_default="USD")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(file__isnull=False) | Q(amount_minor__isnull=False),
                name="matchchange_says_of_what",
            )
        ]


class RoutingNumber(models.Model):
    """One bank of the directory that the biller loaded."""

    number = models.CharField(max_length=9, primary_key=True)
    bank_name = models.TextField()
