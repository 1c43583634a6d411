"""The ACH rail: bank debits written into Nacha files, returns and notices of change read from them.

Source: Nacha Operating Rules; docs/bank-files.md#nacha.
"""

from __future__ import annotations

from typing import Final

from billfold.rails.ach.limits import (
    MOST_ENTRY_MINOR,
    TooManyCollections,
    TooMuchMoney,
    largest_total,
    room,
)
from billfold.rails.ach.reading import NotReturns, OfAnotherCompany, read
from billfold.rails.ach.writing import write

__all__ = [
    "MOST_ENTRY_MINOR",
    "NotReturns",
    "OfAnotherCompany",
    "TooManyCollections",
    "TooMuchMoney",
    "largest_total",
    "name",
    "read",
    "room",
    "write",
]

name: Final = "ach"
