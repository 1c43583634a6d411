"""One condition that must hold, and what was found against it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db import connection

from billfold.platform.tenancy import Biller

SHOWN: Final = 5
"""How many offenders are named; the others are counted."""


@dataclass(frozen=True, slots=True)
class Found:
    """What breaks a promise: how many, and the first of them in words."""

    count: int
    first: Sequence[str] = ()

    @classmethod
    def of(cls, offenders: Iterable[str]) -> Found:
        """Count offenders as they come, keeping only those that are shown."""
        count, first = 0, list[str]()
        for words in offenders:
            count += 1
            if len(first) < SHOWN:
                first.append(words)
        return cls(count, first)


NOTHING: Final = Found(0)


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a check may look at: one biller, at one moment, in one snapshot of its tables."""

    biller: Biller
    now: datetime
    kept: dict[str, Any] = field(default_factory=dict)
    """What a check read that a later one needs too, by name."""

    def once(self, name: str, read: Callable[[], Any]) -> Any:
        """Give what `read` gave the first time."""
        if name not in self.kept:
            self.kept[name] = read()
        return self.kept[name]

    def rows(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """Read rows; the statement may name `now`, `schema`, `role` and `is_held`."""
        named: dict[str, Any] = {"now": self.now}
        named |= {"schema": self.biller.schema, "role": self.biller.role}
        named["is_held"] = self.biller.state == "hold"
        with connection.cursor() as cursor:
            cursor.execute(statement, named | values)
            found: list[tuple[Any, ...]] = cursor.fetchall()
            return found

    def offenders(self, statement: str, **values: Any) -> Found:
        """Count the rows of a query whose one column is an offender in words."""
        rows = self.rows(
            f"""SELECT count(*) OVER (), found.words FROM ({statement}) found (words)
                ORDER BY found.words LIMIT {SHOWN}""",  # noqa: S608  our own statements
            **values,
        )
        return Found(rows[0][0], [words for _, words in rows]) if rows else NOTHING


@dataclass(frozen=True, slots=True)
class Check:
    """One condition of one promise."""

    promise: int
    title: str
    find: Callable[[Inspection], Found]


def by_sql(promise: int, title: str, statement: str, **values: Any) -> Check:
    """Make a check of a query that gives each offender in words."""
    return Check(promise, title, lambda look: look.offenders(statement, **values))
