"""Which far sides keep silent: a bank, the mail server. Each is left alone for longer and longer.

A row stands for one job that got no answer from one far side. It goes with the first answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection

from billfold import typed_text
from billfold.platform.models import Silence

FIRST_WAIT_SECONDS: Final = 15
LONGEST_WAIT_SECONDS: Final = 600
"""The wait doubles from the first to the longest."""
_LONGEST_REASON: Final = 300


@dataclass(frozen=True, slots=True)
class Contact:
    """One try to reach a far side, and why it did not answer; empty if it did."""

    silent_because: str = ""


def record(job: str, far_side: str, contact: Contact, *, now: datetime) -> None:
    """Keep what a try of a job showed: whether the far side answers, and when to try it again."""
    if not contact.silent_because:
        Silence.objects.filter(job=job, far_side=far_side).delete()
        return
    reason = typed_text.printable_name(contact.silent_because)[:_LONGEST_REASON]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO platform_silence AS s
                (job, far_side, since, tries, next_try_at, reason)
            VALUES (%(job)s, %(far_side)s, %(now)s, 1, %(now)s + %(first)s * interval '1 s',
                    %(reason)s)
            ON CONFLICT (job, far_side) DO UPDATE SET
                tries = s.tries + 1,
                next_try_at = %(now)s
                    + LEAST(%(first)s * 2 ^ LEAST(s.tries, 20), %(longest)s) * interval '1 s',
                reason = excluded.reason""",
            {
                "job": job,
                "far_side": far_side,
                "now": now,
                "first": FIRST_WAIT_SECONDS,
                "longest": LONGEST_WAIT_SECONDS,
                "reason": reason,
            },
        )


def next_tries() -> Mapping[tuple[str, str], datetime]:
    """Return when each silent far side is tried again, by job and far side."""
    rows = Silence.objects.values_list("job", "far_side", "next_try_at")
    return {(job, far_side): moment for job, far_side, moment in rows}
