"""Layouts of lockbox records as data: which columns hold which field, and how they are read.

Every bank changes the BAI lockbox file, so its columns are a profile, loaded by
`profile_loading`. Source: BAI lockbox communications standard and the guides of banks;
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

OPTIONAL_RECORDS: Final = frozenset({"2", "4", "8"})
"""Records that a bank may leave out; its profile then has no table for them."""

LARGEST_COUNT: Final = 10**9


class ColumnKind(StrEnum):
    """How the columns of a field are read."""

    TEXT = "text"
    COUNT = "whole number"
    AMOUNT = "amount"
    DATE = "date"
    TIME = "time"
    SIGN = "sign"


_BATCH: Final = {"batch": ColumnKind.COUNT, "item": ColumnKind.COUNT}
_TOTALS: Final = {
    **_BATCH,
    "lockbox": ColumnKind.TEXT,
    "deposit_date": ColumnKind.DATE,
    "check_count": ColumnKind.COUNT,
    "amount": ColumnKind.AMOUNT,
}
FIELDS: Final[Mapping[str, Mapping[str, ColumnKind]]] = {
    "1": {
        "priority": ColumnKind.TEXT,
        "destination": ColumnKind.TEXT,
        "origin": ColumnKind.TEXT,
        "created_date": ColumnKind.DATE,
        "created_time": ColumnKind.TIME,
    },
    "2": {
        "destination": ColumnKind.TEXT,
        "origin": ColumnKind.TEXT,
        "reference": ColumnKind.TEXT,
        "service_type": ColumnKind.TEXT,
        "record_size": ColumnKind.COUNT,
        "blocking": ColumnKind.TEXT,
        "format_code": ColumnKind.TEXT,
    },
    "5": {
        **_BATCH,
        "lockbox": ColumnKind.TEXT,
        "deposit_date": ColumnKind.DATE,
        "destination": ColumnKind.TEXT,
        "origin": ColumnKind.TEXT,
    },
    "6": {
        **_BATCH,
        "amount": ColumnKind.AMOUNT,
        "routing_number": ColumnKind.TEXT,
        "account_number": ColumnKind.TEXT,
        "check_number": ColumnKind.TEXT,
        "check_date": ColumnKind.DATE,
        "remitter": ColumnKind.TEXT,
        "payee": ColumnKind.TEXT,
    },
    "4": {
        **_BATCH,
        "continued": ColumnKind.TEXT,
        "sequence": ColumnKind.COUNT,
        "last": ColumnKind.TEXT,
    },
    "7": _TOTALS,
    "8": _TOTALS,
    "9": {"record_count": ColumnKind.COUNT},
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
"""Fields needed to check the totals, or to distinguish one check from another."""

REMITTANCE: Final[Mapping[str, ColumnKind]] = {
    "customer_number": ColumnKind.TEXT,
    "invoice_number": ColumnKind.TEXT,
    "amount": ColumnKind.AMOUNT,
    "sign": ColumnKind.SIGN,
    "text": ColumnKind.TEXT,
}
"""The fields of one remittance; records 6 and 4 may hold several, side by side."""

SECRET: Final = frozenset({"routing_number", "account_number"})
"""The drawer's bank details: never in a message, masked on every page."""

DATE_FORMATS: Final = ("YYMMDD", "MMDDYY", "YYYYMMDD", "MMDDYYYY")

_DIGITS: Final = re.compile(r"[0-9]+")

Value = str | int | bool | date | time | None


class Misread(Exception):
    """The columns do not hold a value of their kind."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code)
        self.code = code
        self.reason = reason
        """Completes "The amount …"."""


@dataclass(frozen=True, slots=True)
class LockboxField:
    """The columns of one field of a record, counted from 1, the last one included."""

    name: str
    first: int
    last: int
    kind: ColumnKind
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
        """Return the columns of the field in a line; shorter if the line ends before them."""
        return line[self.first - 1 : self.last]

    def read(self, line: str) -> Value:
        """Read the field from a line; if blank, as None, unless it is a text or a sign.

        Raises: Misread.
        """
        raw = self.raw(line)
        if self.kind in _TEXT_KINDS:
            return self._is_negative(raw.strip()) if self.kind is ColumnKind.SIGN else raw.strip()
        if not raw.strip():
            return None
        width = self.last - self.first + 1
        if len(raw) != width or not _DIGITS.fullmatch(raw):
            raise Misread(*_NOT_DIGITS[self.kind])
        if self.kind is ColumnKind.DATE:
            return _day(raw, self.date_format)
        if self.kind is ColumnKind.TIME:
            return _clock(raw)
        return _whole_number(
            raw, LARGEST_MINOR if self.kind is ColumnKind.AMOUNT else LARGEST_COUNT
        )

    def _is_negative(self, sign: str) -> bool:
        if sign in self.negative:
            return True
        if sign in self.positive:
            return False
        raise Misread("sign", "is none of the signs this layout knows")


_TEXT_KINDS: Final = frozenset({ColumnKind.TEXT, ColumnKind.SIGN})
_NOT_DIGITS: Final = {
    ColumnKind.COUNT: ("not-a-number", "is not a whole number with leading zeros"),
    ColumnKind.AMOUNT: ("not-an-amount", "is not a number of cents with leading zeros"),
    ColumnKind.DATE: ("not-a-date", "is not a date"),
    ColumnKind.TIME: ("not-a-time", "is not a time written HHMM"),
}


def _whole_number(raw: str, largest: int) -> int:
    value = int(raw)
    if value > largest:
        raise Misread("too-large", "is too large to be true")
    return value


def _day(raw: str, date_format: str) -> date | None:
    """Read a date; zeros are no date, and a year of two digits is one of this century."""
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
    """Read a time; 2400 and 9999 mean the end of the day."""
    if raw in {"2400", "9999"}:
        return time.max
    if int(raw[:2]) < 24 and int(raw[2:]) < 60:
        return time(int(raw[:2]), int(raw[2:]))
    raise Misread(*_NOT_DIGITS[ColumnKind.TIME])


FieldGroup = Mapping[str, LockboxField]
"""Fields by name."""


@dataclass(frozen=True, slots=True, eq=False)
class LockboxLayout:
    """The columns of one record."""

    code: str
    fields: FieldGroup
    remittances: tuple[FieldGroup, ...]
    gaps: tuple[tuple[int, int], ...]
    """First and last of the columns that no field covers: they should be blank."""


@dataclass(frozen=True, slots=True, eq=False)
class LockboxProfile:
    """The layouts of one bank's lockbox files."""

    name: str
    source: str
    """What the layout is and where it is documented."""
    record_length: int
    opens: str
    """What a record 5 opens: a `batch`, a `lockbox`, or `either`, depending on its batch number."""
    overflow: tuple[int, int]
    """First and highest sequence of the overflow records of a check, after which it starts over."""
    layouts: Mapping[str, LockboxLayout] = field(repr=False)
