"""Finds the payments that an entry may mean when its trace number names none of ours."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from django.db import connection

_OF_AMOUNT: Final = """
SELECT i.amount_minor, i.rdfi, (array_agg(p.reference ORDER BY p.created_at DESC, p.id))[:10]
FROM payments_instruction i JOIN payments_payment p ON p.id = i.payment_id
WHERE i.is_live AND p.state IN ('in_transit', 'settled')
  AND (i.amount_minor, i.rdfi) IN (SELECT * FROM unnest(%s::bigint[], %s::text[]))
GROUP BY i.amount_minor, i.rdfi"""

LikelyPayments = dict[tuple[int, str], list[str]]
"""References of payments by amount and RDFI, newest first."""


def find_by_amount(wanted: Collection[tuple[int, str]]) -> LikelyPayments:
    """Find the payments in transit or settled that have an amount and a bank."""
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_OF_AMOUNT, [list(each) for each in zip(*sorted(wanted), strict=True)])
        return {(amount, rdfi): references for amount, rdfi, references in cursor.fetchall()}
