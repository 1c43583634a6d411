"""The books of a restored installation: where each biller's end, and what a person does then."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import Max, Sum

from billfold.banking.models import BankFile, FileState, Statement
from billfold.cli import command_actor
from billfold.money import Money
from billfold.notices.models import Notice
from billfold.payments.models import Payment
from billfold.platform import audit, clock, tenancy
from billfold.platform.backups import Manifest
from billfold.platform.models import AuditEntry
from billfold.platform.tenancy import Biller

_NAMES_AT_MOST: Final = 10


@dataclass(frozen=True, slots=True)
class Gap:
    """How far the restored books of one biller reach."""

    biller: str
    last_statement_day: str | None
    last_received: str | None
    last_sent: str | None
    last_entry: str | None
    unsent_files: list[str] = field(default_factory=list)
    due_payments: int = 0
    due_total: str = ""
    waiting_messages: int = 0

    def as_json(self) -> dict[str, Any]:
        """Put the gap in the words of `billfold restore --json`."""
        return asdict(self)


def measure_gap(biller: Biller, *, now: datetime) -> Gap:
    """Look where a biller's restored books end."""
    with tenancy.use(biller):
        sent = BankFile.objects.filter(direction="out", sent_at__isnull=False)
        received = BankFile.objects.filter(direction="in")
        unsent = BankFile.objects.filter(
            direction="out", state__in=[FileState.BUILT, FileState.RELEASED, FileState.SENDING]
        )
        due = Payment.objects.filter(state="scheduled", collect_on__lte=now.date())
        statement_day = Statement.objects.aggregate(last=Max("as_of"))["last"]
        entry_at = AuditEntry.objects.aggregate(last=Max("at"))["last"]
        return Gap(
            biller=biller.schema,
            last_statement_day=statement_day and statement_day.isoformat(),
            last_received=_describe_file(received.order_by("-made_at").first(), "made_at"),
            last_sent=_describe_file(sent.order_by("-sent_at").first(), "sent_at"),
            last_entry=entry_at and entry_at.isoformat(timespec="seconds"),
            unsent_files=list(unsent.order_by("name").values_list("name", flat=True)),
            due_payments=due.count(),
            due_total=Money(due.aggregate(sum=Sum("amount_minor"))["sum"] or 0).formatted(),
            waiting_messages=Notice.objects.filter(sent_at=None).count(),
        )


def _describe_file(file: BankFile | None, moment: str) -> str | None:
    if file is None:
        return None
    return f"{file.name} at {getattr(file, moment).isoformat(timespec='minutes')}"


def describe(gap: Gap, *, backup_at: str) -> list[str]:
    """Word the report: what the books know, and what a person does before lifting HOLD."""
    names = ", ".join(gap.unsent_files[:_NAMES_AT_MOST]) or "none"
    more = len(gap.unsent_files) - _NAMES_AT_MOST
    lines = [
        f"{gap.biller}: the books end at {gap.last_entry or backup_at}.",
        f"  last statement day           {gap.last_statement_day or 'none'}",
        f"  last file from the bank      {gap.last_received or 'none'}",
        f"  last file sent to the bank   {gap.last_sent or 'none'}",
        f"  files not sent by then       {names}{f' and {more} more' if more > 0 else ''}",
        f"  payments due by today        {gap.due_payments} ({gap.due_total})",
        f"  messages waiting             {gap.waiting_messages}",
        "  Before HOLD is lifted:",
    ]
    since = f"after {gap.last_statement_day}" if gap.last_statement_day else "there is"
    acts = [
        f"Ask the bank for every statement and return file {since}, and bring each in with "
        "`billfold bank import`: a restored copy fetches nothing at the bank.",
        f"Ask the bank which files it took after {backup_at}: what it has must not leave again.",
    ]
    if gap.unsent_files:
        acts.append("Void those of the files above that it has.")
    if gap.due_payments:
        acts.append("Cancel those of the due payments above that are in a file it has.")
    acts.append("Repeat the imports made since; a file that is in already changes nothing.")
    return [*lines, *(f"   - {act}" for act in acts)]


def record_restore(biller: Biller, manifest: Manifest) -> None:
    """Put the restore on record, in the biller's own audit trail."""
    with tenancy.use(biller), transaction.atomic():
        audit.record(
            "restored from backup",
            f"biller/{biller.schema}",
            actor=command_actor.identify(),
            now=clock.now(),
            after={"made_at": manifest.made_at, "sha256": manifest.sha256},
        )
