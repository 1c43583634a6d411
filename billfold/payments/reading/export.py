"""Exports payments for the billing system: one row for each invoice a payment names."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any, Final, TextIO

from django.db import connection, transaction

from billfold.money import Money
from billfold.receivables.imports import formula_mark

_CHUNK: Final = 2_000

_QUERY: Final = """
SELECT p.reference, c.number, coalesce(i.number, ''), coalesce(share.amount, 0)::bigint,
       coalesce(share.applied, 0)::bigint, p.amount_minor, p.currency, p.state, p.received_date,
       fact.settled_on, fact.returned_on, coalesce(fact.return_code, ''),
       greatest(p.created_at, fact.last_at)
FROM payments_payment p JOIN receivables_customer c ON c.id = p.customer_id
LEFT JOIN LATERAL (
    SELECT min(e.on_date) FILTER (WHERE e.kind = 'settled') AS settled_on,
           min(e.on_date) FILTER (WHERE e.kind = 'returned') AS returned_on,
           min(e.code) FILTER (WHERE e.kind = 'returned') AS return_code,
           max(e.at) AS last_at
    FROM payments_paymentevent e WHERE e.payment_id = p.id AND e.outcome <> 'stray'
) fact ON true
LEFT JOIN LATERAL (
    SELECT invoice_id, sum(remitted) AS amount, sum(applied) AS applied
    FROM (
        SELECT r.invoice_id, r.amount_minor AS remitted, 0 AS applied
        FROM payments_remittance r WHERE r.payment_id = p.id
        UNION ALL
        SELECT a.invoice_id, 0, a.amount_minor
        FROM payments_application a WHERE a.payment_id = p.id
    ) part GROUP BY invoice_id
) share ON true
LEFT JOIN receivables_invoice i ON i.id = share.invoice_id
WHERE p.created_at >= %(since)s OR fact.last_at >= %(since)s
ORDER BY p.created_at, p.id, i.number
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
            for row in chunk:
                yield _row(row)


def _row(values: tuple[Any, ...]) -> ExportRow:
    (reference, customer, invoice, amount, applied, total, currency, state, *days) = values
    received, settled, returned, code, changed = days
    return ExportRow(
        reference=reference,
        customer_number=customer,
        invoice_number=invoice,
        amount=Money(amount, currency).plain(),
        applied=Money(applied, currency).plain(),
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
