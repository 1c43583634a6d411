"""What a payer reads about a bill: where it stands, when it is due, what the page leaves out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from billfold.pages.templatetags import formatting
from billfold.pages.view_models import StatusPill
from billfold.payments.reading.bills import Bill, UnpaidBills
from billfold.portal import payment_texts

SOON_DAYS: Final = 7


def status_pill(bill: Bill, *, on: date) -> StatusPill:
    """Say in one word where a bill stands."""
    if not bill.balance:
        return payment_texts.PAID
    if bill.payable.minor <= 0:
        return payment_texts.PROCESSING if bill.processing else payment_texts.SCHEDULED
    if bill.is_past_due(on=on):
        return StatusPill("overdue", "Overdue")
    if (bill.due_date - on).days <= SOON_DAYS:
        return StatusPill("due-soon", "Due soon")
    return StatusPill("open", "Open")


def kind_text(bill: Bill) -> str:
    """Name what is no invoice of the billing system: a fee of the biller's own."""
    return "Return Fee" if bill.kind == "charge" else ""


def due_note(due: date, *, on: date) -> str:
    """Count the days to or since a due date."""
    days = (due - on).days
    if days == 0:
        return "today"
    if days < 0:
        return f"{formatting.plural(-days, 'day')} late"
    return f"in {formatting.plural(days, 'day')}"


def due_by_text(bills: Sequence[Bill], *, on: date) -> str:
    """Answer "Due By" for none, one, several and late bills: the earliest day comes first."""
    days = sorted({bill.due_date for bill in bills if bill.payable.minor > 0})
    if not days:
        return "Nothing due"
    late = [day for day in days if day < on]
    ahead = [day for day in days if day >= on]
    if late:
        after = f"; next {formatting.short_day(ahead[0])}" if ahead else ""
        return f"{formatting.day(late[0])}, past due{after}"
    first = formatting.day(ahead[0])
    return f"{first}, first of {len(ahead)}" if len(ahead) > 1 else first


def cut_text(unpaid: UnpaidBills) -> str:
    """Say that a page does not show all bills that are owed; nothing if it does."""
    if not unpaid.is_cut:
        return ""
    return f"Showing the {len(unpaid.bills):,} oldest of {unpaid.count:,} invoices"
