"""X12 820 payment orders and remittance advices: whole interchanges, and pieces in ACH addenda.

The one module to import: `read` takes a file, `read_fragment` the addenda of an ACH entry.
Source: ASC X12, transaction set 820, versions 004010 and 005010; docs/bank-files.md.
"""

from billfold.formats.x12.reading import read, read_fragment
from billfold.formats.x12.records import (
    AdviceAccount,
    AdviceAdjustment,
    AdviceLine,
    AdviceParty,
    AdvicePayment,
    AdviceReference,
    Interchange,
    Period,
    RemittanceAdvice,
)
from billfold.formats.x12.segments import TRANSACTION_SETS

__all__ = [
    "TRANSACTION_SETS",
    "AdviceAccount",
    "AdviceAdjustment",
    "AdviceLine",
    "AdviceParty",
    "AdvicePayment",
    "AdviceReference",
    "Interchange",
    "Period",
    "RemittanceAdvice",
    "read",
    "read_fragment",
]
