"""A file that waits for its two people: what it holds, what was checked, who may say yes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Count, F, Sum
from django.urls import reverse

from billfold.banking import exchange
from billfold.banking.models import BankFile, FileApproval
from billfold.formats import nacha
from billfold.money import Money
from billfold.office import links, shapes, statuses
from billfold.office.desk import Visit
from billfold.pages.shapes import Link
from billfold.pages.templatetags import bills
from billfold.payments.models import Instruction, Payment
from billfold.platform import sealing

TOO_LATE: Final = (
    "Its settlement day has come, so it is not sent any more. Send it back: its payments go into "
    "the next file."
)


@dataclass(frozen=True, slots=True)
class _Instructed:
    """What the database says was put into a file."""

    count: int = 0
    sum_minor: int = 0
    largest: Instruction | None = None


def of(files: Sequence[BankFile], visit: Visit) -> tuple[shapes.Release, ...]:
    """Make the cards of files that wait. Needs their connections; a fixed number of queries."""
    instructed = _instructed([file.id for file in files])
    approvals: dict[UUID, list[FileApproval]] = {file.id: [] for file in files}
    for approval in FileApproval.objects.filter(
        file__in=files, round=F("file__release_round")
    ).order_by("at", "id"):
        approvals[approval.file_id].append(approval)
    return tuple(
        _card(file, instructed.get(file.id, _Instructed()), approvals[file.id], visit)
        for file in files
    )


def _instructed(file_ids: Iterable[UUID]) -> Mapping[UUID, _Instructed]:
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
    file: BankFile, instructed: _Instructed, approvals: Sequence[FileApproval], visit: Visit
) -> shapes.Release:
    needed = exchange.PEOPLE_NEEDED if file.connection.two_people_release else 1
    missing = max(1, needed - len(approvals))
    checks, entry_hash = _checks(file, instructed, visit)
    good = sum(check.tone == "yes" for check in checks)
    graded = sum(check.tone != "so" for check in checks)
    names = ", ".join(approval.actor_name for approval in approvals)
    blocked = TOO_LATE if exchange.is_too_late(file, visit.now) else _blocked(visit, approvals)
    total = bills.money(Money(file.debit_minor))
    return shapes.Release(
        id=str(file.id),
        heading=_heading(missing, needed),
        fact_text=" · ".join(
            filter(
                None,
                [
                    file.name,
                    f"made {visit.today_text(file.made_at)} by {file.made_by}",
                    f"approved by {names}" if names else "",
                ],
            )
        ),
        status=statuses.file(file.state),
        entry_count=f"{file.entry_count:,}",
        debit_total=Money(file.debit_minor),
        entry_hash=entry_hash,
        checks=checks,
        checks_text=f"{good} of {graded}",
        checks_tone="up" if good == graded else "down",
        sha256=file.sha256,
        button_text=f"Approve and send {total}" if missing == 1 else f"Approve {total}",
        release_url="" if blocked else reverse("office:release", args=[file.id]),
        withdrawal_url=f"{links.file(file.id)}#withdrawal" if may_decide(visit) else "",
        blocked_text=blocked,
        url=links.file(file.id),
        all_text=f"See all {file.entry_count:,} entries"
        if file.entry_count != 1
        else "See its entry",
    )


def may_decide(visit: Visit) -> bool:
    """Say whether this person releases files, or takes them back."""
    return visit.person.may_release_files


def _heading(missing: int, needed: int) -> str:
    if needed == 1:
        return "ACH file needs an approval"
    if missing == 1:
        return "ACH file needs a second approval"
    return "ACH file needs two approvals"


def _blocked(visit: Visit, approvals: Sequence[FileApproval]) -> str:
    """Say why this person cannot approve this file; nothing if they can."""
    if not may_decide(visit):
        return "Only a treasurer can approve a file. You can look at everything in it."
    me = visit.person.actor().id
    mine = next((approval for approval in approvals if approval.actor_id == me), None)
    if mine:
        return f"You approved this file at {bills.moment(mine.at)}. Another treasurer must too."
    return ""


def _checks(
    file: BankFile, instructed: _Instructed, visit: Visit
) -> tuple[tuple[shapes.Check, ...], str]:
    """Read the sealed bytes again and hold them against the database; give the entry hash too."""
    try:
        content = exchange.content(file)
        read = nacha.read(content)
    except (nacha.Unreadable, sealing.Unsealable, sealing.KeysMissing):
        return (_check(False, "", "The stored bytes cannot be read again"),), "Unknown"
    totals = read.totals
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
            f"Read again, the file asks for {bills.money(Money(totals.debit_minor))}",
        ),
        _check(
            same_entries,
            "Every entry serves a payment here, and the entries add up to the total",
            f"{instructed.count:,} entries of {bills.money(Money(instructed.sum_minor))} "
            "stand behind it",
        ),
        _in_time(file, visit),
    ]
    if instructed.largest:
        checks.append(_largest(instructed.largest))
    return tuple(checks), f"{totals.entry_hash % 10**10:010d}"


def _check(is_good: bool, good: str, bad: str) -> shapes.Check:
    return shapes.Check("yes", "tick", good) if is_good else shapes.Check("no", "warn", bad)


def _in_time(file: BankFile, visit: Visit) -> shapes.Check:
    day = file.effective_date
    if day is None or exchange.is_too_late(file, visit.now):
        return shapes.Check("no", "warn", "Its settlement day has come")
    return shapes.Check("yes", "tick", f"It settles on {bills.long_day(day)}")


def _largest(instruction: Instruction) -> shapes.Check:
    payment: Payment = instruction.payment
    return shapes.Check(
        "so",
        "info",
        f"Largest payment: {bills.money(payment.amount)}, {payment.customer.name},",
        Link(payment.reference, links.payment(payment.reference)),
    )
