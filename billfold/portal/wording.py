"""The words for what stands in the books: statuses, days and promises, as a payer reads them."""

from __future__ import annotations

from datetime import date, datetime, time

from django.utils import timezone

from billfold import bankdays
from billfold.money import Money
from billfold.pages.shapes import Status
from billfold.pages.templatetags import bills as shown
from billfold.payments.models import Payment
from billfold.payments.reading.bills import Bill
from billfold.payments.rules.lifecycle import State
from billfold.receivables.models import Invoice

SOON_DAYS = 7
PAID = Status("paid", "Paid")
PROCESSING = Status("processing", "Processing")
SCHEDULED = Status("scheduled", "Scheduled")
_PAYMENT = {
    State.SCHEDULED: PROCESSING,
    State.IN_TRANSIT: PROCESSING,
    State.UNKNOWN: Status("processing", "Being confirmed"),
    State.SETTLED: PAID,
    State.RETURNED: Status("returned", "Returned"),
    State.FAILED: Status("returned", "Not paid"),
    State.CANCELED: Status("open", "Canceled"),
}


def local_day(now: datetime) -> date:
    """Give the day in the biller's zone, which is the current one."""
    return timezone.localtime(now).date()


def plural(count: int, word: str) -> str:
    """Write "1 invoice" or "2 invoices"."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def money(minor: int, of: Payment | Invoice) -> Money:
    """Give a part of a payment or an invoice its currency."""
    return Money(minor, of.currency)


def bill_status(bill: Bill, *, on: date) -> Status:
    """Say in one word where an invoice stands."""
    if not bill.balance:
        return PAID
    if bill.payable.minor <= 0:
        return PROCESSING if bill.processing else SCHEDULED
    if bill.is_past_due(on=on):
        return Status("overdue", "Overdue")
    if (bill.due_date - on).days <= SOON_DAYS:
        return Status("due-soon", "Due soon")
    return Status("open", "Open")


def kind_text(bill: Bill) -> str:
    """Name what is no invoice of the billing system: a fee of the biller's own."""
    return "Return Fee" if bill.kind == "charge" else ""


def return_fee_text(fee: Money) -> str:
    """Disclose the fee that a returned payment costs this customer; nothing if it costs none."""
    if not fee:
        return ""
    return f"Any returned payment is subject to a Return Fee of {shown.money(fee)}."


def due_note(due: date, *, on: date) -> str:
    """Count the days to or since a due date."""
    days = (due - on).days
    if days == 0:
        return "today"
    if days < 0:
        return f"{plural(-days, 'day')} late"
    return f"in {plural(days, 'day')}"


def payment_status(payment: Payment, *, on: date) -> Status:
    """Say in one word where a payment stands. Paid means that the money is in."""
    if payment.state == State.SCHEDULED and payment.collect_on > on:
        return SCHEDULED
    return _PAYMENT[State(payment.state)]


def late_note(payment: Payment, *, on: date) -> str:
    """Own up to a promise that was not kept; nothing while it may still be."""
    if not payment.is_late(on=on):
        return ""
    return f"Expected by {shown.short_day(payment.reflected_by)}. We are looking into it."


def moment_of_day(moment: datetime, *, now: datetime) -> str:
    """Write "5:00 pm ET today" or "5:00 pm ET on Monday, Nov 30"."""
    if local_day(moment) == local_day(now):
        return f"{shown.moment(moment)} today"
    return f"{shown.moment(moment)} on {shown.long_day(local_day(moment))}"


def file_day_text(day: date, *, on: date) -> str:
    """Name the day on which the bank is asked."""
    return f"Today, {shown.long_day(day)}" if day == on else shown.long_day(day)


def promise(
    now: datetime, cutoff_eastern: time | None, days: int, *, asks_first: bool = False
) -> str:
    """Say by when a payment made at this moment reads Paid, and by when the first one of a new
    account whose bank is asked first. Without a bank, nothing.
    """
    if cutoff_eastern is None:
        return ""
    by = bankdays.reflected_by(now, cutoff_eastern=cutoff_eastern, days=days)
    said = f"A bank payment made now is reflected by {shown.long_day(by)}."
    if not asks_first:
        return said
    sent = bankdays.file_day(now, cutoff_eastern=cutoff_eastern)
    first = bankdays.prenote_clear(bankdays.next_banking_day(sent))
    later = shown.long_day(bankdays.add_banking_days(first, days))
    return f"{said} The first one from a personal account that is new to us: by {later}."


def due_by(bills: list[Bill], *, on: date) -> str:
    """Answer "Due By" for none, one, several and late bills: the earliest day comes first."""
    days = sorted({bill.due_date for bill in bills if bill.payable.minor > 0})
    if not days:
        return "Nothing due"
    late = [day for day in days if day < on]
    ahead = [day for day in days if day >= on]
    if late:
        after = f"; next {shown.short_day(ahead[0])}" if ahead else ""
        return f"{shown.day(late[0])}, past due{after}"
    first = shown.day(ahead[0])
    return f"{first}, first of {len(ahead)}" if len(ahead) > 1 else first
