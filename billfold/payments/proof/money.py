"""Promises 1 to 6: checks that the books balance and agree with invoices and payments."""

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
    SELECT a.code, t.currency, t.effective_date, sum(t.amount_minor) AS minor
    FROM ledger_transfer t JOIN ledger_account a ON a.id = t.debit_id GROUP BY 1, 2, 3
), credit AS (
    SELECT a.code, t.currency, t.effective_date, sum(t.amount_minor) AS minor
    FROM ledger_transfer t JOIN ledger_account a ON a.id = t.credit_id GROUP BY 1, 2, 3
), stored AS (
    SELECT code, currency, effective_date, sum(debits_minor) AS debits,
           sum(credits_minor) AS credits
    FROM ledger_movement GROUP BY 1, 2, 3
)
SELECT code || ' in ' || currency || ' on ' || effective_date || ': stored '
       || coalesce(debits, 0) || ' less ' || coalesce(credits, 0) || ', transfers give '
       || coalesce(debit.minor, 0) || ' less ' || coalesce(credit.minor, 0)
FROM stored FULL JOIN debit USING (code, currency, effective_date)
FULL JOIN credit USING (code, currency, effective_date)
WHERE coalesce(debits, 0) <> coalesce(debit.minor, 0)
   OR coalesce(credits, 0) <> coalesce(credit.minor, 0)
"""
_TRIAL_BALANCE: Final = """
SELECT 'debits of ' || currency || ' exceed credits by ' || sum(debits_minor - credits_minor)
FROM ledger_movement GROUP BY currency HAVING sum(debits_minor - credits_minor) <> 0
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
    SELECT payment_id, sum(amount_minor) AS minor FROM payments_application GROUP BY 1
)
SELECT 'payment ' || p.reference || ' of ' || p.amount_minor || ' is ' || p.state || ': '
       || coalesce(applied.minor, 0) || ' applied, '
       || coalesce(u.credits_minor - u.debits_minor, 0) || ' unapplied'
FROM payments_payment p LEFT JOIN applied ON applied.payment_id = p.id
LEFT JOIN ledger_account u ON u.code = 'unapplied' AND u.subject = 'payment/' || p.reference
    AND u.currency = p.currency
WHERE coalesce(applied.minor, 0) + coalesce(u.credits_minor - u.debits_minor, 0)
      <> CASE WHEN p.state IN ('in_transit', 'settled') THEN p.amount_minor ELSE 0 END
"""
_IN_TRANSIT: Final = """
WITH seen AS (
    SELECT payment_id, count(*) FILTER (WHERE kind = 'submitted') AS submitted,
           count(*) FILTER (WHERE kind = 'withdrawn') AS withdrawn,
           count(*) FILTER (WHERE kind = 'refused') AS refused,
           count(*) FILTER (WHERE kind = 'returned') AS returned,
           count(*) FILTER (WHERE kind = 'settled') AS settled,
           count(*) FILTER (WHERE kind = 'takenback') AS takenback
    FROM payments_paymentevent WHERE outcome <> 'stray' GROUP BY payment_id
), expected AS (
    SELECT p.reference, p.currency, p.amount_minor * coalesce(
               submitted - withdrawn - returned - settled + takenback
               - CASE WHEN submitted > withdrawn THEN refused ELSE 0 END, 0) AS minor
    FROM payments_payment p LEFT JOIN seen ON seen.payment_id = p.id
)
SELECT 'payment ' || e.reference || ': ' || coalesce(a.debits_minor - a.credits_minor, 0)
       || ' in transit, by its events ' || e.minor
FROM expected e LEFT JOIN ledger_account a ON a.code = 'in_transit'
    AND a.subject = 'payment/' || e.reference AND a.currency = e.currency
WHERE coalesce(a.debits_minor - a.credits_minor, 0) <> e.minor
"""
_APPLICATIONS: Final = """
SELECT 'application of ' || a.amount_minor || ' of payment ' || p.reference || ' to '
       || i.number || CASE WHEN t.id IS NULL THEN ' has no transfer' ELSE ' differs from '
       || t.key END
FROM payments_application a JOIN payments_payment p ON p.id = a.payment_id
JOIN receivables_invoice i ON i.id = a.invoice_id
LEFT JOIN ledger_transfer t ON t.key = a.transfer_key
LEFT JOIN ledger_account source
    ON source.id = CASE WHEN a.amount_minor > 0 THEN t.debit_id ELSE t.credit_id END
LEFT JOIN ledger_account target
    ON target.id = CASE WHEN a.amount_minor > 0 THEN t.credit_id ELSE t.debit_id END
LEFT JOIN payments_application u ON u.id = a.undoes_id
LEFT JOIN ledger_transfer taken_back ON taken_back.key = u.transfer_key
WHERE t.amount_minor IS DISTINCT FROM abs(a.amount_minor)
   OR (source.code, source.subject) IS DISTINCT FROM ('unapplied', 'payment/' || p.reference)
   OR (target.code, target.subject) IS DISTINCT FROM ('receivable', i.kind || '/' || i.number)
   OR t.reverses_id IS DISTINCT FROM taken_back.id
   OR (a.amount_minor < 0 AND (u.payment_id, u.invoice_id, u.amount_minor)
       IS DISTINCT FROM (a.payment_id, a.invoice_id, -a.amount_minor))
"""
_UNRECORDED: Final = """
SELECT 'transfer ' || t.key || ' puts a payment on an invoice, but no application says so'
FROM ledger_account source
JOIN ledger_transfer t ON source.id IN (t.debit_id, t.credit_id)
JOIN ledger_account target ON target.id <> source.id
    AND target.id IN (t.debit_id, t.credit_id)
WHERE source.code = 'unapplied' AND starts_with(source.subject, 'payment/')
  AND target.code = 'receivable'
  AND NOT EXISTS (SELECT FROM payments_application a WHERE a.transfer_key = t.key)
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
        "payments_paymentevent",
        "payments_remittance",
        "payments_application",
        "payments_methodchange",
        "receivables_invoicerevision",
    ),
    by_sql(3, "A reversal mirrors the one transfer it takes back", _REVERSALS),
    by_sql(4, "Stored movements of each day are those of the transfers", _MOVEMENTS),
    by_sql(4, "The trial balance is balanced", _TRIAL_BALANCE),
    by_sql(5, "Amounts are whole numbers", _COLUMN_TYPES),
    ProofCheck(5, "Every currency is one we can count in", _currencies),
    by_sql(6, "All of a payment is applied, unapplied or back with the payer", _WHERE_IT_IS),
    by_sql(6, "What is in transit follows from the payment's events", _IN_TRANSIT),
    by_sql(6, "Every application agrees with its transfer", _APPLICATIONS),
    by_sql(6, "Every transfer onto an invoice has its application", _UNRECORDED),
    by_sql(6, "No invoice is paid below zero", _BELOW_ZERO),
    by_sql(6, "Invoices and credit notes are booked with their amount", _INVOICES),
    by_sql(6, "A payment is for no more than its amount", _REMITTED),
    constrained(
        6,
        "The database lets no invoice be paid below zero",
        "ledger_receivable_never_in_credit",
        "application_or_its_opposite",
    ),
)
