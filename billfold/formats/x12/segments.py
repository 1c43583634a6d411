"""X12 interchanges as segments: delimiters discovered, line breaks passed over.

Source: ASC X12.5 Interchange Control Structures and X12.6 Application Control Structure;
docs/bank-files.md.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

from billfold.formats.problems import Findings

SEND_AGAIN: Final = "Ask the sender to send the file again."
TRANSACTIONS: Final = {
    "810": "an invoice",
    "812": "a credit or debit adjustment",
    "820": "a payment order or remittance advice",
    "821": "a financial information report",
    "822": "an account analysis",
    "823": "a lockbox report",
    "824": "an application advice",
    "827": "a financial return notice",
    "828": "a debit authorization",
    "831": "an application control total",
    "834": "a benefit enrollment",
    "835": "a health care claim payment",
    "837": "a health care claim",
    "850": "a purchase order",
    "855": "a purchase order acknowledgment",
    "856": "a ship notice",
    "997": "a functional acknowledgment",
    "999": "an implementation acknowledgment",
}
"""What a transaction set is, for people. Source: ASC X12, list of transaction sets."""

MOST_ELEMENTS: Final = 100
"""Above any segment of the standard."""

_ISA_SEPARATORS: Final = 16
_ISA_LENGTH: Final = 106
_LONGEST_ISA: Final = 2 * _ISA_LENGTH
_HEADER: Final = re.compile(r"\s*ISA(?![A-Za-z0-9])")
_BEGINNING: Final = re.compile(r"\s*([A-Z][A-Z0-9]{1,2})([*|^~+!@%<>&\x1c-\x1f])")
_NAME: Final = re.compile(r"[A-Z][A-Z0-9]{1,2}")
_CONTROL: Final = {chr(code) for code in (*range(0x20), 0x7F)} - {"\t", "\r", "\n"}
_LINE_BREAKS: Final = str.maketrans("", "", "\r\n")


@dataclass(frozen=True, slots=True)
class Delimiters:
    """The characters that cut a text; CR or LF as terminator stands for any line break."""

    element: str
    terminator: str
    component: str = ""
    repetition: str = ""


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment: its name and its elements, counted from 1."""

    name: str
    elements: tuple[str, ...] = field(repr=False)
    line: int = field(compare=False)
    """Of the text; where that is all one line, the segment's place, counted from 1."""

    def __getitem__(self, position: int) -> str:
        """Give an element without the blanks around it; one that is absent is empty."""
        return self.elements[position - 1].strip() if position <= len(self.elements) else ""

    def place(self, position: int) -> str:
        """Name an element: RMR04."""
        return f"{self.name}{position:02d}"


class Oddities:
    """What is odd but may be trusted: each kind once, where it is met first, with how often."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, str], tuple[int, str, str]] = {}
        self._times: dict[tuple[str, str], int] = {}

    def note(self, code: str, line: int, place: str, message: str, fix: str) -> None:
        """Count one; only the first of a code and place keeps its words."""
        kind = (code, place)
        self._first.setdefault(kind, (line, message, fix))
        self._times[kind] = self._times.get(kind, 0) + 1

    def report(self, findings: Findings) -> None:
        """Hand them over as warnings."""
        for (code, place), (line, message, fix) in self._first.items():
            others = self._times[code, place] - 1
            more = f" The same is found in {others:,} more places." if others else ""
            findings.warn(code, line, place, message + more, fix)


def decoded(content: bytes) -> str:
    """Turn bytes into text without losing any; what pads the end of a file is left out."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return text.rstrip("\x00\x1a\r\n\t ")


def has_header(text: str) -> bool:
    """Tell whether a text begins with an interchange header, blanks and line breaks aside."""
    return _HEADER.match(text) is not None


def segments(
    text: str, findings: Findings, oddities: Oddities, *, delimiters: Delimiters | None = None
) -> Iterator[Segment]:
    """Cut a text into segments. Each ISA brings its own delimiters; a text without needs them said.

    What cannot be cut is reported, and ends the segments.
    """
    lines = _Lines(text)
    pattern, control = _patterns(delimiters or Delimiters("*", "~"))
    at = 0
    while match := pattern.search(text, at):
        line = lines.number(match.start())
        if _HEADER.match(match[0]):
            delimiters = _discovered(text, match.start(), line, findings, oddities)
            if delimiters is None:
                return
            pattern, control = _patterns(delimiters)
            match = pattern.match(text, match.start()) or match
        assert delimiters is not None
        at = match.end()
        if control.search(match[0]):
            message = "The segment holds a control character."
            findings.add("control-character", line, "", message, SEND_AGAIN)
        yield _segment(match[0], delimiters, line, oddities)


def _segment(raw: str, delimiters: Delimiters, line: int, oddities: Oddities) -> Segment:
    if "\n" in raw or "\r" in raw:
        stripped = raw.rstrip("\r\n")
        raw = stripped.translate(_LINE_BREAKS)
        if len(raw) < len(stripped):
            message = "A line breaks inside a segment; it was joined."
            oddities.note("line-break", line, "", message, "Check that no terminator is missing.")
    name, *elements = raw.split(delimiters.element, MOST_ELEMENTS + 1)
    return Segment(name.strip(), tuple(elements), line)


def is_sound(segment: Segment, findings: Findings) -> bool:
    """Tell whether a segment has a name and a length that some segment has; report if not."""
    if not _NAME.fullmatch(segment.name):
        message = "The segment does not begin with a name of two or three letters and digits."
        findings.add("segment-name", segment.line, "", message, SEND_AGAIN)
        return False
    if len(segment.elements) > MOST_ELEMENTS:
        message = f"The segment has more than {MOST_ELEMENTS} elements."
        findings.add("too-many-elements", segment.line, segment.name, message, SEND_AGAIN)
        return False
    return True


def guessed(text: str, names: Collection[str]) -> Delimiters | None:
    """Tell the delimiters of a text that begins with one of these segments, without an ISA.

    The element separator follows the first name; signs of plain text (`REF: 7`) are none. The
    terminator is what stands before the next name, else what ends the text, else a backslash or a
    tilde; a text without any is one segment.
    Gives None if the text begins with no such segment.
    """
    start = _BEGINNING.match(text)
    if start is None or start[1] not in names:
        return None
    element = re.escape(start[2])
    head, alternatives = text[:8_192], "|".join(sorted(names))
    followed = re.search(rf"([^A-Za-z0-9 \t{element}])\s{{0,80}}(?:{alternatives}){element}", head)
    if followed:
        return Delimiters(start[2], followed[1])
    last = text.rstrip()[-1]
    if last != start[2] and last in "\\~'|^!\x1c\x1d\x1e\x1f":
        return Delimiters(start[2], last)
    present = (mark for mark in "\\~\n" if mark in head.rstrip())
    return Delimiters(start[2], next(present, "\n"))


def _patterns(delimiters: Delimiters) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Make what finds the next segment, and what finds a character that must not be in it."""
    is_line_end = delimiters.terminator in "\r\n"
    end = r"\r\n" if is_line_end else re.escape(delimiters.terminator)
    bad = _CONTROL - {delimiters.element, delimiters.component, delimiters.repetition}
    return (
        re.compile(rf"[^{end}\r\n\t ][^{end}]*"),
        re.compile(f"[{re.escape(''.join(sorted(bad)))}]"),
    )


def _discovered(
    text: str, start: int, line: int, findings: Findings, oddities: Oddities
) -> Delimiters | None:
    """Read the delimiters off an ISA: its separator, then the two after the sixteenth of it."""
    head = text[start : start + _LONGEST_ISA]
    separator = head[3:4]
    elements = head.split(separator, _ISA_SEPARATORS) if separator else [""]
    marks = elements[-1][:2]
    if len(elements) <= _ISA_SEPARATORS or len(marks) < 2:
        message = "The interchange header ends before its sixteenth element."
        findings.add("interchange-header", line, "ISA", message, SEND_AGAIN)
        return None
    component, terminator = marks[0], marks[1]
    trio = (separator, component, terminator)
    is_usable = not any(mark.isalnum() or mark in " ." for mark in trio) and len(set(trio)) == 3
    if not is_usable or separator in "\r\n" or component in "\r\n":
        message = "The delimiters cannot be told: they are letters, digits, blanks or alike."
        findings.add("delimiters", line, "ISA, positions 4, 105 and 106", message, SEND_AGAIN)
        return None
    length = len(separator.join([*elements[:-1], component]).translate(_LINE_BREAKS)) + 1
    if length != _ISA_LENGTH:
        message = f"The interchange header is not {_ISA_LENGTH} characters long."
        fix = "Its elements were told by their separators; ask the sender to pad them."
        oddities.note("interchange-header-length", line, "ISA", message, fix)
    return Delimiters(separator, terminator, component, repetition=elements[11])


class _Lines:
    """Count lines forward; where all is one line, count the segments instead."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._break = next((mark for mark in "\n\r" if mark in text), "")
        self._number = 1 if self._break else 0
        self._at = 0

    def number(self, at: int) -> int:
        if self._break:
            self._number += self._text.count(self._break, self._at, at)
            self._at = at
        else:
            self._number += 1
        return self._number
