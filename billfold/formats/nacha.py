"""Nacha (ACH) files: bytes to records with `read`, records to bytes with `write`.

The one module to import; the layouts, rules and both directions stand in `nacha_*` beside it.
Source: Nacha Operating Rules, Appendix Three; docs/bank-files.md#nacha.
"""

from billfold.formats.nacha_reading import read
from billfold.formats.nacha_records import (
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
    is_routing_number,
)
from billfold.formats.nacha_writing import plain, write
from billfold.formats.problems import Problem, Unreadable, Unwritable

__all__ = [
    "Addendum",
    "Batch",
    "Change",
    "Contest",
    "Dishonour",
    "Entry",
    "File",
    "OtherAddendum",
    "Payment",
    "Problem",
    "Reply",
    "Return",
    "Totals",
    "Unreadable",
    "Unwritable",
    "check_digit",
    "is_routing_number",
    "plain",
    "read",
    "write",
]
