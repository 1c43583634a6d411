DROP FUNCTION payments_standing;
