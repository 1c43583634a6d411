"""Account statements, reports and notifications in ISO 20022: camt.053, camt.052, camt.054.

Versions differ in where a status or a name stands; both places are read, by local names.

Source: ISO 20022, BankToCustomerStatement, BankToCustomerAccountReport and
BankToCustomerDebitCreditNotification; docs/bank-files.md.
"""

from __future__ import annotations

from contextlib import suppress

from billfold.formats.iso20022.camt_reading import Reader
from billfold.formats.iso20022.camt_records import (
    Balance,
    BankAccount,
    Detail,
    Document,
    Entry,
    Kind,
    Statement,
    Status,
)
from billfold.formats.iso20022.quick import Doubtful, QuickIntake
from billfold.formats.iso20022.remittance import Adjustment, Line, Remittance
from billfold.formats.iso20022.values import Party

__all__ = [
    "Adjustment",
    "Balance",
    "BankAccount",
    "Detail",
    "Document",
    "Entry",
    "Kind",
    "Line",
    "Party",
    "Remittance",
    "Statement",
    "Status",
    "read",
]


def read(content: bytes) -> Document:
    """Read a camt message, all of it or none.

    Raises: Unreadable with every problem found, and nothing else, whatever the bytes.
    """
    with suppress(Doubtful):
        return Reader(content, QuickIntake).read()
    return Reader(content).read()
