-- What bank lines could match is put on the list of changes by the statement that changes it, whoever does.
-- So reconciliation looks again only at the lines concerned, and sees every change once it is committed.
CREATE FUNCTION list_changed_file() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO banking_matchchange (id, file_id) VALUES (gen_random_uuid(), NEW.id);
    RETURN NULL;
END $$;

CREATE TRIGGER list_match_change AFTER INSERT OR UPDATE OF state ON banking_bankfile
    FOR EACH ROW WHEN (NEW.direction = 'out') EXECUTE FUNCTION list_changed_file();

-- Whether a bank credits its files gross or net decides what a credit may be.
CREATE FUNCTION list_files_of_connection() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO banking_matchchange (id, file_id)
    SELECT gen_random_uuid(), f.id FROM banking_bankfile f
    WHERE f.connection_id = NEW.id AND f.direction = 'out';
    RETURN NULL;
END $$;

CREATE TRIGGER list_match_change AFTER UPDATE OF settlement ON banking_bankconnection
    FOR EACH ROW WHEN (OLD.settlement <> NEW.settlement) EXECUTE FUNCTION list_files_of_connection();
