"""Promises 7 and 8: checks our books against the bank's statements."""

from __future__ import annotations

from typing import Final

from billfold.payments.cases.case_kinds import CaseKind
from billfold.payments.incoming.line_candidates import SETTLES_WITHIN
from billfold.payments.proof.check import by_sql
from billfold.payments.proof.guards import changed_only, never_changed

_EXPLAINED: Final = """
WITH booked AS (
    SELECT t.evidence, t.currency, sum(CASE WHEN debit.code = 'cash' THEN t.amount_minor ELSE 0 END
                           - CASE WHEN credit.code = 'cash' THEN t.amount_minor ELSE 0 END) AS minor
    FROM ledger_transfer t JOIN ledger_account debit ON debit.id = t.debit_id
    JOIN ledger_account credit ON credit.id = t.credit_id
    WHERE t.evidence <> '' AND starts_with(t.evidence, 'bankline/') GROUP BY 1, 2
), line AS (
    SELECT 'bankline/' || id AS evidence, currency, as_of, type_code, explained_at,
           CASE WHEN is_credit THEN amount_minor ELSE -amount_minor END AS minor
    FROM banking_bankline
)
SELECT 'bank line ' || type_code || ' of ' || as_of || ' over ' || line.minor || CASE
           WHEN explained_at IS NULL THEN ' is not explained, yet transfers name it'
           ELSE ': the transfers that name it add up to ' || coalesce(booked.minor, 0) END
FROM line LEFT JOIN booked USING (evidence, currency)
WHERE (explained_at IS NOT NULL AND coalesce(booked.minor, 0) <> line.minor)
   OR (explained_at IS NULL AND booked.minor IS NOT NULL)
"""
_UNEXPLAINED: Final = """
SELECT 'bank line ' || d.type_code || ' of ' || d.as_of || ' over ' || d.amount_minor
       || ' is not explained and no open case asks about it'
FROM banking_bankline d JOIN banking_statement s ON s.id = d.statement_id
JOIN banking_bankfile f ON f.id = s.file_id
WHERE d.explained_at IS NULL
  AND coalesce(f.answered_at, f.made_at) < %(now)s::timestamptz - interval '1 hour'
  AND NOT EXISTS (SELECT FROM payments_case c
                  WHERE c.evidence = 'bankline/' || d.id AND c.closed_at IS NULL)
"""
_CASH: Final = """
SELECT 'transfer ' || t.key || ' moves cash and names no bank line'
FROM ledger_account cash JOIN ledger_transfer t ON cash.id IN (t.debit_id, t.credit_id)
LEFT JOIN banking_bankline d ON t.evidence = 'bankline/' || d.id
WHERE cash.code = 'cash' AND d.id IS NULL
"""
_STILL_IN_TRANSIT: Final = """
SELECT 'payment ' || p.reference || ' has had ' || a.debits_minor - a.credits_minor
       || ' in transit since ' || max(e.on_date) || ', and no open case asks about it'
FROM ledger_account a JOIN payments_payment p ON a.subject = 'payment/' || p.reference
JOIN payments_subjectevent e ON e.subject = a.subject
    AND e.kind IN ('submitted', 'settled', 'returned', 'refused', 'takenback')
WHERE a.code = 'in_transit' AND a.debits_minor <> a.credits_minor
  AND NOT EXISTS (
      SELECT FROM payments_case c
      LEFT JOIN banking_bankline d ON c.key = 'bankline/' || d.id
      LEFT JOIN payments_instruction i ON i.payment_id = p.id AND i.is_live
          AND i.kind = 'payment'
      LEFT JOIN banking_bankfile f ON f.id = i.file_id
      WHERE c.closed_at IS NULL AND (
          c.payment_id = p.id OR c.evidence = 'bankfile/' || f.id
          OR c.facts->>'file' = f.name OR c.facts->'files' ? f.name
          OR d.amount_minor = abs(a.debits_minor - a.credits_minor)))
GROUP BY p.id, a.id
HAVING max(e.on_date) < (%(now)s::timestamptz AT TIME ZONE 'America/New_York')::date
                        - %(days)s::integer
"""
_JOIN_UP: Final = """
SELECT 'the statement of ' || as_of || ' opens with ' || opening_minor || ', that of ' || before
       || ' closed with ' || closed_minor
FROM (
    SELECT connection_id, as_of, opening_minor, lag(closing_minor) OVER days AS closed_minor,
           lag(as_of) OVER days AS before
    FROM banking_statement
    WINDOW days AS (PARTITION BY connection_id, currency ORDER BY as_of)
) day
WHERE opening_minor <> closed_minor AND NOT EXISTS (
    SELECT FROM payments_case c
    WHERE c.closed_at IS NULL AND (
        (c.kind = %(broken)s AND c.evidence = 'seam/' || connection_id || '/' || as_of)
        -- Days are written year first, so that as texts they stand in the order of days.
        OR (c.kind = %(missing)s
            AND c.evidence COLLATE "C" > 'statement/' || connection_id || '/' || before
            AND c.evidence COLLATE "C" < 'statement/' || connection_id || '/' || as_of)))
"""
_ADD_UP: Final = """
SELECT 'the statement of ' || s.as_of || ' goes from ' || s.opening_minor || ' to '
       || s.closing_minor || ', its lines add up to '
       || coalesce(sum(CASE WHEN is_credit THEN amount_minor ELSE -amount_minor END), 0)
FROM banking_statement s LEFT JOIN banking_bankline d ON d.statement_id = s.id
GROUP BY s.id
HAVING s.closing_minor - s.opening_minor
       <> coalesce(sum(CASE WHEN is_credit THEN amount_minor ELSE -amount_minor END), 0)
"""
_ON_ITS_STATEMENT: Final = """
SELECT 'bank line ' || d.type_code || ' of ' || d.as_of || ' over ' || d.amount_minor
       || ' stands on a statement of another day, account or currency'
FROM banking_bankline d JOIN banking_statement s ON s.id = d.statement_id
WHERE (d.as_of, d.connection_id, d.currency) <> (s.as_of, s.connection_id, s.currency)
"""

CHECKS: Final = (
    by_sql(7, "The transfers that name a bank line add up to it", _EXPLAINED),
    by_sql(7, "A bank line nobody explained has an open case", _UNEXPLAINED),
    by_sql(7, "Every movement of cash names a bank line", _CASH),
    by_sql(
        7,
        "Nothing stays in transit for long without an open case",
        _STILL_IN_TRANSIT,
        days=SETTLES_WITHIN.days,
    ),
    by_sql(
        8,
        "A statement opens with what the one before closed with, or a case is open",
        _JOIN_UP,
        broken=CaseKind.BROKEN_SEAM,
        missing=CaseKind.MISSING_STATEMENT,
    ),
    by_sql(8, "The lines of a statement lead from its opening to its closing", _ADD_UP),
    *never_changed(8, "statements", "banking_statement"),
    changed_only(8, "The application cannot rewrite a bank line", "banking_bankline"),
    by_sql(8, "Every bank line stands on the statement of its day", _ON_ITS_STATEMENT),
)
