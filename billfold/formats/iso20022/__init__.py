"""ISO 20022 messages: `camt` reads statements of accounts, `pacs008` credit transfers.

What both carry, parties and remittance information, is named here.
Source: ISO 20022; docs/bank-files.md.
"""

from billfold.formats.iso20022 import camt, pacs008
from billfold.formats.iso20022.remittance import (
    Adjustment,
    RemittanceInformation,
    RemittanceLine,
)
from billfold.formats.iso20022.values import NOBODY, Party

__all__ = [
    "NOBODY",
    "Adjustment",
    "Party",
    "RemittanceInformation",
    "RemittanceLine",
    "camt",
    "pacs008",
]
