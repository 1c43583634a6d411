"""One bank file as staff see it: its life, its entries with endings only, its facts."""

from __future__ import annotations

from typing import Final

from django.urls import reverse

from billfold.banking import exchange
from billfold.banking.models import BankFile, FileApproval, FileState
from billfold.money import Money
from billfold.office import file_entries, links, paging, release_card, shapes, statuses
from billfold.office.desk import Visit
from billfold.pages.shapes import Field, Notice, Step
from billfold.pages.templatetags import bills

KINDS: Final = {
    "nacha": "ACH debits",
    "returns": "ACH returns",
    "statement": "Bank statement",
    "acknowledgement": "Answer of the bank",
    "lockbox": "Lockbox",
    "wires": "Wires",
    "remittance": "Remittance advice",
    "unknown": "Not recognized",
}
WAITING: Final = frozenset({FileState.BUILT.value, FileState.RELEASED.value})
"""States in which a file has not left, so that it can still be taken back."""
_MOST_FAULTS: Final = 50


def kind_text(file: BankFile) -> str:
    return f"{KINDS.get(file.kind, file.kind)} · {file.direction}"


def of(file: BankFile, visit: Visit, *, reason: Field | None = None) -> shapes.File:
    """Make the page of one file. Needs its connection."""
    approvals = list(file.approvals.order_by("at", "id"))
    is_built = file.direction == "out" and file.state == FileState.BUILT
    release = release_card.of([file], visit)[0] if is_built else None
    entries = file_entries.of(file, visit.asked("page"))
    can_withdraw = (
        file.direction == "out" and file.state in WAITING and release_card.may_decide(visit)
    )
    shown = entries.place
    return shapes.File(
        name=file.name,
        status=statuses.file(file.state),
        fact_text=_fact(file, shown.total),
        steps=_steps(file, approvals, visit),
        facts=_facts(file),
        entries_heading="Entries",
        entries_note=shown.summary if shown.total else "",
        entries=entries.rows,
        no_entries_text=_no_entries(file),
        sha256=file.sha256,
        release=release,
        withdrawal_url=reverse("office:withdrawal", args=[file.id]) if can_withdraw else "",
        reason=reason or Field("reason"),
        notices=_notices(file, visit),
        faults=_faults(file),
        pager=shown.pager(lambda number: paging.address(links.file(file.id), page=str(number))),
    )


def _fact(file: BankFile, entries: int) -> str:
    count = f"{entries:,} {'entry' if entries == 1 else 'entries'}"
    total = bills.money(Money(file.debit_minor)) if file.debit_minor else ""
    return " · ".join(filter(None, [kind_text(file), count, total, file.connection.bank_name]))


def _steps(file: BankFile, approvals: list[FileApproval], visit: Visit) -> tuple[Step, ...]:
    told = visit.today_text
    if file.direction == "in":
        return (
            Step("Received", f"{told(file.made_at)}\n{file.made_by}", "done", _waits(file)),
            _read_step(file),
        )
    steps = [Step("Built", f"{told(file.made_at)}\n{file.made_by}", "done")]
    steps += [Step(f"Approved by {each.actor_name}", told(each.at), "done") for each in approvals]
    if file.released_at:
        steps.append(Step("Released", told(file.released_at), "done"))
    if file.sent_at:
        steps.append(Step("Sent", told(file.sent_at), "done"))
    match file.state:
        case FileState.ACCEPTED:
            when = told(file.answered_at) if file.answered_at else ""
            steps.append(Step("Accepted by the bank", when, "done"))
        case FileState.REJECTED:
            when = told(file.answered_at) if file.answered_at else ""
            steps.append(Step("Refused by the bank", when, "bad"))
        case FileState.VOID:
            when = told(file.answered_at) if file.answered_at else ""
            steps.append(Step("Sent back", when, "bad"))
        case _:
            pass
    last = steps.pop()
    steps.append(Step(last.title, last.note, last.tone, True))
    return (*steps, *_still_to_come(file))


def _still_to_come(file: BankFile) -> list[Step]:
    after = {
        FileState.BUILT.value: ["Released", "Sent", "Accepted by the bank"],
        FileState.RELEASED.value: ["Sent", "Accepted by the bank"],
        FileState.SENDING.value: ["Sent", "Accepted by the bank"],
        FileState.SENT.value: ["Accepted by the bank"],
    }
    return [Step(title) for title in after.get(file.state, [])]


def _waits(file: BankFile) -> bool:
    return file.state == FileState.RECEIVED.value


def _read_step(file: BankFile) -> Step:
    match file.state:
        case FileState.READ:
            return Step("Posted", "Everything in it is taken in", "done", True)
        case FileState.REFUSED:
            return Step("Refused", "Nothing was taken from it", "bad", True)
        case _:
            return Step("Posted")


def _facts(file: BankFile) -> tuple[shapes.Fact, ...]:
    facts = [
        shapes.Fact("SHA-256", file.sha256, is_code=True),
        shapes.Fact("Size", f"{file.size:,} bytes"),
        shapes.Fact("Account", f"{file.connection.name}, ending {file.connection.account_last4}"),
    ]
    if file.direction == "out":
        facts.append(shapes.Fact("Debit total", bills.money(Money(file.debit_minor))))
        facts.append(shapes.Fact("Credit total", bills.money(Money(file.credit_minor))))
    if file.effective_date:
        facts.append(shapes.Fact("Settles", bills.day(file.effective_date)))
    if file.modifier:
        facts.append(shapes.Fact("File of the day", file.modifier))
    facts += [
        shapes.Fact("Delivered again", f"{repeat.name}, {bills.stamp(repeat.at)}")
        for repeat in file.repeats.order_by("at", "id")[:10]
    ]
    return tuple(facts)


def _no_entries(file: BankFile) -> str:
    if file.state == FileState.REFUSED.value:
        return "The file could not be read, so nothing in it counts."
    if file.state == FileState.RECEIVED.value:
        return "The file is read in a moment."
    if file.kind == "acknowledgement":
        return "The bank says in it whether it takes one of our files."
    return "Nothing happened in it."


def _notices(file: BankFile, visit: Visit) -> tuple[Notice, ...]:
    if file.state in WAITING and exchange.is_too_late(file, visit.now):
        return (Notice("warn", release_card.TOO_LATE, "This file is too late", "warn"),)
    if file.state == FileState.VOID.value:
        text = "Nothing was sent to the bank. Its payments wait for the next file."
        return (Notice("returned", text, "This file was sent back", "warn"),)
    if file.state == FileState.REJECTED.value:
        text = "No money moved. Its payments wait for the next file."
        return (Notice("returned", text, "The bank refused this file", "bad"),)
    if file.state == FileState.REFUSED.value:
        text = "Nothing was taken from it. The bytes are kept, and a case is open."
        return (Notice("warn", text, "This file could not be read", "bad"),)
    return ()


def _faults(file: BankFile) -> tuple[str, ...]:
    said = tuple(str(problem) for problem in file.problems)
    if len(said) <= _MOST_FAULTS:
        return said
    return (*said[:_MOST_FAULTS], f"… and {len(said) - _MOST_FAULTS:,} more.")
