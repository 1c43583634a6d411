"""Nacha (ACH) files: bytes to records with `read`, records to bytes with `write`.

The one module to import; the layouts, rules and both directions stand beside it.
Source: Nacha Operating Rules, Appendix Three; docs/bank-files.md#nacha.
"""

from billfold.formats.nacha.checks import CHECKS, Check
from billfold.formats.nacha.codes import RETRIABLE, RETRY, RETURN_FEE, reversed_code
from billfold.formats.nacha.facts import Facts, Original
from billfold.formats.nacha.reading import Reader, read
from billfold.formats.nacha.records import (
    Addendum,
    Batch,
    Change,
    Contest,
    Dishonour,
    Entry,
    File,
    OtherAddendum,
    Payment,
    Reply,
    Return,
    Totals,
    check_digit,
    entry_of,
    is_routing_number,
    remittance,
)
from billfold.formats.nacha.sheet import plain
from billfold.formats.nacha.writing import write, write_to
from billfold.formats.problems import Problem, Unreadable, Unwritable

__all__ = [
    "CHECKS",
    "RETRIABLE",
    "RETRY",
    "RETURN_FEE",
    "Addendum",
    "Batch",
    "Change",
    "Check",
    "Contest",
    "Dishonour",
    "Entry",
    "Facts",
    "File",
    "Original",
    "OtherAddendum",
    "Payment",
    "Problem",
    "Reader",
    "Reply",
    "Return",
    "Totals",
    "Unreadable",
    "Unwritable",
    "check_digit",
    "entry_of",
    "is_routing_number",
    "plain",
    "read",
    "remittance",
    "reversed_code",
    "write",
    "write_to",
]
