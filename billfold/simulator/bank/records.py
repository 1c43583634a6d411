"""An uploaded Nacha file as lines of 94 characters, and the problems found in it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

LENGTH: Final = 94
PADDING: Final = "9" * LENGTH
LINES_PER_BLOCK: Final = 10
_NOT_PRINTABLE: Final = re.compile(rb"[^\x20-\x7e\n]")
_DIGITS: Final = re.compile(r"[0-9]+")
_WEIGHTS: Final = (3, 7, 1, 3, 7, 1, 3, 7)


@dataclass(frozen=True, slots=True)
class UploadProblem:
    """One reason to refuse a file; line 0 means the file as a whole."""

    line: int
    field: str
    reason: str

    def __str__(self) -> str:
        where = f"line {self.line}, {self.field}" if self.line else self.field
        return f"{where}: {self.reason}"


@dataclass(frozen=True, slots=True)
class UploadRecord:
    """One line of 94 characters."""

    line: int
    text: str

    @property
    def kind(self) -> str:
        """The record type, or 'padding' for ninety-four nines."""
        return "padding" if self.text == PADDING else self.text[0]

    def at(self, first: int, last: int) -> str:
        """Return the characters at these positions, from 1, both included."""
        return self.text[first - 1 : last]


@dataclass(slots=True)
class UploadFindings:
    """The problems found so far."""

    problems: list[UploadProblem] = field(default_factory=list)

    def add(self, line: int, name: str, reason: str) -> None:
        """Add one problem."""
        self.problems.append(UploadProblem(line, name, reason))

    def expect(self, holds: bool, record: UploadRecord, name: str, reason: str) -> None:
        """Add a problem with a record unless `holds`."""
        if not holds:
            self.add(record.line, name, reason)

    def expect_equal(
        self, record: UploadRecord, name: str, actual: object, expected: object
    ) -> None:
        """Add a problem if a value of the record is not as expected."""
        if actual != expected:
            self.add(record.line, name, f"is {actual!r}, expected {expected!r}")

    def number(self, record: UploadRecord, first: int, last: int, name: str) -> int:
        """Read an unsigned number; if it is not all digits, add a problem and return zero."""
        text = record.at(first, last)
        if not is_digits(text):
            self.add(record.line, name, f"is {text!r}, not a number")
            return 0
        return int(text)

    def day(self, record: UploadRecord, first: int, last: int, name: str) -> date | None:
        """Read YYMMDD; if there is no such day, add a problem and return None."""
        text = record.at(first, last)
        try:
            if not is_digits(text):
                raise ValueError(text)
            return datetime.strptime(f"20{text}", "%Y%m%d").date()  # noqa: DTZ007
        except ValueError:
            self.add(record.line, name, f"is {text!r}, not a day as YYMMDD")
            return None


def is_digits(text: str) -> bool:
    """Say whether the text is one or more of 0 to 9, nothing else."""
    return _DIGITS.fullmatch(text) is not None


def check_digit(identification: str) -> str:
    """Compute the ninth digit of a routing number from the first eight. Source: ABA."""
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, identification, strict=True))
    return str(-total % 10)


def split(content: bytes, findings: UploadFindings) -> list[UploadRecord]:
    """Split an upload into records; lines may end in LF, CRLF or not at all.

    Source: Nacha Operating Rules, "Data Specifications": 94 printable characters a record.
    """
    if not content:
        findings.add(0, "file", "is empty")
        return []
    lines = _lines(content)
    for number, line in enumerate(lines, start=1):
        if _NOT_PRINTABLE.search(line):
            findings.add(number, "record", "holds a character outside printable ASCII")
        if len(line) != LENGTH:
            findings.add(number, "record", f"has {len(line)} characters, expected {LENGTH}")
    if findings.problems:
        return []
    return [
        UploadRecord(number, line.decode("ascii")) for number, line in enumerate(lines, start=1)
    ]


def _lines(content: bytes) -> list[bytes]:
    if b"\n" not in content and len(content) % LENGTH == 0:
        return [content[start : start + LENGTH] for start in range(0, len(content), LENGTH)]
    lines = content.replace(b"\r\n", b"\n").split(b"\n")
    return lines if lines[-1] else lines[:-1]
