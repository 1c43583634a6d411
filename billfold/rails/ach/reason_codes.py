"""Meaning of ACH reason codes: return reasons, their deadlines, and the data of notices of change.

Source: Nacha Operating Rules, Appendix Four (returns) and Five (changes);
docs/bank-files.md#return-codes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from billfold import bankdays
from billfold.bankdays import ReturnWindow
from billfold.formats import nacha
from billfold.rails.ach.return_reasons import RETURN_CODES, UNKNOWN, ReturnCode
from billfold.rails.protocol import AccountType

_WINDOWS: Final = {window.value: window for window in ReturnWindow}


def return_code(code: str) -> ReturnCode:
    """Look up a return code; one that is not in the rules holds the account and opens a case."""
    return RETURN_CODES.get(code) or replace(UNKNOWN, code=code)


def deadline(code: str, settlement: date) -> date | None:
    """Return the banking day by whose opening a return must have come; None where no day is set.

    `settlement` is that of the entry; for a dishonour or contest, of the return or dishonour.
    Raises: UnknownYear.
    """
    window = _WINDOWS.get(return_code(code).deadline.value)
    return bankdays.return_deadline(settlement, window) if window else None


def is_untimely(code: str, *, settlement: date, available: date) -> bool:
    """Tell whether a return came after its deadline; it is valid, but may be dishonoured.

    A deadline past the banking calendar has not come yet on any day of the calendar.
    """
    try:
        latest = deadline(code, settlement)
    except bankdays.UnknownYear:
        return False
    return latest is not None and available > latest


def is_suspected_fraud(code: str, information: str) -> bool:
    """Tell whether the customer's bank marked its return as fraud. Source: R17, since Oct 2024."""
    return code == "R17" and "QUESTIONABLE" in information.upper()


@dataclass(frozen=True, slots=True)
class ChangeCode:
    """One kind of notification of change."""

    code: str
    label: str
    applies: bool
    """The corrected data replaces ours; otherwise a person must look."""


CHANGE_CODES: Final[Mapping[str, ChangeCode]] = {
    row.code: row
    for row in (
        ChangeCode("C01", "New account number", applies=True),
        ChangeCode("C02", "New routing number", applies=True),
        ChangeCode("C03", "New routing and account number", applies=True),
        ChangeCode("C04", "Other name", applies=False),
        ChangeCode("C05", "Checking and savings mixed up", applies=True),
        ChangeCode("C06", "New account number and type", applies=True),
        ChangeCode("C07", "New routing, account and type", applies=True),
        ChangeCode("C08", "Foreign bank's identification", applies=False),
        ChangeCode("C09", "Other customer number", applies=False),
        ChangeCode("C10", "Other company name", applies=False),
        ChangeCode("C11", "Other company identification", applies=False),
        ChangeCode("C12", "Other company name and identification", applies=False),
        ChangeCode("C13", "Addenda format", applies=False),
        ChangeCode("C14", "Payment is international", applies=False),
    )
}


def change_code(code: str) -> ChangeCode:
    """Look up a change code; one that is not in the rules changes nothing and opens a case."""
    unknown = ChangeCode(code, "Unknown change", applies=False)
    return CHANGE_CODES.get(code, unknown)


@dataclass(frozen=True, slots=True)
class Correction:
    """The bank data to use from now on; None means unchanged."""

    routing_number: str | None = None
    account_number: str | None = field(default=None, repr=False)
    account_type: AccountType | None = None


_LAYOUTS: Final = {
    "C01": (("account", 0, 17),),
    "C02": (("routing", 0, 9),),
    "C03": (("routing", 0, 9), ("account", 12, 29)),
    "C05": (("type", 0, 2),),
    "C06": (("account", 0, 17), ("type", 20, 22)),
    "C07": (("routing", 0, 9), ("account", 9, 26), ("type", 26, 28)),
}
"""Columns of each part in the 29 characters of corrected data."""

_ACCOUNT: Final = re.compile(r"(?=.*[1-9A-Za-z])[0-9A-Za-z-]{1,17}")
_ACCOUNT_TYPES: Final[Mapping[str, AccountType]] = {
    **dict.fromkeys(("22", "23", "24", "27", "28", "29"), "checking"),
    **dict.fromkeys(("32", "33", "34", "37", "38", "39"), "savings"),
}


def correction(code: str, data: str) -> Correction | None:
    """Read corrected data into bank data; None if the code has none, or if it is malformed.

    Reads the fixed columns, or else the parts in their order with blanks between. Every part must
    be well-formed, a routing number with its check digit; otherwise a person has to look.
    """
    layout = _LAYOUTS.get(code)
    if layout is None:
        return None
    names = [name for name, _, _ in layout]
    padded = data.ljust(29)
    columns = {name: padded[start:end].strip() for name, start, end in layout}
    between = list(padded)
    for _, start, end in layout:
        between[start:end] = " " * (end - start)
    if all(map(_is_well_formed, columns, columns.values())) and not "".join(between).strip():
        return _correction(columns)
    words = data.split()
    if len(words) == len(names) and all(map(_is_well_formed, names, words)):
        return _correction(dict(zip(names, words, strict=True)))
    return None


def _is_well_formed(name: str, text: str) -> bool:
    if name == "routing":
        return nacha.is_routing_number(text)
    if name == "account":
        return _ACCOUNT.fullmatch(text) is not None
    return text in _ACCOUNT_TYPES


def _correction(parts: Mapping[str, str]) -> Correction:
    kind = parts.get("type")
    return Correction(
        routing_number=parts.get("routing"),
        account_number=parts.get("account"),
        account_type=_ACCOUNT_TYPES[kind] if kind else None,
    )
