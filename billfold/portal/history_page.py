"""The payments of a customer, newest first, by view."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse

from billfold.money import Money
from billfold.pages import access, links, paging
from billfold.pages.access import PayerVisit
from billfold.pages.templatetags import formatting
from billfold.pages.view_models import Pager, StatusPill, Tab
from billfold.payments.models import Payment
from billfold.payments.rules.lifecycle import State
from billfold.portal import cancellation, payer_frame, payment_texts, submission

_PER_PAGE: Final = 25
_INVOICES_NAMED: Final = 2
_ALL: Final = ""
_VIEWS: Final = {
    _ALL: ("All", list(State)),
    "pending": ("On the way", [State.SCHEDULED, State.UNKNOWN, State.IN_TRANSIT]),
    "paid": ("Paid", [State.SETTLED]),
    "returned": ("Returned", [State.RETURNED]),
}


@dataclass(frozen=True, slots=True)
class HistoryRow:
    reference: str
    url: str
    date: date
    amount: Money
    method_text: str
    for_text: str
    status: StatusPill
    status_note: str
    cancel_url: str


@dataclass(frozen=True, slots=True)
class HistoryPage:
    subtitle: str
    tabs: tuple[Tab, ...]
    rows: tuple[HistoryRow, ...]
    empty_title: str
    empty_text: str
    can_pay: bool
    pager: Pager | None


@access.open_to_payers("GET", "POST")
def payments(visit: PayerVisit) -> HttpResponse:
    """List the payments; a POST is the Pay button."""
    if visit.request.method == "POST":
        return submission.submit(visit)
    return payer_frame.render(visit, "payments.html", _build(visit), section="payments")


def _build(visit: PayerVisit) -> HistoryPage:
    view = visit.query_field("view")
    view = view if view in _VIEWS else _ALL
    payments = Payment.objects.filter(customer=visit.customer)
    counts, this_year = _count(payments, visit.today.year)
    at = paging.find_page(visit.query_field("page"), counts[view], _PER_PAGE)
    listed = (
        payments.filter(state__in=_VIEWS[view][1])
        .select_related("connection")
        .prefetch_related("remittances__invoice")
        .order_by("-created_at", "-id")[paging.rows_of(at)]
    )
    return HistoryPage(
        subtitle=f"{this_year} this year. A payment is Paid once the money is in.",
        tabs=tuple(
            Tab(label, _url(key), counts[key], key == view) for key, (label, _) in _VIEWS.items()
        ),
        rows=tuple(_row(visit, payment) for payment in listed),
        empty_title="No payments here" if counts[_ALL] else "No payments yet",
        empty_text="Your payments appear here as soon as you make one.",
        can_pay=visit.can_pay,
        pager=paging.pager(at, lambda number: _url(view, page=str(number))),
    )


def _url(view: str, *, page: str = "") -> str:
    return links.with_query(links.HISTORY, view=view, page=page)


def _count(payments: QuerySet[Payment], year: int) -> tuple[dict[str, int], int]:
    """Count the payments of each view, and those of the year, in one query."""
    by_view = {
        f"view_{key}": Count("id", filter=Q(state__in=states))
        for key, (_, states) in _VIEWS.items()
    }
    in_year = Count("id", filter=Q(received_date__year=year))
    counts = payments.aggregate(**by_view, in_year=in_year)
    return {key: counts[f"view_{key}"] for key in _VIEWS}, counts["in_year"]


def _row(visit: PayerVisit, payment: Payment) -> HistoryRow:
    numbers = [remittance.invoice.number for remittance in payment.remittances.all()]
    more = f" and {len(numbers) - _INVOICES_NAMED} more" if len(numbers) > _INVOICES_NAMED else ""
    until = cancellation.until_text(payment, visit)
    note = f"Cancel until {until}" if until else _reflected_note(payment, visit)
    return HistoryRow(
        reference=payment.reference,
        url=links.receipt(payment.reference),
        date=payment.received_date,
        amount=payment.amount,
        method_text=payment.method_label,
        for_text=", ".join(numbers[:_INVOICES_NAMED]) + more,
        status=payment_texts.status_pill(payment, on=visit.today),
        status_note=note,
        cancel_url=links.cancellation(payment.reference) if until and visit.can_pay else "",
    )


def _reflected_note(payment: Payment, visit: PayerVisit) -> str:
    late = payment_texts.late_note(payment, on=visit.today)
    is_due = payment.state == State.IN_TRANSIT and visit.may_promise_days
    if is_due and payment.reflected_by and not late:
        return f"Reflected by {formatting.long_day(payment.reflected_by)}"
    return late
