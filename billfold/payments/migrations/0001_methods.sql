-- Which bank account a method is of now: the one that no notice of change replaced. Read with the rights of
-- whoever asks.
CREATE VIEW payments_presentaccount WITH (security_invoker = true) AS
SELECT b.* FROM payments_bankaccount b
WHERE NOT EXISTS (SELECT FROM payments_bankaccount newer WHERE newer.replaces_id = b.id);

-- Only its end is ever added to a consent, once; to an access, too.
CREATE FUNCTION refuse_all_but_the_end() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    ends text[] := TG_ARGV;
BEGIN
    IF to_jsonb(OLD) - ends = to_jsonb(NEW) - ends AND (to_jsonb(OLD) -> ends[0]) = 'null' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'rows of % are never changed but for their end', TG_TABLE_NAME
        USING ERRCODE = 'BF003';
END $$;

CREATE TRIGGER only_ends BEFORE UPDATE ON payments_mandate
    FOR EACH ROW EXECUTE FUNCTION refuse_all_but_the_end('revoked_at', 'revoked_why');
CREATE TRIGGER only_ends BEFORE UPDATE ON payments_methodaccess
    FOR EACH ROW EXECUTE FUNCTION refuse_all_but_the_end('until');
CREATE TRIGGER never_removed BEFORE DELETE OR TRUNCATE ON payments_mandate
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_removed BEFORE DELETE OR TRUNCATE ON payments_methodaccess
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
