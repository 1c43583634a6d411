"""Records of a lockbox file: batches, checks and what each check pays.

Source: BAI lockbox communications standard and the guides of banks; docs/bank-files.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, time

from billfold.formats.problems import FileProblem


@dataclass(frozen=True, slots=True)
class LockboxRemittance:
    """One part of a check and what the payer's paper says it pays; empty where it says nothing."""

    customer_number: str
    invoice_number: str
    amount_minor: int | None
    """Negative where a credit memo is deducted."""
    text: str
    line: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class LockboxCheck:
    """One check of a batch."""

    item: int
    amount_minor: int
    routing_number: str = field(repr=False)
    account_number: str = field(repr=False)
    check_number: str
    """Without leading zeros; empty if the bank could not read it."""
    check_date: date | None
    remitter: str
    payee: str
    remittances: tuple[LockboxRemittance, ...]
    line: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class LockboxBatch:
    """The checks of one batch of one lockbox on one day."""

    lockbox: str
    """A text: leading zeros count."""
    deposit_date: date
    number: int
    checks: tuple[LockboxCheck, ...]
    line: int = field(compare=False)

    @property
    def amount_minor(self) -> int:
        return sum(check.amount_minor for check in self.checks)

    def key(self, check: LockboxCheck) -> str:
        """Return the key of a check of this batch, which is the same in every file."""
        return f"{self.lockbox}/{self.deposit_date}/{self.number}/{check.item}"


@dataclass(frozen=True, slots=True)
class LockboxFile:
    """One lockbox file whose counts and totals agree; on a day without checks it has none."""

    destination: str
    origin: str
    created_date: date
    created_time: time | None
    batches: tuple[LockboxBatch, ...]
    profile: str = field(compare=False)
    """Name of the profile it was read by."""
    warnings: tuple[FileProblem, ...] = field(default=(), compare=False)
    currency: str = "USD"

    def amounts_minor(self) -> dict[date, int]:
        """Sum the checks of each deposit date; a statement has the sum as one credit, type 115."""
        sums: dict[date, int] = {}
        for batch in self.batches:
            sums[batch.deposit_date] = sums.get(batch.deposit_date, 0) + batch.amount_minor
        return sums

    def summary(self) -> dict[str, int | str]:
        """Count what is in the file."""
        checks = [check for batch in self.batches for check in batch.checks]
        return {
            "profile": self.profile,
            "lockboxes": len({batch.lockbox for batch in self.batches}),
            "batches": len(self.batches),
            "entries": len(checks),
            "remittances": sum(len(check.remittances) for check in checks),
            "debit_minor": 0,
            "credit_minor": sum(self.amounts_minor().values()),
            "currency": self.currency,
        }
