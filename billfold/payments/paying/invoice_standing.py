"""What can still be paid on invoices: open less reserved, read in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from billfold.money import Money


class NotPositive(Exception):
    """An amount must be above zero."""

    def __init__(self, invoice_id: UUID) -> None:
        super().__init__(str(invoice_id))
        self.invoice_id = invoice_id


class ExceedsPayable(Exception):
    """More was requested than can still be paid on the invoice."""

    def __init__(self, *, invoice_id: UUID, number: str, payable: Money, requested: Money) -> None:
        super().__init__(f"{number}: requested {requested}, payable {payable}")
        self.invoice_id = invoice_id
        self.number = number
        self.payable = payable
        self.requested = requested


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


class PayableLeft:
    """What can still be paid on locked invoices, while one share after the other is taken of it."""

    def __init__(self, invoices: Mapping[UUID, InvoiceStanding]) -> None:
        self._invoices = invoices
        self._left = {invoice_id: invoice.payable for invoice_id, invoice in invoices.items()}

    def take(self, invoice_id: UUID, amount: Money) -> None:
        """Take a share. Raises: NotPositive, ExceedsPayable."""
        left = self._left[invoice_id]
        if amount.minor <= 0:
            raise NotPositive(invoice_id)
        if amount > left:
            raise ExceedsPayable(
                invoice_id=invoice_id,
                number=self._invoices[invoice_id].number,
                payable=left,
                requested=amount,
            )
        self._left[invoice_id] = left - amount


_QUERY = """
SELECT i.id, i.kind || '/' || i.number, i.number, i.customer_id, i.currency,
       s.open_minor, s.reserved_minor
FROM payments_standing(%s::uuid[], NULL) s JOIN receivables_invoice i ON i.id = s.invoice_id
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
