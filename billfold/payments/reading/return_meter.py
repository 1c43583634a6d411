"""Counts the biller's debits and returns for the return-rate meter of `rails.ach.return_rates`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from django.db import connection

from billfold.rails.ach import return_rates
from billfold.rails.ach.return_rates import Measure, Rate

_DEBITS = """
SELECT count(*) FROM payments_instruction i JOIN banking_bankfile f ON f.id = i.file_id
WHERE i.kind = 'payment' AND i.is_live AND f.sent_at IS NOT NULL
  AND f.effective_date BETWEEN %s AND %s
"""
_RETURNED = """
SELECT code, count(*) FROM payments_subjectevent
WHERE kind = 'returned' AND outcome <> 'stray' AND on_date BETWEEN %s AND %s GROUP BY code
"""

_RECORDED = """
SELECT code, count(*) FROM payments_subjectevent
WHERE kind = 'returned' AND outcome <> 'stray' AND at > %s GROUP BY code
"""


def measure(*, on: date) -> tuple[Rate, ...]:
    """Measure the returns of the sixty days up to that day against the debits sent in them."""
    window = return_rates.window(on)
    with connection.cursor() as cursor:
        cursor.execute(_DEBITS, window)
        debits = cursor.fetchone()[0]
        cursor.execute(_RETURNED, window)
        returned = dict(cursor.fetchall())
    return return_rates.rates(debits=debits, returned=returned)


def count_recorded_since(moment: datetime) -> Mapping[Measure, int]:
    """Count the returns that were recorded after a moment, by what they are measured as."""
    with connection.cursor() as cursor:
        cursor.execute(_RECORDED, [moment])
        returned = dict(cursor.fetchall())
    rates = return_rates.rates(debits=0, returned=returned)
    return {rate.measure: rate.returned for rate in rates}
