"""Cutting the bytes of a Nacha file into records of 94 characters, with or without line ends.

The file is read piece by piece, so that memory does not grow with its size.
Source: Nacha Operating Rules, Appendix Three; docs/bank-files.md#nacha.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from billfold.formats.nacha.findings import NachaFindings
from billfold.formats.nacha.layouts import PADDING, WIDTH

PIECE_BYTES: Final = 1 << 17
LINE_LENGTH: Final = WIDTH + 1
LONGEST_LINE: Final = 1 << 16
"""A longer line is not a record with trailing blanks; the rest of it is skipped."""
MOST_HELD_LINES: Final = 10_000
"""An entry has at most 9,999 addenda; so many lines are kept together with it."""
SLOW_PATH_LINES: Final = 1_000

_PRINTABLE: Final = bytes(range(0x20, 0x7F))
_UNDECOMPOSED: Final = {
    "Æ": "A",
    "æ": "a",
    "Ø": "O",
    "ø": "o",
    "Œ": "O",
    "œ": "o",
    "ß": "s",
    "ẞ": "S",
} | {**dict(zip("ŁłĐđÐðÞþı\u2018\u2019\u201c\u201d\u2013\u2014", "LlDdDdTti''\"\"--", strict=True))}
"""Letters and marks that Unicode does not take apart into an ASCII one and an accent."""


class RecordChunk(NamedTuple):
    """Some complete records, each of 94 printable characters and a line feed."""

    first: int
    """The number of the first of them in the file."""
    text: str


def read_chunks(stream: BinaryIO, findings: NachaFindings) -> Iterator[RecordChunk]:
    """Cut a file into records, many at a time; an entry and its addenda stay in one chunk.

    Accepts LF, CRLF or no line ends, passes over blank lines, and restores blanks that were
    stripped from the end of a line. Replaces other letters by the nearest ASCII ones and warns of
    them.
    """
    record, held = 1, ""
    for next_text in _texts(stream, findings):
        text, held = held + next_text, ""
        if not text.endswith(_PADDED):
            split = _start_of_last_entry(text)
            if len(text) - split <= MOST_HELD_LINES * LINE_LENGTH:
                held, text = text[split:], text[:split]
        if text:
            yield RecordChunk(record, text)
            record += len(text) // LINE_LENGTH
    if held:
        yield RecordChunk(record, held)


_PADDED: Final = PADDING + "\n"


def _start_of_last_entry(text: str) -> int:
    """Find where the last record begins that is not an addendum."""
    start = len(text) - LINE_LENGTH
    while start > 0 and text[start] == "7":
        start -= LINE_LENGTH
    return max(start, 0)


def _texts(stream: BinaryIO, findings: NachaFindings) -> Iterator[str]:
    first = stream.read(PIECE_BYTES)
    if first.startswith(b"\xef\xbb\xbf"):
        first = first[3:]
        findings.add("byte-order-mark", 1, "", "A byte order mark stands before the first record.")
    if _is_utf_16(first):
        message = "The file is UTF-16 or binary, not text of one byte a character."
        findings.add("encoding", 1, "", message)
        return
    pieces = _pieces(first, stream)
    has_line_ends = b"\n" in first.strip()
    lines = _complete_lines(pieces) if has_line_ends else _cut_into_lines(pieces, findings)
    yield from _normalise(lines, findings)


def _is_utf_16(first: bytes) -> bool:
    head = first[:256]
    return head.startswith((b"\xff\xfe", b"\xfe\xff")) or head.count(0) * 3 > len(head)


def _pieces(first: bytes, stream: BinaryIO) -> Iterator[bytes]:
    while first:
        yield first
        first = stream.read(PIECE_BYTES)


def _complete_lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield complete lines, many at a time."""
    rest = b""
    for piece in pieces:
        rest += piece
        cut = rest.rfind(b"\n") + 1
        if cut:
            yield rest[:cut]
        rest = rest[cut:][:LONGEST_LINE]
    if rest:
        yield rest + b"\n"


def _cut_into_lines(pieces: Iterator[bytes], findings: NachaFindings) -> Iterator[bytes]:
    """Cut a file without line ends at every 94th character."""
    record, rest = 1, b""
    for piece in pieces:
        rest += piece
        if b"\n" in rest:
            rest, _, behind = rest.partition(b"\n")
            if behind.strip() or any(later.strip() for later in pieces):
                message = "Some records end with a line feed and others do not."
                findings.add("record-length", record, "", message)
            break
        end = len(rest) - len(rest) % WIDTH
        yield _cut(rest[:end])
        record += end // WIDTH
        rest = rest[end:]
    rest = rest.rstrip()
    if rest:
        yield _cut(rest)


def _cut(raw: bytes) -> bytes:
    starts = range(0, len(raw), WIDTH)
    return b"".join(raw[start : start + WIDTH] + b"\n" for start in starts)


def _normalise(lines: Iterator[bytes], findings: NachaFindings) -> Iterator[str]:
    """Bring lines to 94 printable characters each; blank lines are left out."""
    record = 1
    blank = 0
    for piece in lines:
        clean = _as_clean_text(piece)
        if clean:
            if blank:
                findings.pass_over(blank, before=record)
                blank = 0
            yield clean
            record += len(clean) // LINE_LENGTH
            continue
        if not piece.strip():
            blank += piece.count(b"\n")
            continue
        some: list[str] = []
        for raw in piece[:-1].split(b"\n"):
            if not raw.strip():
                blank += 1
                continue
            if blank:
                findings.pass_over(blank, before=record)
                blank = 0
            some.append(_read_record(raw, record, findings))
            record += 1
            if len(some) == SLOW_PATH_LINES:
                yield "\n".join([*some, ""])
                some = []
        if some:
            yield "\n".join([*some, ""])


def _as_clean_text(raw: bytes) -> str:
    """Decode lines that are all records as they should be; empty if any is not."""
    for candidate in (raw, raw.replace(b"\r\n", b"\n") if b"\r" in raw else b""):
        ends = candidate.translate(None, _PRINTABLE)
        count = len(ends)
        if (
            len(candidate) == count * LINE_LENGTH
            and ends == b"\n" * count
            and candidate[WIDTH::LINE_LENGTH] == ends
        ):
            return candidate.decode("ascii")
    return ""


def _read_record(raw: bytes, number: int, findings: NachaFindings) -> str:
    raw = raw.removesuffix(b"\r")
    if raw.translate(None, _PRINTABLE):
        text = _transliterated(raw)
        column = next(at for at, byte in enumerate(raw, 1) if not 0x20 <= byte <= 0x7E)
        message = f"Column {column} holds a character that is not printable ASCII."
        findings.add("not-ascii", number, "", message)
    else:
        text = raw.decode("ascii")
    if len(text) > WIDTH:
        if text[WIDTH:].strip() or len(text) >= LONGEST_LINE:
            message = f"The record has {len(text)} characters instead of {WIDTH}."
            findings.add("record-length", number, "", message)
        text = text[:WIDTH]
    return text.ljust(WIDTH)


def _transliterated(raw: bytes) -> str:
    """Replace every character by one in ASCII, so that all columns stay where they are.

    A bank counts either characters or bytes: a line of 94 bytes keeps its bytes' columns.
    """
    try:
        text = raw.decode("utf-8")
        by_bytes = len(raw) == WIDTH
    except UnicodeDecodeError:
        text, by_bytes = raw.decode("latin-1"), False
    return "".join(
        _nearest(letter).ljust(len(letter.encode()) if by_bytes else 1) for letter in text
    )


def _nearest(letter: str) -> str:
    if " " <= letter <= "~":
        return letter
    if letter < " " or letter == "\x7f":
        return " "
    if letter in _UNDECOMPOSED:
        return _UNDECOMPOSED[letter]
    near = unicodedata.normalize("NFKD", letter)[0]
    return near if near.isascii() and near.isalpha() else "?"  # Never a digit: it could be money.
