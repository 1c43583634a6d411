DROP TRIGGER list_match_change ON payments_paymentevent;
DROP FUNCTION list_changed_payments();
