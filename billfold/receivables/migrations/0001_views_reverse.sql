DROP VIEW receivables_presentamount;
DROP VIEW receivables_access;
DROP TRIGGER append_only ON receivables_invoicerevision;
DROP TRIGGER append_only ON receivables_accessgrant;
