"""One condition of a promise, and the violations found against it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db import connection

from billfold.platform import brake
from billfold.platform.tenancy import Biller

NAMED_AT_MOST: Final = 5
"""How many offenders of a check are shown; the others are counted."""
KEPT_AT_MOST: Final = 1_000
"""How many are told apart, so that a new one is seen among those that are known."""


@dataclass(frozen=True, slots=True)
class Violations:
    """What breaks a promise: how many rows, and those that are kept in words."""

    count: int
    kept: Sequence[str] = ()

    @property
    def first(self) -> Sequence[str]:
        return self.kept[:NAMED_AT_MOST]

    @classmethod
    def of(cls, offenders: Iterable[str]) -> Violations:
        """Count offenders as they come, keeping no more than KEPT_AT_MOST."""
        count, kept = 0, list[str]()
        for words in offenders:
            count += 1
            if len(kept) < KEPT_AT_MOST:
                kept.append(words)
        return cls(count, kept)


NOTHING: Final = Violations(0)


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a check may look at: one biller, at one moment, in one snapshot of its tables."""

    biller: Biller
    now: datetime
    cache: dict[str, Any] = field(default_factory=dict)
    """What a check read that a later one needs too, by name."""

    def once(self, name: str, read: Callable[[], Any]) -> Any:
        """Call `read` once and give its result each time."""
        if name not in self.cache:
            self.cache[name] = read()
        return self.cache[name]

    def rows(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """Read rows; the statement may name `now`, `schema`, `role`, `is_held`, `is_stopped`.

        Stopped means on HOLD, or braked: nothing is sent then, and nobody is asked about that.
        """
        named: dict[str, Any] = {"now": self.now}
        named |= {"schema": self.biller.schema, "role": self.biller.role}
        named["is_held"] = self.biller.state == "hold"
        named["is_stopped"] = self.once("is stopped", self._is_stopped)
        with connection.cursor() as cursor:
            cursor.execute(statement, named | values)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    def _is_stopped(self) -> bool:
        return self.biller.state == "hold" or bool(brake.standing())

    def offenders(self, statement: str, **values: Any) -> Violations:
        """Count the rows of a query whose one column is an offender in words."""
        rows = self.rows(
            f"""SELECT count(*) OVER (), offender.words FROM ({statement}) offender (words)
                ORDER BY offender.words LIMIT {KEPT_AT_MOST}""",  # noqa: S608  our own statements
            **values,
        )
        return Violations(rows[0][0], [words for _, words in rows]) if rows else NOTHING


@dataclass(frozen=True, slots=True)
class ProofCheck:
    """One condition of one promise."""

    promise: int
    title: str
    find: Callable[[Inspection], Violations]


def by_sql(promise: int, title: str, statement: str, **values: Any) -> ProofCheck:
    """Make a check of a query that gives each offender in words."""
    return ProofCheck(promise, title, lambda inspection: inspection.offenders(statement, **values))
