"""BAI2 records read field by field, whatever a bank writes, each problem with its place.

Source: BAI, Cash Management Balance Reporting Specifications, version 2; docs/bank-files.md#bai2.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time
from typing import Final, NamedTuple

from billfold.formats.bai2.blocks import BLANK, EMPTY, JOINT, SEND_AGAIN
from billfold.formats.problems import Findings
from billfold.money import LARGEST_MINOR

END_OF_DAY: Final = time.max
"""How 2400 and 9999 read: the bank's day is over."""

LARGEST_TOTAL: Final = 10**18
"""Above the control total of any file, below what a bigint holds."""

_CODES: Final = frozenset({"01", "02", "03", "16", "49", "98", "99"})
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,24}")
_DAY: Final = re.compile(r"[0-9]{6}")
_CLOCK: Final = re.compile(r"[0-9]{4}")
_NOTHING: Final = frozenset({"", "/", EMPTY, BLANK})


class Line(NamedTuple):
    """One physical record, without its code and its padding."""

    number: int
    body: str
    """What follows the comma after the code."""
    fields: str | None
    """The body without the slash that says its last field is complete; absent if no comma."""


@dataclass(frozen=True, slots=True)
class Record:
    """One logical record: a line and the lines that continue it."""

    code: str
    lines: list[Line]


class Funds(NamedTuple):
    """When an amount becomes available."""

    kind: str = "Z"
    """Z unknown; 0, 1 or 2 (or more) days; S and D spread over days; V on a value date."""
    parts: tuple[tuple[int, int], ...] = ()
    """For S and D: days to wait and the amount in minor units; the last of S is 2 or more."""
    value_date: date | None = None
    value_time: time | None = None


class Misaligned(Exception):
    """The fields after this one cannot be told apart, so the record is given up."""


def record(text: str, number: int) -> Record:
    """Take a line of a block apart; its code is empty if it is none of BAI2."""
    first, *later = [piece.rstrip(" \t") for piece in text.split(JOINT)]
    code, comma = first[:2], first[2:3]
    is_known = code in _CODES and comma in {"", ",", "/"}
    lines = [_line(number, first[3:] if comma == "," else None)]
    for piece in later:
        number += 1
        if piece != BLANK:
            lines.append(_line(number, None if piece == EMPTY else piece))
    return Record(code if is_known else "", lines)


def _line(number: int, body: str | None) -> Line:
    return Line(number, body or "", None if body is None else body.removesuffix("/"))


def written_text(pieces: Iterable[str]) -> str:
    """Read free text, one piece per line; give its lines.

    A slash ends a text only as its very last character, or where every line is ended so.
    """
    kept = list(map(str.strip, pieces))
    if not _NOTHING.isdisjoint(kept):
        kept = [piece for piece in kept if piece not in _NOTHING]
    if kept and kept[-1][-1] == "/":
        slashed = kept if all(piece.endswith("/") for piece in kept) else kept[-1:]
        kept[-len(slashed) :] = [piece[:-1].rstrip() for piece in slashed]
    return "\n".join(kept)


def funds(written: str) -> Funds:
    """Read a funds type and the fields it brings with it, once they are known to be sound."""
    return Fields(record(f"16,{written}", 1), Findings()).funds()


def is_sound(written: str) -> bool:
    """Tell whether a funds type and its fields can be read; none may be missing."""
    fields = Fields(record(f"16,{written}", 1), Findings())
    fields.funds()
    return fields.is_sound


class Fields:
    """The fields of one record in order, across its continuations."""

    def __init__(self, record: Record, findings: Findings) -> None:
        self._lines = record.lines
        self._findings = findings
        self._index = 0
        self._position = 0
        self._taken: list[str] = []
        self.line = record.lines[0].number
        self.is_sound = True

    def report(self, code: str, name: str, message: str, fix: str = SEND_AGAIN) -> None:
        """Note a problem at the line being read, and that this record cannot be trusted."""
        self.is_sound = False
        self._findings.add(code, self.line, name, message, fix)

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
        self._taken.append(value := value.strip())
        return value

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
        was_sound, self.is_sound = self.is_sound, True
        count = self.whole("number of distributions", signed=False)
        parts: list[tuple[int, int]] = []
        while self.is_sound and len(parts) < count:
            if not self.has_more():
                self.report("too-few-fields", "funds type", "A distribution ends too early.")
                break
            days = self.whole("days to availability", signed=False)
            parts.append((days, self.amount("availability", signed=True)))
        if not self.is_sound:
            raise Misaligned
        self.is_sound = was_sound
        return tuple(parts)

    def written_funds(self) -> str:
        """Read the funds type and the fields it brings with it; give them as they are written.

        Raises: Misaligned if there is no telling where the next field begins.
        """
        before = len(self._taken)
        self.funds()
        return ",".join(self._taken[before:])

    def written_text(self) -> str:
        """Read what is left as free text; give its lines."""
        first = self._lines[self._index].body[self._position :] if self.has_more() else ""
        later = [line.body for line in self._lines[self._index + 1 :]]
        self._index = len(self._lines)
        return written_text([first, *later])

    def finish(self) -> None:
        """Report fields beyond the last one this record has; empty ones are harmless."""
        while self.has_more():
            if self.take():
                self.report("extra-field", "", "The record has more fields than it should.")
                return
