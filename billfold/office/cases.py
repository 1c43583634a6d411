"""Cases: what a person must decide, with the evidence, and what was decided."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse

from billfold.office import case_page, links, paging, release_card, shapes, statuses
from billfold.office.desk import READ, WRITE, Visit, problems, staff
from billfold.pages.answers import SeeOther
from billfold.pages.shapes import Field, Problem, Tab
from billfold.payments.cases import casework, notes
from billfold.payments.models import Case
from billfold.payments.outgoing import transmission

LONGEST_NOTE: Final = 2_000


@staff(*READ)
def listing(visit: Visit) -> HttpResponseBase:
    """List cases: those that are open, oldest first, or those that are closed."""
    path = reverse("office:cases")
    view = "closed" if visit.asked("view") == "closed" else ""
    opened = Case.objects.filter(closed_at=None)
    open_count = opened.count()
    if view:
        found = Case.objects.exclude(closed_at=None).order_by("-closed_at", "id")
        total = found.count()
    else:
        found, total = opened.order_by("opened_at", "id"), open_count
    place = paging.place(visit.asked("page"), total)
    rows = found.select_related("payment")[place.start : place.end]
    page = shapes.Cases(
        fact_text=_fact(opened.order_by("opened_at").first(), open_count, visit.now),
        chips=(
            Tab(f"Open {open_count}", path, None, not view),
            Tab("Closed", paging.address(path, view="closed"), None, bool(view)),
        ),
        rows=tuple(_row(visit, case) for case in rows),
        empty_title="No case is closed yet" if view else "Nothing needs a person",
        empty_text="New cases appear when something from the bank does not fit.",
        pager=place.pager(lambda number: paging.address(path, view=view, page=str(number))),
    )
    return visit.show("cases.html", page, section="cases")


def _fact(oldest: Case | None, count: int, now: datetime) -> str:
    if oldest is None:
        return "None is open."
    days = (now - oldest.opened_at).days
    age = "opened today" if days < 1 else f"oldest {days} {'day' if days == 1 else 'days'}"
    return f"{count:,} open, {age}"


def _row(visit: Visit, case: Case) -> shapes.CaseRow:
    about = f"payment {case.payment.reference}" if case.payment else ""
    opened = f"Opened {visit.today_text(case.opened_at)}"
    owner = f"closed by {case.closed_by}" if case.closed_at else case.owner_name or "no owner yet"
    return shapes.CaseRow(
        title=case.title,
        url=links.case(case.id),
        status=statuses.case(is_closed=bool(case.closed_at)),
        fact_text=" · ".join(filter(None, [case.kind.capitalize(), about])),
        age_text=f"{opened} · {owner}",
        action_text="Look" if not case_page.is_decided_by_hand(case) else "Decide",
    )


@staff(*READ)
def detail(visit: Visit, case_id: UUID) -> HttpResponseBase:
    """Show a case with its evidence."""
    case = _found(case_id)
    page = case_page.of(case)
    if not _may_decide(visit, case):
        story = f"{page.story_text} Only a treasurer can say whether the bank has it."
        page = replace(page, story_text=story, choices=(), resolution_url="")
    return visit.show("case.html", page, section="cases")


def _may_decide(visit: Visit, case: Case) -> bool:
    """Say whether this person closes such a case: what is sent again is for who releases files."""
    return case.kind != transmission.KIND or release_card.may_decide(visit)


@staff(*WRITE)
def resolve(visit: Visit, case_id: UUID) -> HttpResponseBase:
    """Close a case with what was decided."""
    case = _found(case_id)
    if not _may_decide(visit, case):
        return visit.forbid(
            "Only a treasurer can say whether a file arrived",
            "A file that did not arrive is sent once more. Tell a treasurer what you know.",
            section="cases",
        )
    choice, note = visit.said("choice"), visit.said("note")
    chosen = case_page.title_of(case, choice)
    wrong: list[Problem] = []
    if not chosen:
        wrong.append(
            Problem("Choose what you want to do.", f"choice-{case_page.choices(case)[0].key}")
        )
    note_error = _note_error(note)
    if note_error:
        wrong.append(Problem(note_error, "note"))
    if not wrong:
        try:
            _close(visit, case, choice, f"{chosen}\n{note}")
        except casework.AlreadyClosed:
            case = _found(case_id)
            wrong.append(Problem(f"{case.closed_by} closed this case before you."))
        except casework.NotExplained:
            wrong.append(Problem("This bank line stays on the list until a booking explains it."))
        except transmission.NotUnknown:
            wrong.append(Problem("The bank answered meanwhile: choose something else."))
        else:
            messages.success(visit.request, "The case is closed.")
            return SeeOther(links.case(case.id))
    page = case_page.of(
        case,
        chosen=choice,
        choice_error="" if chosen else "Choose what you want to do.",
        note=Field("note", note, note_error),
    )
    return visit.show("case.html", page, section="cases", status=422, problems=problems(*wrong))


def _close(visit: Visit, case: Case, choice: str, resolution: str) -> None:
    """Close a case; a decision on a cut transmission is carried out with it."""
    actor = visit.person.actor()
    if case.kind == transmission.KIND and choice in {"arrived", "missing"}:
        transmission.decide(
            case.id, resolution, has_arrived=choice == "arrived", actor=actor, now=visit.now
        )
    else:
        casework.close(case.id, resolution, actor=actor, now=visit.now)


def _note_error(note: str) -> str:
    if not note:
        return "Write what you found out."
    if len(note) > LONGEST_NOTE:
        return f"Write {LONGEST_NOTE:,} characters or fewer. You wrote {len(note):,}."
    try:
        notes.check(note)
    except notes.NamesAnAccount:
        return notes.REFUSED
    return ""


def _found(case_id: UUID) -> Case:
    return get_object_or_404(Case.objects.select_related("payment"), pk=case_id)
