"""Exports payments for the billing system: one row for each invoice a payment names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC
from typing import Any, Final

from django.db import connection

from billfold.ledger import book
from billfold.ledger.chart import UNAPPLIED
from billfold.money import Money
from billfold.payments.reading.export_file import ExportKind, ExportLine
from billfold.platform.feed import FeedWindow

_CHUNK: Final = 1_000

_QUERY: Final = """
WITH news AS (
    SELECT id FROM platform_feedrow WHERE number > %(since)s AND number <= %(through)s
), changed AS (
    SELECT id FROM payments_payment
    WHERE feed_row_id BETWEEN %(first_id)s AND %(last_id)s AND feed_row_id IN (SELECT id FROM news)
    UNION
    SELECT p.id FROM payments_subjectevent e
    JOIN payments_payment p ON p.reference = substr(e.subject, 9)
    WHERE starts_with(e.subject, 'payment/')
      AND e.feed_row_id BETWEEN %(first_id)s AND %(last_id)s
      AND e.feed_row_id IN (SELECT id FROM news)
)
SELECT p.reference, c.number, p.amount_minor, p.currency, p.state, p.received_date,
       fact.settled_on, fact.returned_on, coalesce(fact.return_code, ''),
       greatest(p.created_at, fact.last_at)
FROM changed JOIN payments_payment p ON p.id = changed.id
JOIN receivables_customer c ON c.id = p.customer_id
LEFT JOIN LATERAL (
    SELECT min(e.on_date) FILTER (WHERE e.kind = 'settled') AS settled_on,
           min(e.on_date) FILTER (WHERE e.kind = 'returned') AS returned_on,
           min(e.code) FILTER (WHERE e.kind = 'returned') AS return_code,
           max(e.at) AS last_at
    FROM payments_subjectevent e
    WHERE e.subject = 'payment/' || p.reference AND e.outcome <> 'stray'
) fact ON true
ORDER BY p.created_at, p.id
"""
_REMITTED: Final = """
SELECT p.reference, i.kind || '/' || i.number, r.amount_minor
FROM payments_payment p JOIN payments_remittance r ON r.payment_id = p.id
JOIN receivables_invoice i ON i.id = r.invoice_id
WHERE p.reference = ANY(%s) ORDER BY i.number
"""


@dataclass(frozen=True, slots=True)
class ExportRow:
    """One payment on one invoice, as text. `applied` is what stands on the invoice now."""

    reference: str
    customer_number: str
    invoice_number: str
    amount: str
    applied: str
    payment_amount: str
    currency: str
    state: str
    received_date: str
    settled_on: str
    returned_on: str
    return_code: str
    changed_at: str


def _read(window: FeedWindow) -> Iterator[ExportLine]:
    """Read the payments made or changed, oldest first; each counts once, on the day it came."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(_QUERY, asdict(window))
        while chunk := cursor.fetchmany(_CHUNK):
            shares = _load_shares([reference for reference, *_ in chunk])
            for payment in chunk:
                reference, _, total, currency, _, received, *_ = payment
                amount: Money | None = Money(total, currency)
                for number, share in shares.get(reference, _NO_SHARES).items():
                    yield ExportLine(_row(payment, number, share), received, amount)
                    amount = None  # A payment of several invoices counts once.


@dataclass(slots=True)
class _InvoiceShare:
    """What a payment is meant to pay on an invoice, and what of it stands there."""

    remitted_minor: int = 0
    applied_minor: int = 0


_NO_SHARES: Final[Mapping[str, _InvoiceShare]] = {"": _InvoiceShare()}


def _load_shares(references: Sequence[str]) -> dict[str, dict[str, _InvoiceShare]]:
    """Read what payments are for and what they paid: reference -> number of an invoice -> both."""
    shares: dict[str, dict[str, _InvoiceShare]] = {}

    def share(reference: str, subject: str) -> _InvoiceShare:
        of_payment = shares.setdefault(reference, {})
        return of_payment.setdefault(subject.partition("/")[2], _InvoiceShare())

    with connection.cursor() as cursor:
        cursor.execute(_REMITTED, [list(references)])
        for reference, subject, minor in cursor.fetchall():
            share(reference, subject).remitted_minor = minor
    sources = {UNAPPLIED.of(f"payment/{reference}"): reference for reference in references}
    for applied in book.applications_of(sources):
        share(sources[applied.source], applied.target.subject).applied_minor += applied.amount.minor
    return shares


def _row(payment: tuple[Any, ...], number: str, share: _InvoiceShare) -> ExportRow:
    reference, customer, total, currency, state, received, settled, returned, *rest = payment
    code, changed = rest
    return ExportRow(
        reference=reference,
        customer_number=customer,
        invoice_number=number,
        amount=Money(share.remitted_minor, currency).plain(),
        applied=Money(share.applied_minor, currency).plain(),
        payment_amount=Money(total, currency).plain(),
        currency=currency,
        state=state,
        received_date=received.isoformat(),
        settled_on=settled.isoformat() if settled else "",
        returned_on=returned.isoformat() if returned else "",
        return_code=code,
        changed_at=changed.astimezone(UTC).isoformat(timespec="seconds"),
    )


PAYMENTS: Final = ExportKind("payments", ExportRow, _read)
