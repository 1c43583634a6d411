ALTER TABLE ledger_transfer DROP CONSTRAINT ledger_credit_in_currency;
ALTER TABLE ledger_transfer DROP CONSTRAINT ledger_debit_in_currency;
DROP TRIGGER append_only ON ledger_transfer;
