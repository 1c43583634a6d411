"""One bank file as staff see it: its life, its entries with endings only, its details."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404

from billfold.banking import file_approvals
from billfold.banking.models import BankFile, FileApproval, FileState
from billfold.money import Money
from billfold.office import file_entries, moments, release_card, staff_frame, status_pills
from billfold.office.file_entries import FileEntry
from billfold.office.release_card import ReleaseCard
from billfold.pages import access, links, paging, refusal_texts
from billfold.pages.access import StaffVisit
from billfold.pages.templatetags import formatting
from billfold.pages.view_models import (
    DetailLine,
    FormField,
    NoticeBox,
    Pager,
    StatusPill,
    TimelineStep,
)
from billfold.payments.cases import parked_items
from billfold.rails import registry

_KINDS: Final = {
    "nacha": "ACH debits",
    "statement": "Bank statement",
    "acknowledgement": "Answer of the bank",
    "remittance": "Remittance advice",
    "unknown": "Not recognized",
}
_NOT_SENT: Final = frozenset({FileState.BUILT.value, FileState.RELEASED.value})
"""States in which a file has not left, so that it can still be taken back."""
_ENDS: Final = {
    FileState.ACCEPTED.value: ("Accepted by the bank", "done"),
    FileState.REJECTED.value: ("Refused by the bank", "bad"),
    FileState.VOID.value: ("Sent back", "bad"),
}
"""State in which the life of an outgoing file ends -> title and tone of its last step."""
_TO_COME: Final = {
    FileState.BUILT.value: ("Released", "Sent", "Accepted by the bank"),
    FileState.RELEASED.value: ("Sent", "Accepted by the bank"),
    FileState.SENDING.value: ("Sent", "Accepted by the bank"),
    FileState.SENT.value: ("Accepted by the bank",),
}
"""State of an outgoing file -> titles of the steps still to come."""
_NOTICES: Final = {
    FileState.VOID.value: NoticeBox(
        "returned",
        "Nothing was sent to the bank. Its payments wait for the next file.",
        "This file was sent back",
        "warn",
    ),
    FileState.REJECTED.value: NoticeBox(
        "returned",
        "No money moved. Its payments wait for the next file.",
        "The bank refused this file",
        "bad",
    ),
    FileState.REFUSED.value: NoticeBox(
        "warn",
        "Nothing was taken from it. The bytes are kept, and a case is open.",
        "This file could not be read",
        "bad",
    ),
}
_REFUSED_BY_PEOPLE: Final = NoticeBox(
    "returned",
    "Nothing was taken from it. The bytes are kept.",
    "This statement was refused",
    "warn",
)
_PARKED: Final = NoticeBox(
    "warn",
    "Our own software stumbled over it again and again. Nothing was taken from it; its bytes are "
    "kept, and a case is open.",
    "This file is set aside",
    "bad",
)
_MOST_PROBLEMS: Final = 50


@dataclass(frozen=True, slots=True)
class FilePage:
    name: str
    status: StatusPill
    subtitle: str
    steps: tuple[TimelineStep, ...]
    details: tuple[DetailLine, ...]
    entries_note: str
    entries: tuple[FileEntry, ...]
    no_entries_text: str
    sha256: str
    release: ReleaseCard | None
    withdrawal_url: str
    reason: FormField
    notices: tuple[NoticeBox, ...]
    problems: tuple[str, ...]
    """What is wrong with the file, each with its line and field."""
    pager: Pager | None


@access.open_to_staff("GET")
def file(visit: StaffVisit, file_id: UUID) -> HttpResponse:
    """Show a file."""
    opened = get_object_or_404(BankFile.objects.select_related("connection"), pk=file_id)
    return staff_frame.render(visit, "file.html", build(visit, opened), section="files")


def kind_text(file: BankFile) -> str:
    titles = _KINDS | registry.titles_by_kind()
    return f"{titles.get(file.kind, file.kind)} · {file.direction}"


def build(visit: StaffVisit, file: BankFile, *, reason: FormField | None = None) -> FilePage:
    """Make the page of one file. Needs its connection."""
    approvals = list(file.approvals.order_by("at", "id"))
    is_outgoing = file.direction == "out"
    waits = is_outgoing and file.state == FileState.BUILT
    release = release_card.build([file], visit)[0] if waits else None
    entries = file_entries.read_page(file, visit.query_field("page"))
    can_withdraw = is_outgoing and file.state in _NOT_SENT and visit.may_release_files
    total = entries.at.paginator.count
    url = links.staff_file(file.id)
    return FilePage(
        name=file.name,
        status=status_pills.of_file(file),
        subtitle=_subtitle(file, total),
        steps=_steps(visit, file, approvals),
        details=_details(file),
        entries_note=paging.summary(entries.at) if total else "",
        entries=entries.rows,
        no_entries_text=_no_entries_text(file),
        sha256=file.sha256,
        release=release,
        withdrawal_url=links.file_withdrawal(file.id) if can_withdraw else "",
        reason=reason or FormField("reason"),
        notices=_notices(visit, file),
        problems=_problems(file),
        pager=paging.pager(
            entries.at, lambda number: links.with_query(url, page=str(number)), is_compact=True
        ),
    )


def _subtitle(file: BankFile, entries: int) -> str:
    count = f"{entries:,} {'entry' if entries == 1 else 'entries'}"
    total = formatting.money(Money(file.debit_minor)) if file.debit_minor else ""
    return " · ".join(filter(None, [kind_text(file), count, total, file.connection.bank_name]))


def _steps(
    visit: StaffVisit, file: BankFile, approvals: Sequence[FileApproval]
) -> tuple[TimelineStep, ...]:
    origin = f"{moments.in_full(file.made_at, now=visit.now)}\n{file.made_by}"
    if file.direction == "in":
        is_waiting = file.state == FileState.RECEIVED.value
        return (TimelineStep("Received", origin, "done", is_waiting), _read_step(file))
    steps = [TimelineStep("Built", origin, "done")]
    steps += [
        TimelineStep(
            f"Approved by {approval.actor_name}",
            moments.in_full(approval.at, now=visit.now),
            "done",
        )
        for approval in approvals
    ]
    for title, at in (("Released", file.released_at), ("Sent", file.sent_at)):
        if at:
            steps.append(TimelineStep(title, moments.in_full(at, now=visit.now), "done"))
    if file.state in _ENDS:
        title, tone = _ENDS[file.state]
        answered = moments.in_full(file.answered_at, now=visit.now) if file.answered_at else ""
        steps.append(TimelineStep(title, answered, tone))
    last = steps.pop()
    steps.append(TimelineStep(last.title, last.note, last.tone, True))
    to_come = [TimelineStep(title) for title in _TO_COME.get(file.state, ())]
    return (*steps, *to_come)


def _read_step(file: BankFile) -> TimelineStep:
    match file.state:
        case FileState.READ:
            return TimelineStep("Posted", "Everything in it is taken in", "done", True)
        case FileState.REFUSED:
            return TimelineStep("Refused", "Nothing was taken from it", "bad", True)
        case FileState.WAITING:
            return TimelineStep("Waits for two treasurers", "Nothing of it is booked", "now", True)
        case _:
            return TimelineStep("Posted")


def _details(file: BankFile) -> tuple[DetailLine, ...]:
    details = [
        DetailLine("SHA-256", file.sha256, is_code=True),
        DetailLine("Size", f"{file.size:,} bytes"),
        DetailLine("Account", f"{file.connection.name}, ending {file.connection.account_last4}"),
    ]
    if file.direction == "out":
        details.append(DetailLine("Debit total", formatting.money(Money(file.debit_minor))))
        details.append(DetailLine("Credit total", formatting.money(Money(file.credit_minor))))
    if file.effective_date:
        details.append(DetailLine("Settles", formatting.day(file.effective_date)))
    if file.modifier:
        details.append(DetailLine("File of the day", file.modifier))
    details += [
        DetailLine("Delivered again", f"{repeat.name}, {formatting.stamp(repeat.at)}")
        for repeat in file.repeats.order_by("at", "id")[:10]
    ]
    return tuple(details)


def _no_entries_text(file: BankFile) -> str:
    if file.state == FileState.REFUSED.value:
        return "The file was refused, so nothing in it counts."
    if file.state == FileState.RECEIVED.value:
        return "The file is not read yet."
    if file.state == FileState.WAITING.value:
        return "Nothing of it is booked before two treasurers have accepted it."
    if file.kind == "acknowledgement":
        return "The bank says in it whether it takes one of our files."
    return "Nothing happened in it."


def _notices(visit: StaffVisit, file: BankFile) -> tuple[NoticeBox, ...]:
    if file.state in _NOT_SENT and file_approvals.is_too_late(file, visit.now):
        text = refusal_texts.TOO_LATE_TO_SEND
        return (NoticeBox("warn", text, "This file is too late", "warn"),)
    if file.state == FileState.WAITING.value:
        return (_waiting_notice(file),)
    if file.state == FileState.RECEIVED.value and parked_items.is_file_parked(file.id):
        return (_PARKED,)
    if file.state == FileState.READ.value and file.problems:
        return (NoticeBox("info", file.problems[0], "Delivered before", "plain"),)
    if file.state == FileState.REFUSED.value and file.answered_at:
        return (_REFUSED_BY_PEOPLE,)
    return (_NOTICES[file.state],) if file.state in _NOTICES else ()


def _waiting_notice(file: BankFile) -> NoticeBox:
    """Say that a statement waits, for whom, and what they have said so far."""
    decided = [
        f"{decision.actor_name} {'accepted' if decision.verdict == 'accept' else 'refused'} it."
        for decision in file.counting_decisions().order_by("at", "id")
    ]
    text = (
        "Nothing of it is booked before two treasurers stand behind it; the reasons are below. "
        "Whoever runs the portal lets them accept or refuse it: billfold statement accept, refuse."
    )
    words = " ".join([text, *decided])
    return NoticeBox("warn", words, "This statement waits for two treasurers", "warn")


def _problems(file: BankFile) -> tuple[str, ...]:
    problems = tuple(str(problem) for problem in file.problems)
    if len(problems) <= _MOST_PROBLEMS:
        return problems
    return (*problems[:_MOST_PROBLEMS], f"… and {len(problems) - _MOST_PROBLEMS:,} more.")
