"""What a payer reads about a payment: where it stands, its days and promises, its fee."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime, time
from typing import Final

from django.utils import timezone

from billfold import bankdays
from billfold.money import Money
from billfold.pages import biller_context
from billfold.pages.access import PayerVisit
from billfold.pages.templatetags import formatting
from billfold.pages.view_models import StatusPill
from billfold.payments.models import Payment
from billfold.payments.rules.lifecycle import State

PAID: Final = StatusPill("paid", "Paid")
PROCESSING: Final = StatusPill("processing", "Processing")
SCHEDULED: Final = StatusPill("scheduled", "Scheduled")
_TAKEN_IN: Final = "Payments are taken in and go out later: we cannot name a day just now."
LATER: Final = "It goes out later: we cannot name a day just now."
_PILLS: Final = {
    State.SCHEDULED: PROCESSING,
    State.IN_TRANSIT: PROCESSING,
    State.UNKNOWN: StatusPill("processing", "Being confirmed"),
    State.SETTLED: PAID,
    State.RETURNED: StatusPill("returned", "Returned"),
    State.FAILED: StatusPill("returned", "Not paid"),
    State.CANCELED: StatusPill("open", "Canceled"),
}


def status_pill(payment: Payment, *, on: date) -> StatusPill:
    """Say in one word where a payment stands. Paid means that the money is in."""
    if payment.state == State.SCHEDULED and payment.collect_on > on:
        return SCHEDULED
    return _PILLS[State(payment.state)]


def late_note(payment: Payment, *, on: date) -> str:
    """Own up to a promise that was not kept; nothing while it may still be."""
    if payment.reflected_by is None or not payment.is_late(on=on):
        return ""
    return f"Expected by {formatting.short_day(payment.reflected_by)}. We are looking into it."


def moment_text(moment: datetime, *, now: datetime) -> str:
    """Write "5:00 pm ET today" or "5:00 pm ET on Monday, Nov 30"."""
    if timezone.localdate(moment) == timezone.localdate(now):
        return f"{formatting.moment(moment)} today"
    return f"{formatting.moment(moment)} on {formatting.long_day(moment)}"


def cancel_until_text(cutoff: datetime, visit: PayerVisit) -> str:
    """Say until when a payment can be canceled that goes with that cut-off."""
    return moment_text(cutoff, now=visit.now) if visit.may_promise_days else "it goes out"


def file_day_text(day: date, *, on: date) -> str:
    """Name the day on which the bank gets the payment."""
    return f"Today, {formatting.long_day(day)}" if day == on else formatting.long_day(day)


def taken_in_text(visit: PayerVisit) -> str:
    """Say that payments go out later, while no day may be promised; else nothing."""
    return "" if visit.may_promise_days else _TAKEN_IN


def reflected_text(visit: PayerVisit) -> str:
    """Say how many days a bank payment takes; nothing of days while none may be promised."""
    return taken_in_text(visit) or biller_context.reflected_text(visit.profile.debit_days)


def promise_text(visit: PayerVisit) -> str:
    """Say by when a payment made at this moment reads Paid, and by when the first one of a new
    account that needs a prenote. Without a bank, a day that may be promised or a calendar, nothing.
    """
    cutoff_eastern, now, days = visit.cutoff_eastern, visit.now, visit.profile.debit_days
    if cutoff_eastern is None or not visit.may_promise_days:
        return ""
    with suppress(bankdays.UnknownYear):
        return _promise(now, cutoff_eastern, days, needs_prenotes=visit.needs_prenotes)
    return ""


def _promise(now: datetime, cutoff_eastern: time, days: int, *, needs_prenotes: bool) -> str:
    by = bankdays.reflected_by(now, cutoff_eastern=cutoff_eastern, days=days)
    promise = f"A bank payment made now is reflected by {formatting.long_day(by)}."
    if not needs_prenotes:
        return promise
    sent = bankdays.file_day(now, cutoff_eastern=cutoff_eastern)
    first = bankdays.prenote_clear(bankdays.next_banking_day(sent))
    later = formatting.long_day(bankdays.add_banking_days(first, days))
    return f"{promise} The first one from a personal account that is new to us: by {later}."


def return_fee_text(fee: Money) -> str:
    """Disclose the fee that a returned payment costs this customer; nothing if it costs none."""
    if not fee:
        return ""
    return f"Any returned payment is subject to a Return Fee of {formatting.money(fee)}."
