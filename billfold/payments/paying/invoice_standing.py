"""What can still be paid on invoices: open less reserved, read in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from billfold.money import Money


@dataclass(frozen=True, slots=True)
class InvoiceStanding:
    """What is open, reserved and payable on one invoice."""

    invoice_id: UUID
    subject: str
    """Its name in the ledger."""
    number: str
    customer_id: UUID
    open: Money
    reserved: Money

    @property
    def payable(self) -> Money:
        return self.open - self.reserved


_QUERY = """
SELECT i.id, i.kind || '/' || i.number, i.number, i.customer_id, i.currency,
       s.open_minor, s.reserved_minor
FROM payments_standing(%s::uuid[], NULL, '{}') s JOIN receivables_invoice i ON i.id = s.invoice_id
ORDER BY i.id
"""


def of_invoices(invoice_ids: Iterable[UUID]) -> dict[UUID, InvoiceStanding]:
    """Read the standing of invoices."""
    with connection.cursor() as cursor:
        cursor.execute(_QUERY, [list(invoice_ids)])
        rows = cursor.fetchall()
    return {
        invoice_id: InvoiceStanding(
            invoice_id=invoice_id,
            subject=subject,
            number=number,
            customer_id=customer_id,
            open=Money(open_minor, currency),
            reserved=Money(reserved_minor, currency),
        )
        for invoice_id, subject, number, customer_id, currency, open_minor, reserved_minor in rows
    }


def lock(invoice_ids: Iterable[UUID]) -> dict[UUID, InvoiceStanding]:
    """Lock invoices in the order of their ids, then read them. Needs an open transaction."""
    ids = list(invoice_ids)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM receivables_invoice WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE",
            [ids],
        )
    return of_invoices(ids)
