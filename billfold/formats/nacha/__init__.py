"""Nacha (ACH) files: bytes to records with `read`, records to bytes with `write`.

The face of the package: other packages import this, and `checks` for the table of checks.
Source: Nacha Operating Rules, Appendix Three; docs/bank-files.md#nacha.
"""

from billfold.formats.nacha.checks import CHECKS, NachaCheck
from billfold.formats.nacha.codes import (
    RETRIABLE_RETURN_CODES,
    RETRY,
    RETURN_FEE,
    rejection_mark,
    reversed_code,
)
from billfold.formats.nacha.origination import OriginalEntry, OriginationContext
from billfold.formats.nacha.reading import NachaReader, read
from billfold.formats.nacha.record_writer import to_ach_characters
from billfold.formats.nacha.records import (
    Addendum,
    ChangeAddendum,
    ContestAddendum,
    ControlTotals,
    DishonourAddendum,
    NachaBatch,
    NachaEntry,
    NachaFile,
    OtherAddendum,
    PaymentAddendum,
    ReturnAddendum,
    ReturnOrChange,
    check_digit,
    is_routing_number,
    split_into_addenda,
)
from billfold.formats.nacha.rules import clear_reply
from billfold.formats.nacha.writing import write, write_to
from billfold.formats.problems import FileProblem, Unreadable, Unwritable

__all__ = [
    "CHECKS",
    "RETRIABLE_RETURN_CODES",
    "RETRY",
    "RETURN_FEE",
    "Addendum",
    "ChangeAddendum",
    "ContestAddendum",
    "ControlTotals",
    "DishonourAddendum",
    "FileProblem",
    "NachaBatch",
    "NachaCheck",
    "NachaEntry",
    "NachaFile",
    "NachaReader",
    "OriginalEntry",
    "OriginationContext",
    "OtherAddendum",
    "PaymentAddendum",
    "ReturnAddendum",
    "ReturnOrChange",
    "Unreadable",
    "Unwritable",
    "check_digit",
    "clear_reply",
    "is_routing_number",
    "read",
    "rejection_mark",
    "reversed_code",
    "split_into_addenda",
    "to_ach_characters",
    "write",
    "write_to",
]
