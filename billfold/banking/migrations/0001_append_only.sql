-- Rows of these tables are added and read, never changed. The trigger `append_only` is also the mark by
-- which `tenancy.grant` withholds UPDATE and DELETE; it stops whoever has more rights.
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON banking_bankfilecontent
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON banking_fileapproval
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON banking_filerepeat
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON banking_statement
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON banking_statementdecision
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
