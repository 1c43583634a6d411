"""A Nacha document as records of 94 characters, whatever became of its line ends on the way.

Read piece by piece, so that memory does not grow with the file.
Source: Nacha Operating Rules, Appendix Three; docs/bank-files.md#nacha.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from billfold.formats.nacha.layouts import PADDING, WIDTH
from billfold.formats.nacha.notes import Notes
from billfold.formats.problems import MOST_PROBLEMS

PIECE_BYTES: Final = 1 << 17
LINE: Final = WIDTH + 1
LONGEST_LINE: Final = 1 << 16
"""Beyond that a line is no record with blanks behind it; the rest of it is skipped."""
MOST_HELD_LINES: Final = 10_000
"""An entry has at most 9,999 addenda; so many lines are kept together with it."""
SLOW_LINES: Final = 1_000

_PRINTABLE: Final = bytes(range(0x20, 0x7F))
_FAR: Final = {"Æ": "A", "æ": "a", "Ø": "O", "ø": "o", "Œ": "O", "œ": "o", "ß": "s", "ẞ": "S"} | {
    **dict(zip("ŁłĐđÐðÞþı\u2018\u2019\u201c\u201d\u2013\u2014", "LlDdDdTti''\"\"--", strict=True))
}
"""Letters and marks that Unicode does not take apart into an ASCII one and an accent."""


class Block(NamedTuple):
    """Some whole lines, each of 94 printable characters and a line feed."""

    first_line: int
    text: str


def blocks(stream: BinaryIO, notes: Notes) -> Iterator[Block]:
    """Cut a document into records; an entry and its addenda stay in one block.

    Takes LF, CRLF or no line ends, and restores blanks that were stripped from the end of a line.
    Other letters are replaced by the ASCII ones nearest to them, and that is noted.
    """
    line, held = 1, ""
    for more in _texts(stream, notes):
        text, held = held + more, ""
        if not text.endswith(_PADDED):
            split = _last_record(text)
            if len(text) - split <= MOST_HELD_LINES * LINE:
                held, text = text[split:], text[:split]
        if text:
            yield Block(line, text)
            line += len(text) // LINE
    if held:
        yield Block(line, held)


_PADDED: Final = PADDING + "\n"


def _last_record(text: str) -> int:
    """Find where the last record begins that is no addendum."""
    start = len(text) - LINE
    while start > 0 and text[start] == "7":
        start -= LINE
    return max(start, 0)


def _texts(stream: BinaryIO, notes: Notes) -> Iterator[str]:
    first = stream.read(PIECE_BYTES)
    if first.startswith(b"\xef\xbb\xbf"):
        first = first[3:]
        notes.add("byte-order-mark", 1, "", "A byte order mark stands before the first record.")
    if _is_utf_16(first):
        message = "The file is UTF-16 or binary, not text of one byte a character."
        notes.add("encoding", 1, "", message)
        return
    pieces = _pieces(first, stream)
    has_line_ends = b"\n" in first.strip()
    yield from _normal(_lined(pieces) if has_line_ends else _columned(pieces, notes), notes)


def _is_utf_16(first: bytes) -> bool:
    head = first[:256]
    return head.startswith((b"\xff\xfe", b"\xfe\xff")) or head.count(0) * 3 > len(head)


def _pieces(first: bytes, stream: BinaryIO) -> Iterator[bytes]:
    while first:
        yield first
        first = stream.read(PIECE_BYTES)


def _lined(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Give whole lines, many at a time."""
    rest = b""
    for piece in pieces:
        rest += piece
        cut = rest.rfind(b"\n") + 1
        if cut:
            yield rest[:cut]
        rest = rest[cut:][:LONGEST_LINE]
    if rest:
        yield rest + b"\n"


def _columned(pieces: Iterator[bytes], notes: Notes) -> Iterator[bytes]:
    """Cut a document without line ends at every 94th character."""
    line, rest = 1, b""
    for piece in pieces:
        rest += piece
        if b"\n" in rest:
            rest, _, behind = rest.partition(b"\n")
            if behind.strip() or any(more.strip() for more in pieces):
                message = "Some records end with a line feed and others do not."
                notes.add("record-length", line, "", message)
            break
        whole = len(rest) - len(rest) % WIDTH
        yield _cut(rest[:whole])
        line += whole // WIDTH
        rest = rest[whole:]
    rest = rest.rstrip()
    if rest:
        yield _cut(rest)


def _cut(raw: bytes) -> bytes:
    starts = range(0, len(raw), WIDTH)
    return b"".join(raw[start : start + WIDTH] + b"\n" for start in starts)


def _normal(lines: Iterator[bytes], notes: Notes) -> Iterator[str]:
    """Bring lines to 94 printable characters each; blank ones at the end do not count."""
    line = 1
    blank = 0
    for ready in lines:
        clean = "" if blank else _clean(ready)
        if clean:
            yield clean
            line += len(clean) // LINE
            continue
        raws = ready[:-1].split(b"\n")
        count = len(raws)
        while raws and not raws[-1].strip():
            raws.pop()
        ended = count - len(raws)
        if raws:
            raws = [b""] * min(blank, MOST_PROBLEMS) + raws
            blank = ended
        else:
            blank += ended
        for at in range(0, len(raws), SLOW_LINES):
            some = raws[at : at + SLOW_LINES]
            yield "".join(f"{_record(raw, line + n, notes)}\n" for n, raw in enumerate(some))
            line += len(some)


def _clean(raw: bytes) -> str:
    """Give whole lines that need nothing done to them; empty if any does."""
    for candidate in (raw, raw.replace(b"\r\n", b"\n") if b"\r" in raw else b""):
        ends = candidate.translate(None, _PRINTABLE)
        count = len(ends)
        if (
            len(candidate) == count * LINE
            and ends == b"\n" * count
            and candidate[WIDTH::LINE] == ends
        ):
            return candidate.decode("ascii")
    return ""


def _record(raw: bytes, number: int, notes: Notes) -> str:
    raw = raw.removesuffix(b"\r")
    if raw.translate(None, _PRINTABLE):
        text = _transliterated(raw)
        column = next(at for at, byte in enumerate(raw, 1) if not 0x20 <= byte <= 0x7E)
        message = f"Column {column} holds a character that is not printable ASCII."
        notes.add("not-ascii", number, "", message)
    else:
        text = raw.decode("ascii")
    if len(text) > WIDTH:
        if text[WIDTH:].strip() or len(text) >= LONGEST_LINE:
            message = f"The record has {len(text)} characters instead of {WIDTH}."
            notes.add("record-length", number, "", message)
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
    if letter in _FAR:
        return _FAR[letter]
    near = unicodedata.normalize("NFKD", letter)[0]
    return near if near.isascii() and near.isalpha() else "?"  # Never a digit: it could be money.
