"""BAI2 below its meaning: lines joined into records, and records read field by field.

Source: BAI, Cash Management Balance Reporting Specifications, version 2; docs/bank-files.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, time
from typing import Final

from billfold.formats.problems import Problem
from billfold.money import LARGEST_MINOR

CODES: Final = frozenset({"01", "02", "03", "16", "49", "98", "99"})
CONTINUATION: Final = "88"

END_OF_DAY: Final = time.max
"""How 2400 and 9999 read: the bank's day is over."""

LARGEST_TOTAL: Final = 10**18
"""Above the control total of any file, below what a bigint holds."""

SEND_AGAIN: Final = "Ask the bank to send the file again."

_LINE_END: Final = re.compile(r"\r\n|\n|\r")
_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,24}")
_DAY: Final = re.compile(r"[0-9]{6}")
_CLOCK: Final = re.compile(r"[0-9]{4}")
_FIXED_LENGTH: Final = re.compile(r"01(?:,[^,/]*){5},([1-9][0-9]{1,4}),")


@dataclass(frozen=True, slots=True)
class Line:
    """One physical record, without its code and its padding."""

    number: int
    body: str | None
    """What follows the comma after the code; absent if nothing does."""

    @property
    def fields(self) -> str | None:
        """The body without the slash that says its last field is complete."""
        return None if self.body is None else self.body.removesuffix("/")


@dataclass(slots=True)
class Record:
    """One logical record: a line and the lines that continue it."""

    code: str
    lines: list[Line] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Funds:
    """When an amount becomes available."""

    kind: str = "Z"
    """Z unknown; 0, 1 or 2 (or more) days; S and D spread over days; V on a value date."""
    parts: tuple[tuple[int, int], ...] = ()
    """For S and D: days to wait and the amount in minor units; the last of S is 2 or more."""
    value_date: date | None = None
    value_time: time | None = None


class Misaligned(Exception):
    """The fields after this one cannot be told apart, so the record is given up."""


def physical_lines(content: bytes) -> list[str]:
    """Split a file into its lines; one without line ends is cut at the length its header states."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    text = text.rstrip("\x1a\r\n ")
    stated = _FIXED_LENGTH.match(text)
    if stated and not _LINE_END.search(text):
        length = int(stated[1])
        return [text[at : at + length] for at in range(0, len(text), length)]
    return _LINE_END.split(text)


def records(content: bytes, problems: list[Problem]) -> Iterator[Record]:
    """Join each record with its continuations, and report the lines that belong to none."""
    current: Record | None = None
    for number, padded in enumerate(physical_lines(content), start=1):
        text = padded.rstrip(" \t")
        if _UNPRINTABLE.search(text):
            problems.append(_unprintable(number))
        if not text:
            continue
        code, comma, body = text[:2], text[2:3], text[3:]
        known = code in CODES or (code == CONTINUATION and current is not None)
        if not known or comma not in {"", ",", "/"}:
            problems.append(_unknown_record(number))
            continue
        line = Line(number, body if comma == "," else None)
        if code == CONTINUATION and current is not None:
            current.lines.append(line)
            continue
        if current is not None:
            yield current
        current = Record(code, [line])
    if current is not None:
        yield current


def _unprintable(number: int) -> Problem:
    return Problem(
        code="unprintable",
        severity="error",
        line=number,
        field="",
        message="The line holds a character that cannot be printed.",
        fix=f"The file was damaged on its way. {SEND_AGAIN}",
    )


def _unknown_record(number: int) -> Problem:
    return Problem(
        code="unknown-record",
        severity="error",
        line=number,
        field="record code",
        message="The line does not begin with a BAI2 record code: 01, 02, 03, 16, 49, 88, 98, 99.",
        fix=f"A line break inside a text does this too. {SEND_AGAIN}",
    )


class Fields:
    """The fields of one record in order, across its continuations."""

    def __init__(self, record: Record, problems: list[Problem]) -> None:
        self._lines = record.lines
        self._problems = problems
        self._index = 0
        self._position = 0
        self.line = record.lines[0].number
        self.is_sound = True

    def report(self, code: str, name: str, message: str, fix: str = SEND_AGAIN) -> None:
        """Note a problem at the line being read, and that this record cannot be trusted."""
        self.is_sound = False
        self._problems.append(Problem(code, "error", self.line, name, message, fix))

    def has_more(self) -> bool:
        """Tell whether another field, even an empty one, is there to read."""
        while self._index < len(self._lines):
            text = self._lines[self._index].fields
            if text is not None and self._position <= len(text):
                return True
            self._index += 1
            self._position = 0
        return False

    def take(self) -> str:
        """Read the next field; past the last one every field is empty."""
        if not self.has_more():
            return ""
        line = self._lines[self._index]
        text = line.fields or ""
        self.line = line.number
        comma = text.find(",", self._position)
        end = len(text) if comma < 0 else comma
        value = text[self._position : end]
        self._position = end + 1
        return value.strip()

    def whole(self, name: str, *, signed: bool = True) -> int:
        """Read a whole number."""
        return self._number(name, self.take(), signed=signed, limit=LARGEST_TOTAL)

    def optional_count(self, name: str) -> int | None:
        """Read a number of things, which may be empty."""
        text = self.take()
        return self._number(name, text, signed=False, limit=LARGEST_TOTAL) if text else None

    def amount(self, name: str, *, signed: bool = False, empty: int | None = None) -> int:
        """Read an amount in minor units; `empty` is what an empty field stands for, if allowed."""
        text = self.take()
        if not text and empty is not None:
            return empty
        return self._number(name, text, signed=signed, limit=LARGEST_MINOR)

    def optional_amount(self, name: str) -> int | None:
        """Read an amount in minor units with its sign, which may be empty."""
        text = self.take()
        return self._number(name, text, signed=True, limit=LARGEST_MINOR) if text else None

    def _number(self, name: str, text: str, *, signed: bool, limit: int) -> int:
        if not _WHOLE.fullmatch(text):
            said = "is not a whole number" if text else "is missing"
            self.report("not-a-number", name, f"The {name} {said}.")
            return 0
        value = int(text)
        if value < 0 and not signed:
            self.report("negative", name, f"The {name} is negative, which it must not be.")
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
        """Read the funds type and the fields it brings with it.

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
        problems_before = len(self._problems)
        count = self.whole("number of distributions", signed=False)
        parts: list[tuple[int, int]] = []
        while len(self._problems) == problems_before and len(parts) < count:
            if not self.has_more():
                self.report("too-few-fields", "funds type", "A distribution ends too early.")
                break
            days = self.whole("days to availability", signed=False)
            parts.append((days, self.amount("availability", signed=True)))
        if len(self._problems) > problems_before:
            raise Misaligned
        return tuple(parts)

    def text_lines(self) -> tuple[str, ...]:
        """Read what is left as free text, one piece per line.

        A slash ends a text only as its very last character, or where every line is ended so.
        """
        has_text = self.has_more()
        first = (self._lines[self._index].body or "")[self._position :] if has_text else ""
        later = [line.body or "" for line in self._lines[self._index + 1 :]]
        pieces = [piece.strip() for piece in [first, *later]]
        pieces = [piece for piece in pieces if piece not in {"", "/"}]
        self._index = len(self._lines)
        if all(piece.endswith("/") for piece in pieces):
            pieces = [piece[:-1].rstrip() for piece in pieces]
        elif pieces:
            pieces[-1] = pieces[-1].removesuffix("/").rstrip()
        return tuple(piece for piece in pieces if piece)

    def finish(self) -> None:
        """Report fields beyond the last one this record has; empty ones are harmless."""
        while self.has_more():
            if self.take():
                self.report("extra-field", "", "The record has more fields than it should.")
                return
