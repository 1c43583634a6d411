DROP TRIGGER never_removed ON payments_methodaccess;
DROP TRIGGER never_removed ON payments_mandate;
DROP TRIGGER only_ends ON payments_methodaccess;
DROP TRIGGER only_ends ON payments_mandate;
DROP FUNCTION refuse_all_but_the_end();
DROP VIEW payments_presentaccount;
