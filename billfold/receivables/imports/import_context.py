"""What the import of one file works with: the file, who imports it, when, and how to record it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from billfold.platform import audit
from billfold.receivables.imports.csv_file import CsvFile, ImportProblems

IsReserved = Callable[[Sequence[UUID]], set[UUID]]
"""Returns which of these invoices have a payment that the ledger does not show yet."""


@dataclass(frozen=True, slots=True)
class ImportContext:
    """One import under way, in its transaction."""

    id: UUID
    file: CsvFile
    actor: audit.Actor
    now: datetime
    on: date
    folder: Path
    """The folder of the file; documents are read from there."""
    create_customers: bool
    is_reserved: IsReserved

    @property
    def problems(self) -> ImportProblems:
        return self.file.problems

    def column(self, field: str) -> str:
        """Return the name of the file's column for a field."""
        return self.file.column(field)

    def has_columns(self) -> dict[str, bool]:
        """Say which fields the file has, as parameters of a query: `has_email`."""
        present = set(self.file.present)
        return {f"has_{name}": name in present for name in self.file.fields}

    def record(self, action: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Write a change to the audit trail, under this import."""
        audit.record(
            action,
            f"import/{self.id}",
            actor=self.actor,
            now=self.now,
            before=before,
            after=after,
        )


@dataclass(frozen=True, slots=True)
class ChangeCounts:
    """How many rows added, changed or left something."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    customers_added: int = 0
