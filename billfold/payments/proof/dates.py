"""Promise 19: checks that debits and cut-offs keep to banking days, and to their order."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from itertools import pairwise
from typing import Final

from billfold import bankdays
from billfold.payments.proof.check import Inspection, ProofCheck, Violations, by_sql
from billfold.payments.proof.guards import unique

_TOO_EARLY: Final = """
SELECT 'payment ' || p.reference || ' was put in a file on ' || f.business_date
       || ', its day is ' || p.collect_on
FROM payments_instruction i JOIN payments_payment p ON p.id = i.payment_id
JOIN banking_bankfile f ON f.id = i.file_id
WHERE i.kind = 'payment' AND i.is_live AND f.business_date < p.collect_on
"""
_BEFORE_ITS_DAY: Final = """
SELECT 'the cut-off of ' || business_date || ' was run on '
       || (run_at AT TIME ZONE 'America/New_York')::date
FROM payments_cutoff WHERE (run_at AT TIME ZONE 'America/New_York')::date < business_date
"""
_DAYS: Final = """
SELECT 'file ' || name || ' settles', effective_date FROM banking_bankfile
WHERE direction = 'out' AND effective_date IS NOT NULL
UNION ALL
SELECT 'payment ' || reference || ' is due', collect_on FROM payments_payment
UNION ALL
SELECT DISTINCT 'a cut-off is', business_date FROM payments_cutoff
"""


def _is_banking_day(day: date) -> bool:
    """Tell whether banks settle on a day; past the published calendar nobody knows of any."""
    with suppress(bankdays.UnknownYear):
        return bankdays.is_banking_day(day)
    return False


def _odd_days(inspection: Inspection) -> Violations:
    """Find settlements, payments and cut-offs on days on which no bank settles."""
    rows = inspection.rows(_DAYS)
    closed = {day for day in {day for _, day in rows} if not _is_banking_day(day)}
    return Violations.of(sorted(f"{what} on {day}" for what, day in rows if day in closed))


def _skipped(inspection: Inspection) -> Violations:
    """Find banking days between two cut-offs of a bank connection that had none."""
    days: dict[object, list[date]] = {}
    for bank, day in inspection.rows(
        "SELECT connection_id, business_date FROM payments_cutoff ORDER BY 1, 2"
    ):
        days.setdefault(bank, []).append(day)
    return Violations.of(
        f"no cut-off was run between those of {earlier} and {later}"
        for run in days.values()
        for earlier, later in pairwise(run)
        if _is_banking_day(later) and bankdays.next_banking_day(earlier) < later
    )


CHECKS: Final = (
    by_sql(19, "No payment is put in a file before its day", _TOO_EARLY),
    ProofCheck(19, "Payments, cut-offs and settlements fall on banking days", _odd_days),
    by_sql(19, "No cut-off is run before its day", _BEFORE_ITS_DAY),
    ProofCheck(19, "No cut-off is passed over", _skipped),
    unique(
        19,
        "The database takes one cut-off of a bank and day",
        "payments_cutoff.connection_id+business_date",
    ),
)
