"""The Pay button: a reviewed payment is made once, however often its form arrives."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from billfold.pages import links, refusal_texts, responses
from billfold.pages.access import PayerVisit
from billfold.pages.responses import SeeOther
from billfold.payments.paying import payable_bills, review, scheduling
from billfold.payments.paying.invoice_standing import ExceedsPayable, NotPositive
from billfold.payments.paying.review import ReviewedPayment
from billfold.payments.paying.scheduling import Intent
from billfold.portal import drafts, pay_form, pay_views, payer_frame, review_page
from billfold.portal.account_form import METHODS_ID
from billfold.portal.pay_form import TABLE_ID

_CHANGED: Final = refusal_texts.summarize(
    {
        "": "Something changed since this page was drawn: your choices in another window, or the "
        "day, because the cut-off has passed. Nothing was paid. Check it and pay again."
    },
    title="Please look once more",
)


def submit(visit: PayerVisit) -> HttpResponse:
    """Make the payment that was reviewed, or show the one it made before."""
    reference, fingerprint = visit.form_field("reference"), visit.form_field("fingerprint")
    earlier = visit.find_payment(reference)
    if earlier:
        is_same = review.fingerprint_of_payment(earlier) == fingerprint
        return SeeOther(links.receipt(reference)) if is_same else _refuse_reuse(visit, reference)
    draft = drafts.find(visit.request, reference)
    if draft is None:
        return pay_views.begin_again(visit)
    visit.switch_to_owner(draft.customer_id)
    visit.check_may_pay()
    try:
        reviewed = review_page.prepare(visit, draft)
    except review.AccountGone:
        return pay_views.begin_again(visit)
    if reviewed.fingerprint() != fingerprint:
        return review_page.render(visit, reviewed, problems=_CHANGED)
    return _schedule(visit, reviewed)


def _schedule(visit: PayerVisit, reviewed: ReviewedPayment) -> HttpResponse:
    draft = reviewed.draft
    try:
        scheduling.schedule([_intent(visit.request, reviewed)], now=visit.now)
    except scheduling.ReferenceReused:
        return _refuse_reuse(visit, draft.reference)
    except ExceedsPayable as refusal:
        return pay_views.show_form_again(visit, draft, _exceeds_payable(visit, refusal))
    except scheduling.MethodNotUsable as refusal:
        return pay_views.show_form_again(
            visit, draft, {METHODS_ID: refusal_texts.sentence(refusal)}
        )
    except (scheduling.NotYours, NotPositive, scheduling.NothingChosen):
        return pay_views.begin_again(visit)
    drafts.discard(visit.request, draft.reference)
    return SeeOther(links.receipt(draft.reference))


def _intent(request: HttpRequest, reviewed: ReviewedPayment) -> Intent:
    """Say what is to be done, and from where it was agreed to."""
    return reviewed.intent(
        ip_address=responses.client_address(request),
        user_agent=responses.browser(request),
    )


def _exceeds_payable(visit: PayerVisit, refusal: ExceedsPayable) -> dict[str, str]:
    """Put the sentence at the row, or at the table if the invoice has no row to tick any more."""
    bills = payable_bills.load(visit.customer.id, on=visit.today).bills
    if refusal.payable.minor <= 0:
        return {TABLE_ID: pay_form.not_payable_text([refusal.number], bills)}
    row = pay_form.row_ids(bills).get(refusal.number)
    return {f"amount-{row}" if row else TABLE_ID: refusal_texts.sentence(refusal)}


def _refuse_reuse(visit: PayerVisit, reference: str) -> HttpResponse:
    """Say that this form made another payment already."""
    is_known = visit.find_payment(reference) is not None
    context = {
        "visitor": payer_frame.visitor(visit),
        "receipt_url": links.receipt(reference) if is_known else "",
    }
    return render(visit.request, "portal/409.html", context, status=409)
