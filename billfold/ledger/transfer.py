"""A booking: one debit, one credit, one amount. Balanced because it cannot be otherwise. Pure."""

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
    """What to book. `key` names the act: the same key is booked once."""

    key: str
    debit: Account
    credit: Account
    amount: Money
    effective_date: date
    reason: str
    party: UUID | None = None
    """The customer whose account a side with a subject is."""
    evidence: str = ""
    """Names the document or bank line that proves it."""
    reverses: str = ""
    """Key of the transfer that this one takes back."""

    def __post_init__(self) -> None:
        if self.amount.minor <= 0 or self.debit == self.credit:
            raise NotATransfer(self.key)

    def reversal(self, *, key: str, on: date, reason: str, evidence: str = "") -> Transfer:
        """Make the transfer that takes this one back."""
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
