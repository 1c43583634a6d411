"""The code lists of Nacha files: transaction codes, entry classes, return and change codes.

Source: Nacha Operating Rules, Appendices Three, Four and Five; docs/bank-files.md#nacha.
"""

from __future__ import annotations

import re
from typing import Final

CREDIT_CODES: Final = frozenset(
    {21, 22, 23, 24, 31, 32, 33, 34, 41, 42, 43, 44, 51, 52, 53, 54, 81, 83, 85, 87}
)
DEBIT_CODES: Final = frozenset(
    {26, 27, 28, 29, 36, 37, 38, 39, 46, 47, 48, 49, 55, 56, 82, 84, 86, 88}
)
TRANSACTION_CODES: Final = CREDIT_CODES | DEBIT_CODES

PRENOTE_CODES: Final = frozenset({23, 28, 33, 38, 43, 48, 53})
ACKNOWLEDGEMENT_CLASSES: Final = frozenset({"ACK", "ATX"})
"""Classes in which a receiver acknowledges a credit of CCD or CTX, without an amount."""
REMITTANCE_CODES: Final = frozenset({24, 29, 34, 39, 44, 49, 54})
"""Entries without an amount: of CCD and CTX, whose addendum says what was settled otherwise, and of
ACK and ATX, which acknowledge a credit.
"""
RETURN_TRANSACTION_CODES: Final = frozenset({21, 26, 31, 36, 41, 46, 51, 56})
"""Returns and notifications of change; their amount may be zero."""
ZERO_AMOUNT_CODES: Final = PRENOTE_CODES | REMITTANCE_CODES
ORIGINATED_CODES: Final = frozenset({22, 23, 24, 27, 28, 29, 32, 33, 34, 37, 38, 39})
"""The codes a biller sends: for checking and savings accounts."""

ORIGINATED_CLASSES: Final = frozenset({"PPD", "CCD", "CTX", "WEB", "TEL"})
RECEIVED_ONLY_CLASSES: Final = frozenset(
    {"ACK", "ARC", "ATX", "BOC", "CIE", "POP", "POS", "RCK", "SHR", "TRC", "TRX", "XCK"}
)
"""Domestic classes that a bank's file may hold and a biller never sends."""
FOREIGN_CLASSES: Final = frozenset({"ADV", "DNE", "ENR", "IAT", "MTE"})
"""Classes for other kinds of originator; IAT and ADV have records of their own."""
CHANGE_CLASS: Final = "COR"
KNOWN_CLASSES: Final = ORIGINATED_CLASSES | RECEIVED_ONLY_CLASSES | FOREIGN_CLASSES | {CHANGE_CLASS}

UNPARSED_CLASSES: Final = frozenset({"ADV", "IAT"})
"""Classes whose entries are counted and added up, but not parsed: their layouts differ."""
ADDENDA_COUNT_CLASSES: Final = frozenset({"ATX", "CTX", "ENR", "TRX"})
"""Classes whose name field begins with four digits, the number of addenda."""
CONSUMER_CLASSES: Final = frozenset({"PPD", "WEB", "TEL"})
"""Classes whose entries must name the receiver."""
DEBIT_ONLY_CLASSES: Final = frozenset({"WEB", "TEL"})
"""Classes of debits; only reversals are credits."""

MOST_PAYMENT_ADDENDA: Final = {"PPD": 1, "CCD": 1, "WEB": 1, "TEL": 0, "CTX": 9_999}

RETURN_CODES: Final = frozenset(
    f"R{number:02d}"
    for first, last in ((1, 47), (50, 53), (61, 62), (67, 77), (80, 85), (90, 90))
    for number in range(first, last + 1)
)
CHANGE_CODES: Final = frozenset(f"C{number:02d}" for number in range(1, 15))
REFUSED_CHANGE_CODES: Final = frozenset(f"C{number}" for number in range(61, 70))

ADVICE_SERVICE_CLASS: Final = 280
"""Service class of ADV batches."""

MICRO_ENTRY: Final = "ACCTVERIFY"
RETRIABLE_RETURN_CODES: Final = frozenset({"R01", "R09"})
"""Returns after which the debit may be tried again, and a fee be collected by debit."""

RETRY: Final = "RETRY PYMT"
RETURN_FEE: Final = "RETURN FEE"
REVERSAL: Final = "REVERSAL"
PURCHASE: Final = "PURCHASE"
RESERVED_DESCRIPTIONS: Final = frozenset({MICRO_ENTRY, RETRY, RETURN_FEE, REVERSAL, PURCHASE})
"""Descriptions that bind a batch to rules of their own."""
FORBIDDEN_DESCRIPTIONS: Final = frozenset(
    {"AUTOENROLL", "CHECKPAYMT", "NONSETTLED", "PAYROLL", "RECLAIM", "REDEPCHECK"}
)
"""Reserved descriptions that a biller may not use."""


_REJECTION_MARK: Final = re.compile(r"REJ[0-9]{1,5}(?![0-9A-Z])|REJ[0-9]{5}")


def rejection_mark(trace: str) -> str:
    """Return the bank's mark that it rejected an entry; empty if its trace number has none.

    Banks put `REJ` and a reason of digits in place of their number, in positions 80-87 of whatever
    they rejected; the seven digits after it stay those of the trace number. Source: bank guides to
    files of originated and rejected entries; docs/bank-files.md#rejected-entries.
    """
    mark = _REJECTION_MARK.match(trace) if trace[:3] == "REJ" else None
    return mark[0] if mark else ""


def has_rejection_mark(*texts: str) -> bool:
    """Tell whether a bank's number is replaced by its mark of rejection in one of the texts."""
    return any(map(rejection_mark, texts))


def is_debit(transaction_code: int) -> bool:
    """Tell whether a code debits the receiver; an unknown code is judged by its second digit."""
    if transaction_code in TRANSACTION_CODES:
        return transaction_code in DEBIT_CODES
    return transaction_code % 10 >= 5


def reversed_code(transaction_code: int) -> int:
    """Return the code that reverses an entry of this code: 22 for 27.

    Source: Nacha Operating Rules, "Reversing Entries".
    """
    return transaction_code + (-5 if transaction_code % 10 >= 5 else 5)
