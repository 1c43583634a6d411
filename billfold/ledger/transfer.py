"""Transfer: one debit, one credit, one amount, so that the books always balance. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from billfold.ledger.chart import Account
from billfold.money import Money


class NotATransfer(ValueError):
    """The amount is not above zero, or both sides are the same account."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """One booking. `key` names the act it records: a key is booked once."""

    key: str
    debit: Account
    credit: Account
    amount: Money
    effective_date: date
    """The day of the fact; the books have it on that day, or on the first open one after it."""
    reason: str
    party: UUID | None = None
    """The customer of those of its accounts that have a subject."""
    evidence: str = ""
    """The document or bank line that proves it: `bankfile/<id>` or `bankline/<id>`."""
    reverses: str = ""
    """Key of the transfer that this one reverses."""

    def __post_init__(self) -> None:
        if self.amount.minor <= 0 or self.debit == self.credit:
            raise NotATransfer(self.key)

    def reversal(self, *, key: str, on: date, reason: str, evidence: str = "") -> Transfer:
        """Return the transfer that reverses this one."""
        return replace(
            self,
            key=key,
            debit=self.credit,
            credit=self.debit,
            effective_date=on,
            reason=reason,
            evidence=evidence,
            reverses=self.key,
        )
