"""Promises 1 to 6 and 9: checks that the books balance and agree with invoices and payments."""

from __future__ import annotations

from typing import Final

from billfold.ledger.chart import SUBJECT_CODES
from billfold.money import EXPONENTS
from billfold.payments.proof.check import Inspection, ProofCheck, Violations, by_sql
from billfold.payments.proof.guards import constrained, never_changed

_NOT_A_TRANSFER: Final = """
SELECT 'transfer ' || key || ' moves ' || amount_minor || ' between two of the same account'
FROM ledger_transfer WHERE debit_id = credit_id
UNION ALL
SELECT 'transfer ' || key || ' moves ' || amount_minor || ', which is not above zero'
FROM ledger_transfer WHERE amount_minor <= 0
"""
_MIXED_CURRENCY: Final = """
SELECT 'transfer ' || t.key || ' in ' || t.currency || ' stands on an account '
       || coalesce('in ' || a.currency, 'that is not there')
FROM ledger_transfer t
CROSS JOIN LATERAL (VALUES (t.debit_id), (t.credit_id)) side (id)
LEFT JOIN ledger_account a ON a.id = side.id
WHERE a.currency IS DISTINCT FROM t.currency
"""
_ACCOUNT_SUMS: Final = """
WITH debit AS (SELECT debit_id AS id, sum(amount_minor) AS minor FROM ledger_transfer GROUP BY 1),
     credit AS (SELECT credit_id AS id, sum(amount_minor) AS minor FROM ledger_transfer GROUP BY 1)
SELECT 'account ' || a.code || ' of ' || a.subject || ' keeps ' || a.debits_minor || ' less '
       || a.credits_minor || ', its transfers add up to ' || coalesce(debit.minor, 0) || ' less '
       || coalesce(credit.minor, 0)
FROM ledger_account a LEFT JOIN debit USING (id) LEFT JOIN credit USING (id)
WHERE a.subject <> '' AND (a.debits_minor <> coalesce(debit.minor, 0)
                           OR a.credits_minor <> coalesce(credit.minor, 0))
"""
_CONTROL: Final = """
WITH sub AS (
    SELECT code, currency, sum(debits_minor) AS debits, sum(credits_minor) AS credits
    FROM ledger_account WHERE code = ANY(%(codes)s) GROUP BY 1, 2
), control AS (
    SELECT code, currency, sum(debits_minor) AS debits, sum(credits_minor) AS credits
    FROM ledger_movement WHERE code = ANY(%(codes)s) GROUP BY 1, 2
)
SELECT code || ' in ' || currency || ': accounts add up to ' || coalesce(sub.debits, 0) || ' less '
       || coalesce(sub.credits, 0) || ', the control to ' || coalesce(control.debits, 0)
       || ' less ' || coalesce(control.credits, 0)
FROM sub FULL JOIN control USING (code, currency)
WHERE coalesce(sub.debits, 0) <> coalesce(control.debits, 0)
   OR coalesce(sub.credits, 0) <> coalesce(control.credits, 0)
"""
_PARTY: Final = """
WITH owner AS (
    SELECT 'receivable' AS code, kind || '/' || number AS subject, customer_id AS party
    FROM receivables_invoice
    UNION ALL
    SELECT code, 'payment/' || reference, customer_id
    FROM payments_payment CROSS JOIN unnest(ARRAY['unapplied', 'in_transit']) side (code)
    UNION ALL
    SELECT 'unapplied', 'credit/' || number, customer_id FROM receivables_creditnote
)
SELECT 'account ' || a.code || ' of ' || a.subject || CASE
           WHEN owner.subject IS NULL THEN ' belongs to nothing we know'
           ELSE ' is not booked under its own customer' END
FROM ledger_account a LEFT JOIN owner USING (code, subject)
WHERE a.code IN ('receivable', 'unapplied', 'in_transit')
  AND (owner.subject IS NULL OR a.party IS DISTINCT FROM owner.party)
"""
_CONTROL_WITH_SUM: Final = """
SELECT 'account ' || code || ' of "' || subject || '" must '
       || CASE WHEN subject = '' THEN 'name a subject' ELSE 'name no subject' END
FROM ledger_account WHERE (code = ANY(%(codes)s)) <> (subject <> '')
UNION ALL
SELECT 'control account ' || code || ' keeps a sum of its own'
FROM ledger_account WHERE subject = '' AND (debits_minor, credits_minor) <> (0, 0)
"""
_REVERSALS: Final = """
SELECT 'transfer ' || t.key || ' does not mirror ' || o.key || ', which it takes back'
FROM ledger_transfer t JOIN ledger_transfer o ON o.id = t.reverses_id
WHERE (t.debit_id, t.credit_id, t.amount_minor, t.currency)
      <> (o.credit_id, o.debit_id, o.amount_minor, o.currency)
UNION ALL
SELECT 'transfer ' || min(o.key) || ' is taken back ' || count(*) || ' times'
FROM ledger_transfer t JOIN ledger_transfer o ON o.id = t.reverses_id
GROUP BY t.reverses_id HAVING count(*) > 1
"""
_MOVEMENTS: Final = """
WITH debit AS (
    SELECT a.code, t.currency, t.booked_on, sum(t.amount_minor) AS minor
    FROM ledger_transfer t JOIN ledger_account a ON a.id = t.debit_id GROUP BY 1, 2, 3
), credit AS (
    SELECT a.code, t.currency, t.booked_on, sum(t.amount_minor) AS minor
    FROM ledger_transfer t JOIN ledger_account a ON a.id = t.credit_id GROUP BY 1, 2, 3
), stored AS (
    SELECT code, currency, booked_on, sum(debits_minor) AS debits,
           sum(credits_minor) AS credits
    FROM ledger_movement GROUP BY 1, 2, 3
)
SELECT code || ' in ' || currency || ' on ' || booked_on || ': stored '
       || coalesce(debits, 0) || ' less ' || coalesce(credits, 0) || ', transfers give '
       || coalesce(debit.minor, 0) || ' less ' || coalesce(credit.minor, 0)
FROM stored FULL JOIN debit USING (code, currency, booked_on)
FULL JOIN credit USING (code, currency, booked_on)
WHERE coalesce(debits, 0) <> coalesce(debit.minor, 0)
   OR coalesce(credits, 0) <> coalesce(credit.minor, 0)
"""
_TRIAL_BALANCE: Final = """
SELECT 'debits of ' || currency || ' exceed credits by ' || sum(debits_minor - credits_minor)
FROM ledger_movement GROUP BY currency HAVING sum(debits_minor - credits_minor) <> 0
"""
_INTO_CLOSED: Final = """
SELECT 'transfer ' || t.key || ' was booked on ' || t.booked_on || ', after the books were closed '
       || 'through ' || b.closed_through
FROM ledger_books b JOIN ledger_transfer t
    ON t.booked_on <= b.closed_through AND t.posted_at > b.closed_at
"""
_COLUMN_TYPES: Final = """
SELECT c.table_name || '.' || c.column_name || ' is ' || c.data_type || ', amounts are bigint'
FROM information_schema.columns c
WHERE c.table_schema = %(schema)s::text AND c.column_name ~ '_minor$' AND c.data_type <> 'bigint'
UNION ALL
SELECT c.table_name || '.' || c.column_name || ' is ' || c.data_type || ', nothing here is'
FROM information_schema.columns c
WHERE c.table_schema = %(schema)s::text
  AND c.data_type IN ('real', 'double precision', 'numeric', 'money')
"""


def _currencies(inspection: Inspection) -> Violations:
    """Find rows with no currency, or one we do not know how to count in."""
    tables = inspection.rows(
        """SELECT c.table_name FROM information_schema.columns c
           JOIN information_schema.tables t USING (table_schema, table_name)
           WHERE c.table_schema = %(schema)s::text AND c.column_name = 'currency'
             AND t.table_type = 'BASE TABLE' ORDER BY 1"""
    )
    each = " UNION ALL ".join(
        f"""SELECT '{table}: ' || count(*) || ' rows in ' || coalesce(currency, 'no currency')
            FROM {table} GROUP BY currency
            HAVING (currency = ANY(%(known)s)) IS NOT TRUE"""  # noqa: S608  names from the catalogue
        for (table,) in tables
    )
    return inspection.offenders(each, known=list(EXPONENTS))


_WHERE_IT_IS: Final = """
WITH applied AS (
    SELECT source, currency, sum(amount_minor) AS minor FROM ledger_application GROUP BY 1, 2
), money AS (
    SELECT 'payment/' || reference AS source, currency, state,
           CASE WHEN state IN ('in_transit', 'settled') THEN amount_minor ELSE 0 END AS minor
    FROM payments_payment
    UNION ALL
    SELECT 'credit/' || number, currency, 'issued', amount_minor FROM receivables_creditnote
)
SELECT money.source || ' is ' || money.state || ', so ' || money.minor || ' is here: '
       || coalesce(applied.minor, 0) || ' applied, '
       || coalesce(u.credits_minor - u.debits_minor, 0) || ' unapplied'
FROM money LEFT JOIN applied USING (source, currency)
LEFT JOIN ledger_account u ON u.code = 'unapplied' AND u.subject = money.source
    AND u.currency = money.currency
WHERE coalesce(applied.minor, 0) + coalesce(u.credits_minor - u.debits_minor, 0) <> money.minor
"""
_IN_TRANSIT: Final = """
WITH seen AS (
    SELECT subject, count(*) FILTER (WHERE kind = 'submitted') AS submitted,
           count(*) FILTER (WHERE kind = 'withdrawn') AS withdrawn,
           count(*) FILTER (WHERE kind = 'refused') AS refused,
           count(*) FILTER (WHERE kind = 'returned') AS returned,
           count(*) FILTER (WHERE kind = 'settled') AS settled,
           count(*) FILTER (WHERE kind = 'takenback') AS takenback
    FROM payments_subjectevent WHERE outcome <> 'stray' GROUP BY subject
), expected AS (
    SELECT p.reference, p.currency, p.amount_minor * coalesce(
               submitted - withdrawn - returned - settled + takenback
               - CASE WHEN submitted > withdrawn THEN refused ELSE 0 END, 0) AS minor
    FROM payments_payment p LEFT JOIN seen ON seen.subject = 'payment/' || p.reference
)
SELECT 'payment ' || e.reference || ': ' || coalesce(a.debits_minor - a.credits_minor, 0)
       || ' in transit, by its events ' || e.minor
FROM expected e LEFT JOIN ledger_account a ON a.code = 'in_transit'
    AND a.subject = 'payment/' || e.reference AND a.currency = e.currency
WHERE coalesce(a.debits_minor - a.credits_minor, 0) <> e.minor
"""
_ALLOWED: Final = """
SELECT 'transfer ' || a.key || ' applies ' || a.amount_minor || ' and '
       || CASE WHEN a.evidence = '' THEN 'names nothing that allows it'
               ELSE a.evidence || ' does not allow it' END
FROM ledger_application a
LEFT JOIN payments_decision d ON a.evidence = 'decision/' || d.id
LEFT JOIN receivables_creditnote c ON a.evidence = 'credit/' || c.number AND a.source = a.evidence
LEFT JOIN receivables_invoice named ON named.id = c.invoice_id
    AND a.target = named.kind || '/' || named.number
LEFT JOIN payments_payment p ON a.source = 'payment/' || p.reference
LEFT JOIN payments_subjectevent e ON e.subject = a.source AND e.kind = 'submitted'
    AND e.outcome <> 'stray' AND e.evidence = a.evidence
    AND a.key = a.source || '/' || e.key || '/' || a.target
LEFT JOIN (
    SELECT r.payment_id, r.amount_minor, i.kind || '/' || i.number AS target
    FROM payments_remittance r JOIN receivables_invoice i ON i.id = r.invoice_id
) r ON e.id IS NOT NULL
    AND (r.payment_id, r.amount_minor, r.target) = (p.id, a.amount_minor, a.target)
WHERE d.id IS NULL AND named.id IS NULL AND r.payment_id IS NULL
"""
_ACROSS_CUSTOMERS: Final = """
SELECT 'transfer ' || a.key || ' pays what another customer owes'
FROM ledger_application a JOIN ledger_account target ON target.id = a.target_id
WHERE target.party IS DISTINCT FROM a.party
"""
_TAKEN_OFF_TWICE: Final = """
SELECT 'transfer ' || t.key || ' was applied once and taken off ' || count(*) || ' times'
FROM ledger_transfer t JOIN ledger_transfer reversal ON reversal.reverses_id = t.id
WHERE t.reason = 'applied' GROUP BY t.id HAVING count(*) > 1
"""
_NOT_APPLIED: Final = """
SELECT 'transfer ' || t.key || ' moves waiting money to what is owed under the reason ' || t.reason
FROM ledger_transfer t JOIN ledger_account debit ON debit.id = t.debit_id
JOIN ledger_account credit ON credit.id = t.credit_id
WHERE (debit.code = 'unapplied' AND credit.code = 'receivable' AND t.reason <> 'applied')
   OR (debit.code = 'receivable' AND credit.code = 'unapplied' AND t.reverses_id IS NULL)
"""
_BELOW_ZERO: Final = """
SELECT code || ' of ' || subject || ' stands ' || abs(debits_minor - credits_minor)
       || ' on the wrong side'
FROM ledger_account
WHERE (code = 'receivable' AND debits_minor < credits_minor)
   OR (code = 'unidentified' AND debits_minor > credits_minor)
"""
_INVOICES: Final = """
WITH amount AS (
    SELECT id, kind, number, currency, 1 AS revision, issued_minor AS minor FROM receivables_invoice
    UNION ALL
    SELECT i.id, i.kind, i.number, i.currency, r.number, r.amount_minor
    FROM receivables_invoicerevision r JOIN receivables_invoice i ON i.id = r.invoice_id
)
SELECT a.kind || ' ' || a.number || ' of ' || a.minor || CASE
           WHEN t.id IS NULL THEN ' is not booked'
           WHEN (t.amount_minor, t.currency) <> (a.minor, a.currency)
           THEN ' is booked with ' || t.amount_minor
           WHEN r.id IS NULL THEN ' was revised, and is still booked'
           ELSE ' was booked and taken back' END
FROM amount a JOIN receivables_presentamount m ON m.invoice_id = a.id
LEFT JOIN ledger_transfer t ON t.key = a.kind || '/' || a.number || '/issued/' || a.revision
LEFT JOIN ledger_transfer r ON r.reverses_id = t.id
WHERE t.id IS NULL OR (t.amount_minor, t.currency) <> (a.minor, a.currency)
   OR (r.id IS NULL) <> (a.revision = m.revision)
UNION ALL
SELECT 'credit note ' || c.number || ' of ' || c.amount_minor || ' is '
       || CASE WHEN t.id IS NULL THEN 'not booked' ELSE 'booked with ' || t.amount_minor END
FROM receivables_creditnote c
LEFT JOIN ledger_transfer t ON t.key = 'credit/' || c.number || '/issued'
WHERE t.id IS NULL OR (t.amount_minor, t.currency) <> (c.amount_minor, c.currency)
"""
_REMITTED: Final = """
SELECT 'payment ' || p.reference || ' of ' || p.amount_minor || ' is for invoices of '
       || sum(r.amount_minor)
FROM payments_payment p JOIN payments_remittance r ON r.payment_id = p.id
GROUP BY p.id HAVING sum(r.amount_minor) > p.amount_minor
"""

_CODES: Final = sorted(SUBJECT_CODES)
CHECKS: Final = (
    by_sql(1, "A transfer moves an amount above zero between two accounts", _NOT_A_TRANSFER),
    by_sql(1, "Both accounts of a transfer are in its currency", _MIXED_CURRENCY),
    constrained(
        1,
        "The database stores no other transfers",
        "ledger_amount_positive",
        "ledger_two_accounts",
        "ledger_debit_in_currency",
        "ledger_credit_in_currency",
    ),
    by_sql(2, "The sums of each account are those of its transfers", _ACCOUNT_SUMS),
    by_sql(2, "Accounts of a code add up to its control", _CONTROL, codes=_CODES),
    by_sql(2, "Each account is booked under its own customer", _PARTY),
    by_sql(
        2, "Control accounts keep no sum, others name a subject", _CONTROL_WITH_SUM, codes=_CODES
    ),
    *never_changed(
        3,
        "posted rows",
        "ledger_transfer",
        "payments_subjectevent",
        "payments_remittance",
        "payments_decision",
        "receivables_invoicerevision",
    ),
    by_sql(3, "A reversal mirrors the one transfer it takes back", _REVERSALS),
    by_sql(4, "Stored movements of each day are those of the transfers", _MOVEMENTS),
    by_sql(4, "The trial balance is balanced", _TRIAL_BALANCE),
    by_sql(5, "Amounts are whole numbers", _COLUMN_TYPES),
    ProofCheck(5, "Every currency is one we can count in", _currencies),
    by_sql(6, "All of a payment or credit is applied, unapplied or sent back", _WHERE_IT_IS),
    by_sql(6, "What is in transit follows from the payment's events", _IN_TRANSIT),
    by_sql(6, "Every application names evidence that allows it", _ALLOWED),
    by_sql(6, "Every application stays with one customer", _ACROSS_CUSTOMERS),
    by_sql(6, "An application is taken off once", _TAKEN_OFF_TWICE),
    by_sql(6, "Nothing but an application pays what is owed", _NOT_APPLIED),
    by_sql(6, "No invoice is paid below zero", _BELOW_ZERO),
    by_sql(6, "Invoices and credit notes are booked with their amount", _INVOICES),
    by_sql(6, "A payment is for no more than its amount", _REMITTED),
    constrained(
        6,
        "The database lets no invoice be paid below zero",
        "ledger_receivable_never_in_credit",
    ),
    by_sql(9, "Nothing is booked into a period that was closed before", _INTO_CLOSED),
    constrained(9, "The database books no fact before its own day", "ledger_booked_after_fact"),
)
