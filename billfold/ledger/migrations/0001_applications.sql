-- What waiting money was applied to, without what was taken off again: read by `book.applications` and
-- by the SQL of `payments`, written by `ledger_post` alone. Both codes are pinned, so that a source or a
-- target finds its own by one index each: 1 ms at a million rows.
CREATE INDEX ledger_applied_source ON ledger_transfer (debit_id) WHERE reason = 'applied';
CREATE INDEX ledger_applied_target ON ledger_transfer (credit_id) WHERE reason = 'applied';

CREATE VIEW ledger_application WITH (security_invoker = true) AS
SELECT t.id, t.key, source.id AS source_id, source.subject AS source,
       target.id AS target_id, target.subject AS target, source.party,
       t.amount_minor, t.currency, t.effective_date, t.posted_at, t.evidence
FROM ledger_transfer t
JOIN ledger_account source ON source.id = t.debit_id AND source.code = 'unapplied'
JOIN ledger_account target ON target.id = t.credit_id AND target.code = 'receivable'
WHERE t.reason = 'applied'
  AND NOT EXISTS (SELECT FROM ledger_transfer reversal WHERE reversal.reverses_id = t.id);
