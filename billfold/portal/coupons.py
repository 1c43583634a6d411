"""The remittance coupon: what to mail with a check, with a line that machines read."""

from __future__ import annotations

from datetime import date
from typing import Final

from django.http import HttpRequest, HttpResponse

from billfold.money import Money, total
from billfold.pages import context
from billfold.pages.answers import allow, clean
from billfold.payments.reading import bills as owed
from billfold.payments.reading.bills import Bill
from billfold.platform import clock
from billfold.portal import till, wording
from billfold.portal.choices import is_payable
from billfold.portal.drafts import CURRENCY
from billfold.portal.shapes import Coupon, CouponLine
from billfold.portal.visits import Visit, signed_in

_AMOUNT_DIGITS: Final = 10
_NAMED: Final = 3
_SHOWN: Final = 40


@allow("GET")
@signed_in
def coupon(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Print exactly the invoices asked for; or, without a number, all that are due."""
    today = wording.local_day(clock.now())
    wanted = {clean(number) for number in request.GET.getlist("invoice")}
    found, note = _wanted(visit, wanted, today) if wanted else _all_due(visit, today)
    listed = [bill for bill in found if is_payable(bill)]
    profile = context.profile(request)
    amount = total((bill.payable for bill in listed), CURRENCY)
    page = Coupon(
        account_number=visit.customer.number,
        customer_name=visit.customer.name,
        due_by_text=wording.due_by(listed, on=today),
        payable_to=profile.legal_name,
        address=profile.remit_to,
        reflected_text=context.shape(profile).mail_reflected_text,
        lines=tuple(
            CouponLine(bill.number, bill.due_date, bill.payable, wording.kind_text(bill))
            for bill in listed
        ),
        total=amount,
        scan_line=scan_line(visit.customer.number, listed, amount) if listed else "",
        note=note,
    )
    return visit.show("coupon.html", page)


def _wanted(visit: Visit, wanted: set[str], today: date) -> tuple[list[Bill], str]:
    """Find those invoices, never others; say which of them have nothing to pay by check."""
    found = owed.named(visit.customer.id, wanted, on=today)
    missing = sorted(wanted - {bill.number for bill in found if is_payable(bill)})
    if not missing:
        return found, ""
    named = ", ".join(number[:_SHOWN] for number in missing[:_NAMED])
    more = f" and {len(missing) - _NAMED:,} more" if len(missing) > _NAMED else ""
    return found, f"There is nothing to mail for {named}{more}."


def _all_due(visit: Visit, today: date) -> tuple[list[Bill], str]:
    unpaid = owed.unpaid(visit.customer.id, at_most=till.AT_MOST_ROWS, on=today)
    if not any(is_payable(bill) for bill in unpaid.bills):
        return [], "There is nothing to mail: nothing is due now."
    cut = till.cut_text(unpaid)
    return unpaid.bills, f"{cut}." if cut else ""


def scan_line(account: str, listed: list[Bill], amount: Money) -> str:
    """Write account, first invoice, amount in cents and a check digit over all of them."""
    parts = [_bare(account), _bare(listed[0].number), f"{amount.minor:0{_AMOUNT_DIGITS}d}"]
    return " ".join([*parts, str(check_digit("".join(parts)))])


def _bare(text: str) -> str:
    return "".join(c for c in text.upper() if c.isascii() and c.isalnum())


def check_digit(text: str) -> int:
    """Make the digit that tells a misread line: modulus 10, weights 2 and 1 from the right.

    Letters count as 10 to 35. Source: ISO/IEC 7812-1, annex B (Luhn).
    """
    digits = "".join(str(int(c, 36)) for c in text)
    weighed = (int(d) * (2 - place % 2) for place, d in enumerate(reversed(digits)))
    return -sum(w // 10 + w % 10 for w in weighed) % 10
