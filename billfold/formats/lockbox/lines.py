"""Cuts a lockbox file into lines, and reads the fields of a line by its layout."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, time
from typing import Final

from billfold.formats.lockbox.layouts import FieldGroup, LockboxField, LockboxLayout, Misread, Value
from billfold.formats.problems import FileProblem, Findings, Unreadable

SEND_AGAIN: Final = "Ask the bank to send the file again."
WRONG_LAYOUT: Final = "The layout may be that of another bank: show the file against its profile."

_MOST_OF_A_CODE: Final = 50
_LINE_ENDS: Final = re.compile(r"[\r\n]+")
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f]")
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")


class LockboxFindings(Findings):
    """The problems of one file; of repeated warnings with the same code, only the first fifty.

    A large deposit with many short payments must not be refused for its number of warnings.
    """

    def __init__(self) -> None:
        super().__init__()
        self._times: Counter[str] = Counter()

    def warn(self, code: str, line: int, field: str, message: str, fix: str) -> None:
        self._times[code] += 1
        if self._times[code] <= _MOST_OF_A_CODE:
            super().warn(code, line, field, message, fix)
        elif self._times[code] == _MOST_OF_A_CODE + 1:
            message = f"{message} The same is so in places after this one, which are not listed."
            super().warn(code, line, field, message, fix)


def decode(content: bytes) -> str:
    """Turn a file into text, without the padding at its end.

    Raises: Unreadable if it cannot be a lockbox file.
    """
    if content[:2] in _UTF_16:
        fix = "Ask the bank to send plain ASCII."
        raise Unreadable([_not_lockbox("encoding", "The file is written in UTF-16.", fix)])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    text = text.rstrip("\x1a\r\n \t")
    if not text.lstrip("\r\n").startswith("1"):
        message = "The file does not begin with a lockbox file header, record 1."
        fix = "Check that this is a BAI lockbox file, whole and not encrypted."
        raise Unreadable([_not_lockbox("not-lockbox", message, fix)])
    return text


def _not_lockbox(code: str, message: str, fix: str) -> FileProblem:
    return FileProblem(code, "error", 1, "record code, position 1", message, fix)


def lines(text: str, record_length: int) -> Iterator[tuple[int, str]]:
    """Number the lines that are not blank; cut a file without line ends into records."""
    start, number = 0, 1
    for match in _LINE_ENDS.finditer(text):
        if line := text[start : match.start()].rstrip(" \t"):
            yield number, line
        start, ends = match.end(), match[0]
        number += ends.count("\n") + ends.count("\r") - ends.count("\r\n")
    if start:
        yield number, text[start:]
        return
    for number, start in enumerate(range(0, len(text), record_length), start=1):
        if line := text[start : start + record_length].rstrip(" \t"):
            yield number, line


class LockboxRecord:
    """One line, read field by field; a field that cannot be read is reported and read as None."""

    __slots__ = ("_findings", "_layout", "is_sound", "line", "number")

    def __init__(self, number: int, line: str, layout: LockboxLayout, findings: Findings) -> None:
        self.number = number
        self.line = line
        self.is_sound = True
        """False once a field of it could not be read."""
        self._layout = layout
        self._findings = findings

    @property
    def code(self) -> str:
        return self._layout.code

    def check_columns(self, record_length: int) -> None:
        """Report a line that is too long or unprintable, or holds text outside of all fields."""
        if len(self.line) > record_length:
            message = f"The line is longer than the {record_length} columns of the layout."
            self.add("line-too-long", "", message, WRONG_LAYOUT)
        if not self.line.isascii():
            message = "The line has letters beyond ASCII; the columns after them may be shifted."
            self.warn("not-ascii", "", message, "Compare the names of this line with the image.")
        if _UNPRINTABLE.search(self.line):
            message = "The line holds a character that cannot be printed."
            fix = f"The file was damaged on its way. {SEND_AGAIN}"
            self.add("unprintable", "", message, fix)
        for first, last in self._layout.gaps:
            if self.line[first - 1 : last].strip():
                place = f"positions {first}-{last}"
                message = f"No field of this layout reads {place}, yet they hold something."
                fix = "Place a field there in the profile, or name the columns as ignored."
                self.warn("uncovered-columns", place, message, fix)
                return

    def add(self, code: str, name: str, message: str, fix: str = SEND_AGAIN) -> None:
        """Note an error of this line; `name` is that of a field, or else the place itself."""
        self._findings.add(code, self.number, self._place(name), message, fix)

    def warn(self, code: str, name: str, message: str, fix: str) -> None:
        """Note what is odd in this line."""
        self._findings.warn(code, self.number, self._place(name), message, fix)

    def _place(self, name: str) -> str:
        field = self._layout.fields.get(name)
        return field.label if field else name

    def has(self, name: str) -> bool:
        """Tell whether the layout has this field at all."""
        return name in self._layout.fields

    def text(self, name: str) -> str:
        field = self._layout.fields.get(name)
        return field.raw(self.line).strip() if field else ""

    def day(self, name: str, *, is_lenient: bool = False) -> date | None:
        value = self._value(self._layout.fields.get(name), is_lenient=is_lenient)
        return value if isinstance(value, date) else None

    def clock(self, name: str) -> time | None:
        value = self._value(self._layout.fields.get(name))
        return value if isinstance(value, time) else None

    def whole_number(self, name: str) -> int | None:
        """Read a count or an amount that may be empty or may not be in the layout."""
        value = self._value(self._layout.fields.get(name))
        return value if isinstance(value, int) else None

    def required_number(self, name: str) -> int | None:
        """Read a mandatory count or amount; None if it is missing or misread, which is reported."""
        was_sound, self.is_sound = self.is_sound, True
        value = self.whole_number(name)
        if value is None and self.is_sound:
            self.is_sound = False
            self.add("missing-value", name, f"The {self.title(name)} is blank.", WRONG_LAYOUT)
        self.is_sound = self.is_sound and was_sound
        return value

    def title(self, name: str) -> str:
        return self._layout.fields[name].title

    def remittances(self) -> Iterator[tuple[str, str, int | None, str]]:
        """Read the customers, invoices, amounts and texts that this record holds."""
        for group in self._layout.remittances:
            values = self._remittance(group)
            if values[0].strip("0") or values[1].strip("0") or values[2] or values[3]:
                yield values

    def _remittance(self, group: FieldGroup) -> tuple[str, str, int | None, str]:
        customer, invoice, text = (
            group[name].raw(self.line).strip() if name in group else ""
            for name in ("customer_number", "invoice_number", "text")
        )
        amount = self._value(group.get("amount"))
        is_negative = self._value(group.get("sign")) is True
        amount_minor = amount if isinstance(amount, int) else None
        if amount_minor is not None and is_negative:
            amount_minor = -amount_minor
        return _unless_zeros(customer), _unless_zeros(invoice), amount_minor, text

    def _value(self, field: LockboxField | None, *, is_lenient: bool = False) -> Value:
        if field is None:
            return None
        try:
            return field.read(self.line)
        except Misread as misread:
            message = f"The {field.title} {misread.reason}."
            if is_lenient:
                fix = "It was keyed wrong, or the layout has another date format."
                self._findings.warn("check-date", self.number, field.label, message, fix)
            else:
                self.is_sound = False
                self._findings.add(misread.code, self.number, field.label, message, WRONG_LAYOUT)
        return None


def _unless_zeros(text: str) -> str:
    """Return a text, or nothing if it is only zeros: banks fill unused columns with them."""
    return text if text.strip("0") else ""
