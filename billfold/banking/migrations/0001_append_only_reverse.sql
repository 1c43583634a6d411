DROP TRIGGER append_only ON banking_bankfilecontent;
DROP TRIGGER append_only ON banking_fileapproval;
DROP TRIGGER append_only ON banking_filerepeat;
DROP TRIGGER append_only ON banking_statement;
DROP TRIGGER append_only ON banking_statementdecision;
