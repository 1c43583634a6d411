"""Reads a customer's bills: each invoice with what is open, in transit, reserved and payable."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from django.db import connection

from billfold.money import Money


class BillFilter(StrEnum):
    """Which bills a list holds."""

    ALL = "all"
    OPEN = "open"
    PENDING = "pending"
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
    """Of it, what payments that are not in a file yet will pay."""
    scheduled: Money
    """Of what is reserved, what goes out on a later day."""
    in_transit: Money
    """Paid by money that is not settled yet: no longer part of `open`."""

    @property
    def payable(self) -> Money:
        """What can still be paid, and so what is due."""
        return self.open - self.reserved

    @property
    def pending(self) -> Money:
        return self.reserved + self.in_transit

    @property
    def processing(self) -> Money:
        """What is under way: in transit, or going out by today. What is pending beyond it waits."""
        return self.pending - self.scheduled

    @property
    def balance(self) -> Money:
        """What counts until the money is in."""
        return self.open + self.in_transit

    @property
    def settled(self) -> Money:
        """What money that is in, and credits, took off."""
        return self.amount - self.balance

    def is_past_due(self, *, on: date) -> bool:
        """Say whether something is still to be paid after its day."""
        return self.payable.minor > 0 and on > self.due_date


@dataclass(frozen=True, slots=True)
class UnpaidBills:
    """The bills that are due first, and what all bills that are not paid add up to."""

    bills: list[Bill]
    count: int
    to_pay: int
    """How many of all still have something to pay."""
    left: Money
    """What is still to be paid on all of them."""
    balance: Money
    scheduled: Money
    processing: Money

    @property
    def pending(self) -> Money:
        return self.scheduled + self.processing

    @property
    def is_cut(self) -> bool:
        return self.count > len(self.bills)


_BILLS: Final = """
WITH bill AS (
    SELECT i.id, i.number, i.kind, i.reference, i.description, i.invoice_date, i.due_date,
           i.currency, m.amount_minor, s.open_minor, s.reserved_minor,
           s.later_minor AS scheduled_minor, s.in_transit_minor
    FROM payments_standing(
        ARRAY(SELECT id FROM receivables_invoice WHERE customer_id = %(customer)s),
        %(on)s) s
    JOIN receivables_invoice i ON i.id = s.invoice_id
    JOIN receivables_presentamount m ON m.invoice_id = i.id
)
"""
_COLUMNS: Final = """
SELECT id, number, kind, reference, description, invoice_date, due_date, currency, amount_minor,
       open_minor, reserved_minor, scheduled_minor, in_transit_minor{more}
FROM bill WHERE {condition} ORDER BY {order} LIMIT %(limit)s OFFSET %(offset)s
"""
_WIDTH: Final = 13
_BY_DUE: Final = "due_date, number"
_UNPAID: Final = "(open_minor <> 0 OR in_transit_minor <> 0)"
_TO_PAY: Final = "open_minor > reserved_minor"
_PENDING: Final = "reserved_minor + in_transit_minor > 0"
_VIEWS: Final = {
    BillFilter.ALL: "true",
    BillFilter.OPEN: _TO_PAY,
    BillFilter.PENDING: _PENDING,
    BillFilter.PAID: f"NOT {_UNPAID}",
}
_MATCHES_SEARCH: Final = """(%(search)s = '' OR strpos(lower(number), lower(%(search)s)) > 0
    OR strpos(lower(reference), lower(%(search)s)) > 0 OR amount_minor = %(minor)s)"""
_SUMS: Final = (
    "greatest(open_minor - reserved_minor, 0)",
    "open_minor + in_transit_minor",
    "scheduled_minor",
    "reserved_minor + in_transit_minor - scheduled_minor",
)
# A window counts all rows, also those that the limit leaves out.
_ALL_UNPAID: Final = ", ".join(
    [
        ", count(*) OVER ()",
        f"count(*) FILTER (WHERE {_TO_PAY}) OVER ()",
        *(
            f"coalesce(sum({part}) FILTER (WHERE currency = %(currency)s) OVER (), 0)::bigint"
            for part in _SUMS
        ),
    ]
)
_COUNTS: Final = f"""
SELECT {", ".join(f"count(*) FILTER (WHERE {_VIEWS[view]})" for view in BillFilter)},
       coalesce(sum(open_minor + in_transit_minor)
                FILTER (WHERE currency = %(currency)s), 0)::bigint,
       coalesce(sum(reserved_minor + in_transit_minor)
                FILTER (WHERE currency = %(currency)s), 0)::bigint
FROM bill WHERE {_MATCHES_SEARCH}
"""  # noqa: S608  built of constants


@dataclass(frozen=True, slots=True)
class BillCounts:
    """How many bills each view finds, and what they add up to in one currency."""

    by_view: dict[BillFilter, int]
    balance: Money
    pending: Money

    def of(self, view: BillFilter) -> int:
        return self.by_view[view]


def unpaid(customer_id: UUID, *, at_most: int, on: date, currency: str = "USD") -> UnpaidBills:
    """Read what is open or being paid, the oldest due first, and the sums of all: one query."""
    parameters = {**_values(customer_id, on), "limit": at_most, "offset": 0, "currency": currency}
    query = _COLUMNS.format(condition=_UNPAID, order=_BY_DUE, more=_ALL_UNPAID)
    with connection.cursor() as cursor:
        cursor.execute(_BILLS + query, parameters)
        rows = cursor.fetchall()
    count, to_pay, *sums = rows[0][_WIDTH:] if rows else [0] * (2 + len(_SUMS))
    left, balance, scheduled, processing = (Money(minor, currency) for minor in sums)
    return UnpaidBills(
        bills=[_bill(row) for row in rows],
        count=count,
        to_pay=to_pay,
        left=left,
        balance=balance,
        scheduled=scheduled,
        processing=processing,
    )


def by_ids(customer_id: UUID, invoice_ids: Sequence[UUID], *, on: date) -> list[Bill]:
    """Read those bills of the customer, the oldest due first."""
    return _read(customer_id, "id = ANY(%(ids)s)", _BY_DUE, on=on, ids=list(invoice_ids))


def by_numbers(customer_id: UUID, numbers: Iterable[str], *, on: date) -> list[Bill]:
    """Read the customer's bills with those numbers, the oldest due first."""
    return _read(customer_id, "number = ANY(%(numbers)s)", _BY_DUE, on=on, numbers=list(numbers))


def page(
    customer_id: UUID, view: BillFilter, *, on: date, search: str = "", limit: int, offset: int
) -> list[Bill]:
    """Read one page of a view, the newest first; search by number, reference or whole amount."""
    return _read(
        customer_id,
        f"{_VIEWS[view]} AND {_MATCHES_SEARCH}",
        "invoice_date DESC, number DESC",
        on=on,
        limit=limit,
        offset=offset,
        **_searched(search),
    )


def count(customer_id: UUID, *, on: date, search: str = "", currency: str = "USD") -> BillCounts:
    """Count the bills that a search finds, by view."""
    values = {**_values(customer_id, on), **_searched(search), "currency": currency}
    with connection.cursor() as cursor:
        cursor.execute(_BILLS + _COUNTS, values)
        *by_view, balance, pending = cursor.fetchone()
    return BillCounts(
        by_view=dict(zip(BillFilter, by_view, strict=True)),
        balance=Money(balance, currency),
        pending=Money(pending, currency),
    )


def _searched(search: str) -> dict[str, Any]:
    try:
        minor = Money.parse(search).minor
    except ValueError:
        minor = -1
    return {"search": search, "minor": minor}


def _values(customer_id: UUID, on: date) -> dict[str, Any]:
    return {"customer": customer_id, "on": on}


def _read(customer_id: UUID, condition: str, order: str, *, on: date, **values: Any) -> list[Bill]:
    """Run the query. `condition` and `order` come from this file, never from input."""
    parameters = {**_values(customer_id, on), "limit": None, "offset": 0, **values}
    query = _COLUMNS.format(condition=condition, order=order, more="")
    with connection.cursor() as cursor:
        cursor.execute(_BILLS + query, parameters)
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
        scheduled=Money(row[11], currency),
        in_transit=Money(row[12], currency),
    )
