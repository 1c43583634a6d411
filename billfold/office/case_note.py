"""Keeping what a person found out about a case that no words close."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse

from billfold.office import case_page, staff_frame
from billfold.office.case_resolution import LONGEST_NOTE
from billfold.pages import access, links, refusal_texts
from billfold.pages.access import StaffVisit
from billfold.pages.responses import SeeOther
from billfold.pages.view_models import FormField
from billfold.payments.cases import casework


@access.open_to_staff("POST")
def add_note(visit: StaffVisit, case_id: UUID) -> HttpResponse:
    """Keep a note with a case, which stays as it is."""
    case = case_page.get_case(case_id)
    text = visit.form_field("note")
    problem = refusal_texts.note_problem(
        text, if_empty="Write what you found out.", at_most=LONGEST_NOTE
    )
    if problem:
        page = case_page.build(case, note=FormField("note", text, problem))
        problems = refusal_texts.summarize({"note": problem})
        return staff_frame.render(visit, "case.html", page, section="cases", problems=problems)
    casework.add_note(case.id, text, actor=visit.person.actor(), now=visit.now)
    messages.success(visit.request, "The note is kept. The case stays open.")
    return SeeOther(links.staff_case(case.id))
