"""Promise 21: checks that the brake held while it stood, and that nobody lifted it alone."""

from __future__ import annotations

from typing import Final

from billfold.payments.outgoing.brake_lifting import PEOPLE_NEEDED
from billfold.payments.proof.check import by_sql
from billfold.payments.proof.guards import never_changed

_LIFTED_ALONE: Final = """
SELECT 'brake entry ' || lifted.number || ' lifts a ' || lifted.kind || ' with the word of '
       || count(DISTINCT agreed.actor_id) || ' people'
FROM platform_brakeentry lifted
LEFT JOIN platform_brakeentry agreed ON agreed.kind = lifted.kind AND agreed.act = 'agreed'
    AND starts_with(agreed.actor_id, 'person/') AND agreed.why <> ''
    AND agreed.number < lifted.number AND agreed.number > (
        SELECT max(was.number) FROM platform_brakeentry was
        WHERE was.kind = lifted.kind AND was.act = 'set' AND was.number < lifted.number)
WHERE lifted.act = 'lifted'
  AND NOT (lifted.kind = 'finding' AND lifted.actor_id = 'job/verify')
GROUP BY lifted.number HAVING count(DISTINCT agreed.actor_id) < %(needed)s
"""
_LEFT_WHILE_BRAKED: Final = """
WITH braked AS (
    -- What had begun before ends, and jobs are told apart by when they began.
    SELECT at + interval '1 minute' AS from_at, coalesce((
        SELECT min(off.at) FROM platform_brakeentry off
        WHERE off.kind = e.kind AND off.act = 'lifted' AND off.number > e.number
    ), 'infinity') AS until_at
    FROM platform_brakeentry e WHERE act = 'set'
)
SELECT DISTINCT 'file ' || f.name || ' was ' || step.what || ' while the brake stood'
FROM banking_bankfile f
CROSS JOIN LATERAL (VALUES ('made', f.made_at), ('released', f.released_at)) step (what, at)
JOIN braked ON step.at > braked.from_at AND step.at < braked.until_at
WHERE f.direction = 'out'
UNION ALL
SELECT DISTINCT e.subject || ' was sent while the brake stood'
FROM platform_auditentry e
JOIN braked ON e.at > braked.from_at + interval '1 hour' AND e.at < braked.until_at
WHERE e.action = 'bank file sent' AND e.actor_id = 'job/send'
"""

CHECKS: Final = (
    by_sql(
        21,
        "Two people, or a clean verify, lift the brake; a return limit's two people only",
        _LIFTED_ALONE,
        needed=PEOPLE_NEEDED,
    ),
    by_sql(21, "No file is made, released or sent while the brake stands", _LEFT_WHILE_BRAKED),
    *never_changed(21, "the brake's entries", "platform_brakeentry"),
)
