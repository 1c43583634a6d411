"""Canceling a payment, as long as it was not sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.contrib import messages
from django.http import HttpResponse

from billfold.bankdays import cutoff_at
from billfold.money import Money
from billfold.pages import access, links, refusal_texts
from billfold.pages.access import PayerVisit
from billfold.pages.responses import SeeOther
from billfold.pages.templatetags import formatting
from billfold.payments.models import Payment
from billfold.payments.paying import scheduling
from billfold.payments.reading import bills
from billfold.payments.rules.lifecycle import OPEN_TO_CANCEL, State
from billfold.portal import payer_frame, payment_texts


@dataclass(frozen=True, slots=True)
class CanceledLine:
    number: str
    amount: Money
    due_text: str


@dataclass(frozen=True, slots=True)
class CancellationPage:
    reference: str
    url: str
    payment_url: str
    amount: Money
    paid_from: str
    lines: tuple[CanceledLine, ...]
    consequence_text: str


def until_text(payment: Payment, visit: PayerVisit) -> str:
    """Say until when a payment can be canceled; nothing if it cannot any more.

    While no day may be promised no cut-off is run.
    """
    if payment.state not in OPEN_TO_CANCEL:
        return ""
    until = cutoff_at(payment.collect_on, payment.connection.cutoff_eastern)
    if visit.may_promise_days and visit.now >= until:
        return ""
    return payment_texts.cancel_until_text(until, visit)


@access.open_to_those_who_may_pay("GET", "POST")
def cancellation(visit: PayerVisit, reference: str) -> HttpResponse:
    """Ask whether to cancel a payment, or cancel it."""
    payment = visit.open_payment(reference)
    visit.check_may_pay()
    if visit.request.method == "POST":
        return _cancel(visit, payment)
    if not until_text(payment, visit):
        return SeeOther(links.receipt(reference))
    return payer_frame.render(
        visit, "cancellation.html", _build(visit, payment), section="payments"
    )


def _cancel(visit: PayerVisit, payment: Payment) -> HttpResponse:
    try:
        scheduling.cancel(payment, actor=visit.person.actor(), now=visit.now)
    except scheduling.TooLateToCancel as refusal:
        payment.refresh_from_db()
        if payment.state == State.CANCELED:  # A second click.
            return SeeOther(links.receipt(payment.reference))
        return payer_frame.render(
            visit,
            "cancellation.html",
            _build(visit, payment),
            section="payments",
            problems=refusal_texts.summarize(
                {"": refusal_texts.sentence(refusal)}, title="It is too late to cancel"
            ),
        )
    amount = formatting.money(payment.amount)
    messages.success(visit.request, f"Your payment of {amount} is canceled.")
    return SeeOther(links.receipt(payment.reference))


def _build(visit: PayerVisit, payment: Payment) -> CancellationPage:
    until = cutoff_at(payment.collect_on, payment.connection.cutoff_eastern)
    shares = {
        remittance.invoice_id: remittance.amount_minor for remittance in payment.remittances.all()
    }
    paid_bills = bills.by_ids(payment.customer_id, list(shares), on=visit.today)
    subject = "The invoice is" if len(paid_bills) == 1 else "The invoices are"
    return CancellationPage(
        reference=payment.reference,
        url=links.cancellation(payment.reference),
        payment_url=links.receipt(payment.reference),
        amount=payment.amount,
        paid_from=payment.method_label,
        lines=tuple(
            CanceledLine(
                bill.number,
                Money(shares[bill.id], payment.currency),
                _due_text(bill.due_date, visit.today),
            )
            for bill in paid_bills
        ),
        consequence_text=(
            f"{subject} open again at once. "
            f"You can cancel until {payment_texts.cancel_until_text(until, visit)}."
        ),
    )


def _due_text(due: date, today: date) -> str:
    return f"{'was due' if due < today else 'due'} {formatting.short_day(due)}"
