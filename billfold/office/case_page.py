"""One case as staff see it: what happened, what proves it, what can be decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404

from billfold.office import case_words, evidence, staff_frame, status_pills
from billfold.pages import access, links
from billfold.pages.access import StaffVisit
from billfold.pages.templatetags import formatting
from billfold.pages.view_models import (
    DecisionReason,
    DetailLine,
    FormField,
    Link,
    StatusPill,
    TimelineStep,
)
from billfold.payments.cases import case_kinds, parked_items
from billfold.payments.cases.case_kinds import CaseKind
from billfold.payments.incoming import line_candidates
from billfold.payments.models import Case

_LABELS: Final[Mapping[str, str]] = {
    "trace": "Trace #",
    "traces": "Trace #",
    "amount": "The bank says",
    "sent": "We sent",
    "on": "Date",
    "todo": "What to do",
    "info": "The bank adds",
    "type": "Type code",
    "file_total": "File total",
    "sha256": "SHA-256",
    "size": "Bytes",
    "event": "Event",
    "reasons": "Reasons",
    "problems": "What is wrong",
    "noted": "Worth knowing",
    "failures": "Failures",
    "statement_before": "Closed with",
    "statement_after": "Opens with",
}
_CODES: Final = frozenset({"trace", "traces", "sha256", "event"})
_MOST_TEXTS: Final = 20


@dataclass(frozen=True, slots=True)
class CaseChoice:
    key: str
    title: str
    note: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class CasePage:
    kind_text: str
    title: str
    status: StatusPill
    subtitle: str
    story_text: str
    evidence: tuple[DetailLine, ...]
    history: tuple[TimelineStep, ...]
    likely_payments: tuple[DecisionReason, ...]
    choices: tuple[CaseChoice, ...]
    choice_error: str
    note: FormField
    closing_text: str
    """What will close it, where no words of a person can."""
    resolution_url: str
    note_url: str
    """Where a note is kept without closing the case."""


@access.open_to_staff("GET")
def case(visit: StaffVisit, case_id: UUID) -> HttpResponse:
    """Show a case with its evidence."""
    opened = get_case(case_id)
    page = build(opened)
    if not may_decide(visit, opened):
        story = f"{page.story_text} Only a treasurer can say whether the bank has it."
        page = replace(page, story_text=story, choices=(), resolution_url="")
    return staff_frame.render(visit, "case.html", page, section="cases")


def get_case(case_id: UUID) -> Case:
    """Find a case with its payment. Raises: Http404."""
    return get_object_or_404(Case.objects.select_related("payment"), pk=case_id)


def may_decide(visit: StaffVisit, case: Case) -> bool:
    """Say whether this person closes such a case: what may send money again is for treasurers."""
    return not case_kinds.needs_treasurer(case.kind) or visit.may_release_files


def list_choices(case: Case, chosen: str = "") -> tuple[CaseChoice, ...]:
    """List what can be decided of a case of this kind."""
    choices = case_words.CHOICES.get(case.kind, (case_words.NOTHING,))
    return tuple(
        CaseChoice(key, title, note, key == chosen)
        for key, title, note in (*choices, case_words.OTHER)
    )


def build(
    case: Case, *, chosen: str = "", choice_error: str = "", note: FormField | None = None
) -> CasePage:
    """Make the page of one case. Needs its payment."""
    is_open = case.closed_at is None
    owner = case.owner_name or "no owner yet"
    return CasePage(
        kind_text=case.kind.capitalize(),
        title=case.title,
        status=status_pills.of_case(case),
        subtitle=f"Opened {formatting.stamp(case.opened_at)} · {owner}",
        story_text=case_words.STORIES.get(case.kind, ""),
        evidence=_evidence(case),
        history=_history(case),
        likely_payments=_likely_payments(case.facts),
        choices=list_choices(case, chosen) if is_open else (),
        choice_error=choice_error,
        note=note or FormField("note"),
        closing_text=_closing_text(case) if is_open else "",
        resolution_url=links.case_resolution(case.id) if is_closed_by_hand(case) else "",
        note_url=links.case_notes(case.id) if is_open and not is_closed_by_hand(case) else "",
    )


def is_closed_by_hand(case: Case) -> bool:
    """Say whether a person closes the case. One that carries money is closed by its booking."""
    return case.closed_at is None and not case_kinds.carries_money(case.kind)


def _closing_text(case: Case) -> str:
    if case.kind != CaseKind.BANK_LINE:
        return case_words.CLOSES_BY.get(case.kind, "")
    type_code = str(case.facts.get("type", ""))
    if type_code in line_candidates.ACH_CREDITS:
        return (
            "It closes by itself as soon as the line adds up to a file of ours, or to one less "
            "the payments of it that were returned. Each file from the bank is tried against it. "
            "If a return or a line is missing, ask the bank for it."
        )
    if type_code in line_candidates.RETURN_DEBITS:
        return (
            "It closes by itself as soon as the return it belongs to is here: of the trace number "
            "it names, or the only returned payment of its amount. If that return is missing, ask "
            "the bank for it."
        )
    return "Money of this kind cannot be booked here yet, so the line stays on this list."


def _evidence(case: Case) -> tuple[DetailLine, ...]:
    details: list[DetailLine] = []
    if case.payment:
        reference = case.payment.reference
        details.append(DetailLine("Payment", reference, links.staff_payment(reference)))
    document = evidence.find_documents([case.evidence]).get(case.evidence)
    if document:
        details.append(DetailLine("File", document.link.label, document.link.url))
        if document.note:
            details.append(DetailLine("Bank line", document.note))
    details += [
        DetailLine(
            _LABELS.get(name, name.replace("_", " ").capitalize()), text, is_code=name in _CODES
        )
        for name, value in case.facts.items()
        if name not in {"likely", "reference"}
        for text in _texts(name, value)
    ]
    return tuple(details)


def _texts(name: str, value: object) -> Iterator[str]:
    """Write a fact, one line for each of several."""
    if name == "on":
        yield formatting.day(date.fromisoformat(str(value)))
        return
    values = value if isinstance(value, list) else [value]
    yield from (str(item) for item in values[:_MOST_TEXTS] if str(item))


def _likely_payments(facts: Mapping[str, object]) -> tuple[DecisionReason, ...]:
    references = facts.get("likely")
    if not isinstance(references, list):
        return ()
    words = "This payment has exactly this amount:"
    if "file_total" in facts:
        words = "This payment has exactly the missing amount:"
    return tuple(
        DecisionReason("so", "info", words, Link(reference, links.staff_payment(reference)))
        for reference in map(str, references[:_MOST_TEXTS])
    )


def _history(case: Case) -> tuple[TimelineStep, ...]:
    opened = TimelineStep("Opened by itself", formatting.stamp(case.opened_at), "done")
    notes = tuple(
        TimelineStep(f"Note by {note.by_name}", f"{formatting.stamp(note.at)}\n{note.text}", "done")
        for note in case.notes.order_by("at", "id")
    )
    if case.closed_at is None:
        return (opened, *notes, TimelineStep(_waits_for(case), "", "now", True))
    note = f"{formatting.stamp(case.closed_at)}\n{case.resolution}"
    return (opened, *notes, TimelineStep(f"Closed by {case.closed_by}", note, "done", True))


def _waits_for(case: Case) -> str:
    if is_closed_by_hand(case):
        return "Waits for a person"
    if case.kind == CaseKind.WAITING_STATEMENT:
        return "Waits for two treasurers"
    if case.kind in parked_items.KINDS:
        return "Waits to be tried again"
    if case.kind in {CaseKind.BANK_LINE, CaseKind.MISSING_STATEMENT, CaseKind.BROKEN_SEAM}:
        return "Waits for the bank"
    return "Waits for its booking"
