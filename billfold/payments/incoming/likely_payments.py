"""Which payments a return may mean that names none of ours."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

from billfold.rails.protocol import AnyEvent, Returned

_LIKELY = """
SELECT i.amount_minor, i.rdfi, (array_agg(p.reference ORDER BY p.created_at DESC, p.id))[:10]
FROM payments_instruction i JOIN payments_payment p ON p.id = i.payment_id
WHERE i.is_live AND p.state IN ('in_transit', 'settled')
  AND (i.amount_minor, i.rdfi) IN (SELECT * FROM unnest(%s::bigint[], %s::text[]))
GROUP BY i.amount_minor, i.rdfi"""

Suspects = dict[tuple[int, str], list[str]]
"""References by amount and bank, newest first."""


def of_returns(events: Iterable[AnyEvent]) -> Suspects:
    """Find what is in transit or settled with the amount and the bank of each return."""
    wanted = {(e.amount.minor, e.rdfi) for e in events if isinstance(e, Returned)}
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_LIKELY, [list(each) for each in zip(*sorted(wanted), strict=True)])
        return {(amount, rdfi): references for amount, rdfi, references in cursor.fetchall()}
