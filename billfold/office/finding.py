"""Finding payments by what people have at hand: a number on a letter, a name, a trace."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from billfold.payments.models import Instruction, Payment, Remittance
from billfold.receivables.models import Customer


def matching(asked: str) -> QuerySet[Payment]:
    """Find payments by reference or its beginning, trace, account #, customer or invoice #."""
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
    # A union of four indexed look-ups; joined by OR, the server would read every payment.
    found = by_reference.values("id").union(
        by_trace.values("payment_id"), by_customer.values("id"), by_invoice.values("payment_id")
    )
    return Payment.objects.filter(pk__in=found)
