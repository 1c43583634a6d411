-- The one row; the application may neither change it nor add another.
INSERT INTO ledger_books (id) VALUES (1);

-- Who posts holds the lock `books` shared, and who closes holds it alone: nobody posts into a period that
-- was open when he looked and is closed when he commits. The name is that of `locks.until_commit("books")`.
CREATE FUNCTION ledger_close_forward() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(current_schema() || '/books', 0));
    IF NEW.closed_through IS NULL OR NEW.closed_through < OLD.closed_through THEN
        RAISE EXCEPTION 'what is closed stays closed: % is closed already', OLD.closed_through;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER close_forward BEFORE UPDATE ON ledger_books
    FOR EACH ROW EXECUTE FUNCTION ledger_close_forward();
