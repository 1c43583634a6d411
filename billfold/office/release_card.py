"""A file that waits for its two approvals: what it holds, what was checked, who may approve."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, F, Sum

from billfold.banking import exchange, file_approvals
from billfold.banking.models import BankFile, FileApproval
from billfold.formats import nacha
from billfold.money import Money
from billfold.office import moments, status_pills
from billfold.pages import links, refusal_texts
from billfold.pages.access import StaffVisit
from billfold.pages.templatetags import formatting
from billfold.pages.view_models import DecisionReason, Link, StatusPill
from billfold.payments.models import Instruction
from billfold.platform import brake, sealing


@dataclass(frozen=True, slots=True)
class ReleaseCard:
    """A built file that waits for an approval. No release_url: blocked_text says why."""

    id: str
    heading: str
    subtitle: str
    status: StatusPill
    entry_count: str
    debit_total: Money
    entry_hash: str
    checks: tuple[DecisionReason, ...]
    checks_text: str
    checks_tone: str
    sha256: str
    button_text: str
    release_url: str
    withdrawal_url: str
    blocked_text: str
    url: str
    all_text: str


@dataclass(frozen=True, slots=True)
class _Instructed:
    """What the database says was put into a file."""

    count: int = 0
    sum_minor: int = 0
    largest: Instruction | None = None


def build(files: Sequence[BankFile], visit: StaffVisit) -> tuple[ReleaseCard, ...]:
    """Make the cards of files that wait. Needs their connections; a fixed number of queries."""
    instructed = _load_instructed([file.id for file in files])
    approvals: dict[UUID, list[FileApproval]] = {file.id: [] for file in files}
    of_this_round = FileApproval.objects.filter(file__in=files, round=F("file__release_round"))
    for approval in file_approvals.keep_in_force(of_this_round.order_by("at", "id")):
        approvals[approval.file_id].append(approval)
    is_braked = bool(files) and bool(brake.standing())
    return tuple(
        _card(file, instructed.get(file.id, _Instructed()), approvals[file.id], visit, is_braked)
        for file in files
    )


def _load_instructed(file_ids: Iterable[UUID]) -> Mapping[UUID, _Instructed]:
    rows = Instruction.objects.filter(file__in=file_ids, is_live=True)
    largest = {
        instruction.file_id: instruction
        for instruction in rows.filter(kind="payment")
        .select_related("payment__customer")
        .order_by("file_id", "-amount_minor", "trace")
        .distinct("file_id")
    }
    sums = rows.order_by().values_list("file_id").annotate(Count("id"), Sum("amount_minor"))
    return {
        file_id: _Instructed(count, total_minor, largest.get(file_id))
        for file_id, count, total_minor in sums
    }


def _card(
    file: BankFile,
    instructed: _Instructed,
    approvals: Sequence[FileApproval],
    visit: StaffVisit,
    is_braked: bool,
) -> ReleaseCard:
    needed = file_approvals.count_needed(file)
    missing = max(1, needed - len(approvals))
    checks, entry_hash = _checks(file, instructed, visit)
    passed = sum(check.tone == "yes" for check in checks)
    graded = sum(check.tone != "so" for check in checks)
    blocked = _blocked_text(file, approvals, visit)
    if is_braked and not file_approvals.is_too_late(file, visit.now):
        blocked = refusal_texts.BRAKED
    total = formatting.money(Money(file.debit_minor))
    url = links.staff_file(file.id)
    return ReleaseCard(
        id=str(file.id),
        heading=_heading(missing, needed),
        subtitle=_subtitle(file, approvals, visit),
        status=status_pills.of_file(file),
        entry_count=f"{file.entry_count:,}",
        debit_total=Money(file.debit_minor),
        entry_hash=entry_hash,
        checks=checks,
        checks_text=f"{passed} of {graded}",
        checks_tone="up" if passed == graded else "down",
        sha256=file.sha256,
        button_text=f"Approve and send {total}" if missing == 1 else f"Approve {total}",
        release_url="" if blocked else links.file_release(file.id),
        withdrawal_url=f"{url}#withdrawal" if visit.may_release_files else "",
        blocked_text=blocked,
        url=url,
        all_text=f"See all {file.entry_count:,} entries"
        if file.entry_count != 1
        else "See its entry",
    )


def _heading(missing: int, needed: int) -> str:
    if needed == 1:
        return "ACH file needs an approval"
    if missing == 1:
        return "ACH file needs a second approval"
    return "ACH file needs two approvals"


def _subtitle(file: BankFile, approvals: Sequence[FileApproval], visit: StaffVisit) -> str:
    origin = f"made {moments.in_full(file.made_at, now=visit.now)} by {file.made_by}"
    names = ", ".join(approval.actor_name for approval in approvals)
    approved = f"approved by {names}" if names else ""
    return " · ".join(filter(None, [file.name, origin, approved]))


def _blocked_text(file: BankFile, approvals: Sequence[FileApproval], visit: StaffVisit) -> str:
    """Say why this person cannot approve this file now; nothing if they can."""
    if file_approvals.is_too_late(file, visit.now):
        return refusal_texts.TOO_LATE_TO_SEND
    if not visit.may_release_files:
        return "Only a treasurer can approve a file. You can look at everything in it."
    actor_id = visit.person.actor().id
    own = next((approval for approval in approvals if approval.actor_id == actor_id), None)
    if own:
        at = formatting.moment(own.at)
        return f"You approved this file at {at}. Another treasurer must too."
    return ""


def _checks(
    file: BankFile, instructed: _Instructed, visit: StaffVisit
) -> tuple[tuple[DecisionReason, ...], str]:
    """Read the sealed bytes again and hold them against the database; give the entry hash too."""
    try:
        content = exchange.unseal_content(file)
        document = nacha.read(content)
    except (nacha.Unreadable, sealing.Unsealable, sealing.KeysMissing):
        return (_check(False, "", "The stored bytes cannot be read again"),), "Unknown"
    totals = document.totals
    same_sums = (totals.debit_minor, totals.credit_minor) == (file.debit_minor, file.credit_minor)
    same_entries = (instructed.count, instructed.sum_minor) == (file.entry_count, file.debit_minor)
    checks = [
        _check(
            hashlib.sha256(content).hexdigest() == file.sha256,
            "The stored bytes are exactly those that were made",
            "The stored bytes are not those that were made",
        ),
        _check(
            same_sums,
            "Read again, the file's own totals are the same to the cent",
            f"Read again, the file asks for {formatting.money(Money(totals.debit_minor))}",
        ),
        _check(
            same_entries,
            "Every entry serves a payment here, and the entries add up to the total",
            f"{instructed.count:,} entries of {formatting.money(Money(instructed.sum_minor))} "
            "stand behind it",
        ),
        _check_day(file, visit),
    ]
    if instructed.largest:
        checks.append(_describe_largest(instructed.largest))
    return tuple(checks), f"{totals.entry_hash % 10**10:010d}"


def _check(is_good: bool, good: str, bad: str) -> DecisionReason:
    if is_good:
        return DecisionReason("yes", "tick", good)
    return DecisionReason("no", "warn", bad)


def _check_day(file: BankFile, visit: StaffVisit) -> DecisionReason:
    day = file.effective_date
    if day is None or file_approvals.is_too_late(file, visit.now):
        return DecisionReason("no", "warn", "Its settlement day has come")
    return DecisionReason("yes", "tick", f"It settles on {formatting.long_day(day)}")


def _describe_largest(instruction: Instruction) -> DecisionReason:
    payment = instruction.payment
    amount = formatting.money(payment.amount)
    return DecisionReason(
        "so",
        "info",
        f"Largest payment: {amount}, {payment.customer.name},",
        Link(payment.reference, links.staff_payment(payment.reference)),
    )
