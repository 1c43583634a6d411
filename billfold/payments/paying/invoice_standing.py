"""What can still be paid on invoices: open less reserved, read in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from billfold.money import Money
from billfold.payments.rules.lifecycle import RESERVING


@dataclass(frozen=True, slots=True)
class InvoiceStanding:
    """What is open, reserved, in transit and payable on one invoice."""

    invoice_id: UUID
    number: str
    customer_id: UUID
    open: Money
    reserved: Money
    processing: Money
    """Paid by money that is not settled yet: applied already, so not part of `open`."""

    @property
    def payable(self) -> Money:
        return self.open - self.reserved


_STATES = [state.value for state in RESERVING]
_QUERY = """
WITH wanted AS (
    SELECT i.id, i.number, i.kind, i.customer_id, i.currency
    FROM receivables_invoice i WHERE i.id = ANY(%(ids)s)
), reserved AS (
    SELECT r.invoice_id, sum(r.amount_minor) AS minor
    FROM payments_remittance r JOIN payments_payment p ON p.id = r.payment_id
    WHERE r.invoice_id IN (SELECT id FROM wanted) AND p.state = ANY(%(reserving)s)
      AND p.id <> ALL(%(leaving_out)s::uuid[])
    GROUP BY r.invoice_id
), processing AS (
    SELECT a.invoice_id, sum(a.amount_minor) AS minor
    FROM payments_application a JOIN payments_payment p ON p.id = a.payment_id
    WHERE a.invoice_id IN (SELECT id FROM wanted) AND p.state = 'in_transit'
    GROUP BY a.invoice_id
)
SELECT wanted.id, wanted.number, wanted.customer_id, wanted.currency,
       coalesce(l.debits_minor - l.credits_minor, 0), coalesce(reserved.minor, 0)::bigint,
       coalesce(processing.minor, 0)::bigint
FROM wanted
LEFT JOIN ledger_account l ON l.code = 'receivable'
    AND l.subject = wanted.kind || '/' || wanted.number AND l.currency = wanted.currency
LEFT JOIN reserved ON reserved.invoice_id = wanted.id
LEFT JOIN processing ON processing.invoice_id = wanted.id
ORDER BY wanted.id
"""


def of_invoices(
    invoice_ids: Iterable[UUID], *, leaving_out: Sequence[UUID] = ()
) -> dict[UUID, InvoiceStanding]:
    """Read the standing of invoices. Payments in `leaving_out` do not count as reserving."""
    with connection.cursor() as cursor:
        cursor.execute(
            _QUERY,
            {
                "ids": list(invoice_ids),
                "leaving_out": list(leaving_out),
                "reserving": _STATES,
            },
        )
        return {
            row[0]: InvoiceStanding(
                invoice_id=row[0],
                number=row[1],
                customer_id=row[2],
                open=Money(row[4], row[3]),
                reserved=Money(row[5], row[3]),
                processing=Money(row[6], row[3]),
            )
            for row in cursor.fetchall()
        }


def lock(
    invoice_ids: Iterable[UUID], *, leaving_out: Sequence[UUID] = ()
) -> dict[UUID, InvoiceStanding]:
    """Lock invoices in the order of their ids, then read them. Needs an open transaction."""
    ids = list(invoice_ids)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM receivables_invoice WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE",
            [ids],
        )
    return of_invoices(ids, leaving_out=leaving_out)
