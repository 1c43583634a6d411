-- Grants are added and read, never changed. The trigger `append_only` is also the mark by which
-- `tenancy.grant` withholds UPDATE and DELETE; it stops whoever has more rights.
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON people_rolegrant
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What each person may do at present: the last grant. It is read with the rights of whoever asks.
CREATE VIEW people_right WITH (security_invoker = true) AS
SELECT g.person_id, g.number, g.role, g.is_active
FROM people_rolegrant g
WHERE NOT EXISTS (
    SELECT FROM people_rolegrant later
    WHERE later.person_id = g.person_id AND later.number > g.number
);
