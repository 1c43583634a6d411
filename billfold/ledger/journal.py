"""The journal: what was booked between two account codes, in the order of the feed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from django.db import connection

from billfold.ledger.chart import Account, AccountCode
from billfold.money import Money
from billfold.platform.feed import FeedKind, FeedWindow

_CHUNK: Final = 2_000

_QUERY: Final = """
SELECT t.key, t.effective_date, t.posted_at, d.code, d.subject, c.code, c.subject,
       coalesce(d.party, c.party), t.amount_minor, t.currency, coalesce(original.key, '')
FROM platform_feedrow f
JOIN ledger_transfer t ON t.feed_row_id = f.id
JOIN ledger_account d ON d.id = t.debit_id
JOIN ledger_account c ON c.id = t.credit_id
LEFT JOIN ledger_transfer original ON original.id = t.reverses_id
WHERE f.kind = %(kind)s AND f.number > %(since)s AND f.number <= %(through)s
  AND t.feed_row_id BETWEEN %(first_id)s AND %(last_id)s
  AND (d.code, c.code) IN ((%(debit)s, %(credit)s), (%(credit)s, %(debit)s))
ORDER BY f.number, t.id
"""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A transfer between two account codes, or one the other way, which takes it back."""

    key: str
    effective_date: date
    posted_at: datetime
    debit: Account
    credit: Account
    party: UUID | None
    amount: Money
    """Below zero if it was booked the other way."""
    reverses: str
    """The key of the transfer it takes back."""


def entries(
    window: FeedWindow, *, debit: AccountCode, credit: AccountCode
) -> Iterator[list[JournalEntry]]:
    """Read, some at a time, what was booked from one code to the other, and the other way.

    Needs an open transaction. Accounts are given as of a booking that was not taken back.
    """
    with connection.chunked_cursor() as cursor:
        codes = {"debit": debit.value, "credit": credit.value}
        cursor.execute(_QUERY, {**asdict(window), "kind": FeedKind.TRANSFERS.value, **codes})
        while rows := cursor.fetchmany(_CHUNK):
            yield [
                JournalEntry(
                    key=row[0],
                    effective_date=row[1],
                    posted_at=row[2],
                    debit=Account(debit, row[4] if row[3] == debit else row[6]),
                    credit=Account(credit, row[6] if row[3] == debit else row[4]),
                    party=row[7],
                    amount=Money(row[8] if row[3] == debit else -row[8], row[9]),
                    reverses=row[10],
                )
                for row in rows
            ]
