"""Payments: the history, one payment's receipt, and taking one back."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Final

from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse

from billfold.bankdays import cutoff_at
from billfold.banking import connections
from billfold.pages.answers import SeeOther, allow, asked
from billfold.pages.shapes import Problem, Problems, Tab
from billfold.pages.templatetags import bills as shown
from billfold.payments.models import Payment
from billfold.payments.paying import scheduling
from billfold.payments.reading import bills as owed
from billfold.payments.rules.lifecycle import OPEN_TO_CANCEL, State
from billfold.platform import clock
from billfold.portal import links, paging, pressing, receipts, wording
from billfold.portal.shapes import CanceledLine, Cancellation, PaymentRow, Payments
from billfold.portal.visits import Visit, signed_in, to_pay, visitors_payment

_PER_PAGE: Final = 25
_NAMED: Final = 2
ON_THE_WAY: Final = [State.SCHEDULED, State.UNKNOWN, State.IN_TRANSIT]
VIEWS: Final = {
    "all": ("All", list(State)),
    "pending": ("On the way", ON_THE_WAY),
    "paid": ("Paid", [State.SETTLED]),
    "returned": ("Returned", [State.RETURNED]),
}


@allow("GET", "POST")
def payments(request: HttpRequest) -> HttpResponse:
    """List the payments; a POST is the Pay button."""
    return _press(request) if request.method == "POST" else _history(request)


@signed_in
def _press(request: HttpRequest, visit: Visit) -> HttpResponse:
    return pressing.press(request, visit)


@signed_in
def _history(request: HttpRequest, visit: Visit) -> HttpResponse:
    now = clock.now()
    view = asked(request, "view")
    view = view if view in VIEWS else "all"
    mine = Payment.objects.filter(customer=visit.customer)
    counts, cutoff = _counts(mine, now), _cutoff(visit)
    number = paging.number(asked(request, "page"), counts[view], _PER_PAGE)
    listed = (
        mine.filter(state__in=VIEWS[view][1])
        .select_related("method")
        .prefetch_related("remittances__invoice")
        .order_by("-created_at", "-id")[paging.window(number, _PER_PAGE)]
    )
    page = Payments(
        fact_text=f"{counts['year']} this year. A payment is Paid once the money is in.",
        tabs=tuple(
            Tab(
                label,
                f"/payments?view={key}" if key != "all" else "/payments",
                counts[key],
                key == view,
            )
            for key, (label, _) in VIEWS.items()
        ),
        rows=tuple(_row(payment, visit, cutoff, now) for payment in listed),
        empty_title="No payments here" if counts["all"] else "No payments yet",
        empty_text="Your payments appear here as soon as you make one.",
        can_pay=visit.can_pay,
        pager=paging.pager("/payments", {"view": view}, number, counts[view], _PER_PAGE),
    )
    return visit.show("payments.html", page, section="payments")


def _counts(mine: QuerySet[Payment], now: datetime) -> dict[str, int]:
    views = {key: Count("id", filter=Q(state__in=states)) for key, (_, states) in VIEWS.items()}
    year = Count("id", filter=Q(received_date__year=wording.local_day(now).year))
    return mine.aggregate(**views, year=year)


def _row(payment: Payment, visit: Visit, cutoff: time, now: datetime) -> PaymentRow:
    numbers = [each.invoice.number for each in payment.remittances.all()]
    more = f" and {len(numbers) - _NAMED} more" if len(numbers) > _NAMED else ""
    until = cancelable_until(payment, cutoff, now=now)
    note = f"Cancel until {wording.moment_of_day(until, now=now)}" if until else ""
    return PaymentRow(
        reference=payment.reference,
        url=links.payment(payment.reference),
        date=payment.received_date,
        amount=payment.amount,
        method_text=payment.method.label,
        for_text=", ".join(numbers[:_NAMED]) + more,
        status=wording.payment_status(payment, on=wording.local_day(now)),
        status_note=note or _note(payment, wording.local_day(now)),
        cancel_url=f"/payments/{payment.reference}/cancellation" if until and visit.can_pay else "",
    )


def _note(payment: Payment, today: date) -> str:
    late = wording.late_note(payment, on=today)
    if payment.state == State.IN_TRANSIT and not late:
        return f"Reflected by {shown.long_day(payment.reflected_by)}"
    return late


def cancelable_until(payment: Payment, cutoff: time, *, now: datetime) -> datetime | None:
    """Tell until when a payment can be taken back; none if it cannot any more."""
    if payment.state not in OPEN_TO_CANCEL:
        return None
    until = cutoff_at(payment.collect_on, cutoff)
    return until if now < until else None


def _cutoff(visit: Visit) -> time:
    """Tell the time of the cut-off. Without a bank there is none, and nothing to cancel."""
    return visit.cutoff_eastern or time.min


@allow("GET")
@signed_in
def payment(request: HttpRequest, visit: Visit, reference: str) -> HttpResponse:
    """Show one payment: its receipt, and its page for as long as it lives."""
    now = clock.now()
    found = _found(visit, reference)
    until = cancelable_until(found, _cutoff(visit), now=now) if visit.can_pay else None
    page = receipts.of(found, visit, until, now=now)
    return visit.show("receipt.html", page, section="payments")


@allow("GET")
@signed_in
def receipt(request: HttpRequest, visit: Visit, reference: str) -> HttpResponse:
    """Give the receipt as a PDF."""
    now = clock.now()
    found = _found(visit, reference)
    content = receipts.pdf(receipts.of(found, visit, None, now=now), visit, now=now)
    response = HttpResponse(content, content_type="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="receipt-{reference}.pdf"'
    return response


def _found(visit: Visit, reference: str) -> Payment:
    found = visitors_payment(visit, reference)
    if found is None:
        raise Http404
    visit.turn_to_owner(found.customer_id)
    return found


@allow("GET", "POST")
@to_pay
def cancellation(request: HttpRequest, visit: Visit, reference: str) -> HttpResponse:
    """Take a payment back, as long as it was not sent."""
    now = clock.now()
    found = _found(visit, reference)
    visit.check_may_pay()
    if request.method == "POST":
        return _cancel(request, visit, found, now)
    if cancelable_until(found, _cutoff(visit), now=now) is None:
        return SeeOther(links.payment(reference))
    return visit.show("cancellation.html", _cancellation(found, now), section="payments")


def _cancel(request: HttpRequest, visit: Visit, found: Payment, now: datetime) -> HttpResponse:
    try:
        scheduling.cancel(found, actor=visit.person.actor(), now=now)
    except scheduling.TooLateToCancel:
        found.refresh_from_db()
        if found.state == State.CANCELED:  # A second click.
            return SeeOther(links.payment(found.reference))
        late = Problem("The payment is on its way to your bank. Call us if it must not go through.")
        return visit.show(
            "cancellation.html",
            _cancellation(found, now),
            section="payments",
            problems=Problems("It is too late to cancel", (late,)),
        )
    messages.success(request, f"Your payment of {shown.money(found.amount)} is canceled.")
    return SeeOther(links.payment(found.reference))


def _cancellation(found: Payment, now: datetime) -> Cancellation:
    today = wording.local_day(now)
    until = cutoff_at(found.collect_on, connections.default().cutoff_eastern)
    shares = {each.invoice_id: each.amount_minor for each in found.remittances.all()}
    bills = owed.some(found.customer_id, list(shares), on=today)
    again = "The invoice is" if len(bills) == 1 else "The invoices are"
    return Cancellation(
        reference=found.reference,
        url=f"/payments/{found.reference}/cancellation",
        payment_url=links.payment(found.reference),
        amount=found.amount,
        paid_from=found.method.label,
        lines=tuple(
            CanceledLine(
                bill.number,
                wording.money(shares[bill.id], found),
                _due_text(bill.due_date, today),
            )
            for bill in bills
        ),
        consequence_text=(
            f"{again} open again at once. "
            f"You can cancel until {wording.moment_of_day(until, now=now)}."
        ),
    )


def _due_text(due: date, today: date) -> str:
    return f"{'was due' if due < today else 'due'} {shown.short_day(due)}"
