"""One payment as staff see it: life, ledger lines, evidence, consent. A fixed number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.http import HttpResponse
from django.shortcuts import get_object_or_404

from billfold.ledger import book
from billfold.ledger.chart import Account
from billfold.money import Money, total
from billfold.notices.models import Notice
from billfold.office import (
    message_list,
    moments,
    payment_life,
    payment_records,
    staff_frame,
    status_pills,
)
from billfold.office.message_list import MessageRow
from billfold.office.payment_records import PaymentRecords
from billfold.pages import access, links
from billfold.pages.access import StaffVisit
from billfold.pages.templatetags import formatting
from billfold.pages.view_models import DetailLine, Link, NoticeBox, StatusPill, TimelineStep
from billfold.payments.accounts import mandates
from billfold.payments.method_models import Mandate
from billfold.payments.models import Case, Payment, SubjectEvent
from billfold.payments.rules.account_label import agreed_and_debited
from billfold.payments.rules.lifecycle import State
from billfold.rails.ach import reason_codes

_SEC_CODES: Final = {"WEB": "WEB, single", "CCD": "CCD, business", "PPD": "PPD, single"}
_BOOKING_TITLES: Final = {
    **payment_records.EVENT_TITLES,
    "applied": "Applied",
    "unapplied": "Taken off",
}
"""Reason of a booking -> its title."""


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A transfer, as one debit and one credit."""

    when_text: str
    event: str
    debit_account: str
    credit_account: str
    amount: Money


@dataclass(frozen=True, slots=True)
class EventRow:
    """A payment event with the key that makes it act once, and a link to the file it stood in."""

    title: str
    when_text: str
    key: str
    note: str
    link: Link | None


@dataclass(frozen=True, slots=True)
class PaidLine:
    number: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Authorization:
    given_text: str
    text: str
    details: tuple[DetailLine, ...]


@dataclass(frozen=True, slots=True)
class CaseLink:
    title: str
    url: str
    status: StatusPill


@dataclass(frozen=True, slots=True)
class PaymentPage:
    reference: str
    amount: Money
    status: StatusPill
    subtitle: str
    steps: tuple[TimelineStep, ...]
    entries: tuple[LedgerRow, ...]
    entries_total: Money
    events: tuple[EventRow, ...]
    lines: tuple[PaidLine, ...]
    bank_details: tuple[DetailLine, ...]
    authorization: Authorization
    notices: tuple[NoticeBox, ...]
    cases: tuple[CaseLink, ...]
    messages: tuple[MessageRow, ...]


@access.open_to_staff("GET")
def payment(visit: StaffVisit, reference: str) -> HttpResponse:
    """Show a payment: its life, its bookings, and the evidence of each."""
    opened = get_object_or_404(
        Payment.objects.select_related("customer", "method__present__account", "mandate__account"),
        reference=reference,
    )
    return staff_frame.render(visit, "payment.html", _build(visit, opened), section="payments")


def _build(visit: StaffVisit, payment: Payment) -> PaymentPage:
    records = payment_records.load(payment)
    is_late = payment.is_late(on=visit.today)
    paid_from = agreed_and_debited(payment.method_label, payment.debited_label())
    entries = tuple(_ledger_row(line, payment) for line in records.ledger_lines)
    is_returned = payment.state == State.RETURNED.value
    return PaymentPage(
        reference=payment.reference,
        amount=payment.amount,
        status=status_pills.of_payment(
            payment.state,
            return_code=records.return_code if is_returned else "",
            is_late=is_late,
        ),
        subtitle=" · ".join(
            [
                payment.customer.name,
                f"Account # {payment.customer.number}",
                paid_from,
                f"ACH debit ({payment.mandate.sec_code})",
            ]
        ),
        steps=payment_life.build(records, is_late=is_late, now=visit.now),
        entries=entries,
        entries_total=total((entry.amount for entry in entries), payment.currency),
        events=tuple(_event_row(event, records, visit) for event in records.events),
        lines=_paid_lines(payment),
        bank_details=_bank_details(records, paid_from),
        authorization=_authorization(payment.mandate),
        notices=_notices(records),
        cases=tuple(
            CaseLink(case.title, links.staff_case(case.id), status_pills.of_case(case))
            for case in Case.objects.filter(payment=payment).order_by("opened_at", "id")
        ),
        messages=message_list.rows(
            Notice.objects.filter(about=payment.subject).order_by("queued_at", "id"), now=visit.now
        ),
    )


def _ledger_row(line: book.Booking, payment: Payment) -> LedgerRow:
    return LedgerRow(
        when_text=_days_text(line),
        event=_BOOKING_TITLES.get(line.reason, line.reason.capitalize()),
        debit_account=_name_account(line.debit, payment),
        credit_account=_name_account(line.credit, payment),
        amount=line.amount,
    )


def _days_text(line: book.Booking) -> str:
    """Write the day of the fact, and that of the books where it is another."""
    day = formatting.short_day(line.effective_date)
    is_other = line.booked_on != line.effective_date
    return f"{day}, in the books {formatting.short_day(line.booked_on)}" if is_other else day


def _name_account(account: Account, payment: Payment) -> str:
    """Name a ledger account; the payment whose page this is goes without its number."""
    code = account.code.replace("_", " ").capitalize()
    if account.subject == payment.subject:
        return f"{code} · this payment"
    return f"{code} · {account.subject.partition('/')[2]}" if account.subject else code


def _event_row(event: SubjectEvent, records: PaymentRecords, visit: StaffVisit) -> EventRow:
    document = records.documents.get(event.evidence)
    notes = [
        payment_records.reason_text(event) if event.code else "",
        document.note if document else "",
    ]
    if event.outcome == "stray":
        notes.append("It did not fit the payment, so it moved nothing")
    return EventRow(
        title=records.title_of(event),
        when_text=moments.in_full(event.at, now=visit.now),
        key=event.key,
        note=" · ".join(filter(None, notes)),
        link=document.link if document else None,
    )


def _paid_lines(payment: Payment) -> tuple[PaidLine, ...]:
    remittances = payment.remittances.select_related("invoice").order_by(
        "invoice__due_date", "invoice__number"
    )
    return tuple(
        PaidLine(remittance.invoice.number, Money(remittance.amount_minor, payment.currency))
        for remittance in remittances
    )


def _bank_details(records: PaymentRecords, paid_from: str) -> tuple[DetailLine, ...]:
    payment = records.payment
    account, sec_code = payment.method.account, payment.mandate.sec_code
    details = [
        DetailLine("From", paid_from),
        DetailLine("Holder", f"{account.holder_name} ({account.holder})"),
        DetailLine("Bank", account.bank_name or "Not in the directory"),
        DetailLine("Routing number", account.routing_number, is_code=True),
        DetailLine("SEC code", _SEC_CODES.get(sec_code, sec_code)),
    ]
    for instruction in records.instructions:
        is_prenote = instruction.kind != "payment"
        label = "Trace # of the prenote" if is_prenote else "Trace #"
        taken_back = "" if instruction.is_live else " (taken back)"
        file_url = links.staff_file(instruction.file_id)
        details.append(DetailLine(label, instruction.trace, is_code=True))
        details.append(DetailLine("File", f"{instruction.file.name}{taken_back}", file_url))
    return tuple(details)


def _authorization(mandate: Mandate) -> Authorization:
    details = [
        DetailLine("Text version", mandate.text_version),
        DetailLine("From", mandate.ip_address or "Not kept", is_code=True),
        DetailLine("Browser", mandate.user_agent or "Not kept"),
        DetailLine("Signed in by", mandate.signed_in_by),
    ]
    validation = mandates.validation_of(mandate)
    if validation.at:
        text = f"{validation.by}: {validation.evidence}"
        details.append(DetailLine("Account check", text.replace("_", " ")))
        details.append(DetailLine("Checked", formatting.stamp(validation.at)))
    elif validation.by:
        waiting = f"{validation.by}: the answer is awaited"
        details.append(DetailLine("Account check", waiting))
    if mandate.revoked_at:
        ended = f"{formatting.stamp(mandate.revoked_at)}, {mandate.revoked_why}"
        details.append(DetailLine("Ended", ended))
    return Authorization(
        given_text=f"Given {formatting.stamp(mandate.agreed_at)} by {mandate.agreed_by_name}.",
        text=mandate.text,
        details=tuple(details),
    )


def _notices(records: PaymentRecords) -> tuple[NoticeBox, ...]:
    state = records.payment.state
    if state == State.RETURNED.value:
        reason = reason_codes.return_code(records.return_code)
        fee = (
            f" A {records.fee.amount.formatted()} Return Fee was added ({records.fee.number})."
            if records.fee
            else " No Return Fee was added."
        )
        text = f"What it paid is open again.{fee} {reason.todo}"
        title = f"The bank returned it: {reason.label} ({records.return_code})"
        return (NoticeBox("returned", text, title, "bad"),)
    if state == State.FAILED.value:
        refused = next((e for e in records.effective_events if e.kind == "refused"), None)
        text = "The bank refused it before any money moved."
        if refused:
            text = payment_records.reason_text(refused)
        return (NoticeBox("warn", text, "This payment was not made", "warn"),)
    return ()
