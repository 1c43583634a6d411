"""Checks whether a biller's data keep the promises. Reads everything, changes nothing."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import DatabaseError, OperationalError, connection, transaction

from billfold.payments.proof.check import NAMED_AT_MOST, Inspection, ProofCheck, Violations
from billfold.payments.proof.checks import CHECKS, NOT_CHECKABLE, TITLES
from billfold.platform import sealing, tenancy

_SNAPSHOT: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_MEMORY: Final = "SET LOCAL work_mem = '128MB'"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One condition, and the violations of it."""

    title: str
    violations: Violations
    seconds: float


@dataclass(frozen=True, slots=True)
class PromiseResult:
    """One promise with its conditions."""

    promise: int
    results: Sequence[CheckResult]

    @property
    def title(self) -> str:
        return TITLES[self.promise]

    @property
    def offenders(self) -> int:
        return sum(result.violations.count for result in self.results)

    @property
    def first(self) -> list[str]:
        return [words for result in self.results for words in result.violations.first][
            :NAMED_AT_MOST
        ]

    @property
    def seconds(self) -> float:
        return sum(result.seconds for result in self.results)

    def as_json(self) -> dict[str, Any]:
        """Put it in the words of `billfold verify --json`."""
        return {
            "promise": self.promise,
            "title": self.title,
            "offenders": self.offenders,
            "first": self.first,
            "seconds": round(self.seconds, 3),
            "checks": [
                {
                    "title": result.title,
                    "offenders": result.violations.count,
                    "first": list(result.violations.first),
                    "seconds": round(result.seconds, 3),
                }
                for result in self.results
            ],
        }


@dataclass(frozen=True, slots=True)
class ProofReport:
    """The outcome of every promise at one biller."""

    schema: str
    at: datetime
    promises: Sequence[PromiseResult]

    @property
    def is_clean(self) -> bool:
        return not self.broken

    @property
    def broken(self) -> list[int]:
        return [result.promise for result in self.promises if result.offenders]

    @property
    def seconds(self) -> float:
        return sum(result.seconds for result in self.promises)

    def as_json(self) -> dict[str, Any]:
        """Put it in the words of `billfold verify --json`."""
        return {
            "biller": self.schema,
            "at": self.at.isoformat(),
            "is_clean": self.is_clean,
            "broken": self.broken,
            "seconds": round(self.seconds, 3),
            "promises": [result.as_json() for result in self.promises],
            "not_checkable": [
                {"promise": promise, "title": TITLES[promise], "reason": reason}
                for promise, reason in NOT_CHECKABLE.items()
            ],
        }


def run(
    biller: tenancy.Biller, *, now: datetime, checks: Sequence[ProofCheck] = CHECKS
) -> ProofReport:
    """Check every promise that can be checked, in one snapshot, with the login that only reads.

    The transaction is read-only, too: the server refuses whatever a check might try to write.
    """
    with tenancy.as_proof(biller), transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute(_SNAPSHOT)
        return examine(biller, now=now, checks=checks)


def examine(
    biller: tenancy.Biller, *, now: datetime, checks: Sequence[ProofCheck] = CHECKS
) -> ProofReport:
    """Check promises in the transaction that is open, with the rights it has."""
    with connection.cursor() as cursor:
        cursor.execute(_MEMORY)
    inspection = Inspection(biller, now)
    results: dict[int, list[CheckResult]] = {}
    for check in checks:
        results.setdefault(check.promise, []).append(_carry_out(check, inspection))
    return ProofReport(
        biller.schema,
        now,
        [PromiseResult(promise, results[promise]) for promise in sorted(results)],
    )


def _carry_out(check: ProofCheck, inspection: Inspection) -> CheckResult:
    """Carry out one check. One that cannot be carried out has not been passed.

    Raises: what is over in a moment, such as a lost connection; that says nothing of a promise.
    """
    began_at = time.monotonic()
    try:
        with transaction.atomic():
            violations = check.find(inspection)
    except (DatabaseError, sealing.KeysMissing) as refused:
        if isinstance(refused, OperationalError):
            raise
        violations = Violations(
            1, [f"could not be checked: {type(refused).__name__}: {refused}".strip()]
        )
    return CheckResult(check.title, violations, time.monotonic() - began_at)
