"""The chart of accounts. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Code(StrEnum):
    """Every account code there is; docs/accounting.md says when each is used."""

    CASH = "cash"
    PROCESSOR = "processor"
    IN_TRANSIT = "in_transit"
    RECEIVABLE = "receivable"
    UNAPPLIED = "unapplied"
    UNIDENTIFIED = "unidentified"
    BILLED = "billed"
    FEE_INCOME = "fee_income"
    DISCOUNTS = "discounts"
    BAD_DEBT = "bad_debt"
    BANK_CHARGES = "bank_charges"
    PROCESSOR_FEES = "processor_fees"


DEBIT_SIDED: Final = frozenset({Code.RECEIVABLE})
"""May never stand in credit: an invoice is never paid below zero."""
CREDIT_SIDED: Final = frozenset({Code.UNAPPLIED, Code.UNIDENTIFIED})
"""May never stand in debit: money is never used twice."""


@dataclass(frozen=True, slots=True)
class Account:
    """A ledger account: a code, and a subject where each thing has its own."""

    code: Code
    subject: str = ""

    def of(self, subject: str) -> Account:
        """Name the account of one payment, invoice or charge."""
        return Account(self.code, subject)

    def __str__(self) -> str:
        return f"{self.code} · {self.subject}" if self.subject else str(self.code)


CASH: Final = Account(Code.CASH)
IN_TRANSIT: Final = Account(Code.IN_TRANSIT)
RECEIVABLE: Final = Account(Code.RECEIVABLE)
UNAPPLIED: Final = Account(Code.UNAPPLIED)
UNIDENTIFIED: Final = Account(Code.UNIDENTIFIED)
BILLED: Final = Account(Code.BILLED)
FEE_INCOME: Final = Account(Code.FEE_INCOME)
BANK_CHARGES: Final = Account(Code.BANK_CHARGES)

SUBJECT_CODES: Final = frozenset(
    {Code.IN_TRANSIT, Code.RECEIVABLE, Code.UNAPPLIED, Code.UNIDENTIFIED}
)
"""Codes that always carry a subject and so keep running sums."""
