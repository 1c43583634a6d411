-- Every entry is put on the list of those to be sealed by the statement that writes it, whoever writes it.
-- So the seal reads a list of what is new, however long the trail has become.
CREATE FUNCTION list_unsealed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO platform_auditunsealed (entry_id) SELECT id FROM new_entries;
    RETURN NULL;
END $$;

CREATE TRIGGER list_unsealed AFTER INSERT ON platform_auditentry
    REFERENCING NEW TABLE AS new_entries
    FOR EACH STATEMENT EXECUTE FUNCTION list_unsealed();
