"""What a customer is shown of its bills: each invoice with what is open, under way and payable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from django.db import connection

from billfold.money import Money
from billfold.payments.lifecycle import RESERVING


class View(StrEnum):
    """Which bills a list shows."""

    ALL = "all"
    OPEN = "open"
    PAID = "paid"


@dataclass(frozen=True, slots=True)
class Bill:
    """One invoice as its payer sees it."""

    id: UUID
    number: str
    kind: str
    reference: str
    description: str
    invoice_date: date
    due_date: date
    amount: Money
    open: Money
    """The balance of its receivable."""
    reserved: Money
    """Of it, what scheduled payments will pay."""
    processing: Money
    """Paid by money that is not settled yet: no longer part of `open`."""
    collect_on: date | None
    """The day of the last file that takes what is reserved."""

    @property
    def payable(self) -> Money:
        """What can still be paid, and so what is due."""
        return self.open - self.reserved

    @property
    def pending(self) -> Money:
        return self.reserved + self.processing

    @property
    def balance(self) -> Money:
        """What counts until the money is in."""
        return self.open + self.processing

    @property
    def settled(self) -> Money:
        """What money that is in, and credits, took off."""
        return self.amount - self.balance


_BILLS: Final = """
WITH reserved AS (
    SELECT r.invoice_id, sum(r.amount_minor)::bigint AS minor, max(p.collect_on) AS collect_on
    FROM payments_payment p JOIN payments_remittance r ON r.payment_id = p.id
    WHERE p.customer_id = %(customer)s AND p.state = ANY(%(reserving)s)
    GROUP BY r.invoice_id
), processing AS (
    SELECT a.invoice_id, sum(a.amount_minor)::bigint AS minor
    FROM payments_payment p JOIN payments_application a ON a.payment_id = p.id
    WHERE p.customer_id = %(customer)s AND p.state = 'in_transit'
    GROUP BY a.invoice_id
), bill AS (
    SELECT i.id, i.number, i.kind, i.reference, i.description, i.invoice_date, i.due_date,
           i.currency, i.amount_minor,
           coalesce(l.debits_minor - l.credits_minor, 0) AS open_minor,
           coalesce(reserved.minor, 0) AS reserved_minor,
           coalesce(processing.minor, 0) AS processing_minor,
           reserved.collect_on
    FROM receivables_invoice i
    LEFT JOIN ledger_account l ON l.code = 'receivable'
        AND l.subject = i.kind || '/' || i.number AND l.currency = i.currency
    LEFT JOIN reserved ON reserved.invoice_id = i.id
    LEFT JOIN processing ON processing.invoice_id = i.id
    WHERE i.customer_id = %(customer)s
)
"""
_COLUMNS: Final = """
SELECT id, number, kind, reference, description, invoice_date, due_date, currency, amount_minor,
       open_minor, reserved_minor, processing_minor, collect_on
FROM bill WHERE {condition} ORDER BY {order} LIMIT %(limit)s OFFSET %(offset)s
"""
_UNPAID: Final = "(open_minor <> 0 OR processing_minor <> 0)"
_VIEWS: Final = {View.ALL: "true", View.OPEN: _UNPAID, View.PAID: f"NOT {_UNPAID}"}
_FOUND: Final = """(%(search)s = '' OR strpos(lower(number), lower(%(search)s)) > 0
    OR strpos(lower(reference), lower(%(search)s)) > 0 OR amount_minor = %(minor)s)"""
_COUNTS: Final = f"""
SELECT count(*), count(*) FILTER (WHERE {_UNPAID}),
       coalesce(sum(open_minor + processing_minor)
                FILTER (WHERE currency = %(currency)s), 0)::bigint
FROM bill WHERE {_FOUND}
"""  # noqa: S608  built of constants


@dataclass(frozen=True, slots=True)
class Counts:
    """How many bills each view finds, and what they add up to in one currency."""

    all: int
    open: int
    balance: Money

    @property
    def paid(self) -> int:
        return self.all - self.open

    def of(self, view: View) -> int:
        return {View.ALL: self.all, View.OPEN: self.open, View.PAID: self.paid}[view]


def unpaid(customer_id: UUID, *, at_most: int) -> list[Bill]:
    """Read what is open or being paid, the oldest due first: one query."""
    return _read(customer_id, _UNPAID, "due_date, number", limit=at_most)


def some(customer_id: UUID, invoice_ids: Sequence[UUID]) -> list[Bill]:
    """Read those bills of the customer, the oldest due first."""
    return _read(customer_id, "id = ANY(%(ids)s)", "due_date, number", ids=list(invoice_ids))


def page(customer_id: UUID, view: View, *, search: str = "", limit: int, offset: int) -> list[Bill]:
    """Read one page of a view, the newest first; search by number, reference or whole amount."""
    return _read(
        customer_id,
        f"{_VIEWS[view]} AND {_FOUND}",
        "invoice_date DESC, number DESC",
        limit=limit,
        offset=offset,
        **_searched(search),
    )


def count(customer_id: UUID, *, search: str = "", currency: str = "USD") -> Counts:
    """Count the bills that a search finds, by view."""
    values = {**_values(customer_id), **_searched(search), "currency": currency}
    with connection.cursor() as cursor:
        cursor.execute(_BILLS + _COUNTS, values)
        row: tuple[int, int, int] = cursor.fetchone()
    return Counts(all=row[0], open=row[1], balance=Money(row[2], currency))


def _searched(search: str) -> dict[str, Any]:
    try:
        minor = Money.parse(search).minor
    except ValueError:
        minor = -1
    return {"search": search, "minor": minor}


def _values(customer_id: UUID) -> dict[str, Any]:
    return {"customer": customer_id, "reserving": [state.value for state in RESERVING]}


def _read(customer_id: UUID, condition: str, order: str, **values: Any) -> list[Bill]:
    """Run the query. `condition` and `order` come from this file, never from input."""
    given = {**_values(customer_id), "limit": None, "offset": 0, **values}
    with connection.cursor() as cursor:
        cursor.execute(_BILLS + _COLUMNS.format(condition=condition, order=order), given)
        return [_bill(row) for row in cursor.fetchall()]


def _bill(row: Sequence[Any]) -> Bill:
    currency = row[7]
    return Bill(
        id=row[0],
        number=row[1],
        kind=row[2],
        reference=row[3],
        description=row[4],
        invoice_date=row[5],
        due_date=row[6],
        amount=Money(row[8], currency),
        open=Money(row[9], currency),
        reserved=Money(row[10], currency),
        processing=Money(row[11], currency),
        collect_on=row[12],
    )
