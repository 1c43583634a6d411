"""What one import works with: the file's reading, who asked, and where problems and notes go."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from billfold.platform import audit
from billfold.receivables.imports.csv_files import Problems, Reading

IsReserved = Callable[[Sequence[UUID]], set[UUID]]
"""Tells which of these invoices a payment holds that the books do not show yet."""


@dataclass(frozen=True, slots=True)
class Run:
    """One import under way, in its transaction."""

    id: UUID
    reading: Reading
    actor: audit.Actor
    now: datetime
    on: date
    folder: Path
    """Where the file lies; documents are looked for there."""
    create_customers: bool
    is_reserved: IsReserved

    @property
    def problems(self) -> Problems:
        return self.reading.problems

    def column(self, field: str) -> str:
        """Name the file's column of a field."""
        return self.reading.column(field)

    def has_columns(self) -> dict[str, bool]:
        """Say which fields the file has, as arguments of a query: `has_email`."""
        present = set(self.reading.present)
        return {f"has_{name}": name in present for name in self.reading.fields}

    def note(self, action: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Put a change on record under this import."""
        audit.record(
            action,
            f"import/{self.id}",
            actor=self.actor,
            now=self.now,
            before=before,
            after=after,
        )


@dataclass(frozen=True, slots=True)
class Changes:
    """How many rows did what."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    customers_added: int = 0
