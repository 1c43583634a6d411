"""Finding payments by what people have at hand: a number on a letter, a name, a trace."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from billfold.money import Money, NotAnAmount
from billfold.payments.models import Instruction, Payment, PaymentMethod, Remittance
from billfold.receivables.models import Customer


def matching(asked: str) -> QuerySet[Payment]:
    """Find payments by what names them, by their amount, or by how the bank account ends.

    That is a reference or its beginning, a trace, an account #, a customer or an invoice #.
    """
    if not asked:
        return Payment.objects.all()
    either = [asked, asked.upper()]
    customers = Customer.objects.filter(Q(number__in=either) | Q(name__icontains=asked))
    by_reference = Payment.objects.filter(
        Q(reference__startswith=asked) | Q(reference__startswith=asked.upper())
    )
    by_trace = Instruction.objects.filter(odfi=asked[:8], trace=asked)
    by_customer = Payment.objects.filter(customer__in=customers)
    by_invoice = Remittance.objects.filter(
        Q(invoice__number__in=either) | Q(invoice__reference__in=either)
    )
    by_bank_account = Payment.objects.filter(
        method__in=PaymentMethod.objects.filter(account_last4=asked)
    )
    # A union of indexed look-ups; joined by OR, the server would read every payment.
    found = by_reference.values("id").union(
        by_trace.values("payment_id"),
        by_customer.values("id"),
        by_invoice.values("payment_id"),
        by_bank_account.values("id"),
        *_by_amount(asked),
    )
    return Payment.objects.filter(pk__in=found)


def _by_amount(asked: str) -> list[QuerySet[Payment, Any]]:
    """Find payments of an amount, if one was typed."""
    try:
        minor = Money.parse(asked).minor
    except NotAnAmount:
        return []
    return [Payment.objects.filter(amount_minor=minor).values("id")]
