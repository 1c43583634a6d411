DROP TRIGGER append_only ON platform_auditentry;
DROP TRIGGER append_only ON platform_auditseal;
DROP TRIGGER append_only ON platform_auditlink;
DROP TRIGGER append_only ON platform_brakeentry;
DROP FUNCTION refuse_change();
