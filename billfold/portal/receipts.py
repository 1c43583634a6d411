"""The receipt of one payment, on the page and as a PDF: what was paid, and what happens next."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import typst
from django.utils import timezone

from billfold.bankdays import cutoff_at
from billfold.banking import connections
from billfold.pages import context
from billfold.pages.shapes import Link, Notice, Status, Step
from billfold.pages.templatetags import bills as shown
from billfold.payments.funnel.messages import ASKED_FIRST, failed_because
from billfold.payments.models import Payment, PaymentEvent
from billfold.payments.reading import bills as owed
from billfold.payments.rules.lifecycle import State
from billfold.portal import links, wording
from billfold.portal.shapes import Receipt, ReceiptLine
from billfold.portal.visits import Visit
from billfold.rails.ach import reason_codes
from billfold.receivables.models import Invoice

_NEW_FOR: Final = timedelta(minutes=5)
_TEMPLATE: Final = Path(__file__).with_name("receipt.typ")
_STATE_EVENTS: Final = (
    "submitted",
    "withdrawn",
    "settled",
    "returned",
    "refused",
    "canceled",
    "postponed",
)


def of(payment: Payment, visit: Visit, until: datetime | None, *, now: datetime) -> Receipt:
    """Write the receipt as of now; `until` says how long the payment can still be taken back."""
    profile = context.profile(visit.request)
    events = list(
        PaymentEvent.objects.filter(payment=payment, kind__in=_STATE_EVENTS)
        .exclude(outcome="stray")
        .order_by("at", "id")
    )
    bank_name = f", {payment.method.bank_name}" if payment.method.bank_name else ""
    is_new = _is_new(payment, visit, now)
    status = wording.payment_status(payment, on=wording.local_day(now))
    paid_label, total_label = _labels(payment, status)
    lines = _lines(payment, now)
    return Receipt(
        reference=payment.reference,
        heading=_heading(payment, status),
        status=status,
        amount=payment.amount,
        customer_name=visit.customer.name,
        account_number=visit.customer.number,
        paid_from=f"{payment.method.label}{bank_name}",
        authorized_text=f"{shown.stamp(payment.created_at)}, by {payment.made_by_name}",
        statement_text=_statement_text(payment),
        lines=lines,
        paid_label=paid_label,
        total_label=total_label,
        steps=_steps(payment, events, now),
        steps_heading="What happens next" if _is_going(payment) else "What happened",
        authorization=payment.mandate.text,
        is_new=is_new,
        notice=_notice(payment, events, visit, status, is_new=is_new),
        pdf_url=f"/payments/{payment.reference}/receipt.pdf",
        cancel_url=f"/payments/{payment.reference}/cancellation" if until else "",
        cancel_text=_cancel_text(until, profile.support_phone, now),
    )


_GOING_WELL: Final = {State.SCHEDULED, State.IN_TRANSIT, State.UNKNOWN, State.SETTLED}


def _is_going(payment: Payment) -> bool:
    return State(payment.state) in _GOING_WELL - {State.SETTLED}


def _is_new(payment: Payment, visit: Visit, now: datetime) -> bool:
    """Say whether this is the last step of paying: the same person, minutes ago."""
    fresh = timedelta() <= now - payment.created_at < _NEW_FOR
    return fresh and _is_going(payment) and payment.made_by_id == visit.person.id


def _heading(payment: Payment, status: Status) -> str:
    if status is wording.SCHEDULED:
        return "Scheduled payment"
    return "Payment receipt" if State(payment.state) in _GOING_WELL else "Payment"


def _labels(payment: Payment, status: Status) -> tuple[str, str]:
    state = State(payment.state)
    if status is wording.SCHEDULED:
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
    try:
        bank = connections.default()
    except connections.NoBank:
        return ""
    return f"{bank.company_name} {bank.entry_description}".strip()


def _cancel_text(until: datetime | None, phone: str, now: datetime) -> str:
    if until is None:
        return ""
    after = f" After that, call {phone}." if phone else ""
    return f"You can cancel until {wording.moment_of_day(until, now=now)}.{after}"


def _lines(payment: Payment, now: datetime) -> tuple[ReceiptLine, ...]:
    shares = {each.invoice_id: each.amount_minor for each in payment.remittances.all()}
    return tuple(
        ReceiptLine(
            number=bill.number,
            url=links.invoice(bill.number),
            invoice_date=bill.invoice_date,
            invoice_amount=bill.amount,
            paid_now=wording.money(shares[bill.id], payment),
            still_due=bill.payable,
            kind_text=wording.kind_text(bill),
        )
        for bill in owed.some(payment.customer_id, list(shares), on=wording.local_day(now))
    )


def _steps(payment: Payment, events: list[PaymentEvent], now: datetime) -> tuple[Step, ...]:
    """Tell what happened, then what comes: each with its date."""
    asked = payment.instructions.select_related("file").defer("file__content_sealed")
    sent = {f"bankfile/{each.file_id}": each.file.sent_at for each in asked if each.file.sent_at}
    done = [Step("Authorized", _moment(payment.created_at), "done")]
    is_returned = False
    for event in events:
        if event.kind == "submitted":
            if event.evidence in sent:
                done.append(Step("Sent to the bank", _moment(sent[event.evidence]), "done"))
        elif not (event.kind == "settled" and is_returned):
            done.append(_past(event, was_sent=event.evidence in sent))
        is_returned = is_returned or event.kind == "returned"
    is_sent = any(each.is_live and each.file.sent_at for each in asked)
    return (*done, *_coming(payment, now, is_sent=is_sent))


_PAST: Final = {
    "withdrawn": ("Not sent; goes out again", "now"),
    "settled": ("In your account", "done"),
    "returned": ("Returned", "bad"),
    "refused": ("Not paid", "bad"),
    "canceled": ("Canceled", "done"),
    "postponed": ("Put off; your bank is still to be asked", "now"),
}


def _past(event: PaymentEvent, *, was_sent: bool) -> Step:
    title, tone = _PAST[event.kind]
    if event.kind == "withdrawn" and was_sent:
        title = "Not taken by the bank; goes out again"
    note = _moment(event.at)
    if event.kind == "returned":
        note = f"{shown.short_day(wording.local_day(event.at))}\n{reason(event.code)}"
    return Step(title, note, tone, is_current=tone == "bad")


def _coming(payment: Payment, now: datetime, *, is_sent: bool) -> list[Step]:
    state = State(payment.state)
    late = wording.late_note(payment, on=wording.local_day(now))
    reflected = Step("In your account", late or f"By {shown.long_day(payment.reflected_by)}")
    final = Step("Final", "If your bank returns it, we email you the same day")
    if state is State.SCHEDULED:
        until = cutoff_at(payment.collect_on, connections.default().cutoff_eastern)
        when = wording.moment_of_day(until, now=now)
        return [Step("Sent to the bank", f"After {when}", "now", is_current=True), reflected, final]
    if state in {State.IN_TRANSIT, State.UNKNOWN} and not is_sent:
        return [Step("In the next bank file", "", "now", is_current=True), reflected, final]
    if state in {State.IN_TRANSIT, State.UNKNOWN}:
        return [Step(reflected.title, reflected.note, "now", is_current=True), final]
    return [final] if state is State.SETTLED else []


def _moment(at: datetime) -> str:
    return f"{shown.short_day(at)}, {shown.moment(at)}"


def reason(code: str) -> str:
    """Write a return code in words first: Not enough money (R01)."""
    return f"{reason_codes.return_code(code).label} ({code})"


def _notice(
    payment: Payment, events: list[PaymentEvent], visit: Visit, status: Status, *, is_new: bool
) -> Notice | None:
    mailed = f"We email this receipt to {visit.person.email}."
    if status is wording.SCHEDULED:
        title = f"Your payment is scheduled for {shown.long_day(payment.collect_on)}"
        text = mailed if is_new else "Nothing is taken from your account before that day."
        if payment.mandate.validated_at is None and payment.mandate.sec_code == "WEB":
            text = f"{ASKED_FIRST} {text}"
        return Notice("ok", text, title, "ok" if is_new else "")
    if is_new:
        return Notice("ok", mailed, "Your payment is on its way", "ok")
    codes = [event.code for event in events if event.kind == "returned"]
    if payment.state == State.RETURNED and codes:
        return returned_notice(payment, codes[-1], can_pay=visit.can_pay)
    refused = [event.code for event in events if event.kind == "refused"]
    if payment.state == State.FAILED and refused:
        return Notice("warn", failed_because(refused[-1]), "This payment was not made", "warn")
    return None


def returned_notice(
    payment: Payment, code: str, *, link: Link | None = None, can_pay: bool = False
) -> Notice:
    """Say why a payment came back and what follows, fee included; offer to pay it all again."""
    meaning = reason_codes.return_code(code).meaning
    numbers = [each.invoice.number for each in payment.remittances.select_related("invoice")]
    again = f"{numbers[0]} is" if len(numbers) == 1 else f"Its {len(numbers)} invoices are"
    fee = Invoice.objects.filter(cause=f"return/{payment.reference}").first()
    charged = ""
    if fee:
        due = shown.short_day(fee.due_date)
        charged = f" A {shown.money(fee.amount)} Return Fee was added, due {due}."
        numbers.append(fee.number)
    if can_pay:
        link = Link("Pay again", f"/pay?{urlencode([('invoice', each) for each in numbers])}")
    text = f"{reason(code)}: {meaning} {again} open again.{charged}"
    title = f"Your bank returned the payment of {shown.money(payment.amount)}"
    return Notice("returned", text, title, "bad", link)


@cache
def _source() -> bytes:
    return _TEMPLATE.read_bytes()


def pdf(receipt: Receipt, visit: Visit, *, now: datetime) -> bytes:
    """Print a receipt as a PDF that screen readers can read (PDF/UA-1)."""
    biller = context.shape(context.profile(visit.request))
    data = {
        "title": f"{receipt.heading} {receipt.reference}",
        "heading": receipt.heading,
        "biller": biller.name,
        "status": receipt.status.word,
        "amount": shown.money(receipt.amount),
        "facts": [
            ["Confirmation", receipt.reference],
            ["Paid by", f"{receipt.customer_name}, Account # {receipt.account_number}"],
            ["Paid from", receipt.paid_from],
            ["Paid to", f"{biller.legal_name}, {biller.support_phone}".rstrip(", ")],
            ["Authorized", receipt.authorized_text],
            ["On your bank statement", receipt.statement_text],
        ],
        "columns": ["Invoice #", "Invoice Date", "Invoice Amount", receipt.paid_label, "Still due"],
        "lines": [
            [
                line.number,
                shown.day(line.invoice_date),
                shown.money(line.invoice_amount),
                shown.money(line.paid_now),
                shown.money(line.still_due),
            ]
            for line in receipt.lines
        ],
        "total": [receipt.total_label, shown.money(receipt.amount)],
        "steps_heading": receipt.steps_heading,
        "authorization": receipt.authorization,
        "steps": [[step.title, step.note.replace("\n", ", ")] for step in receipt.steps],
        "printed": f"As of {shown.stamp(now)}",
    }
    asked: dict[str, Any] = {
        "format": "pdf",
        "sys_inputs": {"data": json.dumps(data)},
        "ignore_system_fonts": True,
        "timestamp": int(timezone.localtime(now).timestamp()),
    }
    try:
        made: bytes = typst.compile(_source(), pdf_standards=["ua-1"], **asked)
    except typst.TypstError:
        # Its font lacks a letter of some name, which the standard forbids. A receipt with a box in
        # that place is better than none.
        made = typst.compile(_source(), **asked)
    return made
