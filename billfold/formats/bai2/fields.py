"""Reading BAI2 records field by field, with a problem for each field that is wrong.

Source: BAI, Cash Management Balance Reporting Specifications, version 2; docs/bank-files.md#bai2.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time
from typing import Final, NamedTuple

from billfold.formats.bai2.physical_records import (
    BARE_CONTINUATION_MARK,
    BLANK_LINE_MARK,
    CONTINUATION_MARK,
    REFUSED_AGAIN,
    SEND_AGAIN,
)
from billfold.formats.problems import Findings
from billfold.money import LARGEST_MINOR

END_OF_DAY: Final = time.max
"""The time that 2400 and 9999 stand for."""

LARGEST_TOTAL: Final = 10**18
"""Above the control total of any file, below the limit of a bigint."""

_CODES: Final = frozenset({"01", "02", "03", "16", "49", "98", "99"})
_WHOLE_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,24}")
_DECIMAL_POINT: Final = re.compile(r"[+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+)")
_DAY: Final = re.compile(r"[0-9]{6}")
_CLOCK: Final = re.compile(r"[0-9]{4}")
_NO_TEXT: Final = frozenset({"", "/", BARE_CONTINUATION_MARK, BLANK_LINE_MARK})


class PhysicalRecord(NamedTuple):
    """One physical record, without its code and its padding."""

    number: int
    body: str
    """What follows the record code and its comma."""
    fields: str | None
    """The body without the slash that ends its last field; None without a comma."""


@dataclass(frozen=True, slots=True)
class LogicalRecord:
    """One logical record: a physical record and its continuations (88)."""

    code: str
    lines: list[PhysicalRecord]


class Funds(NamedTuple):
    """When an amount becomes available."""

    kind: str = "Z"
    """Z unknown; 0, 1 or 2 (or more) days; S and D spread over days; V on a value date."""
    parts: tuple[tuple[int, int], ...] = ()
    """For S and D: days to wait and the amount in minor units; the last of S is 2 or more."""
    value_date: date | None = None
    value_time: time | None = None


class Misaligned(Exception):
    """The fields after this one cannot be told apart, so the rest of the record is not read."""


def parse_record(text: str, number: int) -> LogicalRecord:
    """Split a line of a block into its physical records; an unknown record code becomes empty."""
    first, *later = [piece.rstrip(" \t") for piece in text.split(CONTINUATION_MARK)]
    code, comma = first[:2], first[2:3]
    is_known = code in _CODES and comma in {"", ",", "/"}
    lines = [_line(number, first[3:] if comma == "," else None)]
    for piece in later:
        number += 1
        if piece != BLANK_LINE_MARK:
            lines.append(_line(number, None if piece == BARE_CONTINUATION_MARK else piece))
    return LogicalRecord(code if is_known else "", lines)


def _line(number: int, body: str | None) -> PhysicalRecord:
    return PhysicalRecord(number, body or "", None if body is None else body.removesuffix("/"))


def join_text(pieces: Iterable[str]) -> str:
    """Join the pieces of a free text with line feeds, without the slashes that end it.

    A slash ends a text only as its very last character, or where every line ends with one.
    """
    kept = list(map(str.strip, pieces))
    if not _NO_TEXT.isdisjoint(kept):
        kept = [piece for piece in kept if piece not in _NO_TEXT]
    if kept and kept[-1][-1] == "/":
        slashed = kept if all(piece.endswith("/") for piece in kept) else kept[-1:]
        kept[-len(slashed) :] = [piece[:-1].rstrip() for piece in slashed]
    return "\n".join(kept)


def parse_funds(text: str) -> Funds:
    """Parse a funds type with the fields that belong to it; they must be known to be readable."""
    return FieldReader(parse_record(f"16,{text}", 1), Findings()).funds()


def are_readable_funds(text: str) -> bool:
    """Tell whether a funds type can be read, with all the fields that belong to it."""
    fields = FieldReader(parse_record(f"16,{text}", 1), Findings())
    fields.funds()
    return fields.is_sound


class FieldReader:
    """Reads the fields of one record in order, across its continuations."""

    def __init__(self, record: LogicalRecord, findings: Findings) -> None:
        self._lines = record.lines
        self._findings = findings
        self._index = 0
        self._position = 0
        self._taken: list[str] = []
        self.line = record.lines[0].number
        self.is_sound = True

    def report(self, code: str, name: str, message: str, fix: str = SEND_AGAIN) -> None:
        """Report a problem at the line being read; the record is not sound then."""
        self.is_sound = False
        self._findings.add(code, self.line, name, message, fix)

    def has_more(self) -> bool:
        """Tell whether there is another field, even an empty one."""
        while self._index < len(self._lines):
            text = self._lines[self._index].fields
            if text is not None and self._position <= len(text):
                return True
            self._index += 1
            self._position = 0
        return False

    def take(self) -> str:
        """Read the next field as text; after the last one every field is empty."""
        if not self.has_more():
            return ""
        line = self._lines[self._index]
        text = line.fields or ""
        self.line = line.number
        comma = text.find(",", self._position)
        end = len(text) if comma < 0 else comma
        value = text[self._position : end]
        self._position = end + 1
        self._taken.append(value := value.strip())
        return value

    def whole_number(self, name: str, *, signed: bool = True) -> int:
        """Read a whole number."""
        return self._number(name, self.take(), signed=signed, limit=LARGEST_TOTAL)

    def optional_count(self, name: str) -> int | None:
        """Read a count, which may be empty."""
        text = self.take()
        return self._number(name, text, signed=False, limit=LARGEST_TOTAL) if text else None

    def amount(self, name: str, *, signed: bool = False, empty: int | None = None) -> int:
        """Read an amount in minor units; an empty field is an error, or stands for `empty`."""
        text = self.take()
        if not text and empty is not None:
            return empty
        return self._number(name, text, signed=signed, limit=LARGEST_MINOR)

    def optional_amount(self, name: str) -> int | None:
        """Read an amount in minor units with its sign, which may be empty."""
        text = self.take()
        return self._number(name, text, signed=True, limit=LARGEST_MINOR) if text else None

    def _number(self, name: str, text: str, *, signed: bool, limit: int) -> int:
        if _DECIMAL_POINT.fullmatch(text):
            message = f"The {name} has a decimal point; BAI version 2 writes 12.50 as 1250."
            fix = f"Ask the bank to write whole cents, without a decimal point. {REFUSED_AGAIN}"
            self.report("decimal-point", name, message, fix)
            return 0
        if not _WHOLE_NUMBER.fullmatch(text):
            defect = "is not a whole number" if text else "is missing"
            self.report("not-a-number", name, f"The {name} {defect}.")
            return 0
        value = int(text)
        if value < 0 and not signed:
            message = f"The {name} is negative, which it must not be."
            self.report("negative", name, message, f"Ask for it without a sign. {REFUSED_AGAIN}")
        if abs(value) > limit:
            self.report("too-large", name, f"The {name} is too large.")
            return 0
        return value

    def day(self, name: str) -> date:
        """Read a date YYMMDD of this century."""
        day = self._day(name, self.take())
        return date.min if day is None else day

    def optional_day(self, name: str) -> date | None:
        """Read a date YYMMDD of this century, which may be empty."""
        text = self.take()
        return self._day(name, text) if text else None

    def _day(self, name: str, text: str) -> date | None:
        if _DAY.fullmatch(text):
            try:
                return date(2000 + int(text[:2]), int(text[2:4]), int(text[4:]))
            except ValueError:
                pass
        self.report("not-a-date", name, f"The {name} is not a date written YYMMDD.")
        return None

    def clock(self, name: str) -> time | None:
        """Read a time HHMM, which may be empty; 2400 and 9999 are the end of the day."""
        text = self.take()
        if not text:
            return None
        if text in {"2400", "9999"}:
            return END_OF_DAY
        if _CLOCK.fullmatch(text) and int(text[:2]) < 24 and int(text[2:]) < 60:
            return time(int(text[:2]), int(text[2:]))
        self.report("not-a-time", name, f"The {name} is not a time written HHMM.")
        return None

    def funds(self) -> Funds:
        """Read the funds type and the fields that belong to it.

        Raises: Misaligned if there is no telling where the next field begins.
        Source: BAI2, funds type field.
        """
        kind = self.take().upper()
        match kind:
            case "" | "Z":
                return Funds()
            case "0" | "1" | "2":
                return Funds(kind)
            case "S":
                amounts = [self.amount("availability", signed=True, empty=0) for _ in range(3)]
                return Funds(kind, tuple(enumerate(amounts)))
            case "V":
                value_date = self.optional_day("value date")
                return Funds(kind, value_date=value_date, value_time=self.clock("value time"))
            case "D":
                return Funds(kind, self._distribution())
            case _:
                name = "funds type"
                self.report("funds-type", name, "The funds type is not 0, 1, 2, S, V, D or Z.")
                raise Misaligned

    def _distribution(self) -> tuple[tuple[int, int], ...]:
        was_sound, self.is_sound = self.is_sound, True
        count = self.whole_number("number of distributions", signed=False)
        parts: list[tuple[int, int]] = []
        while self.is_sound and len(parts) < count:
            if not self.has_more():
                self.report("too-few-fields", "funds type", "A distribution ends too early.")
                break
            days = self.whole_number("days to availability", signed=False)
            parts.append((days, self.amount("availability", signed=True)))
        if not self.is_sound:
            raise Misaligned
        self.is_sound = was_sound
        return tuple(parts)

    def written_funds(self) -> str:
        """Read the funds type and the fields that belong to it, and return them as text.

        Raises: Misaligned if there is no telling where the next field begins.
        """
        before = len(self._taken)
        self.funds()
        return ",".join(self._taken[before:])

    def written_text(self) -> str:
        """Read the rest of the record as free text; its lines end with line feeds."""
        first = self._lines[self._index].body[self._position :] if self.has_more() else ""
        later = [line.body for line in self._lines[self._index + 1 :]]
        self._index = len(self._lines)
        return join_text([first, *later])

    def finish(self) -> None:
        """Report another field that is not empty: the record should have no more."""
        while self.has_more():
            if self.take():
                self.report("extra-field", "", "The record has more fields than it should.")
                return
