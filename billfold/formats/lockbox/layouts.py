"""What a lockbox layout is: which columns of which record hold what, and how they are read.

Every bank changes the BAI lockbox file, so the columns are data: a profile, read by
`lockbox_loading`. Source: BAI lockbox communications standard and the guides of banks;
docs/bank-files.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from enum import StrEnum
from typing import Final

from billfold.money import LARGEST_MINOR

RECORDS: Final = {
    "1": "file header",
    "2": "service",
    "5": "batch header",
    "6": "check",
    "4": "overflow",
    "7": "batch total",
    "8": "service total",
    "9": "file trailer",
}
"""The records of a file, in their order."""

DISPENSABLE: Final = frozenset({"2", "4", "8"})
"""Records that a bank may leave out altogether; its profile then has no table for them."""

LARGEST_COUNT: Final = 10**9


class Kind(StrEnum):
    """How the columns of a field are read."""

    TEXT = "text"
    COUNT = "whole number"
    AMOUNT = "amount"
    DATE = "date"
    TIME = "time"
    SIGN = "sign"


_BATCH: Final = {"batch": Kind.COUNT, "item": Kind.COUNT}
_TOTALS: Final = {
    **_BATCH,
    "lockbox": Kind.TEXT,
    "deposit_date": Kind.DATE,
    "check_count": Kind.COUNT,
    "amount": Kind.AMOUNT,
}
FIELDS: Final[Mapping[str, Mapping[str, Kind]]] = {
    "1": {
        "priority": Kind.TEXT,
        "destination": Kind.TEXT,
        "origin": Kind.TEXT,
        "created_date": Kind.DATE,
        "created_time": Kind.TIME,
    },
    "2": {
        "destination": Kind.TEXT,
        "origin": Kind.TEXT,
        "reference": Kind.TEXT,
        "service_type": Kind.TEXT,
        "record_size": Kind.COUNT,
        "blocking": Kind.TEXT,
        "format_code": Kind.TEXT,
    },
    "5": {
        **_BATCH,
        "lockbox": Kind.TEXT,
        "deposit_date": Kind.DATE,
        "destination": Kind.TEXT,
        "origin": Kind.TEXT,
    },
    "6": {
        **_BATCH,
        "amount": Kind.AMOUNT,
        "routing_number": Kind.TEXT,
        "account_number": Kind.TEXT,
        "check_number": Kind.TEXT,
        "check_date": Kind.DATE,
        "remitter": Kind.TEXT,
        "payee": Kind.TEXT,
    },
    "4": {
        **_BATCH,
        "continued": Kind.TEXT,
        "sequence": Kind.COUNT,
        "last": Kind.TEXT,
    },
    "7": _TOTALS,
    "8": _TOTALS,
    "9": {"record_count": Kind.COUNT},
}
"""Every field a profile may place, by record."""

REQUIRED: Final[Mapping[str, frozenset[str]]] = {
    "1": frozenset({"created_date"}),
    "2": frozenset(),
    "5": frozenset({"lockbox", "deposit_date"}),
    "6": frozenset({"batch", "item", "amount"}),
    "4": frozenset({"batch", "item"}),
    "7": frozenset({"batch", "check_count", "amount"}),
    "8": frozenset({"check_count", "amount"}),
    "9": frozenset({"record_count"}),
}
"""Without these nothing could be proved, or a check could not be told from another."""

REMITTANCE: Final[Mapping[str, Kind]] = {
    "customer_number": Kind.TEXT,
    "invoice_number": Kind.TEXT,
    "amount": Kind.AMOUNT,
    "sign": Kind.SIGN,
    "text": Kind.TEXT,
}
"""The fields of one remittance; records 6 and 4 may hold several, side by side."""

SECRET: Final = frozenset({"routing_number", "account_number"})
"""The drawer's bank details: never in a message, masked wherever they are shown."""

DATE_FORMATS: Final = ("YYMMDD", "MMDDYY", "YYYYMMDD", "MMDDYYYY")

_DIGITS: Final = re.compile(r"[0-9]+")

Value = str | int | bool | date | time | None


class Misread(Exception):
    """The columns do not hold what the profile says."""

    def __init__(self, code: str, said: str) -> None:
        super().__init__(code)
        self.code = code
        self.said = said
        """Completes "The amount …"."""


@dataclass(frozen=True, slots=True)
class Field:
    """Columns of a record with a meaning, counted from 1, the last one included."""

    name: str
    first: int
    last: int
    kind: Kind
    date_format: str = ""
    negative: tuple[str, ...] = ()
    positive: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return self.name.replace("_", " ")

    @property
    def label(self) -> str:
        """Name the field as problems do: "check count, positions 21-23"."""
        if self.first == self.last:
            return f"{self.title}, position {self.first}"
        return f"{self.title}, positions {self.first}-{self.last}"

    def raw(self, line: str) -> str:
        """Cut the field out of a line; columns past its end are blank, so they are missing."""
        return line[self.first - 1 : self.last]

    def read(self, line: str) -> Value:
        """Read the field from a line. Anything blank but a text or a sign is None.

        Raises: Misread.
        """
        raw = self.raw(line)
        if self.kind in _WORDS:
            return self._sign(raw.strip()) if self.kind is Kind.SIGN else raw.strip()
        if not raw.strip():
            return None
        width = self.last - self.first + 1
        if len(raw) != width or not _DIGITS.fullmatch(raw):
            raise Misread(*_NOT_DIGITS[self.kind])
        if self.kind is Kind.DATE:
            return _day(raw, self.date_format)
        if self.kind is Kind.TIME:
            return _clock(raw)
        return _whole(raw, LARGEST_MINOR if self.kind is Kind.AMOUNT else LARGEST_COUNT)

    def _sign(self, said: str) -> bool:
        """Tell whether the sign is the negative one."""
        if said in self.negative:
            return True
        if said in self.positive:
            return False
        raise Misread("sign", "is none of the signs this layout knows")


_WORDS: Final = frozenset({Kind.TEXT, Kind.SIGN})
_NOT_DIGITS: Final = {
    Kind.COUNT: ("not-a-number", "is not a whole number with leading zeros"),
    Kind.AMOUNT: ("not-an-amount", "is not a number of cents with leading zeros"),
    Kind.DATE: ("not-a-date", "is not a date"),
    Kind.TIME: ("not-a-time", "is not a time written HHMM"),
}


def _whole(raw: str, largest: int) -> int:
    value = int(raw)
    if value > largest:
        raise Misread("too-large", "is too large to be true")
    return value


def _day(raw: str, date_format: str) -> date | None:
    """Read a date; zeros stand for none, and two digits for a year of this century."""
    if not raw.strip("0"):
        return None
    year_at = date_format.index("Y")
    year_width = date_format.count("Y")
    year = int(raw[year_at : year_at + year_width])
    month_at, day_at = date_format.index("M"), date_format.index("D")
    try:
        return date(
            year if year_width == 4 else 2000 + year,
            int(raw[month_at : month_at + 2]),
            int(raw[day_at : day_at + 2]),
        )
    except ValueError:
        raise Misread("not-a-date", f"is not a date written {date_format}") from None


def _clock(raw: str) -> time:
    """Read a time; 2400 and 9999 are the end of the day."""
    if raw in {"2400", "9999"}:
        return time.max
    if int(raw[:2]) < 24 and int(raw[2:]) < 60:
        return time(int(raw[:2]), int(raw[2:]))
    raise Misread(*_NOT_DIGITS[Kind.TIME])


Group = Mapping[str, Field]
"""Fields by name."""


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The columns of one record."""

    code: str
    fields: Group
    remittances: tuple[Group, ...]
    gaps: tuple[tuple[int, int], ...]
    """Columns nothing covers, first and last: they should be blank."""


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """One bank's lockbox dialect."""

    name: str
    source: str
    """What the layout is and where it is known from."""
    record_length: int
    opens: str
    """What a record 5 opens: a `batch`, a `lockbox`, or `either`, as its batch number says."""
    overflow: tuple[int, int]
    """First and highest sequence of the overflow records of a check; then it starts over."""
    layouts: Mapping[str, Layout] = field(repr=False)
