DROP TRIGGER append_only ON banking_fileapproval;
DROP TRIGGER append_only ON banking_filerepeat;
DROP TRIGGER append_only ON banking_statement;
