"""The page of one payment: its receipt, what was paid, and what happens next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from django.http import HttpResponse

from billfold.money import Money
from billfold.pages import access, links
from billfold.pages.access import PayerVisit
from billfold.pages.templatetags import formatting
from billfold.pages.view_models import Link, NoticeBox, StatusPill, TimelineStep
from billfold.payments.accounts import mandates
from billfold.payments.funnel.messages import PRENOTE_FIRST, failed_because
from billfold.payments.models import Payment, SubjectEvent
from billfold.payments.reading import bills
from billfold.payments.rules.account_label import agreed_and_debited
from billfold.payments.rules.lifecycle import State
from billfold.portal import bill_texts, cancellation, payer_frame, payment_steps, payment_texts
from billfold.rails.ach import reason_codes
from billfold.receivables.models import Invoice

_NEW_FOR: Final = timedelta(minutes=5)
_STATE_EVENTS: Final = (
    "submitted",
    "withdrawn",
    "settled",
    "returned",
    "refused",
    "canceled",
    "postponed",
)
_UNDER_WAY: Final = {State.SCHEDULED, State.IN_TRANSIT, State.UNKNOWN}


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    number: str
    url: str
    invoice_date: date
    invoice_amount: Money
    paid_now: Money
    still_due: Money
    kind_text: str


@dataclass(frozen=True, slots=True)
class ReceiptPage:
    """One payment: its receipt, and its page for as long as it lives."""

    reference: str
    heading: str
    status: StatusPill
    amount: Money
    customer_name: str
    customer_number: str
    paid_from: str
    authorized_text: str
    statement_text: str
    lines: tuple[ReceiptLine, ...]
    paid_label: str
    total_label: str
    steps: tuple[TimelineStep, ...]
    steps_heading: str
    authorization: str
    """The words that were agreed to, as they are stored."""
    is_new: bool
    notice: NoticeBox | None
    pdf_url: str
    cancel_url: str
    cancel_text: str


@access.open_to_payers("GET")
def receipt(visit: PayerVisit, reference: str) -> HttpResponse:
    """Show one payment."""
    payment = visit.open_payment(reference)
    return payer_frame.render(visit, "receipt.html", build(visit, payment), section="payments")


def build(visit: PayerVisit, payment: Payment) -> ReceiptPage:
    """Make the receipt as of now, with the way to cancel as long as there is one."""
    events = list(
        payment.events.filter(kind__in=_STATE_EVENTS).exclude(outcome="stray").order_by("at", "id")
    )
    is_new = _is_new(visit, payment)
    status = payment_texts.status_pill(payment, on=visit.today)
    paid_label, total_label = _labels(payment, status)
    until = cancellation.until_text(payment, visit) if visit.can_pay else ""
    return ReceiptPage(
        reference=payment.reference,
        heading=_heading(payment, status),
        status=status,
        amount=payment.amount,
        customer_name=visit.customer.name,
        customer_number=visit.customer.number,
        paid_from=_paid_from(payment),
        authorized_text=f"{formatting.stamp(payment.created_at)}, by {payment.made_by_name}",
        statement_text=_statement_text(payment),
        lines=_lines(visit, payment),
        paid_label=paid_label,
        total_label=total_label,
        steps=payment_steps.build(payment, events, visit),
        steps_heading="What happens next" if _is_under_way(payment) else "What happened",
        authorization=payment.mandate.text,
        is_new=is_new,
        notice=_notice(visit, payment, events, status, is_new=is_new),
        pdf_url=links.receipt_pdf(payment.reference),
        cancel_url=links.cancellation(payment.reference) if until else "",
        cancel_text=_cancel_text(until, visit),
    )


def _paid_from(payment: Payment) -> str:
    """Name the account that was agreed to, and the one that is debited if its bank changed it."""
    bank_name = payment.method.account.bank_name
    account = agreed_and_debited(payment.method_label, payment.debited_label())
    return f"{account}, {bank_name}" if bank_name else account


def _is_under_way(payment: Payment) -> bool:
    return State(payment.state) in _UNDER_WAY


def _is_new(visit: PayerVisit, payment: Payment) -> bool:
    """Say whether this is the last step of paying: the same person, minutes ago."""
    is_fresh = timedelta() <= visit.now - payment.created_at < _NEW_FOR
    return is_fresh and _is_under_way(payment) and payment.made_by_id == visit.person.actor().id


def _heading(payment: Payment, status: StatusPill) -> str:
    if status is payment_texts.SCHEDULED:
        return "Scheduled payment"
    return "Payment receipt" if State(payment.state) in {*_UNDER_WAY, State.SETTLED} else "Payment"


def _labels(payment: Payment, status: StatusPill) -> tuple[str, str]:
    """Give the words over what was paid, and beside their total."""
    state = State(payment.state)
    if status is payment_texts.SCHEDULED:
        return "To be paid", "Total"
    if state is State.RETURNED:
        return "Paid, then returned", "Total"
    if state in {State.FAILED, State.CANCELED}:
        return "Not paid", "Total"
    return "Paid now", "Total paid"


def _statement_text(payment: Payment) -> str:
    """Name the line that a bank statement shows, of a payment that any bank ever saw or will."""
    if State(payment.state) in {State.CANCELED, State.FAILED}:
        return ""
    bank = payment.connection
    return f"{bank.company_name} {bank.entry_description}".strip()


def _cancel_text(until: str, visit: PayerVisit) -> str:
    if not until:
        return ""
    phone = visit.profile.support_phone
    after = f" After that, call {phone}." if phone else ""
    return f"You can cancel until {until}.{after}"


def _lines(visit: PayerVisit, payment: Payment) -> tuple[ReceiptLine, ...]:
    shares = {
        remittance.invoice_id: remittance.amount_minor for remittance in payment.remittances.all()
    }
    return tuple(
        ReceiptLine(
            number=bill.number,
            url=links.invoice(bill.number),
            invoice_date=bill.invoice_date,
            invoice_amount=bill.amount,
            paid_now=Money(shares[bill.id], payment.currency),
            still_due=bill.payable,
            kind_text=bill_texts.kind_text(bill),
        )
        for bill in bills.by_ids(payment.customer_id, list(shares), on=visit.today)
    )


def _notice(
    visit: PayerVisit,
    payment: Payment,
    events: Sequence[SubjectEvent],
    status: StatusPill,
    *,
    is_new: bool,
) -> NoticeBox | None:
    mailed = f"We email this receipt to {visit.person.email}."
    is_waiting = payment.state == State.SCHEDULED
    if is_waiting and not (visit.may_promise_days and payment.reflected_by):
        text = f"{payment_texts.LATER} {mailed}" if is_new else payment_texts.LATER
        return NoticeBox("ok", text, "Your payment is taken in", "ok" if is_new else "")
    if status is payment_texts.SCHEDULED:
        title = f"Your payment is scheduled for {formatting.long_day(payment.collect_on)}"
        text = mailed if is_new else "Nothing is taken from your account before that day."
        if mandates.validation_of(payment.mandate).is_awaited(payment.mandate.sec_code):
            text = f"{PRENOTE_FIRST} {text}"
        return NoticeBox("ok", text, title, "ok" if is_new else "")
    if is_new:
        return NoticeBox("ok", mailed, "Your payment is on its way", "ok")
    return_codes = [event.code for event in events if event.kind == "returned"]
    if payment.state == State.RETURNED and return_codes:
        return returned_notice(payment, return_codes[-1], can_pay=visit.can_pay)
    refusal_codes = [event.code for event in events if event.kind == "refused"]
    if payment.state == State.FAILED and refusal_codes:
        text = failed_because(refusal_codes[-1])
        return NoticeBox("warn", text, "This payment was not made", "warn")
    return None


def returned_notice(
    payment: Payment, code: str, *, link: Link | None = None, can_pay: bool = False
) -> NoticeBox:
    """Say why a payment came back and what follows, fee included; offer to pay it all again."""
    meaning = reason_codes.return_code(code).meaning
    numbers = [
        remittance.invoice.number for remittance in payment.remittances.select_related("invoice")
    ]
    again = f"{numbers[0]} is" if len(numbers) == 1 else f"Its {len(numbers)} invoices are"
    fee = Invoice.objects.filter(cause=f"return/{payment.reference}").first()
    fee_text = ""
    if fee:
        due = formatting.short_day(fee.due_date)
        fee_text = f" A {formatting.money(fee.amount)} Return Fee was added, due {due}."
        numbers.append(fee.number)
    if can_pay:
        link = Link("Pay again", links.pay(numbers))
    text = f"{payment_steps.reason_text(code)}: {meaning} {again} open again.{fee_text}"
    title = f"Your bank returned the payment of {formatting.money(payment.amount)}"
    return NoticeBox("returned", text, title, "bad", link)
