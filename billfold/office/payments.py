"""Payments: the list with its search, and everything about one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db.models import Count, QuerySet
from django.http import HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from billfold.office import finding, links, paging, payment_page, shapes, statuses
from billfold.office.desk import READ, Visit, staff
from billfold.pages.shapes import Tab
from billfold.payments.models import Case, Payment
from billfold.payments.rules.lifecycle import State

_TABS: Final[tuple[tuple[str, str, frozenset[State]], ...]] = (
    ("", "All", frozenset(State)),
    ("scheduled", "Scheduled", frozenset({State.SCHEDULED})),
    ("on-the-way", "On the way", frozenset({State.IN_TRANSIT, State.UNKNOWN})),
    ("paid", "Paid", frozenset({State.SETTLED})),
    ("returned", "Returned", frozenset({State.RETURNED})),
    ("not-made", "Not made", frozenset({State.FAILED, State.CANCELED})),
)
_LATE: Final = "late"
"""The view of what was promised for a day that has passed; offered only if something is."""


@dataclass(frozen=True, slots=True)
class _View:
    """One tab of the list, and what it shows."""

    name: str
    found: QuerySet[Payment]
    count: int


@staff(*READ)
def home(_visit: Visit) -> HttpResponseBase:
    """Lead to the first page of the back office."""
    return HttpResponseRedirect(reverse("office:payments"))


@staff(*READ)
def listing(visit: Visit) -> HttpResponseBase:
    """List payments, newest first."""
    asked, path = visit.asked("q"), reverse("office:payments")
    found = finding.matching(asked)
    by_state = {
        State(state): count
        for state, count in found.order_by().values_list("state").annotate(Count("id"))
    }
    late = found.filter(Payment.late(on=visit.today))
    views = {
        key: _View(name, found.filter(state__in=states), sum(by_state.get(s, 0) for s in states))
        for key, name, states in _TABS
    }
    views[_LATE] = _View("Late", late, late.count())
    key = visit.asked("view") if visit.asked("view") in views else ""
    if key != _LATE and not views[_LATE].count:
        del views[_LATE]
    place = paging.place(visit.asked("page"), views[key].count)
    rows = (
        views[key]
        .found.select_related("customer", "method")
        .order_by("-created_at", "-id")[place.start : place.end]
    )
    page = shapes.Payments(
        fact_text=_fact(asked, views[""].count),
        tabs=tuple(
            Tab(view.name, paging.address(path, q=asked, view=each), view.count, each == key)
            for each, view in views.items()
        ),
        rows=tuple(_row(visit, payment) for payment in rows),
        empty_title="Nothing found" if asked else "No payments here",
        empty_text=(
            "Search by confirmation number, trace #, account #, customer name, invoice #, "
            "amount, or the last four digits of the bank account."
            if asked
            else "They appear as soon as a payer pays."
        ),
        pager=place.pager(lambda number: paging.address(path, q=asked, view=key, page=str(number))),
    )
    return visit.show("payments.html", page, section="payments")


def _fact(asked: str, count: int) -> str:
    if asked:
        return f"{count:,} found for “{asked}”"
    cases = Case.objects.filter(closed_at=None, payment__isnull=False).count()
    waiting = f"{cases:,} with an open case." if cases else "None has an open case."
    return f"{count:,} in all. {waiting}"


def _row(visit: Visit, payment: Payment) -> shapes.PaymentRow:
    return shapes.PaymentRow(
        reference=payment.reference,
        url=links.payment(payment.reference),
        customer_name=payment.customer.name,
        account_number=payment.customer.number,
        method_text=payment.method.label,
        amount=payment.amount,
        status=statuses.payment(payment.state, is_late=payment.is_late(on=visit.today)),
        created_text=visit.today_text(payment.created_at),
    )


@staff(*READ)
def detail(visit: Visit, reference: str) -> HttpResponseBase:
    """Show a payment: its life, its bookings, and the evidence of each."""
    payment = get_object_or_404(
        Payment.objects.select_related("customer", "method", "mandate"), reference=reference
    )
    page = payment_page.of(payment, visit.today_text, on=visit.today)
    return visit.show("payment.html", page, section="payments")
