DROP FUNCTION ledger_first_open_day;
DROP TRIGGER close_forward ON ledger_books;
DROP FUNCTION ledger_close_forward;
