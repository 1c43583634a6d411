"""The origination agreement between the simulated bank and its one customer, the biller."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from typing import Final, Literal

CUT_OFF_EASTERN: Final = time(17, 0)


@dataclass(frozen=True, slots=True)
class BankTerms:
    """One origination agreement, as data."""

    odfi_routing_number: str
    """Nine digits: the bank's own routing number."""
    account_number: str
    """The biller's account: settlement credits and returned debits land here."""
    company_id: str
    immediate_origin: str
    balanced: bool = False
    """Whether the biller's batches carry their own offset entry."""
    settlement: Literal["gross", "net"] = "gross"
    """Net: returns of the settlement day reduce the file's credit; gross: each has its own line."""
    cutoff_eastern: time = CUT_OFF_EASTERN
    bank_name: str = "FIRST HARBOR BANK"
    opening_balance_minor: int = 0

    @property
    def odfi_identification(self) -> str:
        """The first eight digits of the routing number, in trace numbers and batches."""
        return self.odfi_routing_number[:8]
