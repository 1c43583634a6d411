DROP FUNCTION ledger_post;
DROP FUNCTION ledger_account_ids;
