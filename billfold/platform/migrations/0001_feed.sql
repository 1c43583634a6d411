-- Gives the feed's row for one kind of fact of the transaction that is open, and adds it if there is none yet.
-- The transaction remembers it in a setting of its own, which a savepoint that is taken back takes back, too.
CREATE FUNCTION feed_row(wanted text, new_id uuid, moment timestamptz) RETURNS uuid
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    setting text := 'billfold.feed_' || wanted;
    present uuid := nullif(current_setting(setting, true), '');
BEGIN
    IF present IS NULL THEN
        INSERT INTO platform_feedrow (id, kind, at, xid) VALUES (new_id, wanted, moment, pg_current_xact_id());
        present := set_config(setting, new_id::text, true);
    END IF;
    RETURN present;
END $$;

-- Names the cluster that counts transaction ids, with its timeline, and the installation. Each differs after one
-- of the ways of going back or moving: a dump restored elsewhere, a recovery to a point in time, `restore`.
CREATE FUNCTION feed_place() RETURNS text LANGUAGE sql STABLE
SET search_path FROM CURRENT AS $$
    SELECT concat_ws('/', c.system_identifier, left(pg_walfile_name(pg_current_wal_lsn()), 8),
                     (SELECT identity FROM public.instance))
    FROM pg_control_system() c
$$;

-- Says whether the last series of numbers was begun in another place.
CREATE FUNCTION feed_has_moved() RETURNS boolean LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT coalesce(
        (SELECT place <> feed_place() FROM platform_feedseries ORDER BY number DESC LIMIT 1), false)
$$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON platform_feedseries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- A row gets its number once.
CREATE TRIGGER number_once BEFORE UPDATE ON platform_feedrow
    FOR EACH ROW WHEN (OLD.number IS NOT NULL) EXECUTE FUNCTION refuse_change();
