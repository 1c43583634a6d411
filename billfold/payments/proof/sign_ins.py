"""Promise 24: checks that sign-ins are limited, and that what is kept of them names no stranger."""

from __future__ import annotations

from typing import Final

from billfold.payments.proof.check import by_sql
from billfold.people import authentication

_CLEAR: Final = """
SELECT 'attempt ' || id || ' keeps a ' || field.name || ' that is no keyed hash'
FROM people_signinattempt
CROSS JOIN LATERAL (VALUES ('target', target), ('source', source)) field (name, words)
WHERE words !~ '^[0-9a-f]{64}$'
"""
_NAMED: Final = """
SELECT 'the entry of a failed sign-in at ' || at || ' names neither a person nor a keyed hash'
FROM platform_auditentry
WHERE action = 'sign-in failed' AND subject !~ '^(person/[0-9a-f-]{36}|sign-in/[0-9a-f]{16})$'
"""
_UNLIMITED: Final = """
SELECT DISTINCT 'a ' || place.name || ' was tried more often than its limit allows'
FROM people_signinattempt last
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE a.target = last.target AND a.source = last.source),
           count(*) FILTER (WHERE a.target = last.target),
           count(*) FILTER (WHERE a.source = last.source)
    FROM people_signinattempt a
    WHERE a.at > last.at - %(window)s::interval AND a.at <= last.at
      AND (a.target = last.target OR a.source = last.source)
) tries (at_pair, at_target, at_source)
CROSS JOIN LATERAL (VALUES
    ('pair of target and source', tries.at_pair, %(pair)s::integer),
    ('target', tries.at_target, %(target)s::integer),
    ('source', tries.at_source, %(source)s::integer)) place (name, tries, limit_)
WHERE place.tries > place.limit_
"""
_SLACK: Final = 2
"""A process that dies between counting an attempt and refusing it leaves the attempt behind."""

CHECKS: Final = (
    by_sql(24, "What is kept of a failed sign-in names nobody in the clear", _CLEAR),
    by_sql(24, "A failed sign-in is on record without the name that was tried", _NAMED),
    by_sql(
        24,
        "Failed sign-ins are limited for each target and each source",
        _UNLIMITED,
        window=authentication.WINDOW,
        pair=authentication.MOST_PER_PAIR * _SLACK,
        target=authentication.MOST_PER_TARGET * _SLACK,
        source=authentication.MOST_PER_SOURCE * _SLACK,
    ),
)
