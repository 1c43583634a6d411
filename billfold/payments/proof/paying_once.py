"""Promises 10, 13 and 15 to 17: checks that every act and every event took effect once."""

from __future__ import annotations

from typing import Final

from billfold.payments.cases.case_kinds import CaseKind
from billfold.payments.proof.check import by_sql
from billfold.payments.proof.guards import changed_only, constrained, unique
from billfold.payments.rules.lifecycle import NEXT
from billfold.rails.ach.return_reasons import RETURN_CODES

_PAID_TWICE: Final = """
SELECT 'reference ' || reference || ' names ' || count(*) || ' payments'
FROM payments_payment GROUP BY reference HAVING count(*) > 1
"""
_NO_REQUEST: Final = """
SELECT 'payment ' || reference || ' does not say what was asked'
FROM payments_payment WHERE request_hash !~ '^[0-9a-f]{64}$' OR trim(reference) = ''
"""
_STEPS: Final = """
WITH allowed AS (
    SELECT * FROM unnest(%(before)s::text[], %(kind)s::text[], %(after)s::text[])
        AS a (before, kind, after)
), step AS (
    SELECT subject, key, kind, outcome,
           coalesce(lag(outcome) OVER (PARTITION BY subject ORDER BY at, id), 'scheduled')
               AS before
    FROM payments_subjectevent WHERE outcome <> 'stray'
)
SELECT step.subject || ' was ' || step.before || ', then ' || step.key || ' made it '
       || step.outcome
FROM step
LEFT JOIN allowed ON allowed.before = step.before AND allowed.kind = step.kind
WHERE allowed.after IS DISTINCT FROM step.outcome
"""
_STATE: Final = """
WITH latest AS (
    SELECT DISTINCT ON (subject) subject, outcome
    FROM payments_subjectevent WHERE outcome <> 'stray' ORDER BY subject, at DESC, id DESC
)
SELECT 'payment ' || p.reference || ' is ' || p.state || ', its events leave it '
       || coalesce(latest.outcome, 'scheduled')
FROM payments_payment p LEFT JOIN latest ON latest.subject = 'payment/' || p.reference
WHERE p.state <> coalesce(latest.outcome, 'scheduled')
"""
_REPEATED: Final = """
SELECT 'event ' || key || ' of ' || subject || ' took effect ' || count(*) || ' times'
FROM payments_subjectevent
GROUP BY subject, key HAVING count(*) > 1
"""
_EVIDENCE: Final = """
WITH known AS (
    SELECT 'bankfile/' || id AS evidence FROM banking_bankfile
    UNION ALL SELECT 'bankline/' || id FROM banking_bankline
), named AS (
    SELECT DISTINCT evidence, kind FROM payments_subjectevent
    WHERE evidence <> '' OR kind NOT IN ('canceled', 'refused', 'postponed')
)
SELECT kind || ' events name ' || CASE WHEN named.evidence = '' THEN 'no evidence'
           ELSE named.evidence || ', which is not there' END
FROM named LEFT JOIN known USING (evidence) WHERE known.evidence IS NULL
"""
_STRAYS: Final = """
SELECT 'event ' || e.key || ' does not fit ' || e.subject || ' and no case asks why'
FROM payments_subjectevent e
WHERE e.outcome = 'stray'
  AND NOT EXISTS (SELECT FROM payments_case c
                  WHERE c.key = 'stray/' || e.subject || '/' || e.key)
"""
_UNREAD: Final = """
SELECT 'file ' || name || ' of ' || made_at || ' is not read yet' FROM banking_bankfile
WHERE direction = 'in' AND state = 'received'
  AND made_at < %(now)s::timestamptz - interval '1 hour'
  AND NOT EXISTS (SELECT FROM payments_case c WHERE c.evidence = 'bankfile/' || banking_bankfile.id
                  AND c.kind = %(parked)s AND c.closed_at IS NULL)
"""
_RETURNED_TWICE: Final = """
SELECT subject || ' was returned ' || count(*) || ' times'
FROM payments_subjectevent WHERE kind = 'returned' AND outcome <> 'stray'
GROUP BY subject HAVING count(*) > 1
"""
_FEES_TWICE: Final = """
SELECT count(*) || ' fees for ' || cause FROM receivables_invoice
WHERE kind = 'charge' AND starts_with(cause, 'return/') GROUP BY cause HAVING count(*) > 1
"""
_FEES: Final = """
WITH fee AS (
    SELECT i.number, i.cause, m.amount_minor, i.customer_id AS charged, i.invoice_date,
           p.id AS payment_id, p.state, p.customer_id, c.state AS customer_state,
           (SELECT e.code FROM payments_subjectevent e
            WHERE e.subject = 'payment/' || p.reference
              AND e.kind = 'returned' AND e.outcome <> 'stray'
            ORDER BY e.at DESC, e.id DESC LIMIT 1) AS code
    FROM receivables_invoice i JOIN receivables_presentamount m ON m.invoice_id = i.id
    LEFT JOIN payments_payment p ON i.cause = 'return/' || p.reference
    LEFT JOIN receivables_customer c ON c.id = p.customer_id
    WHERE i.kind = 'charge' AND starts_with(i.cause, 'return/')
)
SELECT 'fee ' || number || ' (' || cause || ') ' || CASE
    WHEN fee.state IS DISTINCT FROM 'returned' THEN 'is for a payment that was not returned'
    WHEN charged <> customer_id THEN 'is charged to another customer'
    WHEN (code = ANY(%(codes)s)) IS NOT TRUE THEN 'is for ' || code || ', which bears none'
    WHEN cap.state IS NULL THEN 'is charged in ' || customer_state || ', which is not reviewed'
    WHEN only_fees THEN 'is for the return of a fee'
    ELSE 'is ' || amount_minor || ', above the cap of ' || cap_minor END
FROM fee LEFT JOIN receivables_feecap cap ON cap.state = fee.customer_state
CROSS JOIN LATERAL (
    SELECT coalesce(bool_and(paid.kind = 'charge'), false) AS only_fees
    FROM payments_remittance r JOIN receivables_invoice paid ON paid.id = r.invoice_id
    WHERE r.payment_id = fee.payment_id
) what
WHERE fee.state IS DISTINCT FROM 'returned' OR charged <> customer_id
   OR (code = ANY(%(codes)s)) IS NOT TRUE OR cap.state IS NULL OR only_fees
   -- A cap that was reviewed later was not the cap of that day.
   OR (amount_minor > cap_minor AND reviewed_on <= invoice_date)
"""
_AUTOPAY_TWICE: Final = """
SELECT 'invoice ' || i.number || ' due ' || i.due_date || ' is in ' || count(*)
       || ' debits under recurring consent'
FROM payments_payment p JOIN payments_mandate m ON m.id = p.mandate_id
JOIN payments_remittance r ON r.payment_id = p.id
JOIN receivables_invoice i ON i.id = r.invoice_id
WHERE m.kind = 'recurring' AND p.state NOT IN ('canceled', 'failed', 'returned')
GROUP BY i.id HAVING count(*) > 1
"""
_USED_TWICE: Final = """
SELECT 'money of ' || subject || ' was used ' || debits_minor - credits_minor || ' too often'
FROM ledger_account WHERE code = 'unapplied' AND debits_minor > credits_minor
"""
_CASH_OUT: Final = """
SELECT 'transfer ' || t.key || ' takes cash without a return: ' || t.reason
FROM ledger_account cash JOIN ledger_transfer t ON t.credit_id = cash.id
JOIN ledger_account other ON other.id = t.debit_id
LEFT JOIN payments_subjectevent e
    ON t.key = other.subject || '/' || e.key AND e.kind = 'takenback' AND e.outcome <> 'stray'
    AND e.subject = other.subject
WHERE cash.code = 'cash' AND e.id IS NULL
UNION ALL
SELECT other.subject || ': the bank took back ' || sum(t.amount_minor) || ' of '
       || p.amount_minor
FROM ledger_account cash JOIN ledger_transfer t ON t.credit_id = cash.id
JOIN ledger_account other ON other.id = t.debit_id
JOIN payments_payment p ON other.subject = 'payment/' || p.reference
WHERE cash.code = 'cash'
GROUP BY other.subject, p.id HAVING sum(t.amount_minor) > p.amount_minor
"""

CHECKS: Final = (
    unique(10, "The database takes a reference once", "payments_payment.reference"),
    by_sql(10, "One reference, one payment", _PAID_TWICE),
    by_sql(10, "Every payment keeps what was asked", _NO_REQUEST),
    changed_only(10, "The application cannot rewrite a payment", "payments_payment"),
    by_sql(
        10,
        "Every step of a payment is one that may follow",
        _STEPS,
        before=[before.value for before, _ in NEXT],
        kind=[event.__name__.lower() for _, event in NEXT],
        after=[after.value for after in NEXT.values()],
    ),
    by_sql(10, "A payment is where its events left it", _STATE),
    unique(
        13,
        "The database takes each outside fact once",
        "payments_subjectevent.subject+key",
        "ledger_transfer.key",
        "ledger_transfer.reverses_id",
        "payments_case.key",
        "banking_bankfile.direction+sha256",
        "banking_statement.connection_id+as_of",
        "banking_bankline.connection_id+as_of+type_code+amount_minor+bank_reference"
        "+customer_reference+text_fingerprint+occurrence",
    ),
    by_sql(13, "No event took effect twice", _REPEATED),
    by_sql(13, "Every fact names evidence that is there", _EVIDENCE),
    by_sql(13, "An event that does not fit has a case", _STRAYS),
    by_sql(13, "What the bank sent is read within the hour", _UNREAD, parked=CaseKind.FAILED_FILE),
    unique(15, "The database takes a fee's cause once", "receivables_invoice.cause"),
    by_sql(15, "A payment is returned once", _RETURNED_TWICE),
    by_sql(15, "A return bears one fee", _FEES_TWICE),
    by_sql(
        15,
        "A return fee stands only where code, state and cap allow it",
        _FEES,
        codes=[code.code for code in RETURN_CODES.values() if code.fee_chargeable],
    ),
    by_sql(16, "One invoice, one debit under recurring consent", _AUTOPAY_TWICE),
    by_sql(17, "No money is used twice", _USED_TWICE),
    constrained(17, "The database lets no money be used twice", "ledger_unapplied_never_in_debit"),
    unique(
        17,
        "The database settles a payment, and takes it back, once",
        "payments_subjectevent.subject+kind",
        partial=True,
    ),
    by_sql(17, "Cash leaves only when the bank takes a return", _CASH_OUT),
)
