"""Loads what bank lines may be matched with: for many lines, in a fixed number of queries."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection

from billfold.bankdays import EASTERN
from billfold.banking.models import BankLine
from billfold.payments.rules.lifecycle import State

ACH_CREDITS: Final = frozenset({"142", "165", "166", "167", "168"})
"""Lines that may be the total of our debit file. Source: BAI2 type codes."""
RETURN_DEBITS: Final = frozenset({"468", "556", "557", "558"})
"""Lines by which the bank takes returned money. Source: BAI2 type codes."""
DEBITED: Final = (State.IN_TRANSIT, State.SETTLED, State.RETURNED)
"""States of a payment that the bank may take back: it was asked for the money."""
SETTLES_WITHIN: Final = timedelta(days=10)
"""How late a bank may credit a file and still be understood without a person."""
_TRACE: Final = re.compile(r"(?<!\d)\d{15}(?!\d)")


@dataclass(frozen=True, slots=True)
class UnsettledFile:
    """A file that was sent and is not settled, and how much of it was returned meanwhile."""

    id: UUID
    name: str
    connection_id: UUID
    effective_date: date
    debit_minor: int
    returned_minor: int
    """Returned, and not taken back by the bank yet."""

    def may_be_credited_on(self, day: date) -> bool:
        return self.effective_date <= day <= self.effective_date + SETTLES_WITHIN


@dataclass(frozen=True, slots=True)
class TracedEntry:
    """An entry that a debit names by its trace, and the payment it asked for."""

    trace: str
    is_live: bool
    entry_minor: int
    currency: str
    payment_id: UUID
    reference: str
    payment_minor: int
    state: State
    created_at: datetime
    is_taken_back: bool


@dataclass(frozen=True, slots=True)
class LineCandidates:
    """What a set of bank lines may be matched with."""

    files: Sequence[UnsettledFile]
    """In the order in which they should be credited."""
    traces: Mapping[UUID, Sequence[str]]
    """Line -> the traces in its text."""
    entries: Mapping[str, Sequence[TracedEntry]]
    """Trace -> the entries that had it."""
    returned: Mapping[UUID, Sequence[str]]
    """Line that names no trace -> references of returned payments of its amount, two at most."""


def load(lines: Collection[BankLine]) -> LineCandidates:
    """Load what may explain these lines, as it stands now."""
    debits = [each for each in lines if not each.is_credit and each.type_code in RETURN_DEBITS]
    traces = {line.id: _TRACE.findall(line.text()) for line in debits}
    return LineCandidates(
        files=_load_files([line for line in lines if line.is_credit]),
        traces=traces,
        entries=_load_entries({trace for each in traces.values() for trace in each}),
        returned=_load_returned([line for line in debits if not traces[line.id]]),
    )


_NOT_TAKEN_BACK: Final = """NOT EXISTS (
        SELECT FROM payments_subjectevent e
        WHERE e.subject = 'payment/' || p.reference
          AND e.kind = 'takenback' AND e.outcome <> 'stray')"""
_FILES: Final = f"""
SELECT f.id, f.name, f.connection_id, f.effective_date, f.debit_minor, (
    SELECT coalesce(sum(p.amount_minor), 0)::bigint
    FROM payments_instruction i JOIN payments_payment p ON p.id = i.payment_id
    WHERE i.file_id = f.id AND i.is_live AND i.kind = 'payment' AND p.state = 'returned'
      AND {_NOT_TAKEN_BACK})
FROM banking_bankfile f
WHERE f.direction = 'out' AND f.state IN ('sending', 'sent', 'accepted') AND f.debit_minor > 0
  AND f.connection_id = ANY(%s) AND f.effective_date BETWEEN %s AND %s
  AND NOT EXISTS (
      SELECT FROM payments_instruction i JOIN payments_payment p ON p.id = i.payment_id
      JOIN payments_subjectevent e ON e.subject = 'payment/' || p.reference
      WHERE i.file_id = f.id AND i.is_live AND i.kind = 'payment'
        AND e.kind = 'settled' AND e.outcome <> 'stray')
ORDER BY f.effective_date, f.modifier
"""  # noqa: S608  built of constants


_RETURNED_OF_FILE: Final = f"""
SELECT p.reference FROM payments_instruction i JOIN payments_payment p ON p.id = i.payment_id
WHERE i.file_id = %s AND i.is_live AND i.kind = 'payment' AND p.state = 'returned'
  AND {_NOT_TAKEN_BACK}
ORDER BY p.id
"""  # noqa: S608  built of constants


def load_returned_of(file: UnsettledFile) -> list[str]:
    """Load the payments of a file that were returned and that the bank has not taken back."""
    with connection.cursor() as cursor:
        cursor.execute(_RETURNED_OF_FILE, [file.id])
        return [reference for (reference,) in cursor.fetchall()]


def _load_files(credits: Sequence[BankLine]) -> list[UnsettledFile]:
    """Load the files that were due when the credits came, and are not settled."""
    days = [line.as_of for line in credits if line.type_code in ACH_CREDITS]
    if not days:
        return []
    banks = list({line.connection_id for line in credits})
    with connection.cursor() as cursor:
        cursor.execute(_FILES, [banks, min(days) - SETTLES_WITHIN, max(days)])
        return [UnsettledFile(*row) for row in cursor.fetchall()]


_ENTRIES: Final = f"""
SELECT i.trace, i.is_live, i.amount_minor, i.currency, p.id, p.reference, p.amount_minor, p.state,
       p.created_at, NOT {_NOT_TAKEN_BACK}
FROM payments_instruction i JOIN payments_payment p ON p.id = i.payment_id
WHERE (i.odfi, i.trace) IN (SELECT left(trace, 8), trace FROM unnest(%s::text[]) trace)
  AND i.kind = 'payment'
ORDER BY i.is_live DESC, i.id
"""  # noqa: S608  built of constants


def _load_entries(traces: Collection[str]) -> dict[str, list[TracedEntry]]:
    entries: dict[str, list[TracedEntry]] = {trace: [] for trace in traces}
    if traces:
        with connection.cursor() as cursor:
            cursor.execute(_ENTRIES, [sorted(traces)])
            for trace, *others in cursor.fetchall():
                entries[trace].append(TracedEntry(trace, *others))
    return entries


_RETURNED: Final = f"""
SELECT line.id, ARRAY(
    SELECT p.reference FROM payments_payment p
    WHERE p.state = 'returned' AND p.amount_minor = line.amount_minor
      AND p.currency = line.currency AND p.created_at < line.ends_at
      AND {_NOT_TAKEN_BACK}
    LIMIT 2)
FROM unnest(%s::uuid[], %s::bigint[], %s::text[], %s::timestamptz[])
    line (id, amount_minor, currency, ends_at)
"""  # noqa: S608  built of constants


def _load_returned(debits: Sequence[BankLine]) -> dict[UUID, list[str]]:
    return _load_references(_RETURNED, debits)


_LIKELY_PAYMENTS: Final = f"""
SELECT line.id, ARRAY(
    SELECT p.reference FROM payments_payment p
    WHERE p.amount_minor = line.amount_minor AND p.currency = line.currency
      AND p.created_at < line.ends_at AND p.state IN ('in_transit', 'settled', 'returned')
      AND {_NOT_TAKEN_BACK}
    ORDER BY p.created_at DESC, p.id DESC LIMIT 10)
FROM unnest(%s::uuid[], %s::bigint[], %s::text[], %s::timestamptz[])
    line (id, amount_minor, currency, ends_at)
"""  # noqa: S608  built of constants


def load_likely_payments(debits: Sequence[BankLine]) -> dict[UUID, list[str]]:
    """Load, for each line, the newest payments of its amount that the bank may take back."""
    return _load_references(_LIKELY_PAYMENTS, debits)


def _load_references(statement: str, lines: Sequence[BankLine]) -> dict[UUID, list[str]]:
    if not lines:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            [
                [line.id for line in lines],
                [line.amount_minor for line in lines],
                [line.currency for line in lines],
                [end_of(line.as_of) for line in lines],
            ],
        )
        return dict(cursor.fetchall())


def end_of(day: date) -> datetime:
    """Return the moment at which a day ends where the bank is."""
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), tzinfo=EASTERN)


_LIKELY_ENTRIES: Final = """
SELECT i.file_id, i.amount_minor, (array_agg(p.reference ORDER BY i.trace))[:10]
FROM (SELECT DISTINCT * FROM unnest(%s::uuid[], %s::bigint[])) wanted (file_id, amount_minor)
JOIN payments_instruction i ON i.file_id = wanted.file_id AND i.amount_minor = wanted.amount_minor
JOIN payments_payment p ON p.id = i.payment_id
WHERE i.is_live
GROUP BY i.file_id, i.amount_minor
"""


def load_likely_entries(
    differences: Collection[tuple[UUID, int]],
) -> dict[tuple[UUID, int], list[str]]:
    """Load the payments whose entry in a file has an amount: the first ten of each, by trace."""
    if not differences:
        return {}
    files, amounts = zip(*differences, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_LIKELY_ENTRIES, [list(files), list(amounts)])
        return {(file, amount): references for file, amount, references in cursor.fetchall()}
