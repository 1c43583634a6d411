"""Cuts X12 interchanges into segments: detects the delimiters and ignores line breaks.

Source: ASC X12.5 Interchange Control Structures and X12.6 Application Control Structure;
docs/bank-files.md.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

from billfold.formats.problems import NOTHING_TO_DO, Findings

SEND_AGAIN: Final = "Ask the sender to send the file again."
TRANSACTION_SETS: Final = {
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
"""Names of transaction sets for messages. Source: ASC X12, list of transaction sets."""

MOST_ELEMENTS: Final = 100
"""More than any segment of the standard has."""

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
    """The delimiters of an interchange; CR or LF as terminator stands for any line break."""

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
    """Line of the text; if that is a single line, the number of the segment, counted from 1."""

    def __getitem__(self, position: int) -> str:
        """Return an element without the blanks around it; empty if it is absent."""
        return self.elements[position - 1].strip() if position <= len(self.elements) else ""

    def place(self, position: int) -> str:
        """Return the name of an element: RMR04."""
        return f"{self.name}{position:02d}"


class CountedWarnings:
    """The warnings of a file, each kind once, at its first place and with the number of others."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, str], tuple[int, str, str]] = {}
        self._times: dict[tuple[str, str], int] = {}

    def add(self, code: str, line: int, place: str, message: str, fix: str) -> None:
        """Count a warning; only the first of a code and place keeps its line and words."""
        kind = (code, place)
        self._first.setdefault(kind, (line, message, fix))
        self._times[kind] = self._times.get(kind, 0) + 1

    def report(self, findings: Findings) -> None:
        """Add each kind of warning to the findings."""
        for (code, place), (line, message, fix) in self._first.items():
            others = self._times[code, place] - 1
            more = f" The same is found in {others:,} more places." if others else ""
            findings.warn(code, line, place, message + more, fix)


def decode(content: bytes) -> str:
    """Decode bytes without losing any; the padding at the end of a file is left out."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return text.rstrip("\x00\x1a\r\n\t ")


def has_header(text: str) -> bool:
    """Tell whether a text begins with an interchange header, after blanks and line breaks."""
    return _HEADER.match(text) is not None


def split(
    text: str,
    findings: Findings,
    warnings: CountedWarnings,
    *,
    delimiters: Delimiters | None = None,
) -> Iterator[Segment]:
    """Split a text into segments. Each ISA states its delimiters; a text without one needs them.

    An ISA that cannot be read is reported, and ends the segments.
    """
    lines = _LineCounter(text)
    pattern, control = _patterns(delimiters or Delimiters("*", "~"))
    at = 0
    while match := pattern.search(text, at):
        line = lines.number(match.start())
        if _HEADER.match(match[0]):
            delimiters = _delimiters_of_header(text, match.start(), line, findings, warnings)
            if delimiters is None:
                return
            pattern, control = _patterns(delimiters)
            match = pattern.match(text, match.start()) or match
        assert delimiters is not None
        at = match.end()
        if control.search(match[0]):
            message = "The segment holds a control character."
            findings.add("control-character", line, "", message, SEND_AGAIN)
        yield _segment(match[0], delimiters, line, warnings)


def _segment(raw: str, delimiters: Delimiters, line: int, warnings: CountedWarnings) -> Segment:
    if "\n" in raw or "\r" in raw:
        stripped = raw.rstrip("\r\n")
        raw = stripped.translate(_LINE_BREAKS)
        if len(raw) < len(stripped):
            message = "A line breaks inside a segment; it was joined."
            warnings.add("line-break", line, "", message, "Check that no terminator is missing.")
    name, *elements = raw.split(delimiters.element, MOST_ELEMENTS + 1)
    return Segment(name.strip(), tuple(elements), line)


def is_sound(segment: Segment, findings: Findings) -> bool:
    """Tell whether a segment has a valid name and number of elements, and report if not."""
    if not _NAME.fullmatch(segment.name):
        message = "The segment does not begin with a name of two or three letters and digits."
        findings.add("segment-name", segment.line, "", message, SEND_AGAIN)
        return False
    if len(segment.elements) > MOST_ELEMENTS:
        message = f"The segment has more than {MOST_ELEMENTS} elements."
        findings.add("too-many-elements", segment.line, segment.name, message, SEND_AGAIN)
        return False
    return True


def guess_delimiters(text: str, names: Collection[str]) -> Delimiters | None:
    """Guess the delimiters of a text without an ISA that begins with one of these segments.

    The element separator follows the first name; punctuation of plain text (`REF: 7`) is none. The
    terminator is the character before the next name, else the last one of the text, else a
    backslash or a tilde; a text without any is one segment.
    Returns None if the text begins with no such segment.
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
    """Compile the patterns of a segment, and of the characters that must not be in it."""
    is_line_end = delimiters.terminator in "\r\n"
    end = r"\r\n" if is_line_end else re.escape(delimiters.terminator)
    bad = _CONTROL - {delimiters.element, delimiters.component, delimiters.repetition}
    return (
        re.compile(rf"[^{end}\r\n\t ][^{end}]*"),
        re.compile(f"[{re.escape(''.join(sorted(bad)))}]"),
    )


def _delimiters_of_header(
    text: str, start: int, line: int, findings: Findings, warnings: CountedWarnings
) -> Delimiters | None:
    """Read the delimiters of an ISA: its separator, then the two after the sixteenth separator.

    Some senders put blanks in front of every terminator; they are no part of the last element.
    """
    head = text[start : start + _LONGEST_ISA]
    separator = head[3:4]
    elements = head.split(separator, _ISA_SEPARATORS) if separator else [""]
    component, after = elements[-1][:1], elements[-1][1:]
    terminator = after.lstrip(" \t")[:1]
    if len(elements) <= _ISA_SEPARATORS or not terminator:
        message = "The interchange header ends before its sixteenth element."
        findings.add("interchange-header", line, "ISA", message, SEND_AGAIN)
        return None
    delimiters = (separator, component, terminator)
    is_usable = len(set(delimiters)) == 3 and not any(
        mark.isalnum() or mark in " ." for mark in delimiters
    )
    if not is_usable or separator in "\r\n" or component in "\r\n":
        message = "The delimiters cannot be told: they are letters, digits, blanks or alike."
        findings.add("delimiters", line, "ISA, positions 4, 105 and 106", message, SEND_AGAIN)
        return None
    if not after.startswith(terminator):
        message = "There are blanks in front of the terminators."
        fix = f"{NOTHING_TO_DO}: the segments are read without them."
        warnings.add("blank-before-terminator", line, "ISA", message, fix)
    length = len(separator.join([*elements[:-1], component]).translate(_LINE_BREAKS)) + 1
    if length != _ISA_LENGTH:
        message = f"The interchange header is not {_ISA_LENGTH} characters long."
        fix = "Its elements were told by their separators; ask the sender to pad them."
        warnings.add("interchange-header-length", line, "ISA", message, fix)
    return Delimiters(separator, terminator, component, repetition=elements[11])


class _LineCounter:
    """Counts the lines up to a position; in a text of a single line, counts the calls instead."""

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
