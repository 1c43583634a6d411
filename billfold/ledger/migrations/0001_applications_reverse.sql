DROP VIEW ledger_application;
DROP INDEX ledger_applied_target;
DROP INDEX ledger_applied_source;
