"""The invoices of a customer, newest first, by view and search."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from django.http import HttpResponse

from billfold.money import Money
from billfold.pages import access, links, paging
from billfold.pages.access import PayerVisit
from billfold.pages.templatetags import formatting
from billfold.pages.view_models import Pager, StatusPill, Tab
from billfold.payments.paying.payable_bills import is_payable
from billfold.payments.reading import bills
from billfold.payments.reading.bills import Bill, BillFilter
from billfold.portal import bill_texts, payer_frame
from billfold.receivables.models import InvoiceDocument

_PER_PAGE: Final = 25
_LONGEST_SEARCH: Final = 100
_TABS: Final = {
    BillFilter.ALL: "All",
    BillFilter.OPEN: "To pay",
    BillFilter.PENDING: "Being paid",
    BillFilter.PAID: "Paid",
}


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    number: str
    url: str
    status: StatusPill
    invoice_date: date
    due_date: date
    invoice_amount: Money
    amount_due: Money
    is_payable: bool
    pdf_url: str
    kind_text: str


@dataclass(frozen=True, slots=True)
class InvoiceList:
    balance: Money
    balance_note: str
    tabs: tuple[Tab, ...]
    rows: tuple[InvoiceRow, ...]
    view: str
    query: str
    clear_url: str
    caption: str
    empty_title: str
    empty_text: str
    pager: Pager | None


@access.open_to_payers("GET")
def invoices(visit: PayerVisit) -> HttpResponse:
    """List the invoices, newest first, by view and search."""
    return payer_frame.render(visit, "invoices.html", _build(visit), section="invoices")


def _build(visit: PayerVisit) -> InvoiceList:
    customer_id, today = visit.customer.id, visit.today
    name = visit.query_field("view")
    view = BillFilter(name) if name in set(BillFilter) else BillFilter.ALL
    query = visit.query_field("q")[:_LONGEST_SEARCH]
    counts = bills.count(customer_id, on=today, search=query)
    at = paging.find_page(visit.query_field("page"), counts.of(view), _PER_PAGE)
    offset = paging.rows_of(at).start
    listed = bills.page(customer_id, view, on=today, search=query, limit=_PER_PAGE, offset=offset)
    documented = set(
        InvoiceDocument.objects.filter(invoice__in=[bill.id for bill in listed]).values_list(
            "invoice_id", flat=True
        )
    )
    sums = bills.count(customer_id, on=today) if query else counts
    pending = formatting.money(sums.pending)
    return InvoiceList(
        balance=sums.balance,
        balance_note=f"{pending} of it is being paid." if sums.pending else "",
        tabs=tuple(
            Tab(label, _url(key, query), counts.of(key), key == view)
            for key, label in _TABS.items()
        ),
        rows=tuple(_row(visit, bill, has_document=bill.id in documented) for bill in listed),
        view=view,
        query=query,
        clear_url=_url(view, ""),
        caption=f"{_TABS[view]}: invoices, newest first",
        empty_title=f"Nothing found for “{query}”" if query else "No invoices here",
        empty_text=(
            "Search for an Invoice # or an exact amount."
            if query
            else "They appear as soon as they are billed."
        ),
        pager=paging.pager(at, lambda number: _url(view, query, page=str(number))),
    )


def _url(view: BillFilter, query: str, *, page: str = "") -> str:
    name = "" if view is BillFilter.ALL else view.value
    return links.with_query(links.INVOICES, view=name, q=query, page=page)


def _row(visit: PayerVisit, bill: Bill, *, has_document: bool) -> InvoiceRow:
    return InvoiceRow(
        number=bill.number,
        url=links.invoice(bill.number),
        status=bill_texts.status_pill(bill, on=visit.today),
        invoice_date=bill.invoice_date,
        due_date=bill.due_date,
        invoice_amount=bill.amount,
        amount_due=bill.payable,
        is_payable=visit.can_pay and is_payable(bill),
        pdf_url=links.invoice_document(bill.number) if has_document else "",
        kind_text=bill_texts.kind_text(bill),
    )
