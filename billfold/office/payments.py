"""Payments: the list with its search, and everything about one of them."""

from __future__ import annotations

from typing import Final

from django.db.models import Count
from django.http import HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from billfold.office import finding, links, paging, payment_page, shapes, statuses
from billfold.office.desk import READ, Visit, staff
from billfold.pages.shapes import Tab
from billfold.payments.lifecycle import State
from billfold.payments.models import Case, Payment

_TABS: Final[tuple[tuple[str, str, frozenset[State]], ...]] = (
    ("", "All", frozenset(State)),
    ("scheduled", "Scheduled", frozenset({State.SCHEDULED})),
    ("on-the-way", "On the way", frozenset({State.IN_TRANSIT, State.UNKNOWN})),
    ("paid", "Paid", frozenset({State.SETTLED})),
    ("returned", "Returned", frozenset({State.RETURNED})),
    ("not-made", "Not made", frozenset({State.FAILED, State.CANCELED})),
)


@staff(*READ)
def home(_visit: Visit) -> HttpResponseBase:
    """Lead to the first page of the back office."""
    return HttpResponseRedirect(reverse("office:payments"))


@staff(*READ)
def listing(visit: Visit) -> HttpResponseBase:
    """List payments, newest first."""
    asked, path = visit.asked("q"), reverse("office:payments")
    view, _, states = next((tab for tab in _TABS if tab[0] == visit.asked("view")), _TABS[0])
    found = finding.matching(asked)
    by_state = {
        State(state): count
        for state, count in found.order_by().values_list("state").annotate(Count("id"))
    }
    counts = [sum(by_state.get(state, 0) for state in tab[2]) for tab in _TABS]
    place = paging.place(visit.asked("page"), sum(by_state.get(state, 0) for state in states))
    rows = (
        found.filter(state__in=states)
        .select_related("customer", "method")
        .order_by("-created_at", "-id")[place.start : place.end]
    )
    page = shapes.Payments(
        fact_text=_fact(asked, counts[0]),
        tabs=tuple(
            Tab(tab[1], paging.address(path, q=asked, view=tab[0]), count, tab[0] == view)
            for tab, count in zip(_TABS, counts, strict=True)
        ),
        rows=tuple(_row(visit, payment) for payment in rows),
        empty_title="Nothing found" if asked else "No payments here",
        empty_text=(
            "Search by confirmation number, trace #, account #, customer name, invoice #, "
            "amount, or the last four digits of the bank account."
            if asked
            else "They appear as soon as a payer pays."
        ),
        pager=place.pager(
            lambda number: paging.address(path, q=asked, view=view, page=str(number))
        ),
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
        status=statuses.payment(payment.state),
        created_text=visit.today_text(payment.created_at),
    )


@staff(*READ)
def detail(visit: Visit, reference: str) -> HttpResponseBase:
    """Show a payment: its life, its bookings, and the evidence of each."""
    payment = get_object_or_404(
        Payment.objects.select_related("customer", "method", "mandate"), reference=reference
    )
    page = payment_page.of(payment, visit.today_text)
    return visit.show("payment.html", page, section="payments")
