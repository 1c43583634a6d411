"""The ACH rail: bank debits written into Nacha files, returns and notices of change read from them.

Source: Nacha Operating Rules; docs/bank-files.md#nacha.
"""

from __future__ import annotations

from typing import Final

from billfold.formats.sniffing import Format
from billfold.rails.ach.limits import (
    MOST_ENTRY_MINOR,
    TooManyOrders,
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
    "TooManyOrders",
    "TooMuchMoney",
    "document_formats",
    "document_kind",
    "document_title",
    "largest_total",
    "name",
    "read",
    "receipts_noun",
    "room",
    "write",
]

name: Final = "ach"
document_kind: Final = "returns"
document_title: Final = "ACH returns"
document_formats: Final = (Format.NACHA, Format.NACHA_RETURNS)
receipts_noun: Final = "ACH credits"
