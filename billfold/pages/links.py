"""Addresses of the pages: those of payers first, then those of staff.

Payer pages are named by what has a name of its own; an invoice number may hold any sign.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import quote, urlencode
from uuid import UUID

from django.urls import reverse

from billfold.people.models import Person

PORTAL: Final = "/"
OFFICE: Final = "/office/"
BRAKE: Final = "/office/brake"
BRAKE_LIFTING: Final = "/office/brake/lifting"
SIGN_IN: Final = "/sign-in"
PASSWORD: Final = "/password"  # noqa: S105  an address
PAYMENT_METHODS: Final = "/payment-methods"
HISTORY: Final = "/payments"
INVOICES: Final = "/invoices"
HELP: Final = "/help"


def with_query(path: str, **fields: str) -> str:
    """Write an address with the fields that are not empty."""
    filled = {name: value for name, value in fields.items() if value}
    return f"{path}?{urlencode(filled)}" if filled else path


def home(person: Person) -> str:
    """Name the first page of a person's side."""
    return OFFICE if person.is_staff else PORTAL


def sign_in(next_url: str) -> str:
    """Name the sign-in page that leads on to another page."""
    return f"{SIGN_IN}?{urlencode({'next': next_url})}" if next_url != PORTAL else SIGN_IN


def invoice(number: str) -> str:
    return f"{INVOICES}/{quote(number, safe='')}"


def invoice_document(number: str) -> str:
    return f"{invoice(number)}/document.pdf"


def pay(invoice_numbers: Iterable[str] = ()) -> str:
    """Name the pay page, with these invoices ticked."""
    ticked = [("invoice", number) for number in invoice_numbers]
    return f"/pay?{urlencode(ticked)}" if ticked else "/pay"


def change_choices(reference: str) -> str:
    """Name the pay page with the choices of a draft."""
    return f"/pay?reference={reference}"


def review(reference: str) -> str:
    return f"/pay/{reference}"


def receipt(reference: str) -> str:
    """Name the page of one payment."""
    return f"{HISTORY}/{reference}"


def receipt_pdf(reference: str) -> str:
    return f"{receipt(reference)}/receipt.pdf"


def cancellation(reference: str) -> str:
    return f"{receipt(reference)}/cancellation"


def coupon(invoice_number: str = "") -> str:
    """Name the remittance coupon of one invoice, or of all that are due."""
    return with_query("/remittance-coupon", invoice=invoice_number)


def payment_method(method_id: UUID) -> str:
    return f"{PAYMENT_METHODS}/{method_id}"


def method_removal(method_id: UUID) -> str:
    return f"{payment_method(method_id)}/removal"


def help_article(slug: str) -> str:
    return f"{HELP}/{slug}"


def staff_payment(reference: str) -> str:
    return reverse("office:payment", args=[reference])


def staff_file(file_id: UUID) -> str:
    return reverse("office:file", args=[file_id])


def file_release(file_id: UUID) -> str:
    return reverse("office:release", args=[file_id])


def file_withdrawal(file_id: UUID) -> str:
    return reverse("office:withdrawal", args=[file_id])


def staff_case(case_id: UUID) -> str:
    return reverse("office:case", args=[case_id])


def case_resolution(case_id: UUID) -> str:
    return reverse("office:resolution", args=[case_id])


def case_notes(case_id: UUID) -> str:
    return reverse("office:notes", args=[case_id])


def staff_message(notice_id: UUID) -> str:
    return reverse("office:message", args=[notice_id])
