"""Lockbox files: the checks a bank opened and deposited, read by profiles that are data.

The one module to import; layouts, records and the reader stand beside it.
Source: BAI lockbox communications standard and the guides of banks; docs/bank-files.md.
"""

from __future__ import annotations

from billfold.formats.lockbox.explanation import (
    ExplainedField,
    ExplainedLine,
    Explanation,
    explain,
)
from billfold.formats.lockbox.layouts import LockboxProfile
from billfold.formats.lockbox.lines import decode
from billfold.formats.lockbox.profile_choice import (
    ProfileFit,
    rank_profiles,
    read_by_best_profile,
)
from billfold.formats.lockbox.profile_loading import load_profile, shipped_profiles
from billfold.formats.lockbox.reading import read_by_profile
from billfold.formats.lockbox.records import (
    LockboxBatch,
    LockboxCheck,
    LockboxFile,
    LockboxRemittance,
)
from billfold.formats.problems import FileProblem, Unreadable

__all__ = [
    "ExplainedField",
    "ExplainedLine",
    "Explanation",
    "FileProblem",
    "LockboxBatch",
    "LockboxCheck",
    "LockboxFile",
    "LockboxProfile",
    "LockboxRemittance",
    "ProfileFit",
    "Unreadable",
    "explain",
    "load_profile",
    "rank_profiles",
    "read",
    "shipped_profiles",
]


def read(content: bytes, profile: LockboxProfile | None = None) -> LockboxFile:
    """Read a lockbox file, all of it or none; without a profile, by the shipped one that fits.

    Raises: Unreadable with every problem, and nothing else, whatever the bytes.
    """
    text = decode(content)
    if profile is None:
        return read_by_best_profile(text, shipped_profiles())
    return read_by_profile(profile, text)
