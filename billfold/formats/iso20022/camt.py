"""camt messages: statements, reports and notifications of accounts in ISO 20022.

`read` takes camt.052, camt.053 and camt.054. Versions differ in where a status or a name stands;
both places are read, by local names.

Source: ISO 20022, BankToCustomerStatement, BankToCustomerAccountReport and
BankToCustomerDebitCreditNotification; docs/bank-files.md.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import tzinfo

from billfold.bankdays import EASTERN
from billfold.formats.iso20022.camt_reading import CamtReader
from billfold.formats.iso20022.camt_records import (
    CamtAccount,
    CamtBalance,
    CamtDetail,
    CamtEntry,
    CamtKind,
    CamtMessage,
    CamtStatement,
    CamtStatus,
)
from billfold.formats.iso20022.fast_path import FastParser, NotPlain

__all__ = [
    "CamtAccount",
    "CamtBalance",
    "CamtDetail",
    "CamtEntry",
    "CamtKind",
    "CamtMessage",
    "CamtStatement",
    "CamtStatus",
    "read",
]


def read(content: bytes, *, zone: tzinfo = EASTERN) -> CamtMessage:
    """Read a camt message, all of it or none. Its moments become days in the bank's `zone`.

    Raises: Unreadable with every problem, and nothing else, whatever the bytes.
    """
    with suppress(NotPlain):
        return CamtReader(content, FastParser, zone=zone).read()
    return CamtReader(content, zone=zone).read()
