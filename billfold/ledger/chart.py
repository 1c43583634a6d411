"""The chart of accounts. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class AccountCode(StrEnum):
    """Every account code; docs/accounting.md says what each holds, and which are only planned."""

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
    PROCESSOR_RESERVE = "processor_reserve"
    ALLOWANCES = "allowances"
    MICRO_ENTRIES = "micro_entries"
    OWN_TRANSFERS = "own_transfers"
    INTEREST = "interest"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Account:
    """A ledger account: a code, and a subject where each thing has its own."""

    code: AccountCode
    subject: str = ""

    def of(self, subject: str) -> Account:
        """Name the account of one payment, invoice or charge."""
        return Account(self.code, subject)

    def __str__(self) -> str:
        return f"{self.code} · {self.subject}" if self.subject else str(self.code)


CASH: Final = Account(AccountCode.CASH)
IN_TRANSIT: Final = Account(AccountCode.IN_TRANSIT)
RECEIVABLE: Final = Account(AccountCode.RECEIVABLE)
UNAPPLIED: Final = Account(AccountCode.UNAPPLIED)
UNIDENTIFIED: Final = Account(AccountCode.UNIDENTIFIED)
BILLED: Final = Account(AccountCode.BILLED)
FEE_INCOME: Final = Account(AccountCode.FEE_INCOME)
BANK_CHARGES: Final = Account(AccountCode.BANK_CHARGES)
PROCESSOR: Final = Account(AccountCode.PROCESSOR)
PROCESSOR_FEES: Final = Account(AccountCode.PROCESSOR_FEES)
PROCESSOR_RESERVE: Final = Account(AccountCode.PROCESSOR_RESERVE)
ALLOWANCES: Final = Account(AccountCode.ALLOWANCES)
MICRO_ENTRIES: Final = Account(AccountCode.MICRO_ENTRIES)
OWN_TRANSFERS: Final = Account(AccountCode.OWN_TRANSFERS)
INTEREST: Final = Account(AccountCode.INTEREST)
OTHER: Final = Account(AccountCode.OTHER)

SUBJECT_CODES: Final = frozenset(
    {
        AccountCode.IN_TRANSIT,
        AccountCode.RECEIVABLE,
        AccountCode.UNAPPLIED,
        AccountCode.UNIDENTIFIED,
    }
)
"""Codes that always carry a subject and so keep running sums."""
