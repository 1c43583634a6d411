"""The list of payments, newest first, with its tabs and its search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db.models import Count, QuerySet
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse

from billfold.money import Money
from billfold.office import moments, payment_search, staff_frame, status_pills
from billfold.pages import access, links, paging
from billfold.pages.access import StaffVisit
from billfold.pages.view_models import Pager, StatusPill, Tab
from billfold.payments.models import Case, Payment
from billfold.payments.rules.lifecycle import State

_PER_PAGE: Final = 50
_TABS: Final[tuple[tuple[str, str, frozenset[State]], ...]] = (
    ("", "All", frozenset(State)),
    ("scheduled", "Scheduled", frozenset({State.SCHEDULED})),
    ("on-the-way", "On the way", frozenset({State.IN_TRANSIT, State.UNKNOWN})),
    ("paid", "Paid", frozenset({State.SETTLED})),
    ("returned", "Returned", frozenset({State.RETURNED})),
    ("not-made", "Not made", frozenset({State.FAILED, State.CANCELED})),
)
_LATE: Final = "late"
"""The tab of what was promised for a day that has passed; offered only if something is."""


@dataclass(frozen=True, slots=True)
class PaymentRow:
    reference: str
    url: str
    customer_name: str
    customer_number: str
    method_text: str
    amount: Money
    status: StatusPill
    created_text: str


@dataclass(frozen=True, slots=True)
class PaymentList:
    subtitle: str
    tabs: tuple[Tab, ...]
    rows: tuple[PaymentRow, ...]
    empty_title: str
    empty_text: str
    pager: Pager | None


@dataclass(frozen=True, slots=True)
class _TabContent:
    """One tab of the list, and its payments."""

    label: str
    payments: QuerySet[Payment]
    count: int


@access.open_to_staff("GET")
def home(_visit: StaffVisit) -> HttpResponse:
    """Lead to the first page of the back office."""
    return HttpResponseRedirect(reverse("office:payments"))


@access.open_to_staff("GET")
def payments(visit: StaffVisit) -> HttpResponse:
    """List payments, newest first."""
    return staff_frame.render(visit, "payments.html", _build(visit), section="payments")


def _build(visit: StaffVisit) -> PaymentList:
    query, path = visit.query_field("q"), reverse("office:payments")
    tabs = _load_tabs(visit, query)
    key = visit.query_field("view") if visit.query_field("view") in tabs else ""
    if key != _LATE and not tabs[_LATE].count:
        del tabs[_LATE]
    at = paging.find_page(visit.query_field("page"), tabs[key].count, _PER_PAGE)
    rows = (
        tabs[key]
        .payments.select_related("customer")
        .order_by("-created_at", "-id")[paging.rows_of(at)]
    )
    return PaymentList(
        subtitle=_subtitle(query, tabs[""].count),
        tabs=tuple(
            Tab(tab.label, links.with_query(path, q=query, view=name), tab.count, name == key)
            for name, tab in tabs.items()
        ),
        rows=tuple(_row(visit, payment) for payment in rows),
        empty_title="Nothing found" if query else "No payments here",
        empty_text=(
            "Search by confirmation number, trace #, account #, customer name, invoice #, "
            "amount, or the last four digits of the bank account."
            if query
            else "They appear as soon as a payer pays."
        ),
        pager=paging.pager(
            at,
            lambda number: links.with_query(path, q=query, view=key, page=str(number)),
            is_compact=True,
        ),
    )


def _load_tabs(visit: StaffVisit, query: str) -> dict[str, _TabContent]:
    """Count the payments of each tab that a search finds."""
    payments = payment_search.find_payments(query)
    by_state = {
        State(state): count
        for state, count in payments.order_by().values_list("state").annotate(Count("id"))
    }
    late = payments.filter(Payment.late(on=visit.today))
    tabs = {
        key: _TabContent(
            label,
            payments.filter(state__in=states),
            sum(by_state.get(state, 0) for state in states),
        )
        for key, label, states in _TABS
    }
    tabs[_LATE] = _TabContent("Late", late, late.count())
    return tabs


def _subtitle(query: str, count: int) -> str:
    if query:
        return f"{count:,} found for “{query}”"
    cases = Case.objects.filter(closed_at=None, payment__isnull=False).count()
    waiting = f"{cases:,} with an open case." if cases else "None has an open case."
    return f"{count:,} in all. {waiting}"


def _row(visit: StaffVisit, payment: Payment) -> PaymentRow:
    return PaymentRow(
        reference=payment.reference,
        url=links.staff_payment(payment.reference),
        customer_name=payment.customer.name,
        customer_number=payment.customer.number,
        method_text=payment.method_label,
        amount=payment.amount,
        status=status_pills.of_payment(payment.state, is_late=payment.is_late(on=visit.today)),
        created_text=moments.in_full(payment.created_at, now=visit.now),
    )
