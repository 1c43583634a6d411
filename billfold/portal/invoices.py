"""Invoices: found, listed, read and downloaded."""

from __future__ import annotations

from datetime import date
from typing import Final
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import content_disposition_header

from billfold.pages.answers import allow, asked
from billfold.pages.shapes import Link, Step, Tab
from billfold.pages.templatetags import bills as shown
from billfold.payments.models import PaymentEvent, Remittance
from billfold.payments.reading import bills as owed
from billfold.payments.reading.bills import Bill, View
from billfold.platform import clock
from billfold.portal import links, paging, wording
from billfold.portal.choices import is_payable
from billfold.portal.shapes import Invoice as InvoicePage
from billfold.portal.shapes import InvoiceLine, InvoiceRow, Invoices
from billfold.portal.visits import Visit, signed_in
from billfold.receivables.models import Invoice, InvoiceDocument

_PER_PAGE: Final = 25
_LONGEST_SEARCH: Final = 100
_TABS: Final = {
    View.ALL: "All",
    View.OPEN: "To pay",
    View.PENDING: "Being paid",
    View.PAID: "Paid",
}
_HAPPENED: Final = {"returned": "returned", "canceled": "canceled", "refused": "failed"}
"""Kind of event that ends a payment -> the state it left it in."""


@allow("GET")
@signed_in
def invoices(request: HttpRequest, visit: Visit) -> HttpResponse:
    """List the invoices, newest first, by view and search."""
    today = wording.local_day(clock.now())
    view = View(asked(request, "view")) if asked(request, "view") in set(View) else View.ALL
    query = asked(request, "q")[:_LONGEST_SEARCH]
    counts = owed.count(visit.customer.id, on=today, search=query)
    at = paging.number(asked(request, "page"), counts.of(view), _PER_PAGE)
    window = paging.window(at, _PER_PAGE)
    bills = owed.page(
        visit.customer.id, view, on=today, search=query, limit=_PER_PAGE, offset=window.start
    )
    with_document = set(
        InvoiceDocument.objects.filter(invoice__in=[bill.id for bill in bills]).values_list(
            "invoice_id", flat=True
        )
    )
    whole = owed.count(visit.customer.id, on=today) if query else counts
    page = Invoices(
        balance=whole.balance,
        balance_note=f"{shown.money(whole.pending)} of it is being paid." if whole.pending else "",
        tabs=tuple(
            Tab(label, _url(key, query), counts.of(key), key == view)
            for key, label in _TABS.items()
        ),
        rows=tuple(
            _row(bill, visit, today, has_document=bill.id in with_document) for bill in bills
        ),
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
        pager=paging.pager("/invoices", {"view": view, "q": query}, at, counts.of(view), _PER_PAGE),
    )
    return visit.show("invoices.html", page, section="invoices")


def _url(view: View, query: str) -> str:
    return paging.address("/invoices", {"view": view, "q": query})


def _row(bill: Bill, visit: Visit, today: date, *, has_document: bool) -> InvoiceRow:
    return InvoiceRow(
        number=bill.number,
        url=links.invoice(bill.number),
        status=wording.bill_status(bill, on=today),
        invoice_date=bill.invoice_date,
        due_date=bill.due_date,
        invoice_amount=bill.amount,
        amount_due=bill.payable,
        is_payable=visit.can_pay and is_payable(bill),
        pdf_url=links.document(bill.number) if has_document else "",
        kind_text=wording.kind_text(bill),
    )


def _found(visit: Visit, number: str) -> Invoice:
    """Find an invoice on any account of this person. Raises: Http404."""
    found = (
        Invoice.visible_to(visit.person)
        .filter(number=number)
        .select_related("document")
        .defer("document__content")
        .first()
    )
    if found is None:
        raise Http404
    visit.turn_to_owner(found.customer_id)
    return found


@allow("GET")
@signed_in
def invoice(request: HttpRequest, visit: Visit, number: str) -> HttpResponse:
    """Show one invoice: what it is for, what was paid on it, what is left."""
    today = wording.local_day(clock.now())
    found = _found(visit, number)
    bill = owed.some(found.customer_id, [found.id], on=today)[0]
    lines = tuple(
        InvoiceLine(line.description, wording.money(line.amount_minor, found), line.quantity)
        for line in found.lines.order_by("position")
    )
    page = InvoicePage(
        number=bill.number,
        heading=f"Return Fee {bill.number}" if bill.kind == "charge" else f"Invoice {bill.number}",
        status=wording.bill_status(bill, on=today),
        fact_text=_fact_text(bill, today),
        invoice_date=bill.invoice_date,
        due_date=bill.due_date,
        invoice_amount=bill.amount,
        amount_due=bill.payable,
        payable=bill.payable,
        lines=lines or (InvoiceLine(bill.description or "Services as billed", bill.amount),),
        history=_history(bill, found, today),
        coupon_url=(
            paging.address("/remittance-coupon", {"invoice": bill.number})
            if is_payable(bill)
            else ""
        ),
        reference=bill.reference,
        less_paid=-bill.settled,
        less_processing=-bill.processing,
        less_scheduled=-bill.scheduled,
        pay_url=(
            paging.address("/pay", {"invoice": bill.number})
            if visit.can_pay and is_payable(bill)
            else ""
        ),
        pdf_url=links.document(bill.number) if hasattr(found, "document") else "",
    )
    return visit.show("invoice.html", page, section="invoices")


def _fact_text(bill: Bill, today: date) -> str:
    if not bill.balance:
        return f"Paid. It was due {shown.day(bill.due_date)}."
    if bill.payable.minor <= 0:
        return f"Being paid. Due {shown.day(bill.due_date)}."
    return f"Due {shown.day(bill.due_date)}, {wording.due_note(bill.due_date, on=today)}"


def _history(bill: Bill, found: Invoice, today: date) -> tuple[Step, ...]:
    """Tell what happened to an invoice: billed, paid, what is still to come."""
    paid = (
        Remittance.objects.filter(invoice=found)
        .select_related("payment__method")
        .order_by("payment__created_at", "id")
    )
    ended = _endings([each.payment_id for each in paid])
    dated = [_paid(each, found, ended.get(each.payment_id), today) for each in paid]
    steps = [
        Step(f"Billed {shown.money(bill.amount)}", shown.day(bill.invoice_date), "done"),
        *(step for _, step in sorted(dated, key=lambda each: each[0])),
    ]
    if bill.payable.minor > 0:
        tone = "bad" if bill.is_past_due(on=today) else ""
        steps.append(Step("Due", shown.day(bill.due_date), tone))
    return tuple(steps)


def _endings(payment_ids: list[UUID]) -> dict[UUID, date]:
    """Find the day on which we learned that a payment came to nothing."""
    events = PaymentEvent.objects.filter(payment__in=payment_ids, kind__in=_HAPPENED)
    return {
        event.payment_id: wording.local_day(event.at)
        for event in events.order_by("at", "id")
        if event.outcome == _HAPPENED[event.kind]
    }


def _paid(each: Remittance, found: Invoice, ended: date | None, today: date) -> tuple[date, Step]:
    """Tell of one payment on the day that counts: of its end, or of the click."""
    payment = each.payment
    status = wording.payment_status(payment, on=today)
    amount = shown.money(wording.money(each.amount_minor, found))
    tone = {"paid": "done", "returned": "bad", "processing": "now"}.get(status.key, "")
    on = ended or payment.received_date
    made = f" Made {shown.short_day(payment.received_date)}." if ended else ""
    note = f"{shown.day(on)}, {payment.method.label}.{made}"
    link = Link(payment.reference, links.payment(payment.reference))
    return on, Step(f"Payment of {amount} {status.word.lower()}", note, tone, link=link)


@allow("GET")
@signed_in
def document(request: HttpRequest, visit: Visit, number: str) -> HttpResponse:
    """Give the invoice as the biller sent it. It is shown as a PDF or not at all."""
    found = InvoiceDocument.objects.filter(
        invoice__in=Invoice.visible_to(visit.person).filter(number=number)
    ).first()
    if found is None:
        raise Http404
    content = bytes(found.content)
    is_pdf = content.startswith(b"%PDF-")
    response = HttpResponse(
        content, content_type="application/pdf" if is_pdf else "application/octet-stream"
    )
    # Untrusted bytes: the browser must not guess another type, nor run anything in them.
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    name = content_disposition_header(as_attachment=not is_pdf, filename=_file_name(number))
    response.headers["Content-Disposition"] = name or "attachment"
    return response


def _file_name(number: str) -> str:
    kept = "".join(c if c.isalnum() or c in "-_." else "-" for c in number)
    return f"invoice-{kept}.pdf"
