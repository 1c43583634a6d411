DROP TRIGGER list_match_change ON payments_subjectevent;
DROP FUNCTION list_changed_payments();
