DROP TRIGGER close_forward ON ledger_books;
DROP FUNCTION ledger_close_forward;
