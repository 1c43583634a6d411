"""Does this biller's system keep its promises? Looks at everything, changes nothing."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import DatabaseError, connection, transaction

from billfold.payments.proof.check import SHOWN, Check, Found, Inspection
from billfold.payments.proof.checks import CHECKS, NOT_CHECKABLE, TITLES
from billfold.platform import sealing, tenancy

_SNAPSHOT: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_MEMORY: Final = "SET LOCAL work_mem = '128MB'"


@dataclass(frozen=True, slots=True)
class Checked:
    """One condition, and what was found against it."""

    title: str
    found: Found
    seconds: float


@dataclass(frozen=True, slots=True)
class Kept:
    """One promise with its conditions."""

    promise: int
    checked: Sequence[Checked]

    @property
    def title(self) -> str:
        return TITLES[self.promise]

    @property
    def offenders(self) -> int:
        return sum(each.found.count for each in self.checked)

    @property
    def first(self) -> list[str]:
        return [words for each in self.checked for words in each.found.first][:SHOWN]

    @property
    def seconds(self) -> float:
        return sum(each.seconds for each in self.checked)

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
                    "title": each.title,
                    "offenders": each.found.count,
                    "first": list(each.found.first),
                    "seconds": round(each.seconds, 3),
                }
                for each in self.checked
            ],
        }


@dataclass(frozen=True, slots=True)
class Report:
    """What was found at one biller."""

    schema: str
    at: datetime
    promises: Sequence[Kept]

    @property
    def is_clean(self) -> bool:
        return not self.broken

    @property
    def broken(self) -> list[int]:
        return [kept.promise for kept in self.promises if kept.offenders]

    @property
    def seconds(self) -> float:
        return sum(kept.seconds for kept in self.promises)

    def as_json(self) -> dict[str, Any]:
        """Put it in the words of `billfold verify --json`."""
        return {
            "biller": self.schema,
            "at": self.at.isoformat(),
            "is_clean": self.is_clean,
            "broken": self.broken,
            "seconds": round(self.seconds, 3),
            "promises": [kept.as_json() for kept in self.promises],
            "not_checkable": [
                {"promise": promise, "title": TITLES[promise], "reason": reason}
                for promise, reason in NOT_CHECKABLE.items()
            ],
        }


def run(biller: tenancy.Biller, *, now: datetime, checks: Sequence[Check] = CHECKS) -> Report:
    """Check every promise that can be checked, as the owner of the tables, in one snapshot.

    The transaction is read only: the server refuses whatever a check might try to write.
    """
    with tenancy.owning(biller), transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute(_SNAPSHOT)
        return examine(biller, now=now, checks=checks)


def examine(biller: tenancy.Biller, *, now: datetime, checks: Sequence[Check] = CHECKS) -> Report:
    """Check promises in the transaction that is open, with the rights it has."""
    with connection.cursor() as cursor:
        cursor.execute(_MEMORY)
    look = Inspection(biller, now)
    done: dict[int, list[Checked]] = {}
    for check in checks:
        done.setdefault(check.promise, []).append(_carry_out(check, look))
    return Report(biller.schema, now, [Kept(promise, done[promise]) for promise in sorted(done)])


def _carry_out(check: Check, look: Inspection) -> Checked:
    """Carry out one check. One that cannot be carried out has not been passed."""
    began_at = time.monotonic()
    try:
        with transaction.atomic():
            found = check.find(look)
    except (DatabaseError, sealing.KeysMissing) as refused:
        found = Found(1, [f"could not be checked: {type(refused).__name__}: {refused}".strip()])
    return Checked(check.title, found, time.monotonic() - began_at)
