"""The first page: the Billing tile, what waits for payment, what was paid lately."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from billfold.ledger import book
from billfold.ledger.chart import Code
from billfold.money import total
from billfold.pages import context
from billfold.pages.answers import allow
from billfold.pages.shapes import Link, Notice
from billfold.pages.templatetags import bills as shown
from billfold.payments.models import Payment, PaymentEvent
from billfold.payments.reading import bills as owed
from billfold.payments.reading.bills import Bill, Unpaid
from billfold.payments.rules.lifecycle import State
from billfold.platform import clock
from billfold.portal import help as articles
from billfold.portal import links, receipts, till, wording
from billfold.portal.choices import is_payable
from billfold.portal.drafts import CURRENCY
from billfold.portal.shapes import BalancePart, Billing, Dashboard, RecentPayment, Tile, WaitingRow
from billfold.portal.visits import Visit, signed_in

_WAITING: Final = 5
_RECENT: Final = 3
_BAR_GAP: Final = 0.6
_NEWS_FOR: Final = timedelta(days=14)


@allow("GET")
@signed_in
def dashboard(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Show the account at a glance."""
    now = clock.now()
    today = wording.local_day(now)
    unpaid = owed.unpaid(visit.customer.id, at_most=till.AT_MOST_ROWS, on=today)
    bills = unpaid.bills
    waiting = [bill for bill in bills if bill.payable.minor > 0]
    recent = list(
        Payment.objects.filter(customer=visit.customer)
        .select_related("method")
        .order_by("-created_at", "-id")[:_RECENT]
    )
    profile = context.profile(request)
    more = unpaid.to_pay - _WAITING
    page = Dashboard(
        greeting=f"{_greeting(now)}, {visit.person.name.split()[0]}"
        if visit.person.name.split()
        else _greeting(now),
        today_text=f"{timezone.localtime(now):%A, %B} {today.day}, {today.year}",
        billing=_billing(visit, unpaid, now),
        waiting=tuple(_waiting_row(bill, today) for bill in waiting[:_WAITING]),
        waiting_text=wording.plural(unpaid.to_pay, "invoice"),
        nothing_waiting_text=_nothing_text(bills),
        recent=tuple(_recent(payment, today) for payment in recent),
        resources=articles.resources(),
        more_waiting_text=f"{more:,} more" if more > 0 else "",
        notices=_news(recent, visit, now),
        tiles=tuple(
            Tile(tile["label"], tile.get("text", ""), tile["url"]) for tile in profile.tiles
        ),
    )
    return visit.show("dashboard.html", page, section="overview")


def _greeting(now: datetime) -> str:
    hour = timezone.localtime(now).hour
    if hour < 12:
        return "Good morning"
    return "Good afternoon" if hour < 18 else "Good evening"


def _billing(visit: Visit, unpaid: Unpaid, now: datetime) -> Billing:
    """Make the tile: Current Balance, its parts by urgency, and what is under way beside it."""
    profile = context.profile(visit.request)
    today = wording.local_day(now)
    ours = [bill for bill in unpaid.bills if bill.amount.currency == CURRENCY]
    can_pay = visit.can_pay and any(map(is_payable, ours))
    credit = -book.party_balances(visit.customer.id, Code.UNAPPLIED)
    parts = _parts(ours, today)
    return Billing(
        balance=unpaid.balance,
        as_of=now,
        parts=parts,
        bar_label="Of your balance, " + ", ".join(_part_words(part) for part in parts),
        promise_text=(
            wording.promise(
                now, visit.cutoff_eastern, profile.debit_days, asks_first=visit.asks_first
            )
            if can_pay
            else ""
        ),
        can_pay=can_pay,
        processing=unpaid.processing,
        less_processing=-unpaid.processing,
        scheduled=unpaid.scheduled,
        less_scheduled=-unpaid.scheduled,
        credit=credit,
        less_credit=-credit,
        after_pending=unpaid.balance - unpaid.pending if unpaid.pending else None,
        cut_text=till.cut_text(unpaid),
    )


def _parts(bills: list[Bill], today: date) -> tuple[BalancePart, ...]:
    """Cut what is due into overdue, due soon and later, with its share of the bar."""
    due = [bill for bill in bills if bill.payable.minor > 0]
    soon = today + timedelta(days=wording.SOON_DAYS)
    groups = (
        ("fb", "Overdue since", [bill for bill in due if bill.is_past_due(on=today)]),
        ("fw", "Due by", [bill for bill in due if today <= bill.due_date <= soon]),
        ("f3", "Due by", [bill for bill in due if bill.due_date > soon]),
    )
    whole = sum(bill.payable.minor for bill in due)
    at, parts = 0.0, []
    for tone, words, group in groups:
        if not group:
            continue
        amount = total((bill.payable for bill in group), CURRENCY)
        width = amount.minor * 100 / whole
        day = group[0 if tone == "fb" else -1].due_date
        label = f"{words} {shown.short_day(day)}"
        drawn = max(0.0, width - (_BAR_GAP if at + width < 99.9 else 0))
        parts.append(BalancePart(label, amount, tone, f"{at:.2f}", f"{drawn:.2f}"))
        at += width
    return tuple(parts)


def _part_words(part: BalancePart) -> str:
    return f"{shown.money(part.amount)} is {part.label[0].lower()}{part.label[1:]}"


def _waiting_row(bill: Bill, today: date) -> WaitingRow:
    return WaitingRow(
        number=bill.number,
        url=links.invoice(bill.number),
        status=wording.bill_status(bill, on=today),
        due_date=bill.due_date,
        due_note=wording.due_note(bill.due_date, on=today),
        amount_due=bill.payable,
        kind_text=wording.kind_text(bill),
    )


def _nothing_text(bills: list[Bill]) -> str:
    if bills:
        return "Everything you owe is being paid."
    return "Your next bill appears here as soon as it is issued."


def _recent(payment: Payment, today: date) -> RecentPayment:
    return RecentPayment(
        reference=payment.reference,
        url=links.payment(payment.reference),
        amount=payment.amount,
        method_text=payment.method.label,
        date=payment.received_date,
        status=wording.payment_status(payment, on=today),
        note=wording.late_note(payment, on=today),
    )


def _news(recent: list[Payment], visit: Visit, now: datetime) -> tuple[Notice, ...]:
    """Tell of a payment that came back lately, as long as it is among the last ones."""
    returned = next((payment for payment in recent if payment.state == State.RETURNED), None)
    if returned is None:
        return ()
    events = PaymentEvent.objects.filter(payment=returned, kind="returned")
    event = events.exclude(outcome="stray").first()
    if event is None or now - event.at > _NEWS_FOR:
        return ()
    again = Link("Look at the payment", links.payment(returned.reference))
    return (receipts.returned_notice(returned, event.code, link=again),)
