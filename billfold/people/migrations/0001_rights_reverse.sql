DROP VIEW people_right;
DROP TRIGGER append_only ON people_rolegrant;
