"""BAI2 bank statements: balances and movements of accounts, prior-day and intraday.

The one module to import; `read` takes a whole file, `stream` one that is too large to hold.
Source: BAI, Cash Management Balance Reporting Specifications, version 2; docs/bank-files.md#bai2.
"""

from billfold.formats.bai2.reading import read, stream
from billfold.formats.bai2.records import END_OF_DAY, Funds
from billfold.formats.bai2.statement import (
    Balance,
    BankAccount,
    Group,
    GroupStatus,
    Modifier,
    Movements,
    Part,
    Proved,
    Statement,
    Transaction,
)
from billfold.formats.bai2.type_codes import Direction
from billfold.formats.problems import Problem, Unreadable

__all__ = [
    "END_OF_DAY",
    "Balance",
    "BankAccount",
    "Direction",
    "Funds",
    "Group",
    "GroupStatus",
    "Modifier",
    "Movements",
    "Part",
    "Problem",
    "Proved",
    "Statement",
    "Transaction",
    "Unreadable",
    "read",
    "stream",
]
