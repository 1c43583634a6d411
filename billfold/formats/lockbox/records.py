"""What a lockbox file says, once it is read.

Source: BAI lockbox communications standard and the guides of banks; docs/bank-files.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, time

from billfold.formats.problems import Problem


@dataclass(frozen=True, slots=True)
class Remittance:
    """What the payer's paper says one part of a check is for; empty where it says nothing."""

    customer_number: str
    invoice_number: str
    amount_minor: int | None
    """Negative where a credit memo is taken."""
    text: str
    line: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Check:
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
    remittances: tuple[Remittance, ...]
    line: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Batch:
    """The checks of one batch of one lockbox on one day."""

    lockbox: str
    """Text: leading zeros count."""
    deposit_date: date
    number: int
    checks: tuple[Check, ...]
    line: int = field(compare=False)

    @property
    def amount_minor(self) -> int:
        return sum(check.amount_minor for check in self.checks)

    def key(self, check: Check) -> str:
        """Name a check of this batch, the same in whatever file it comes."""
        return f"{self.lockbox}/{self.deposit_date}/{self.number}/{check.item}"


@dataclass(frozen=True, slots=True)
class Deposits:
    """One lockbox file whose counts and totals all hold. A day without checks is one too."""

    destination: str
    origin: str
    created_date: date
    created_time: time | None
    batches: tuple[Batch, ...]
    profile: str = field(compare=False)
    """Name of the layout it was read with."""
    warnings: tuple[Problem, ...] = field(default=(), compare=False)
    currency: str = "USD"

    def amounts_minor(self) -> dict[date, int]:
        """Add up each deposit date; the bank statement has that sum as one credit, type 115."""
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
