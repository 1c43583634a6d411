-- Events after which a bank line may match that did not: the list of changes is that of banking.
-- Whether a debit is explained hangs on single payments of its amount; a credit, on the whole file.
CREATE FUNCTION list_changed_payments() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO banking_matchchange (id, file_id, amount_minor, currency)
    SELECT gen_random_uuid(), change.* FROM (
        SELECT DISTINCT i.file_id,
               CASE WHEN e.kind <> 'settled' THEN p.amount_minor END, p.currency
        FROM new_events e JOIN payments_payment p ON p.reference = substr(e.subject, length('payment/') + 1)
        LEFT JOIN payments_instruction i ON i.payment_id = p.id AND i.kind = 'payment'
        WHERE starts_with(e.subject, 'payment/') AND e.kind IN ('settled', 'returned', 'takenback', 'withdrawn', 'refused')
          AND e.outcome <> 'stray' AND (e.kind <> 'settled' OR i.file_id IS NOT NULL)) change;
    RETURN NULL;
END $$;

CREATE TRIGGER list_match_change AFTER INSERT ON payments_subjectevent
    REFERENCING NEW TABLE AS new_events
    FOR EACH STATEMENT EXECUTE FUNCTION list_changed_payments();
