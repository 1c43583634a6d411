"""BAI2 bank statements: balances and transactions of accounts, prior-day and intraday.

The face of the package: `read` reads a file at once, `stream` one too large for memory. Other
packages import this, and `type_codes`.
Source: BAI, Cash Management Balance Reporting Specifications, version 2; docs/bank-files.md#bai2.
"""

from billfold.formats.bai2.fields import END_OF_DAY, Funds
from billfold.formats.bai2.reading import read, stream
from billfold.formats.bai2.statement import (
    AsOfDateModifier,
    Bai2Account,
    Bai2Balance,
    Bai2File,
    Bai2Group,
    Bai2Transaction,
    GroupStatus,
    Part,
    Proved,
    TransactionChunk,
)
from billfold.formats.bai2.type_codes import Direction
from billfold.formats.problems import FileProblem, Unreadable

__all__ = [
    "END_OF_DAY",
    "AsOfDateModifier",
    "Bai2Account",
    "Bai2Balance",
    "Bai2File",
    "Bai2Group",
    "Bai2Transaction",
    "Direction",
    "FileProblem",
    "Funds",
    "GroupStatus",
    "Part",
    "Proved",
    "TransactionChunk",
    "Unreadable",
    "read",
    "stream",
]
