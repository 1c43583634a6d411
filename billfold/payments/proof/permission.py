"""Promises 18, 20 and 22: checks that no debit, release or access lacked its permission."""

from __future__ import annotations

from typing import Final

from django.conf import settings

from billfold import bankdays
from billfold.banking.file_approvals import APPROVALS_NEEDED
from billfold.payments.proof.check import Inspection, ProofCheck, Violations, by_sql
from billfold.payments.proof.guards import (
    changed_only,
    changes_only_listed,
    keeps_all_but_ends,
    narrow_logins,
    never_changed,
    nothing_lends_rights,
    unique,
)
from billfold.payments.rules import debit_rules
from billfold.rails.ach.return_reasons import RETURN_CODES

_UNAUTHORISED: Final = """
SELECT 'the debit of payment ' || p.reference || ' ' || CASE
    WHEN d.agreed_at > f.made_at THEN 'was put in a file before anybody agreed'
    WHEN d.revoked_at < f.made_at THEN 'was put in a file after its consent was revoked'
    WHEN d.method_id <> p.method_id THEN 'is from another account than the consent'
    WHEN p.currency <> d.currency OR p.amount_minor > d.amount_minor
        THEN 'of ' || p.amount_minor || ' exceeds the ' || d.amount_minor || ' agreed'
    WHEN access.is_given THEN 'is from an account that nobody agreed to'
    ELSE 'is from an account that may not be used for ' || c.number END
FROM payments_instruction i JOIN payments_payment p ON p.id = i.payment_id
JOIN banking_bankfile f ON f.id = i.file_id
JOIN payments_mandate d ON d.id = p.mandate_id
LEFT JOIN payments_presentaccount a ON a.method_id = p.method_id
JOIN receivables_customer c ON c.id = p.customer_id
CROSS JOIN LATERAL (SELECT EXISTS (
    SELECT FROM payments_methodaccess access
    WHERE access.method_id = p.method_id AND access.customer_id = p.customer_id
      AND access.since <= p.created_at
      AND (access.until IS NULL OR access.until >= p.created_at)) AS is_given) access
WHERE d.agreed_at > f.made_at OR d.revoked_at < f.made_at OR d.method_id <> p.method_id
   OR p.currency <> d.currency OR p.amount_minor > d.amount_minor OR NOT access.is_given
   OR {is_for_account} IS NOT TRUE
"""
_SINGLE_TWICE: Final = """
SELECT 'a consent to one debit serves ' || count(*) || ' payments, ' || min(p.reference)
       || ' among them'
FROM payments_mandate d JOIN payments_payment p ON p.mandate_id = d.id
WHERE d.kind = 'single' GROUP BY d.id HAVING count(*) > 1
"""
_OTHER_LINK: Final = """
SELECT 'a notice of change made an account of method ' || before.method_id
       || ' into one of method ' || newer.method_id
FROM payments_bankaccount newer JOIN payments_bankaccount before ON before.id = newer.replaces_id
WHERE newer.method_id <> before.method_id
"""
_CONSENT: Final = """
SELECT 'the consent to payment ' || p.reference || ' keeps no '
       || concat_ws(' and no ', CASE WHEN trim(m.text) = '' THEN 'text' END,
                    CASE WHEN trim(m.text_version) = '' THEN 'version of it' END,
                    CASE WHEN trim(m.agreed_by_name) = '' THEN 'name' END)
FROM payments_payment p JOIN payments_mandate m ON m.id = p.mandate_id
WHERE trim(m.text) = '' OR trim(m.text_version) = '' OR trim(m.agreed_by_name) = ''
"""
_OTHER_CONSENT: Final = """
SELECT 'the consent to payment ' || p.reference || ' is not the one put on record'
FROM payments_payment p JOIN payments_mandate m ON m.id = p.mandate_id
JOIN payments_bankaccount a ON a.id = m.account_id
JOIN platform_auditentry e ON e.action = 'payment scheduled'
    AND e.subject = 'payment/' || p.reference
WHERE e.after->>'consent_sha256' <> encode(sha256(convert_to(m.text, 'UTF8')), 'hex')
   OR e.after->>'account_fingerprint' <> a.account_fingerprint
"""
_STOPPED: Final = """
WITH account AS (
    SELECT a.method_id, a.account_fingerprint, a.created_at AS since,
           coalesce(newer.created_at, 'infinity') AS until
    FROM payments_bankaccount a LEFT JOIN payments_bankaccount newer ON newer.replaces_id = a.id
)
SELECT DISTINCT 'the debit of payment ' || p.reference || ' was put in file ' || f.name || ' after '
       || e.code || ' had stopped its account'
FROM payments_subjectevent e JOIN payments_payment back ON e.subject = 'payment/' || back.reference
JOIN account stopped ON stopped.method_id = back.method_id
    AND stopped.since <= e.at AND e.at < stopped.until
JOIN account same ON same.account_fingerprint = stopped.account_fingerprint
JOIN payments_payment p ON p.method_id = same.method_id
JOIN payments_instruction i ON i.payment_id = p.id
JOIN banking_bankfile f ON f.id = i.file_id AND same.since <= f.made_at AND f.made_at < same.until
WHERE (e.kind = 'returned' OR (e.kind = 'refused' AND e.key ~ '^prenote/.*/R'))
  AND e.outcome <> 'stray' AND NOT e.code = ANY(%(keeping)s)
  -- A file and a return are told apart by when their jobs began, which is not to the second.
  AND f.made_at > e.at + interval '1 minute'
"""
_KEEPING: Final = [code.code for code in RETURN_CODES.values() if code.account == "keep"]
_NOT_VALIDATED: Final = """
SELECT DISTINCT 'the account of payment ' || p.reference || ' was not validated before its debit'
FROM payments_instruction i JOIN payments_payment p ON p.id = i.payment_id
JOIN banking_bankfile f ON f.id = i.file_id JOIN payments_mandate m ON m.id = p.mandate_id
WHERE m.sec_code = 'WEB' AND i.kind = 'payment'
  AND (m.validated_at <= f.made_at AND m.validated_by <> '' OR EXISTS (
      SELECT FROM payments_prenoteproof proof
      WHERE proof.mandate_id = m.id AND proof.at <= f.made_at)) IS NOT TRUE
"""
_BY_PRENOTE: Final = """
SELECT p.reference, f.business_date, sent.effective_date
FROM payments_instruction i JOIN payments_payment p ON p.id = i.payment_id
JOIN banking_bankfile f ON f.id = i.file_id JOIN payments_mandate m ON m.id = p.mandate_id
LEFT JOIN LATERAL (
    SELECT min(its_file.effective_date) AS effective_date
    FROM payments_prenoteproof proof
    JOIN payments_instruction prenote ON prenote.id = proof.prenote_id
    JOIN banking_bankfile its_file ON its_file.id = prenote.file_id
    JOIN payments_payment first ON first.id = prenote.payment_id
    WHERE proof.mandate_id = m.id AND proof.at <= f.made_at
      AND prenote.kind = 'prenote' AND prenote.is_live AND its_file.sent_at IS NOT NULL
      AND EXISTS (SELECT FROM payments_bankaccount tested
                  JOIN payments_bankaccount debited USING (account_fingerprint)
                  WHERE tested.method_id = first.method_id AND debited.method_id = p.method_id)
) sent ON true
WHERE m.validated_by = 'prenote' AND m.sec_code = 'WEB' AND i.kind = 'payment' AND i.is_live
ORDER BY 1
"""


def _by_prenote(inspection: Inspection) -> Violations:
    """Find debits that did not wait for the prenote that validates their account."""
    return Violations.of(
        f"payment {reference} was put in the file of {business_date}, "
        + (f"its account's prenote settled on {settled}" if settled else "with no prenote before")
        for reference, business_date, settled in inspection.rows(_BY_PRENOTE)
        if settled is None or bankdays.prenote_clear(settled) > business_date
    )


_REMOVABLE: Final = """
SELECT 'the application may remove rows of ' || name
FROM unnest(ARRAY['payments_mandate', 'payments_paymentmethod', 'payments_methodaccess',
                  'payments_payment']) table_ (name)
CROSS JOIN unnest(ARRAY['DELETE', 'TRUNCATE']) act (name_)
WHERE has_table_privilege(%(role)s::text, quote_ident(%(schema)s::text) || '.' || name, act.name_)
"""
_RELEASED: Final = """
WITH yes AS (
    SELECT file_id,
           count(DISTINCT actor_id) FILTER (WHERE split_part(actor_id, '/', 1) = ANY(%(kinds)s))
               AS people,
           bool_or(starts_with(actor_id, 'job/')) AS by_itself
    FROM banking_fileapproval a JOIN banking_bankfile f ON f.id = a.file_id
    WHERE a.sha256 = f.sha256 AND a.round = f.release_round AND a.at <= f.released_at GROUP BY 1
)
SELECT 'file ' || f.name || ' is ' || f.state || ', released by ' || coalesce(people, 0)
       || ' people' || CASE WHEN by_itself THEN ' and by itself, above the limit' ELSE '' END
FROM banking_bankfile f JOIN banking_bankconnection b ON b.id = f.connection_id
LEFT JOIN yes ON yes.file_id = f.id
WHERE f.direction = 'out'
  AND (f.released_at IS NOT NULL OR f.state IN ('released', 'sending', 'sent', 'accepted'))
  AND coalesce(people, 0)
      < CASE WHEN b.two_people_release OR f.release_round > 1 THEN %(needed)s ELSE 1 END
  AND NOT (coalesce(by_itself, false) AND b.release_limit_minor > 0
           AND f.debit_minor + f.credit_minor <= b.release_limit_minor)
"""


def _released(inspection: Inspection) -> Violations:
    """Find files sent with fewer approvals than the bank connection requires."""
    kinds = ["person"] if settings.IS_LIVE else ["person", "demo"]
    return inspection.offenders(_RELEASED, needed=APPROVALS_NEEDED, kinds=kinds)


_OTHER_BYTES: Final = """
SELECT a.actor_name || ' approved other bytes than ' || f.name || ' has'
FROM banking_fileapproval a JOIN banking_bankfile f ON f.id = a.file_id WHERE a.sha256 <> f.sha256
"""
_ROLE: Final = """
SELECT 'role ' || rolname || ' may ' || may
FROM pg_roles CROSS JOIN LATERAL (VALUES
    (rolsuper, 'do anything'), (rolbypassrls, 'pass over row security'),
    (rolcreaterole, 'make roles'), (rolcreatedb, 'make databases'),
    (rolreplication, 'copy the server'), (rolcanlogin, 'sign in by itself')) granted (yes, may)
WHERE rolname = %(role)s::text AND yes
UNION ALL
SELECT 'role ' || %(role)s::text || ' is a member of ' || g.rolname
FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles r ON r.oid = m.member
WHERE r.rolname = %(role)s::text
UNION ALL
SELECT 'there is no role ' || %(role)s::text
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = %(role)s::text)
"""
_OWNER: Final = """
SELECT 'the application owns ' || kind || ' ' || name
FROM (
    SELECT 'table', relname, relowner FROM pg_class
    WHERE relnamespace = %(schema)s::text::regnamespace AND relkind IN ('r', 'v', 'm', 'p', 'S')
    UNION ALL SELECT 'function', proname, proowner FROM pg_proc
    WHERE pronamespace = %(schema)s::text::regnamespace
    UNION ALL SELECT 'schema', nspname, nspowner FROM pg_namespace WHERE nspname = %(schema)s::text
) thing (kind, name, owner)
WHERE pg_get_userbyid(owner) = %(role)s::text
UNION ALL
SELECT 'the application may make tables in schema ' || %(schema)s::text
WHERE has_schema_privilege(%(role)s::text, %(schema)s::text, 'CREATE')
"""
_NEIGHBOURS: Final = """
SELECT 'role ' || %(role)s::text || ' reaches into schema ' || b.schema
FROM public.biller b JOIN pg_namespace n ON n.nspname = b.schema
WHERE b.schema <> %(schema)s::text AND has_schema_privilege(%(role)s::text, n.oid, 'USAGE')
UNION ALL
SELECT 'role ' || r.rolname || ' reaches into schema ' || %(schema)s::text
FROM public.biller b JOIN pg_roles r ON r.rolname = 'billfold_' || b.schema
WHERE b.schema <> %(schema)s::text AND has_schema_privilege(r.oid, %(schema)s::text, 'USAGE')
UNION ALL
SELECT 'everybody on the server may read ' || %(schema)s::text || '.' || c.relname
FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) acl
WHERE c.relnamespace = %(schema)s::text::regnamespace AND acl.grantee = 0
UNION ALL
SELECT 'role ' || %(role)s::text || ' may read the directory'
WHERE has_table_privilege(%(role)s::text, 'public.biller', 'SELECT')
"""
_CROSSING: Final = """
SELECT 'foreign key ' || k.conname || ' leads to another schema'
FROM pg_constraint k JOIN pg_class far ON far.oid = k.confrelid
WHERE k.contype = 'f' AND k.connamespace = %(schema)s::text::regnamespace
  AND far.relnamespace <> k.connamespace
UNION ALL
SELECT 'function ' || p.proname || ' is not bound to its schema'
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE p.pronamespace = %(schema)s::text::regnamespace
  AND (p.prosecdef OR (p.prorettype <> 'trigger'::regtype AND l.lanname IN ('plpgsql', 'sql')
       AND NOT EXISTS (SELECT FROM unnest(p.proconfig) setting (words)
                       WHERE replace(words, '"', '') = 'search_path=' || %(schema)s::text)))
"""
_ONE_BEHIND: Final = """
SELECT 'the statement ' || f.name || ' was added by hand and booked for ' || count(DISTINCT who.id)
       || ' of two people'
FROM banking_bankfile f
CROSS JOIN LATERAL (
    SELECT d.actor_id FROM banking_statementdecision d
    WHERE d.file_id = f.id AND d.verdict = 'accept' AND d.round = f.release_round
    UNION SELECT f.added_by_id WHERE starts_with(f.added_by_id, 'person/')
    UNION SELECT NULL
) who (id)
WHERE f.added_by_id <> '' AND EXISTS (SELECT FROM banking_statement s WHERE s.file_id = f.id)
GROUP BY f.id HAVING count(DISTINCT who.id) < 2
"""

CHECKS: Final = (
    by_sql(
        18,
        "Every debit had a live consent when its file was made",
        _UNAUTHORISED.format(is_for_account=debit_rules.CONSENT_IS_FOR_ACCOUNT),
    ),
    by_sql(18, "Every consent keeps the text, its version and who agreed", _CONSENT),
    by_sql(18, "Every consent is the one put on record", _OTHER_CONSENT),
    by_sql(18, "A consent to one debit serves one payment", _SINGLE_TWICE),
    by_sql(18, "A notice of change links accounts of one method", _OTHER_LINK),
    changed_only(18, "The application cannot rewrite a consent", "payments_mandate"),
    changed_only(
        18, "The application cannot rewrite for whom a method may be used", "payments_methodaccess"
    ),
    keeps_all_but_ends(
        18, "A trigger lets only the end of a consent be written", "payments_mandate"
    ),
    *never_changed(
        18,
        "bank accounts and what prenotes proved",
        "payments_bankaccount",
        "payments_prenoteproof",
    ),
    by_sql(18, "No account is debited after a return stopped it", _STOPPED, keeping=_KEEPING),
    by_sql(18, "Every account was validated before its first WEB debit", _NOT_VALIDATED),
    ProofCheck(18, "No first debit goes out before its prenote has cleared", _by_prenote),
    by_sql(18, "The application cannot remove a consent", _REMOVABLE),
    ProofCheck(20, "Every file that left was released by two people", _released),
    by_sql(20, "Every approval names the bytes of its file", _OTHER_BYTES),
    unique(
        20,
        "The database takes one approval of each person",
        "banking_fileapproval.file_id+actor_id+round",
    ),
    *never_changed(20, "approvals", "banking_fileapproval", "banking_statementdecision"),
    by_sql(20, "Two people stand behind every statement added by hand", _ONE_BEHIND),
    unique(
        20,
        "The database takes one word of each person on a statement",
        "banking_statementdecision.file_id+actor_id+verdict+round",
    ),
    *never_changed(20, "roles and access", "people_rolegrant", "receivables_accessgrant"),
    by_sql(22, "The application's role has no special powers", _ROLE),
    by_sql(22, "The application's role owns nothing", _OWNER),
    changes_only_listed(22, "The application's role may change nothing but what is listed"),
    nothing_lends_rights(22, "Views and functions lend nobody the owner's rights"),
    narrow_logins(22, "No login may do more than its work needs"),
    by_sql(22, "No biller reaches another's tables", _NEIGHBOURS),
    by_sql(22, "Nothing in the schema leads out of it", _CROSSING),
)
