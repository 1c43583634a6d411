DROP TRIGGER list_unsealed ON platform_auditentry;
DROP FUNCTION list_unsealed();
