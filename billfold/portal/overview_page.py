"""The first page: the Billing tile, what waits for payment, what was paid lately."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.http import HttpResponse
from django.utils import timezone

from billfold.ledger import book
from billfold.ledger.chart import AccountCode
from billfold.money import Money, total
from billfold.pages import access, links
from billfold.pages.access import PayerVisit
from billfold.pages.templatetags import formatting
from billfold.pages.view_models import Link, NoticeBox, StatusPill
from billfold.payments.models import Payment
from billfold.payments.paying import payable_bills
from billfold.payments.paying.payable_bills import CURRENCY, is_payable
from billfold.payments.reading.bills import Bill, UnpaidBills
from billfold.payments.rules.lifecycle import State
from billfold.portal import bill_texts, help_pages, payer_frame, payment_texts, receipt_page

_MOST_WAITING: Final = 5
_MOST_RECENT: Final = 3
_BAR_GAP: Final = 0.6
_NEWS_FOR: Final = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class BalancePart:
    """One stretch of the bar: its tone "fb" overdue, "fw" due soon or "f3" later."""

    label: str
    amount: Money
    tone: str
    x: str
    width: str


@dataclass(frozen=True, slots=True)
class BillingTile:
    """The Billing tile. `less_…` amounts are negative; None or zero is not shown."""

    balance: Money
    as_of: datetime
    parts: tuple[BalancePart, ...]
    bar_label: str
    promise_text: str
    can_pay: bool
    less_processing: Money
    less_scheduled: Money
    less_credit: Money
    after_pending: Money | None
    cut_text: str
    """Says so where the parts are not all there is."""


@dataclass(frozen=True, slots=True)
class WaitingRow:
    number: str
    url: str
    status: StatusPill
    due_date: date
    due_note: str
    amount_due: Money
    kind_text: str


@dataclass(frozen=True, slots=True)
class RecentPayment:
    reference: str
    url: str
    amount: Money
    method_text: str
    date: date
    status: StatusPill
    note: str


@dataclass(frozen=True, slots=True)
class ServiceTile:
    """A link tile the biller configures: usage, support, services."""

    title: str
    text: str
    url: str


@dataclass(frozen=True, slots=True)
class OverviewPage:
    greeting: str
    today_text: str
    billing: BillingTile
    waiting: tuple[WaitingRow, ...]
    waiting_text: str
    nothing_waiting_text: str
    more_waiting_text: str
    recent: tuple[RecentPayment, ...]
    resources: tuple[Link, ...]
    notices: tuple[NoticeBox, ...]
    tiles: tuple[ServiceTile, ...]


@access.open_to_payers("GET")
def overview(visit: PayerVisit) -> HttpResponse:
    """Show the account at a glance."""
    return payer_frame.render(visit, "overview.html", _build(visit), section="overview")


def _build(visit: PayerVisit) -> OverviewPage:
    today = visit.today
    unpaid = payable_bills.load(visit.customer.id, on=today)
    waiting = [bill for bill in unpaid.bills if bill.payable.minor > 0]
    recent = list(
        Payment.objects.filter(customer=visit.customer).order_by("-created_at", "-id")[
            :_MOST_RECENT
        ]
    )
    more = unpaid.to_pay - _MOST_WAITING
    return OverviewPage(
        greeting=_greeting(visit),
        today_text=f"{timezone.localtime(visit.now):%A, %B} {today.day}, {today.year}",
        billing=_billing(visit, unpaid),
        waiting=tuple(_waiting_row(bill, today) for bill in waiting[:_MOST_WAITING]),
        waiting_text=formatting.plural(unpaid.to_pay, "invoice"),
        nothing_waiting_text=(
            "Everything you owe is being paid."
            if unpaid.bills
            else "Your next bill appears here as soon as it is issued."
        ),
        more_waiting_text=f"{more:,} more" if more > 0 else "",
        recent=tuple(_recent_payment(payment, today) for payment in recent),
        resources=help_pages.first_articles(),
        notices=_news(recent, visit.now),
        tiles=tuple(
            ServiceTile(tile["label"], tile.get("text", ""), tile["url"])
            for tile in visit.profile.tiles
        ),
    )


def _greeting(visit: PayerVisit) -> str:
    hour = timezone.localtime(visit.now).hour
    greeting = "Good evening"
    if hour < 12:
        greeting = "Good morning"
    elif hour < 18:
        greeting = "Good afternoon"
    names = visit.person.name.split()
    return f"{greeting}, {names[0]}" if names else greeting


def _billing(visit: PayerVisit, unpaid: UnpaidBills) -> BillingTile:
    """Make the tile: Current Balance, its parts by urgency, and what is under way beside it."""
    bills = [bill for bill in unpaid.bills if bill.amount.currency == CURRENCY]
    can_pay = visit.can_pay and any(map(is_payable, bills))
    parts = _parts(bills, visit.today)
    return BillingTile(
        balance=unpaid.balance,
        as_of=visit.now,
        parts=parts,
        bar_label="Of your balance, " + ", ".join(_part_words(part) for part in parts),
        promise_text=(
            (payment_texts.promise_text(visit) or payment_texts.taken_in_text(visit))
            if can_pay
            else ""
        ),
        can_pay=can_pay,
        less_processing=-unpaid.processing,
        less_scheduled=-unpaid.scheduled,
        # A credit stands on the other side of the books, so it is below zero already.
        less_credit=book.party_balance(visit.customer.id, AccountCode.UNAPPLIED),
        after_pending=unpaid.balance - unpaid.pending if unpaid.pending else None,
        cut_text=bill_texts.cut_text(unpaid),
    )


def _parts(bills: Sequence[Bill], today: date) -> tuple[BalancePart, ...]:
    """Cut what is due into overdue, due soon and later, with its share of the bar."""
    due = [bill for bill in bills if bill.payable.minor > 0]
    soon = today + timedelta(days=bill_texts.SOON_DAYS)
    groups = (
        ("fb", "Overdue since", [bill for bill in due if bill.is_past_due(on=today)]),
        ("fw", "Due by", [bill for bill in due if today <= bill.due_date <= soon]),
        ("f3", "Due by", [bill for bill in due if bill.due_date > soon]),
    )
    sum_minor = sum(bill.payable.minor for bill in due)
    at, parts = 0.0, []
    for tone, words, group in groups:
        if not group:
            continue
        amount = total((bill.payable for bill in group), CURRENCY)
        width = amount.minor * 100 / sum_minor
        day = group[0 if tone == "fb" else -1].due_date
        label = f"{words} {formatting.short_day(day)}"
        bar_width = max(0.0, width - (_BAR_GAP if at + width < 99.9 else 0))
        parts.append(BalancePart(label, amount, tone, f"{at:.2f}", f"{bar_width:.2f}"))
        at += width
    return tuple(parts)


def _part_words(part: BalancePart) -> str:
    return f"{formatting.money(part.amount)} is {part.label[0].lower()}{part.label[1:]}"


def _waiting_row(bill: Bill, today: date) -> WaitingRow:
    return WaitingRow(
        number=bill.number,
        url=links.invoice(bill.number),
        status=bill_texts.status_pill(bill, on=today),
        due_date=bill.due_date,
        due_note=bill_texts.due_note(bill.due_date, on=today),
        amount_due=bill.payable,
        kind_text=bill_texts.kind_text(bill),
    )


def _recent_payment(payment: Payment, today: date) -> RecentPayment:
    return RecentPayment(
        reference=payment.reference,
        url=links.receipt(payment.reference),
        amount=payment.amount,
        method_text=payment.method_label,
        date=payment.received_date,
        status=payment_texts.status_pill(payment, on=today),
        note=payment_texts.late_note(payment, on=today),
    )


def _news(recent: Sequence[Payment], now: datetime) -> tuple[NoticeBox, ...]:
    """Point to a payment that came back lately, as long as it is among the last ones."""
    returned = next((payment for payment in recent if payment.state == State.RETURNED), None)
    if returned is None:
        return ()
    events = returned.events.filter(kind="returned")
    event = events.exclude(outcome="stray").first()
    if event is None or now - event.at > _NEWS_FOR:
        return ()
    link = Link("Look at the payment", links.receipt(returned.reference))
    return (receipt_page.returned_notice(returned, event.code, link=link),)
