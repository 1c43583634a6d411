"""One violation for each check of the trail, notices, the feed and imports: promises 25 to 27."""

from __future__ import annotations

from tests.stories.proof.violations import (
    INVOICE,
    ROLE,
    Plant,
    both,
    not_unique,
    one,
    sql,
    unguarded,
)

RECORDS: dict[tuple[int, str], Plant] = {
    (25, "The audit trail's chain holds"): unguarded(
        "platform_auditentry",
        "UPDATE platform_auditentry SET actor_name = 'Somebody Else' "
        f"WHERE {one('platform_auditentry')}",
    ),
    (25, "No seal is missing or empty"): unguarded(
        "platform_auditlink", "DELETE FROM platform_auditlink WHERE seal_id = 1"
    ),
    (25, "Every entry is sealed within ten minutes"): unguarded(
        "platform_auditlink", "DELETE FROM platform_auditlink WHERE position = 0"
    ),
    (25, "Every act about money is on record"): both(
        unguarded("platform_auditentry"),
        unguarded(
            "platform_auditlink",
            "DELETE FROM platform_auditentry WHERE action = 'payment canceled'",
        ),
    ),
    (25, "The application has no right to change the audit trail"): sql(
        f"GRANT DELETE ON platform_auditentry TO {ROLE}"
    ),
    (25, "A trigger refuses changes of the audit trail, whoever makes them"): sql(
        "ALTER TABLE platform_auditseal DISABLE TRIGGER append_only"
    ),
    (26, "Every fact a payer must hear of has its notice"): sql(
        "DELETE FROM notices_notice WHERE kind = 'settled'"
    ),
    (26, "No notice tells what did not happen"): sql(
        "UPDATE notices_notice SET about = 'payment/NONE' WHERE kind = 'received'"
    ),
    (26, "The database takes one notice of each fact"): not_unique("notices_notice", "key"),
    (26, "Every payment, event and transfer is in the feed"): sql(
        "DELETE FROM platform_feedrow WHERE kind = 'events'"
    ),
    (26, "The feed's numbers have no gaps"): unguarded(
        "platform_feedrow", "UPDATE platform_feedrow SET number = number + 1000"
    ),
    (26, "The database gives a number of the feed once"): not_unique("platform_feedrow", "number"),
    (27, "Every import is the bytes that came"): sql(
        "UPDATE receivables_importrun SET content = substring(content FROM 1 FOR 30)"
    ),
    (27, "Every import's totals are those put on record"): sql(
        "UPDATE receivables_importrun SET total_minor = 1"
    ),
    (27, "Every invoice document is the bytes that came"): sql(
        "INSERT INTO receivables_invoicedocument (invoice_id, name, sha256, content) "
        f"VALUES ({INVOICE.format('CL-1')}, 'CL-1.pdf', repeat('0', 64), 'PDF'::bytea)"
    ),
}
