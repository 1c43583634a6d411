"""One invoice: what it is for, what was paid on it, what is left; and its document."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header

from billfold.money import Money
from billfold.pages import access, links
from billfold.pages.access import PayerVisit
from billfold.pages.templatetags import formatting
from billfold.pages.view_models import Link, StatusPill, TimelineStep
from billfold.payments.models import Remittance, SubjectEvent
from billfold.payments.paying.payable_bills import is_payable
from billfold.payments.reading import bills
from billfold.payments.reading.bills import Bill
from billfold.portal import bill_texts, payer_frame, payment_texts
from billfold.receivables.models import Invoice, InvoiceDocument

_STATE_AFTER: Final = {"returned": "returned", "canceled": "canceled", "refused": "failed"}
"""Kind of event that ends a payment -> the state it left it in."""
_TONES: Final = {"paid": "done", "returned": "bad", "processing": "now"}


@dataclass(frozen=True, slots=True)
class BilledLine:
    text: str
    amount: Money
    note: str = ""


@dataclass(frozen=True, slots=True)
class InvoicePage:
    number: str
    heading: str
    subtitle: str
    status: StatusPill
    reference: str
    invoice_date: date
    due_date: date
    invoice_amount: Money
    amount_due: Money
    less_paid: Money
    less_processing: Money
    less_scheduled: Money
    lines: tuple[BilledLine, ...]
    history: tuple[TimelineStep, ...]
    coupon_url: str
    pay_url: str
    pdf_url: str


@access.open_to_payers("GET")
def invoice(visit: PayerVisit, number: str) -> HttpResponse:
    """Show one invoice."""
    opened = _open_invoice(visit, number)
    return payer_frame.render(visit, "invoice.html", _build(visit, opened), section="invoices")


def _open_invoice(visit: PayerVisit, number: str) -> Invoice:
    """Find an invoice of this person and go on with its account. Raises: Http404."""
    invoice = (
        Invoice.visible_to(visit.person)
        .filter(number=number)
        .select_related("document")
        .defer("document__content")
        .first()
    )
    if invoice is None:
        raise Http404
    visit.switch_to_owner(invoice.customer_id)
    return invoice


def _build(visit: PayerVisit, invoice: Invoice) -> InvoicePage:
    bill = bills.by_ids(invoice.customer_id, [invoice.id], on=visit.today)[0]
    lines = tuple(
        BilledLine(line.description, Money(line.amount_minor, invoice.currency), line.quantity)
        for line in invoice.lines.order_by("position")
    )
    can_be_paid = is_payable(bill)
    return InvoicePage(
        number=bill.number,
        heading=f"Return Fee {bill.number}" if bill.kind == "charge" else f"Invoice {bill.number}",
        subtitle=_subtitle(bill, visit.today),
        status=bill_texts.status_pill(bill, on=visit.today),
        reference=bill.reference,
        invoice_date=bill.invoice_date,
        due_date=bill.due_date,
        invoice_amount=bill.amount,
        amount_due=bill.payable,
        less_paid=-bill.settled,
        less_processing=-bill.processing,
        less_scheduled=-bill.scheduled,
        lines=lines or (BilledLine(bill.description or "Services as billed", bill.amount),),
        history=_history(bill, invoice, visit.today),
        coupon_url=links.coupon(bill.number) if can_be_paid else "",
        pay_url=links.pay([bill.number]) if visit.can_pay and can_be_paid else "",
        pdf_url=links.invoice_document(bill.number) if hasattr(invoice, "document") else "",
    )


def _subtitle(bill: Bill, today: date) -> str:
    due = formatting.day(bill.due_date)
    if not bill.balance:
        return f"Paid. It was due {due}."
    if bill.payable.minor <= 0:
        return f"Being paid. Due {due}."
    return f"Due {due}, {bill_texts.due_note(bill.due_date, on=today)}"


def _history(bill: Bill, invoice: Invoice, today: date) -> tuple[TimelineStep, ...]:
    """List what happened to an invoice: billed, paid, what is still to come."""
    remittances = (
        Remittance.objects.filter(invoice=invoice)
        .select_related("payment")
        .order_by("payment__created_at", "id")
    )
    ended = _end_days([remittance.payment.subject for remittance in remittances])
    dated = [
        _payment_step(remittance, invoice, ended.get(remittance.payment.subject), today)
        for remittance in remittances
    ]
    steps = [
        TimelineStep(
            f"Billed {formatting.money(bill.amount)}", formatting.day(bill.invoice_date), "done"
        ),
        *(step for _, step in sorted(dated, key=lambda dated_step: dated_step[0])),
    ]
    if bill.payable.minor > 0:
        tone = "bad" if bill.is_past_due(on=today) else ""
        steps.append(TimelineStep("Due", formatting.day(bill.due_date), tone))
    return tuple(steps)


def _end_days(subjects: Collection[str]) -> dict[str, date]:
    """Find the day on which we learned that a payment came to nothing."""
    events = SubjectEvent.objects.filter(subject__in=subjects, kind__in=_STATE_AFTER)
    return {
        event.subject: timezone.localdate(event.at)
        for event in events.order_by("at", "id")
        if event.outcome == _STATE_AFTER[event.kind]
    }


def _payment_step(
    remittance: Remittance, invoice: Invoice, ended: date | None, today: date
) -> tuple[date, TimelineStep]:
    """Describe one payment, with the day that counts: of its end, or of the click."""
    payment = remittance.payment
    status = payment_texts.status_pill(payment, on=today)
    amount = formatting.money(Money(remittance.amount_minor, invoice.currency))
    day = ended or payment.received_date
    click = f" Made {formatting.short_day(payment.received_date)}." if ended else ""
    return day, TimelineStep(
        title=f"Payment of {amount} {status.word.lower()}",
        note=f"{formatting.day(day)}, {payment.method_label}.{click}",
        tone=_TONES.get(status.key, ""),
        link=Link(payment.reference, links.receipt(payment.reference)),
    )


@access.open_to_payers("GET")
def document(visit: PayerVisit, number: str) -> HttpResponse:
    """Give the invoice as the biller sent it. It is shown as a PDF or not at all."""
    invoices = Invoice.visible_to(visit.person).filter(number=number)
    stored = InvoiceDocument.objects.filter(invoice__in=invoices).first()
    if stored is None:
        raise Http404
    content = bytes(stored.content)
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
    safe = "".join(c if c.isalnum() or c in "-_." else "-" for c in number)
    return f"invoice-{safe}.pdf"
