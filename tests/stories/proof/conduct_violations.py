"""One violation for each check of consents, dates, limits and sign-ins: promises 18 to 24."""

from __future__ import annotations

from tests.stories.proof.violations import (
    OUT,
    ROLE,
    SETTLED_PAYMENT,
    Plant,
    one,
    sql,
    unguarded,
)

_ENTRY = """INSERT INTO platform_brakeentry
    (number, kind, act, at, actor_id, actor_name, why, seen) VALUES """
_ATTEMPT = "INSERT INTO people_signinattempt (id, target, source, at) SELECT gen_random_uuid(), "

CONDUCT: dict[tuple[int, str], Plant] = {
    (19, "No payment is put in a file before its day"): sql(
        f"UPDATE payments_payment SET collect_on = '2026-12-01' WHERE {SETTLED_PAYMENT}"
    ),
    (19, "Payments, cut-offs and settlements fall on banking days"): sql(
        f"UPDATE banking_bankfile SET effective_date = '2026-11-26' WHERE {OUT}"
    ),
    (19, "No cut-off is run before its day"): sql(
        "UPDATE payments_cutoff SET run_at = '2026-11-17T03:00Z' WHERE business_date = '2026-11-17'"
    ),
    (19, "No cut-off is passed over"): sql(
        "DELETE FROM payments_cutoff WHERE business_date = '2026-11-18'"
    ),
    (19, "The database takes one cut-off of a bank and day"): sql(
        "ALTER TABLE payments_cutoff DROP CONSTRAINT payments_cutoff_pkey"
    ),
    (21, "Two people, or a clean verify, lift the brake; a return limit's two people only"): sql(
        _ENTRY + "(901, 'return-limit', 'set', now(), 'job/x', 'x', '', '{}'), "
        "(902, 'return-limit', 'agreed', now(), 'person/a', 'a', 'why', '{}'), "
        "(903, 'return-limit', 'agreed', now(), 'person/a', 'a', 'why', '{}'), "
        "(904, 'return-limit', 'lifted', now(), 'job/verify', 'x', '', '{}')"
    ),
    (21, "No file is made, released or sent while the brake stands"): sql(
        _ENTRY + "(901, 'finding', 'set', '2026-11-16T15:00Z', 'job/verify', 'x', '', '{}')"
    ),
    (21, "The application has no right to change the brake's entries"): sql(
        f"GRANT DELETE ON platform_brakeentry TO {ROLE}"
    ),
    (21, "A trigger refuses changes of the brake's entries, whoever makes them"): sql(
        "DROP TRIGGER append_only ON platform_brakeentry"
    ),
    (24, "What is kept of a failed sign-in names nobody in the clear"): sql(
        _ATTEMPT + "'dana@bergman.test', repeat('0', 64), now()"
    ),
    (24, "A failed sign-in is on record without the name that was tried"): unguarded(
        "platform_auditentry",
        "UPDATE platform_auditentry SET action = 'sign-in failed', subject = 'sign-in/d@b.test' "
        f"WHERE {one('platform_auditentry')}",
    ),
    (24, "Failed sign-ins are limited for each target and each source"): sql(
        _ATTEMPT + "repeat('0', 64), repeat(to_hex(n % 16), 64), now() "
        "FROM generate_series(1, 201) n"
    ),
    (18, "A consent to one debit serves one payment"): unguarded(
        "payments_payment",
        "UPDATE payments_payment SET mandate_id = "
        "(SELECT min(id::text)::uuid FROM payments_mandate)",
    ),
    (18, "A notice of change links accounts of one method"): unguarded(
        "payments_bankaccount",
        "UPDATE payments_bankaccount a SET replaces_id = "
        "(SELECT b.id FROM payments_presentaccount b WHERE b.method_id <> a.method_id LIMIT 1) "
        f"WHERE {one('payments_bankaccount', 'replaces_id IS NOT NULL')}",
    ),
    (18, "The application cannot rewrite for whom a method may be used"): sql(
        f"GRANT UPDATE (customer_id) ON payments_methodaccess TO {ROLE}"
    ),
    (18, "A trigger lets only the end of a consent be written"): sql(
        "ALTER TABLE payments_mandate DISABLE TRIGGER only_ends"
    ),
    (18, "The application has no right to change bank accounts and what prenotes proved"): sql(
        f"GRANT UPDATE (number_sealed) ON payments_bankaccount TO {ROLE}"
    ),
    (
        18,
        "A trigger refuses changes of bank accounts and what prenotes proved, whoever makes them",
    ): sql("DROP TRIGGER append_only ON payments_bankaccount"),
}
