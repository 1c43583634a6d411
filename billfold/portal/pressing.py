"""Pay is pressed: once, however often the form arrives."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from billfold.pages.answers import SeeOther, typed
from billfold.pages.shapes import Problem, Problems
from billfold.payments.paying import scheduling
from billfold.platform import clock
from billfold.portal import choices, drafts, links, reviewing, till
from billfold.portal import pay as pages
from billfold.portal.drafts import Draft
from billfold.portal.reviewing import Reviewed
from billfold.portal.visits import Visit, visitors_payment

CHANGED = Problems(
    "Please look once more",
    (
        Problem(
            "Something changed since this page was drawn: your choices in another window, or the "
            "day, because the cut-off has passed. Nothing was paid. Check it and pay again."
        ),
    ),
)


def press(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Make the payment that was reviewed, or show the one it made before."""
    now = clock.now()
    reference, shown = typed(request, "reference"), typed(request, "fingerprint")
    earlier = visitors_payment(visit, reference)
    if earlier:
        same = reviewing.fingerprint_of(earlier) == shown
        return _receipt(reference) if same else _reused(request, visit, reference)
    draft = drafts.find(request, reference)
    if draft is None:
        return pages.gone(request)
    visit.turn_to_owner(draft.customer_id)
    visit.check_may_pay()
    reviewed = reviewing.of(visit, draft, now=now)
    if reviewed is None:
        return pages.gone(request)
    if reviewed.fingerprint() != shown:
        return visit.show("review.html", reviewed.page(), problems=CHANGED)
    return _schedule(request, visit, reviewed, now)


def _schedule(
    request: HttpRequest, visit: Visit, reviewed: Reviewed, now: datetime
) -> HttpResponse:
    draft = reviewed.draft
    try:
        scheduling.schedule([reviewed.intent()], now=now)
    except scheduling.ReferenceReused:
        return _reused(request, visit, draft.reference)
    except scheduling.ExceedsPayable as refused:
        return _back(visit, draft, _exceeds(visit, refused, now), now)
    except scheduling.MethodNotUsable:
        faults = {"methods": "This account was removed or stopped meanwhile. Choose another one."}
        return _back(visit, draft, faults, now)
    except (scheduling.NotYours, scheduling.NotPositive, scheduling.NothingChosen):
        return pages.gone(request)
    drafts.drop(request, draft.reference)
    return _receipt(draft.reference)


def _exceeds(visit: Visit, refused: scheduling.ExceedsPayable, now: datetime) -> dict[str, str]:
    """Put the sentence at the row, or at the table if the invoice has no row to tick any more."""
    bills = till.load(visit, now=now).bills
    if refused.payable.minor <= 0:
        return {choices.TABLE: choices.not_payable([refused.number], bills)}
    row = choices.row_ids(bills).get(refused.number)
    said = choices.exceeds(refused.number, refused.payable)
    return {f"amount-{row}" if row else choices.TABLE: said}


def _back(visit: Visit, draft: Draft, faults: dict[str, str], now: datetime) -> HttpResponse:
    return pages.back_to_form(visit, draft, faults, now=now)


def _receipt(reference: str) -> HttpResponse:
    return SeeOther(links.payment(reference))


def _reused(request: HttpRequest, visit: Visit, reference: str) -> HttpResponse:
    """Say that this form made another payment already."""
    known = visitors_payment(visit, reference) is not None
    context = {
        "visitor": visit.visitor(),
        "receipt_url": links.payment(reference) if known else "",
    }
    return render(request, "portal/409.html", context, status=409)
