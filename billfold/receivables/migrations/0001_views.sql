-- Grants and revisions are added and read, never changed. The trigger `append_only` is also the mark by
-- which `tenancy.grant` withholds UPDATE and DELETE; it stops whoever has more rights.
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON receivables_accessgrant
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON receivables_invoicerevision
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Both views are read with the rights of whoever asks.
CREATE VIEW receivables_access WITH (security_invoker = true) AS
SELECT g.id, g.person_id, g.customer_id, g.role
FROM receivables_accessgrant g
WHERE g.role <> '' AND NOT EXISTS (
    SELECT FROM receivables_accessgrant later
    WHERE later.person_id = g.person_id AND later.customer_id = g.customer_id
      AND later.number > g.number
);

CREATE VIEW receivables_presentamount WITH (security_invoker = true) AS
SELECT i.id AS invoice_id, coalesce(r.number, 1) AS revision,
       coalesce(r.amount_minor, i.issued_minor) AS amount_minor
FROM receivables_invoice i
LEFT JOIN receivables_invoicerevision r ON r.invoice_id = i.id AND NOT EXISTS (
    SELECT FROM receivables_invoicerevision later
    WHERE later.invoice_id = r.invoice_id AND later.number > r.number
);
