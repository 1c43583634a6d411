"""Choose and review: nothing here moves money."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.debug import sensitive_post_parameters

from billfold.pages.answers import SeeOther, allow, asked, typed
from billfold.platform import clock
from billfold.portal import accounts, choices, drafts, links, reviewing, source, till
from billfold.portal.choices import Choices
from billfold.portal.drafts import Draft
from billfold.portal.till import Till
from billfold.portal.visits import Visit, problems, to_pay, visitors_payment

GONE = "We no longer have those choices. Nothing was paid. Please choose again."
PAID_ALREADY = "This payment was made already; here it is. To pay something else, use Pay Bill."


@sensitive_post_parameters("routing_number", "account_number", "account_number_again")
@allow("GET", "POST")
@to_pay
def pay(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Choose invoices and an account; a complete choice goes on to its review."""
    now = clock.now()
    if request.method == "POST":
        return _choose(request, visit, now)
    reference = asked(request, "reference")
    drawn = till.load(visit, now=now, reference=reference)
    if reference and drawn.draft is None:
        messages.warning(request, GONE)
    chosen = (
        choices.restored(drawn.draft, drawn.bills) if drawn.draft else choices.preselected(request)
    )
    return visit.show("pay.html", drawn.draw(chosen, {}))


def _choose(request: HttpRequest, visit: Visit, now: datetime) -> HttpResponse:
    chosen = choices.read(request)
    if visitors_payment(visit, chosen.reference):
        messages.warning(request, PAID_ALREADY)
        return SeeOther(links.payment(chosen.reference))
    drawn = _loaded(visit, chosen, now)
    faults: dict[str, str] = {}
    if chosen.spread and not chosen.ticked:  # Enter was pressed where the amount was typed.
        return _pick(visit, drawn, chosen, "oldest")
    shares = choices.shares(chosen, drawn.bills, faults)
    paid_from = source.choose(chosen, drawn, faults, now=now)
    if faults or paid_from is None:
        return visit.show("pay.html", drawn.draw(chosen, faults), problems=problems(faults))
    drafts.keep(
        request,
        Draft(
            reference=chosen.reference,
            customer_id=visit.customer.id,
            shares=shares,
            method_id=paid_from.method_id,
            account=paid_from.account,
            remember=chosen.remember and paid_from.account is not None,
            validation=paid_from.validation,
        ),
    )
    return SeeOther(f"/pay/{chosen.reference}")


def _pick(visit: Visit, drawn: Till, chosen: Choices, pick: str) -> HttpResponse:
    """Draw the page again with what a quick choice ticks."""
    faults: dict[str, str] = {}
    chosen = choices.picked(chosen, pick, drawn.bills, faults, on=drawn.today)
    page = drawn.draw(chosen, faults, pick=pick)
    if "HX-Request" in visit.request.headers:
        return render(visit.request, "portal/_recount.html", {"page": page})
    return visit.show("pay.html", page, problems=problems(faults) if faults else None)


def _loaded(visit: Visit, chosen: Choices, now: datetime) -> Till:
    """Read the bills of the account the form was drawn for, whatever is chosen by now."""
    if chosen.account:
        visit.turn_to(chosen.account)
        visit.check_may_pay()
    return till.load(visit, now=now, reference=chosen.reference)


@sensitive_post_parameters("routing_number", "account_number", "account_number_again")
@allow("POST")
@to_pay
def pay_total(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Count again what is ticked; or tick what a quick choice asks for."""
    now = clock.now()
    chosen = choices.read(request)
    drawn = _loaded(visit, chosen, now)
    pick = typed(request, "pick")
    if pick:
        return _pick(visit, drawn, chosen, pick)
    page = drawn.draw(chosen, {})
    if "HX-Request" in request.headers:
        return render(request, "portal/_recount.html", {"page": page})
    return visit.show("pay.html", page)


@allow("POST")
@to_pay
def bank_name(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Name the bank of a routing number while the form is filled in."""
    name, wrong = accounts.bank_of(typed(request, "routing_number"))
    context = {"bank_name": name, "bank_name_error": wrong}
    return render(request, "portal/_bank_name.html", context)


@allow("GET")
@to_pay
def review(request: HttpRequest, visit: Visit, reference: str) -> HttpResponse:
    """Show what will happen, and the words the payer agrees to."""
    now = clock.now()
    draft = drafts.find(request, reference)
    if draft is None:
        if visitors_payment(visit, reference):
            return SeeOther(links.payment(reference))
        return gone(request)
    visit.turn_to_owner(draft.customer_id)
    visit.check_may_pay()
    found = reviewing.of(visit, draft, now=now)
    if found is None:
        return gone(request)
    return visit.show("review.html", found.page())


def gone(request: HttpRequest) -> HttpResponse:
    """Say that the choices are no longer here, and let the payer choose again."""
    messages.warning(request, GONE)
    return SeeOther("/pay")


def back_to_form(
    visit: Visit, draft: Draft, faults: dict[str, str], *, now: datetime
) -> HttpResponse:
    """Show the form again with what stood in the way at the last moment, and what does by now."""
    drawn = till.load(visit, now=now, reference=draft.reference)
    chosen = choices.restored(draft, drawn.bills)
    choices.shares(chosen, drawn.bills, faults)
    return visit.show("pay.html", drawn.draw(chosen, faults), problems=problems(faults))
