"""The remittance coupon: what to mail with a check, with a line that machines read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.http import HttpResponse

from billfold.money import Money, total
from billfold.pages import access, biller_context
from billfold.pages.access import PayerVisit
from billfold.pages.responses import clean
from billfold.payments.paying import payable_bills
from billfold.payments.paying.payable_bills import CURRENCY, is_payable
from billfold.payments.reading import bills
from billfold.payments.reading.bills import Bill
from billfold.portal import bill_texts, payer_frame

_AMOUNT_DIGITS: Final = 10
_NUMBERS_NAMED: Final = 3
_NUMBER_LENGTH: Final = 40


@dataclass(frozen=True, slots=True)
class CouponLine:
    number: str
    due_date: date
    amount_due: Money
    kind_text: str


@dataclass(frozen=True, slots=True)
class CouponPage:
    """What to mail. Without lines there is nothing to mail, and nothing to print."""

    customer_number: str
    customer_name: str
    due_by_text: str
    payable_to: str
    address: str
    reflected_text: str
    lines: tuple[CouponLine, ...]
    total: Money
    scan_line: str
    note: str


@access.open_to_payers("GET")
def coupon(visit: PayerVisit) -> HttpResponse:
    """Print exactly the invoices that the address names; or, without a number, all that are due."""
    numbers = {clean(number) for number in visit.request.GET.getlist("invoice")}
    chosen, note = _find_named(visit, numbers) if numbers else _find_due(visit)
    return payer_frame.render(visit, "coupon.html", _build(visit, chosen, note))


def _build(visit: PayerVisit, chosen: Sequence[Bill], note: str) -> CouponPage:
    payable = [bill for bill in chosen if is_payable(bill)]
    amount = total((bill.payable for bill in payable), CURRENCY)
    return CouponPage(
        customer_number=visit.customer.number,
        customer_name=visit.customer.name,
        due_by_text=bill_texts.due_by_text(payable, on=visit.today),
        payable_to=visit.profile.legal_name,
        address=visit.profile.remit_to,
        reflected_text=biller_context.details(visit.profile).mail_reflected_text,
        lines=tuple(
            CouponLine(bill.number, bill.due_date, bill.payable, bill_texts.kind_text(bill))
            for bill in payable
        ),
        total=amount,
        scan_line=scan_line(visit.customer.number, payable, amount) if payable else "",
        note=note,
    )


def _find_named(visit: PayerVisit, numbers: set[str]) -> tuple[list[Bill], str]:
    """Find those invoices, never others; say which of them have nothing to pay by check."""
    named = bills.by_numbers(visit.customer.id, numbers, on=visit.today)
    missing = sorted(numbers - {bill.number for bill in named if is_payable(bill)})
    if not missing:
        return named, ""
    listed = ", ".join(number[:_NUMBER_LENGTH] for number in missing[:_NUMBERS_NAMED])
    rest = len(missing) - _NUMBERS_NAMED
    more = f" and {rest:,} more" if rest > 0 else ""
    return named, f"There is nothing to mail for {listed}{more}."


def _find_due(visit: PayerVisit) -> tuple[list[Bill], str]:
    unpaid = payable_bills.load(visit.customer.id, on=visit.today)
    if not any(is_payable(bill) for bill in unpaid.bills):
        return [], "There is nothing to mail: nothing is due now."
    cut = bill_texts.cut_text(unpaid)
    return unpaid.bills, f"{cut}." if cut else ""


def scan_line(customer_number: str, payable: Sequence[Bill], amount: Money) -> str:
    """Write account, first invoice, amount in cents and a check digit over all of them."""
    parts = [
        _letters_and_digits(customer_number),
        _letters_and_digits(payable[0].number),
        f"{amount.minor:0{_AMOUNT_DIGITS}d}",
    ]
    return " ".join([*parts, str(check_digit("".join(parts)))])


def _letters_and_digits(text: str) -> str:
    return "".join(c for c in text.upper() if c.isascii() and c.isalnum())


def check_digit(text: str) -> int:
    """Compute the digit that betrays a misread line: modulus 10, weights 2 and 1 from the right.

    Letters count as 10 to 35. Source: ISO/IEC 7812-1, annex B (Luhn).
    """
    digits = "".join(str(int(c, 36)) for c in text)
    weighed = (int(d) * (2 - place % 2) for place, d in enumerate(reversed(digits)))
    return -sum(w // 10 + w % 10 for w in weighed) % 10
