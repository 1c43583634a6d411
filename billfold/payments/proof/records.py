"""Promises 25 to 27: checks the audit trail, the notices and the stored imports."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from itertools import groupby
from typing import Final
from uuid import UUID

from django.db import connection

from billfold.payments.funnel import loading
from billfold.payments.proof.check import Inspection, ProofCheck, Violations, by_sql
from billfold.payments.proof.guards import never_changed, unique
from billfold.platform import audit, feed
from billfold.platform.models import AuditEntry, AuditSeal

_PIECE: Final = 8 * 1024 * 1024


def _chain(_inspection: Inspection) -> Violations:
    """Hash the whole audit trail again."""

    def offenders() -> Iterator[str]:
        entries = (
            AuditEntry.objects.exclude(auditlink=None)
            .order_by("auditlink__seal_id", "auditlink__position")
            .values_list("auditlink__seal_id", "auditlink__position", *audit.SEALED_FIELDS)
            .iterator(chunk_size=5_000)
        )
        sealed = groupby(entries, key=lambda row: row[0])
        number, rows = next(sealed, (None, iter(())))
        previous = ""
        for seal in AuditSeal.objects.order_by("number").iterator():
            linked = list(rows) if number == seal.number else []
            if number == seal.number:
                number, rows = next(sealed, (None, iter(())))
            recomputed = audit.chain_hash(previous, (row[2:] for row in linked))
            if recomputed != seal.hash:
                yield f"seal {seal.number} of {seal.at:%Y-%m-%d %H:%M} no longer fits its entries"
            elif [row[1] for row in linked] != list(range(len(linked))):
                yield f"seal {seal.number} has gaps among its entries"
            previous = seal.hash

    return Violations.of(offenders())


_SEALS: Final = """
SELECT 'seal ' || number || ' is missing before seal ' || later
FROM (SELECT number - 1 AS number, number AS later FROM platform_auditseal
      EXCEPT ALL SELECT number, number + 1 FROM platform_auditseal) gap WHERE number > 0
UNION ALL
SELECT 'seal ' || s.number || ' covers nothing' FROM platform_auditseal s
WHERE NOT EXISTS (SELECT FROM platform_auditlink l WHERE l.seal_id = s.number)
"""
_UNSEALED: Final = """
SELECT 'entry "' || action || '" of ' || e.at || ' is not sealed'
FROM platform_auditentry e
WHERE e.at < %(now)s::timestamptz - interval '10 minutes'
  AND NOT EXISTS (SELECT FROM platform_auditlink l WHERE l.entry_id = e.id)
"""
_UNRECORDED: Final = """
WITH act (action, subject) AS (
    SELECT 'payment scheduled', 'payment/' || reference FROM payments_payment
    UNION ALL
    SELECT 'payment canceled', 'payment/' || p.reference
    FROM payments_payment p WHERE p.state = 'canceled'
    UNION ALL
    SELECT 'bank file approved', 'bankfile/' || file_id FROM banking_fileapproval
    UNION ALL
    SELECT 'bank file released', 'bankfile/' || id FROM banking_bankfile
    WHERE released_at IS NOT NULL
    UNION ALL
    SELECT 'bank file sent', 'bankfile/' || id FROM banking_bankfile
    WHERE direction = 'out' AND state = 'sent'
    UNION ALL
    SELECT 'bank file accepted', 'bankfile/' || id FROM banking_bankfile
    WHERE direction = 'out' AND state = 'accepted'
    UNION ALL
    SELECT 'bank file withdrawn', 'bankfile/' || id FROM banking_bankfile
    WHERE direction = 'out' AND state IN ('void', 'rejected')
    UNION ALL
    SELECT 'case closed', 'case/' || id FROM payments_case WHERE closed_at IS NOT NULL
    UNION ALL
    SELECT 'bank account corrected by notice of change', 'method/' || method_id
    FROM payments_bankaccount WHERE replaces_id IS NOT NULL
    UNION ALL
    SELECT kind || ' imported', 'import/' || id FROM receivables_importrun
    UNION ALL
    SELECT 'cut-off run', 'cutoff/' || connection_id || '/' || business_date FROM payments_cutoff
)
SELECT 'no record says "' || act.action || '" of ' || act.subject
FROM act LEFT JOIN platform_auditentry e USING (action, subject) WHERE e.id IS NULL
"""
_UNTOLD_TEMPLATE: Final = """
WITH fact (name, subject) AS (
    SELECT 'received', 'payment/' || reference FROM payments_payment
    UNION ALL
    SELECT CASE kind WHEN 'submitted' THEN replace(key, kind, 'sent') WHEN 'refused' THEN 'failed'
                     WHEN 'withdrawn' THEN key WHEN 'postponed' THEN key ELSE kind END, subject
    FROM payments_subjectevent
    WHERE kind IN ('submitted', 'returned', 'canceled', 'refused', 'withdrawn', 'postponed')
      AND outcome <> 'stray' OR (kind = 'settled' AND outcome = 'settled')
)
SELECT DISTINCT 'nobody was told that payment ' || p.reference || ' was ' || fact.name
FROM fact JOIN payments_payment p ON fact.subject = 'payment/' || p.reference
JOIN receivables_customer c ON c.id = p.customer_id
JOIN payments_mandate d ON d.id = p.mandate_id
{join_person}
LEFT JOIN notices_notice n ON n.key = 'payment/' || p.reference || '/' || fact.name
WHERE n.id IS NULL AND {email} <> ''
"""
_UNTOLD: Final = _UNTOLD_TEMPLATE.format(
    join_person=loading.JOIN_PERSON, email=loading.RECIPIENT_EMAIL
)
_NEVER_HAPPENED: Final = """
SELECT 'a notice tells that ' || n.about || ' was ' || n.kind || CASE
           WHEN p.id IS NULL THEN ', and there is no such payment' ELSE ', and it was not' END
FROM notices_notice n LEFT JOIN payments_payment p ON n.about = 'payment/' || p.reference
LEFT JOIN payments_subjectevent e ON e.subject = n.about AND e.outcome <> 'stray'
    AND e.kind = CASE n.kind WHEN 'sent' THEN 'submitted' WHEN 'failed' THEN 'refused'
                             ELSE n.kind END
WHERE starts_with(n.about, 'payment/')
  AND (p.id IS NULL OR (e.id IS NULL AND n.kind = ANY(%(kinds)s)))
"""
_NOT_IN_THE_FEED: Final = """
WITH fact (kind, name, feed_row_id) AS (
    SELECT 'payments', 'payment ' || reference, feed_row_id FROM payments_payment
    UNION ALL
    SELECT 'events', 'event ' || key || ' of ' || subject, feed_row_id FROM payments_subjectevent
    UNION ALL
    SELECT 'transfers', 'transfer ' || key, feed_row_id FROM ledger_transfer
)
SELECT fact.name || ' is not in the feed' FROM fact
LEFT JOIN platform_feedrow f ON f.id = fact.feed_row_id AND f.kind = fact.kind
WHERE f.id IS NULL
"""
_MISSING_NUMBERS: Final = """
SELECT 'the feed has no number ' || gap.number || ', and a later one'
FROM (SELECT number - 1 AS number FROM platform_feedrow
      WHERE number IS NOT NULL AND number %% %(series_size)s <> 1
      EXCEPT ALL SELECT number FROM platform_feedrow) gap
"""
_KINDS: Final = ["sent", "settled", "returned", "canceled", "failed", "withdrawn", "postponed"]
_OTHER_IMPORT: Final = """
SELECT 'import ' || r.name || ' of ' || r.at || ' is not what was put on record'
FROM receivables_importrun r JOIN platform_auditentry e
    ON e.subject = 'import/' || r.id AND e.action = r.kind || ' imported'
WHERE (r.sha256, r.rows::text, r.added::text, r.changed::text, r.total_minor::text)
      IS DISTINCT FROM (e.after->>'sha256', e.after->>'rows', e.after->>'added',
                        e.after->>'changed', e.after->>'total_minor')
"""
_OTHER_DOCUMENT: Final = """
SELECT 'document ' || name || ' is not the bytes it was' FROM receivables_invoicedocument
WHERE encode(sha256(content), 'hex') <> sha256
"""


def _imports(inspection: Inspection) -> Violations:
    """Unpack every import, piece by piece, and hash it again."""

    def offenders() -> Iterator[str]:
        for import_id, name, sha256, size in inspection.rows(
            "SELECT id, name, sha256, octet_length(content) FROM receivables_importrun"
        ):
            if _unpacked_hash(import_id, size) != sha256:
                yield f"import {name} is not the bytes it was"

    return Violations.of(offenders())


def _unpacked_hash(import_id: UUID, size: int) -> str:
    unpacking, digest = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16), hashlib.sha256()
    with connection.cursor() as cursor:
        for start in range(1, size + 1, _PIECE):
            cursor.execute(
                "SELECT substring(content FROM %s FOR %s) FROM receivables_importrun WHERE id = %s",
                [start, _PIECE, import_id],
            )
            (piece,) = cursor.fetchone()
            try:
                digest.update(unpacking.decompress(bytes(piece)))
            except zlib.error:
                return "it does not unpack"
    return digest.hexdigest() if unpacking.eof else "it is cut short"


CHECKS: Final = (
    ProofCheck(25, "The audit trail's chain holds", _chain),
    by_sql(25, "No seal is missing or empty", _SEALS),
    by_sql(25, "Every entry is sealed within ten minutes", _UNSEALED),
    by_sql(25, "Every act about money is on record", _UNRECORDED),
    *never_changed(
        25, "the audit trail", "platform_auditentry", "platform_auditseal", "platform_auditlink"
    ),
    by_sql(26, "Every fact a payer must hear of has its notice", _UNTOLD),
    by_sql(26, "No notice tells what did not happen", _NEVER_HAPPENED, kinds=_KINDS),
    unique(26, "The database takes one notice of each fact", "notices_notice.key"),
    by_sql(26, "Every payment, event and transfer is in the feed", _NOT_IN_THE_FEED),
    by_sql(26, "The feed's numbers have no gaps", _MISSING_NUMBERS, series_size=feed.SERIES_SIZE),
    unique(
        26, "The database gives a number of the feed once", "platform_feedrow.number", partial=True
    ),
    ProofCheck(27, "Every import is the bytes that came", _imports),
    by_sql(27, "Every import's totals are those put on record", _OTHER_IMPORT),
    by_sql(27, "Every invoice document is the bytes that came", _OTHER_DOCUMENT),
)
