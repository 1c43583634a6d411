"""Lockbox files: what the bank says of the checks it opened, by layouts that are data.

The one module to import; layouts, records and the reader stand in `lockbox_*` beside it.
Source: BAI lockbox communications standard and the guides of banks; docs/bank-files.md.
"""

from __future__ import annotations

from billfold.formats.lockbox.layouts import Profile
from billfold.formats.lockbox.lines import decode
from billfold.formats.lockbox.loading import load_profile, shipped
from billfold.formats.lockbox.reading import read_by
from billfold.formats.lockbox.records import Batch, Check, Deposits, Remittance
from billfold.formats.lockbox.wizard import (
    ExplainedLine,
    Explanation,
    Fit,
    ShownField,
    choose,
    explain,
    suggest,
)
from billfold.formats.problems import Problem, Unreadable

__all__ = [
    "Batch",
    "Check",
    "Deposits",
    "ExplainedLine",
    "Explanation",
    "Fit",
    "Problem",
    "Profile",
    "Remittance",
    "ShownField",
    "Unreadable",
    "explain",
    "load_profile",
    "read",
    "shipped",
    "suggest",
]


def read(content: bytes, profile: Profile | None = None) -> Deposits:
    """Read a lockbox file, all of it or none; without a profile, by the shipped one that fits.

    Raises: Unreadable with every problem found, and nothing else, whatever the bytes.
    """
    text = decode(content)
    return choose(text, shipped()) if profile is None else read_by(profile, text)
