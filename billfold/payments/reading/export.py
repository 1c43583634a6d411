"""Exports payments for the billing system: one row for each invoice a payment names."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any, Final, TextIO

from django.db import connection, transaction

from billfold.ledger import book
from billfold.ledger.chart import UNAPPLIED
from billfold.money import Money
from billfold.receivables.imports import formula_mark

_CHUNK: Final = 1_000

_QUERY: Final = """
SELECT p.reference, c.number, p.amount_minor, p.currency, p.state, p.received_date,
       fact.settled_on, fact.returned_on, coalesce(fact.return_code, ''),
       greatest(p.created_at, fact.last_at)
FROM payments_payment p JOIN receivables_customer c ON c.id = p.customer_id
LEFT JOIN LATERAL (
    SELECT min(e.on_date) FILTER (WHERE e.kind = 'settled') AS settled_on,
           min(e.on_date) FILTER (WHERE e.kind = 'returned') AS returned_on,
           min(e.code) FILTER (WHERE e.kind = 'returned') AS return_code,
           max(e.at) AS last_at
    FROM payments_subjectevent e
    WHERE e.subject = 'payment/' || p.reference AND e.outcome <> 'stray'
) fact ON true
WHERE p.created_at >= %(since)s OR fact.last_at >= %(since)s
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


COLUMNS: Final = tuple(field.name for field in fields(ExportRow))


def rows(*, since: datetime) -> Iterator[ExportRow]:
    """Read the payments made or changed since a moment, oldest first. Opens the transaction."""
    with transaction.atomic(durable=True), connection.chunked_cursor() as cursor:
        cursor.execute(_QUERY, {"since": since})
        while chunk := cursor.fetchmany(_CHUNK):
            shares = _load_shares([reference for reference, *_ in chunk])
            for payment in chunk:
                for number, share in shares.get(payment[0], _NO_SHARES).items():
                    yield _row(payment, number, share)


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


def write_csv(payments: Iterator[ExportRow], to: TextIO) -> int:
    """Write rows as CSV with a first line of names; give their number."""
    writer = csv.writer(to, lineterminator="\n")
    writer.writerow(COLUMNS)
    count = 0
    for count, row in enumerate(payments, 1):  # noqa: B007  the last one is the number
        writer.writerow([formula_mark.add(value) for value in asdict(row).values()])
    return count


def write_json(payments: Iterator[ExportRow], to: TextIO) -> int:
    """Write rows as one JSON list, a row a line; give their number."""
    to.write("[")
    count = 0
    for count, row in enumerate(payments, 1):
        to.write("\n" if count == 1 else ",\n")
        json.dump(asdict(row), to)
    to.write("\n]\n")
    return count
