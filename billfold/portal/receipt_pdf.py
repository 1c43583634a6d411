"""The receipt of one payment as a PDF."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

import typst
from django.http import HttpResponse
from django.utils import timezone

from billfold.pages import access, biller_context
from billfold.pages.access import PayerVisit
from billfold.pages.templatetags import formatting
from billfold.portal import receipt_page
from billfold.portal.receipt_page import ReceiptPage

_TEMPLATE: Final = Path(__file__).with_name("receipt.typ")


@access.open_to_payers("GET")
def receipt_pdf(visit: PayerVisit, reference: str) -> HttpResponse:
    """Give the receipt as a PDF."""
    payment = visit.open_payment(reference)
    content = _print(visit, receipt_page.build(visit, payment))
    response = HttpResponse(content, content_type="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="receipt-{reference}.pdf"'
    return response


def _print(visit: PayerVisit, receipt: ReceiptPage) -> bytes:
    """Print a receipt as a PDF that screen readers can read (PDF/UA-1)."""
    options: dict[str, Any] = {
        "format": "pdf",
        "sys_inputs": {"data": json.dumps(_data(visit, receipt))},
        "ignore_system_fonts": True,
        "timestamp": int(timezone.localtime(visit.now).timestamp()),
    }
    try:
        content: bytes = typst.compile(_template(), pdf_standards=["ua-1"], **options)
    except typst.TypstError:
        # Its font lacks a letter of some name, which the standard forbids. A receipt with a box in
        # that place is better than none.
        content = typst.compile(_template(), **options)
    return content


@cache
def _template() -> bytes:
    return _TEMPLATE.read_bytes()


def _data(visit: PayerVisit, receipt: ReceiptPage) -> dict[str, object]:
    """Write everything the template prints as text."""
    biller = biller_context.details(visit.profile)
    return {
        "title": f"{receipt.heading} {receipt.reference}",
        "heading": receipt.heading,
        "biller": biller.name,
        "status": receipt.status.word,
        "amount": formatting.money(receipt.amount),
        "details": [
            ["Confirmation", receipt.reference],
            ["Paid by", f"{receipt.customer_name}, Account # {receipt.customer_number}"],
            ["Paid from", receipt.paid_from],
            ["Paid to", f"{biller.legal_name}, {biller.support_phone}".rstrip(", ")],
            ["Authorized", receipt.authorized_text],
            ["On your bank statement", receipt.statement_text],
        ],
        "columns": ["Invoice #", "Invoice Date", "Invoice Amount", receipt.paid_label, "Still due"],
        "lines": [
            [
                line.number,
                formatting.day(line.invoice_date),
                formatting.money(line.invoice_amount),
                formatting.money(line.paid_now),
                formatting.money(line.still_due),
            ]
            for line in receipt.lines
        ],
        "total": [receipt.total_label, formatting.money(receipt.amount)],
        "steps_heading": receipt.steps_heading,
        "authorization": receipt.authorization,
        "steps": [[step.title, step.note.replace("\n", ", ")] for step in receipt.steps],
        "printed": f"As of {formatting.stamp(visit.now)}",
    }
