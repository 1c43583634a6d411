-- Transfers are added and read, never changed: see `platform/migrations/0001_append_only.sql`.
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_transfer
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The key to an account takes the currency along, so that the server refuses to mix currencies. It stands
-- in place of Django's own key, which would be checked once more, and only at commit.
ALTER TABLE ledger_transfer
    ADD CONSTRAINT ledger_debit_in_currency FOREIGN KEY (debit_id, currency)
    REFERENCES ledger_account (id, currency);
ALTER TABLE ledger_transfer
    ADD CONSTRAINT ledger_credit_in_currency FOREIGN KEY (credit_id, currency)
    REFERENCES ledger_account (id, currency);

-- Sums change in place: no index holds them, and pages keep room for the row as it is next.
ALTER TABLE ledger_account SET (fillfactor = 70);
