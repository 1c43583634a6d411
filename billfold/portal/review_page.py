"""The review page: what will happen, and the words the payer agrees to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.http import HttpResponse

from billfold import bankdays
from billfold.money import Money, total
from billfold.pages import access, links
from billfold.pages.access import PayerVisit
from billfold.pages.responses import SeeOther
from billfold.pages.templatetags import formatting
from billfold.pages.view_models import InvoiceAmount, ProblemSummary
from billfold.payments.funnel.messages import PRENOTE_FIRST
from billfold.payments.paying import payable_bills, review
from billfold.payments.paying.payable_bills import CURRENCY
from billfold.payments.paying.review import Draft, ReviewedPayment
from billfold.payments.reading.bills import Bill, UnpaidBills
from billfold.payments.rules.account_label import account_label
from billfold.portal import drafts, pay_views, payer_frame, payment_texts


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """Review and authorise. `authorization` is the stored text; `fingerprint` names exactly it."""

    reference: str
    fingerprint: str
    back_url: str
    lines: tuple[InvoiceAmount, ...]
    count_text: str
    method_title: str
    method_note: str
    date_text: str
    cancel_text: str
    reflected_by_text: str
    wait_text: str
    """Why the payment date is later than usual."""
    remember_text: str
    email: str
    authorization: str
    subtotal: Money
    fee: Money
    total: Money
    left_text: str
    reflected_text: str


@access.open_to_those_who_may_pay("GET")
def show_review(visit: PayerVisit, reference: str) -> HttpResponse:
    """Show what will happen, and the words the payer agrees to."""
    draft = drafts.find(visit.request, reference)
    if draft is None:
        if visit.find_payment(reference):
            return SeeOther(links.receipt(reference))
        return pay_views.begin_again(visit)
    visit.switch_to_owner(draft.customer_id)
    visit.check_may_pay()
    try:
        reviewed = prepare(visit, draft)
    except review.AccountGone:
        return pay_views.begin_again(visit)
    return render(visit, reviewed)


def prepare(visit: PayerVisit, draft: Draft) -> ReviewedPayment:
    """Put a draft of this visitor beside the books. Raises: review.AccountGone."""
    return review.prepare(
        draft,
        visit.person.actor(),
        profile=visit.profile,
        return_fee=visit.return_fee,
        now=visit.now,
    )


def render(
    visit: PayerVisit, reviewed: ReviewedPayment, *, problems: ProblemSummary | None = None
) -> HttpResponse:
    """Print the review."""
    unpaid = payable_bills.load(reviewed.draft.customer_id, on=visit.today)
    page = _build(visit, reviewed, unpaid)
    return payer_frame.render(visit, "review.html", page, problems=problems)


def _build(visit: PayerVisit, reviewed: ReviewedPayment, unpaid: UnpaidBills) -> ReviewPage:
    draft, account, amount = reviewed.draft, reviewed.account, reviewed.amount
    bank_name = f"{account.bank_name} · " if account.bank_name else ""
    cancel_until = payment_texts.cancel_until_text(reviewed.cutoff, visit)
    return ReviewPage(
        reference=draft.reference,
        fingerprint=reviewed.fingerprint(),
        back_url=links.change_choices(draft.reference),
        lines=tuple(
            _line(bill, draft.shares[bill.id]) for bill in unpaid.bills if bill.id in draft.shares
        ),
        count_text=formatting.plural(len(draft.shares), "invoice"),
        method_title=account_label(account.account_type, reviewed.last4),
        method_note=f"{bank_name}routing {account.routing_number}",
        date_text=payment_texts.file_day_text(reviewed.collect_on, on=visit.today)
        if visit.may_promise_days
        else "Later",
        cancel_text=f"You can cancel until {cancel_until}.",
        reflected_by_text=f"Reflected by {formatting.long_day(reviewed.reflected_by)}"
        if visit.may_promise_days
        else payment_texts.LATER,
        wait_text=_wait_text(visit, reviewed),
        remember_text="Yes" if draft.remember else "",
        email=visit.person.email,
        authorization=reviewed.authorization(),
        subtotal=amount,
        fee=Money(0),
        total=amount,
        left_text=_left_text(unpaid, draft.shares, on=visit.today),
        reflected_text=payment_texts.reflected_text(visit),
    )


def _line(bill: Bill, share: Money) -> InvoiceAmount:
    left = bill.payable - share
    text = f"{formatting.money(left)} of it stays due" if left.minor > 0 else ""
    return InvoiceAmount(bill.number, share, text)


def _wait_text(visit: PayerVisit, reviewed: ReviewedPayment) -> str:
    """Say why the payment waits, if it does."""
    usual = bankdays.file_day(visit.now, cutoff_eastern=reviewed.cutoff_eastern)
    return PRENOTE_FIRST if reviewed.collect_on > usual else ""


def _left_text(unpaid: UnpaidBills, shares: Mapping[UUID, Money], *, on: date) -> str:
    """Say what stays to be paid after a payment, and by when: what is late, the first day, the
    rest.
    """
    by_day: dict[date, Money] = {}
    for bill in unpaid.bills:
        left = bill.payable - shares.get(bill.id, Money(0, bill.payable.currency))
        if left.currency == CURRENCY and left.minor > 0:
            by_day[bill.due_date] = by_day.get(bill.due_date, Money(0)) + left
    if not by_day:
        return ""
    late = total((left for day, left in by_day.items() if day < on), CURRENCY)
    ahead = sorted(day for day in by_day if day >= on)
    all_left = formatting.money(unpaid.left - total(shares.values(), CURRENCY))
    if not late and len(ahead) == 1 and not unpaid.is_cut:
        return f"You leave {all_left} to pay by {formatting.short_day(ahead[0])}."
    parts = [f"{formatting.money(late)} is overdue"] if late else []
    if len(ahead) > 1 or (ahead and unpaid.is_cut):
        first = formatting.money(by_day[ahead[0]])
        parts.append(f"{first} by {formatting.short_day(ahead[0])}")
        ahead = ahead[1:]
    if unpaid.is_cut:
        parts.append("the rest later")
    elif ahead:
        span = f"between {formatting.short_day(ahead[0])} and " if len(ahead) > 1 else "by "
        parts.append(f"the rest {span}{formatting.short_day(ahead[-1])}")
    return f"You leave {all_left} to pay: {', '.join(parts)}."
