"""Agreeing to lift the brake: two treasurers, each with a reason."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import HttpResponse

from billfold.office import brake_page, staff_frame
from billfold.pages import access, links, refusal_texts
from billfold.pages.access import StaffVisit
from billfold.pages.responses import SeeOther
from billfold.pages.view_models import FormField
from billfold.payments.outgoing import brake_lifting
from billfold.people import rights
from billfold.platform.models import BrakeKind

_LONGEST_REASON: Final = 500


@access.open_to_staff("POST")
def agree(visit: StaffVisit) -> HttpResponse:
    """Agree to lift the brake as it was seen. The second agreement lifts it."""
    kind, number = visit.form_field("kind"), visit.form_field("number")
    if kind not in BrakeKind.values:
        return _refuse(visit, brake_lifting.NotStanding())
    name = brake_page.field_name(kind)
    reason = visit.form_field(name)
    problem = refusal_texts.note_problem(
        reason, if_empty="Write why files may leave all the same.", at_most=_LONGEST_REASON
    )
    if problem:
        return brake_page.render(
            visit,
            why=FormField(name, reason, problem),
            problems=refusal_texts.summarize({name: problem}),
        )
    try:
        is_lifted = brake_lifting.agree(
            kind,
            int(number) if number.isascii() and number.isdecimal() else 0,
            reason,
            actor=visit.person.actor(),
            now=visit.now,
        )
    except rights.NotATreasurer:
        return staff_frame.forbid(
            visit,
            "Only a treasurer can lift the brake",
            "Two treasurers must agree, each with a reason. Ask one of them.",
            section="brake",
        )
    except (brake_lifting.NotStanding, brake_lifting.AgreedAlready) as refusal:
        return _refuse(visit, refusal)
    messages.success(
        visit.request,
        "The brake is lifted. What waited goes out with the next cut-off."
        if is_lifted
        else "You agreed. The brake is lifted once another treasurer agrees too.",
    )
    return SeeOther(links.BRAKE)


def _refuse(visit: StaffVisit, refusal: Exception) -> HttpResponse:
    """Show the brake as it stands now, with why nothing was done."""
    sentence = refusal_texts.sentence(refusal)
    return brake_page.render(visit, problems=refusal_texts.summarize({"": sentence}))
