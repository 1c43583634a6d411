DROP TRIGGER append_only ON payments_subjectevent;
DROP TRIGGER append_only ON payments_remittance;
DROP TRIGGER append_only ON payments_decision;
DROP TRIGGER append_only ON payments_prenoteproof;
DROP TRIGGER append_only ON payments_bankaccount;
DROP TRIGGER append_only ON payments_casenote;
DROP TRIGGER append_only ON payments_proofrun;
