"""Reading the physical records of a BAI2 file, and joining continuations to their records.

Gives blocks of text in which every logical record is one line: its continuations (88) are joined
to it by marks, so that one search finds all ordinary records. Memory depends on the longest
record, not on the file.
Blanks may pad the end of a line and stand before a mark.
Source: BAI, Cash Management Balance Reporting Specifications, version 2; docs/bank-files.md#bai2.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final, NamedTuple

from billfold.formats.problems import Findings

SEND_AGAIN: Final = "Ask the bank to send the file again."
REFUSED_AGAIN: Final = "The same file sent again is refused again."
"""Ends the fix of what the bank writes on purpose, so that nobody waits for the same file."""

CONTINUATION_MARK: Final = "\x01"
"""Stands before each line that continues a record."""
BARE_CONTINUATION_MARK: Final = "\x02"
"""Stands for a continuation without a comma after its code: it has no field."""
BLANK_LINE_MARK: Final = "\x03"
"""Stands for a blank line: it counts as a line, but not as a record."""

LONGEST_RECORD_BYTES: Final = 1 << 20
"""The longest record accepted, with its continuations."""

BLOCK_BYTES = 1 << 14
"""Read at once: a block and its transactions stay in a processor's cache."""
_HEAD_BYTES: Final = 1 << 17
"""Looked at to find how lines end: the largest physical record is 99,999 bytes."""

_BEGINNING: Final = re.compile(rb"(?:[ \t]*[\r\n])*01(?:[,/\s]|$)")
_FIXED_LENGTH: Final = re.compile(rb"01(?:,[^,/\r\n]*){5},([1-9][0-9]{1,4}),")
_LINE_END: Final = re.compile(rb"[\r\n]")
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff", b"0\x001\x00", b"\x000\x001")
_END_PADDING: Final = b"\x1a\r\n "
_UNPRINTABLE: Final = bytes({*range(0x20), 0x7F} - set(b"\t\r\n"))
_QUESTION_MARKS: Final = bytes.maketrans(_UNPRINTABLE, b"?" * len(_UNPRINTABLE))
_BARE_CONTINUATION: Final = re.compile(r"\n88(?:/[^\n\x01]*)?(?=[\n\x01])")
_CONTINUATION: Final = "\n88,"
_BEFORE_BLANK: Final = re.compile(r"\n(?=\n)")


class RecordBlock(NamedTuple):
    """Some complete logical records, each on one line that ends with a line feed."""

    text: str
    first_line: int

    def with_stray_lines_joined(self) -> RecordBlock:
        """Join blank lines and continuations without a comma to the record before them, too."""
        text = self.text.replace(CONTINUATION_MARK, _CONTINUATION)
        text = "\n".join([line.rstrip(" \t") for line in text.split("\n")])
        begun = text.lstrip("\n")
        joined = _BEFORE_BLANK.sub(CONTINUATION_MARK + BLANK_LINE_MARK, begun).replace(
            _CONTINUATION, CONTINUATION_MARK
        )
        joined = _BARE_CONTINUATION.sub(CONTINUATION_MARK + BARE_CONTINUATION_MARK, joined)
        return RecordBlock(joined, self.first_line + len(text) - len(begun))


def is_unjoined(record: str) -> bool:
    """Tell whether a line is a blank line or a continuation that was not joined to its record."""
    return record[:1] in f" \t{CONTINUATION_MARK}" or record.startswith("88")


def read_blocks(file: BinaryIO, findings: Findings) -> Iterator[RecordBlock]:
    """Read a file block by block, and report characters that no record may hold.

    Raises: Unreadable if the file does not begin as BAI2 does, or a record never ends.
    """
    number, held = 1, b""
    for chunk in _with_line_feeds(_chunks(file, findings)):
        searched = max(len(held) - 3, 0)
        held += chunk
        end = _end_of_records(held, searched)
        if end:
            yield _block(held[:end], number, findings)
            number += held.count(b"\n", 0, end)
            held = held[end:]
        elif len(held) > LONGEST_RECORD_BYTES:
            message = "A record that begins here does not end within a million characters."
            fix = "This is no statement, or its line ends were lost. " + SEND_AGAIN
            findings.add("record-length", number, "", message, fix)
            findings.refuse()
    if held := held.rstrip(_END_PADDING):
        yield _block(held + b"\n", number, findings)


def _chunks(file: BinaryIO, findings: Findings) -> Iterator[bytes]:
    """Read the bytes of a file, adding line ends at the length its header states if it has none."""
    head = b""
    while len(head) < _HEAD_BYTES and (more := file.read(_HEAD_BYTES - len(head))):
        head += more
    if head.startswith(_UTF_16):
        message = "The file is written in UTF-16."
        findings.add("encoding", 1, "", message, "Ask the bank to send plain ASCII.")
        findings.refuse()
    head = head.removeprefix(b"\xef\xbb\xbf")
    if not _BEGINNING.match(head):
        message = "The file does not begin with a BAI2 file header, record 01."
        fix = "Check that this is a BAI2 statement, whole and not encrypted."
        findings.add("not-bai2", 1, "record code", message, fix)
        findings.refuse()
    length = _fixed_length(head)
    chunks = _in_chunks(head, file)
    yield from _cut(chunks, length) if length else chunks


def _fixed_length(head: bytes) -> int:
    """Find the length at which to cut a file without line ends; 0 if it has line ends."""
    stated = _FIXED_LENGTH.match(head)
    return int(stated[1]) if stated and not _LINE_END.search(head.rstrip(_END_PADDING)) else 0


def _in_chunks(head: bytes, file: BinaryIO) -> Iterator[bytes]:
    for at in range(0, len(head), BLOCK_BYTES):
        yield head[at : at + BLOCK_BYTES]
    while chunk := file.read(BLOCK_BYTES):
        yield chunk


def _cut(chunks: Iterable[bytes], length: int) -> Iterator[bytes]:
    held = b""
    for chunk in chunks:
        held += chunk
        end = len(held) - len(held) % length
        yield b"".join(held[at : at + length] + b"\n" for at in range(0, end, length))
        held = held[end:]
    yield held


def _with_line_feeds(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Replace CRLF and CR by line feeds."""
    held = b""
    for chunk in chunks:
        joined = held + chunk
        held = b"\r" if joined.endswith(b"\r") else b""
        joined = joined.removesuffix(b"\r")
        yield joined.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in joined else joined
    if held:
        yield b"\n"


def _end_of_records(held: bytes, searched: int) -> int:
    """Find the last place where a record is known to begin, so that all before it are complete.

    The search ends at `searched`. A record needs two bytes to be told from a continuation.
    """
    at = held.rfind(b"\n", searched, max(len(held) - 2, 0))
    while at >= 0 and (held.startswith(b"88", at + 1) or held[at + 1] in b"\t\n \x1a"):
        at = held.rfind(b"\n", searched, at)
    return at + 1


def _block(raw: bytes, number: int, findings: Findings) -> RecordBlock:
    """Decode some complete records and join their continuations."""
    if len(raw.translate(None, _UNPRINTABLE)) != len(raw):
        raw = _without_unprintable(raw, number, findings)
    return RecordBlock(_decode(raw).replace(_CONTINUATION, CONTINUATION_MARK), number)


def _without_unprintable(raw: bytes, first: int, findings: Findings) -> bytes:
    for number, line in enumerate(raw.split(b"\n"), first):
        if len(line.translate(None, _UNPRINTABLE)) != len(line):
            message = "The line holds a character that cannot be printed."
            fix = f"The file was damaged on its way. {SEND_AGAIN}"
            findings.add("unprintable", number, "", message, fix)
    return raw.translate(_QUESTION_MARKS)


def _decode(raw: bytes) -> str:
    """Decode each line as UTF-8, or as Latin-1 if it is not UTF-8, so that no byte is lost."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return "\n".join(_decode_line(line) for line in raw.split(b"\n"))


def _decode_line(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")
