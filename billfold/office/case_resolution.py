"""Closing a case with what was decided."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse

from billfold.office import case_page, staff_frame
from billfold.pages import access, links, refusal_texts
from billfold.pages.access import StaffVisit
from billfold.pages.responses import SeeOther
from billfold.pages.view_models import FormField
from billfold.payments.cases import casework
from billfold.payments.models import Case
from billfold.payments.outgoing import transmission
from billfold.people import rights

LONGEST_NOTE: Final = 2_000
_CHOOSE: Final = "Choose what you want to do."


@access.open_to_staff("POST")
def resolve(visit: StaffVisit, case_id: UUID) -> HttpResponse:
    """Close a case, or say what is missing."""
    case = case_page.get_case(case_id)
    if not case_page.may_decide(visit, case):
        return staff_frame.forbid(
            visit,
            "Only a treasurer can say whether a file arrived",
            "A file that did not arrive is sent once more. Tell a treasurer what you know.",
            section="cases",
        )
    choices = {choice.key: choice.title for choice in case_page.list_choices(case)}
    choice, note = visit.form_field("choice"), visit.form_field("note")
    note_problem = refusal_texts.note_problem(
        note, if_empty="Write what you found out.", at_most=LONGEST_NOTE
    )
    problems = {}
    if choice not in choices:
        problems[f"choice-{next(iter(choices))}"] = _CHOOSE
    if note_problem:
        problems["note"] = note_problem
    if not problems:
        try:
            _close(visit, case, choice, f"{choices[choice]}\n{note}")
        except casework.AlreadyClosed as refusal:
            case = case_page.get_case(case_id)
            problems[""] = f"{refusal.closed_by} closed this case before you."
        except (casework.CarriesMoney, transmission.NotUnknown, rights.NotATreasurer) as refusal:
            problems[""] = refusal_texts.sentence(refusal)
        else:
            messages.success(visit.request, "The case is closed.")
            return SeeOther(links.staff_case(case.id))
    page = case_page.build(
        case,
        chosen=choice,
        choice_error="" if choice in choices else _CHOOSE,
        note=FormField("note", note, note_problem),
    )
    return staff_frame.render(
        visit, "case.html", page, section="cases", problems=refusal_texts.summarize(problems)
    )


def _close(visit: StaffVisit, case: Case, choice: str, resolution: str) -> None:
    """Close a case; a decision on a cut transmission is carried out with it.

    Raises: casework.AlreadyClosed, casework.CarriesMoney, transmission.NotUnknown,
    rights.NotATreasurer.
    """
    actor = visit.person.actor()
    if case.kind == transmission.KIND and choice in {"arrived", "missing"}:
        transmission.resolve(
            case.id, resolution, has_arrived=choice == "arrived", actor=actor, now=visit.now
        )
    else:
        casework.close(case.id, resolution, actor=actor, now=visit.now)
