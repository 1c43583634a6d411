"""Finding payments by what people have at hand: a number on a letter, a name, a trace."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from billfold.money import Money, NotAnAmount
from billfold.payments.method_models import BankAccount
from billfold.payments.models import Instruction, Payment, Remittance
from billfold.receivables.models import Customer


def find_payments(query: str) -> QuerySet[Payment]:
    """Find payments by what names them, by their amount, or by how the bank account ends.

    That is a reference or its beginning, a trace, an account #, a customer or an invoice #.
    """
    if not query:
        return Payment.objects.all()
    spellings = [query, query.upper()]
    customers = Customer.objects.filter(Q(number__in=spellings) | Q(name__icontains=query))
    by_reference = Payment.objects.filter(
        Q(reference__startswith=query) | Q(reference__startswith=query.upper())
    )
    by_trace = Instruction.objects.filter(odfi=query[:8], trace=query)
    by_customer = Payment.objects.filter(customer__in=customers)
    by_invoice = Remittance.objects.filter(
        Q(invoice__number__in=spellings) | Q(invoice__reference__in=spellings)
    )
    by_bank_account = Payment.objects.filter(
        method__in=BankAccount.objects.filter(last4=query).values("method")
    )
    # A union of indexed look-ups; joined by OR, the server would read every payment.
    ids = by_reference.values("id").union(
        by_trace.values("payment_id"),
        by_customer.values("id"),
        by_invoice.values("payment_id"),
        by_bank_account.values("id"),
        *_by_amount(query),
    )
    return Payment.objects.filter(pk__in=ids)


def _by_amount(query: str) -> list[QuerySet[Payment, Any]]:
    """Find payments of an amount, if one was typed."""
    try:
        minor = Money.parse(query).minor
    except NotAnAmount:
        return []
    return [Payment.objects.filter(amount_minor=minor).values("id")]
