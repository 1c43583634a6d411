"""Writes exports for the billing system, as CSV or JSON, and adds up what they hold of each day."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any, Final, TextIO

from django.db import transaction

from billfold.money import Money
from billfold.platform.feed import FeedWindow
from billfold.receivables.imports import formula_mark


@dataclass(frozen=True, slots=True)
class ExportLine:
    """One line of an export, and what it adds to the totals of which day.

    The row is a dataclass of texts, and of amounts that may be below zero.
    """

    row: Any
    day: date
    amount: Money | None
    """None if an earlier line has counted it."""


@dataclass(frozen=True, slots=True)
class ExportKind:
    """Something that can be exported: its name, its columns, and how its lines are read.

    `read` needs an open transaction.
    """

    name: str
    row_type: type[Any]
    read: Callable[[FeedWindow], Iterator[ExportLine]]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(column.name for column in fields(self.row_type))


@dataclass(frozen=True, slots=True)
class DailyTotal:
    """What an export holds of one day in one currency."""

    day: date
    count: int
    amount: Money

    def as_json(self) -> dict[str, Any]:
        """Put it in the words of `billfold export … --json`."""
        return {
            "day": self.day.isoformat(),
            "currency": self.amount.currency,
            "count": self.count,
            "amount": self.amount.plain(),
        }


@dataclass(slots=True)
class ExportSums:
    """Counts the rows of an export as they are written, and adds them up by day and currency."""

    rows: int = 0
    _by_day: dict[tuple[date, str], tuple[int, int]] = field(default_factory=dict)

    def add(self, line: ExportLine) -> None:
        self.rows += 1
        if line.amount is not None:
            day = line.day, line.amount.currency
            count, minor = self._by_day.get(day, (0, 0))
            self._by_day[day] = count + 1, minor + line.amount.minor

    @property
    def totals(self) -> list[DailyTotal]:
        """The totals by day, then currency."""
        return [
            DailyTotal(day, count, Money(minor, currency))
            for (day, currency), (count, minor) in sorted(self._by_day.items())
        ]


def write_csv(kind: ExportKind, window: FeedWindow, to: TextIO) -> ExportSums:
    """Write an export as CSV with a first line of names. Opens the transaction."""
    writer: Final = csv.writer(to, lineterminator="\n")
    writer.writerow(kind.columns)
    sums = ExportSums()
    with transaction.atomic(durable=True):
        for line in kind.read(window):
            sums.add(line)
            writer.writerow([_cell(getattr(line.row, name)) for name in kind.columns])
    return sums


def _cell(value: str | Money) -> str:
    """Write a value so that a spreadsheet calculates no text. An amount is no formula."""
    return value.plain() if isinstance(value, Money) else formula_mark.add(value)


def write_json(kind: ExportKind, window: FeedWindow, to: TextIO) -> ExportSums:
    """Write an export as one JSON object: its rows, a row a line, then the totals by day.

    `cursor` is what `--since` is to be next time. Opens the transaction.
    """
    beginning = {"export": kind.name, "since": window.since, "cursor": window.through}
    to.write(f'{json.dumps(beginning)[:-1]}, "rows": [')
    sums = ExportSums()
    with transaction.atomic(durable=True):
        for line in kind.read(window):
            to.write(",\n" if sums.rows else "\n")
            sums.add(line)
            json.dump({name: _text(getattr(line.row, name)) for name in kind.columns}, to)
    to.write(f'\n], "totals": {json.dumps([total.as_json() for total in sums.totals])}}}\n')
    return sums


def _text(value: str | Money) -> str:
    return value.plain() if isinstance(value, Money) else value
