"""Unpacking files that were packed with gzip, up to a size the memory can hold.

Source: RFC 1952, GZIP file format specification version 4.3.
"""

from __future__ import annotations

import io
import zlib
from typing import Final

from billfold.formats.problems import FileProblem, Unreadable

MOST_BYTES: Final = 256 << 20
"""Twice a Nacha file of a million entries with an addendum each, and well below the memory of a
small server. There is no limit on the ratio: a file of padding packs 1,000 to 1, so a limit would
refuse honest files, and the size alone keeps a bomb out."""
MOST_MEMBERS: Final = 100_000
"""Packers that cut a file into members take 64 KB each; a file with more is made to cost time."""

_GZIP: Final = b"\x1f\x8b"
_WITH_GZIP_HEADER: Final = 16 + zlib.MAX_WBITS
_INPUT_BYTES: Final = 1 << 16
_OUTPUT_BYTES: Final = 1 << 20
_SEND_AGAIN: Final = "Fetch the file again, or ask the bank to send it again."
_SMALLER: Final = "Check that it is a file of the bank; if it is, ask for several smaller ones."


def is_packed(content: bytes) -> bool:
    """Tell whether a file claims to be packed with gzip."""
    return content[:2] == _GZIP


def unpack(content: bytes, *, most_bytes: int = MOST_BYTES) -> bytes:
    """Unpack a file if it is packed, and return it as it is otherwise.

    Unpacks once: a file that was packed twice is still packed then. Holds at most
    `most_bytes` of it, whatever it claims or unpacks to.
    Raises: Unreadable if it is larger, or damaged.
    """
    if not is_packed(content):
        if len(content) > most_bytes:
            raise _too_large(most_bytes)
        return content
    out = io.BytesIO()
    remaining = memoryview(content)
    members = 0
    while is_packed(bytes(remaining[:2])):
        if members == MOST_MEMBERS:
            message = f"The file is packed in more than {MOST_MEMBERS:,} parts."
            raise _unreadable("too-large", message, _SMALLER)
        remaining = _unpack_member(remaining, out, most_bytes)
        members += 1
    if bytes(remaining).strip(b"\0"):  # Zeros are padding, of tapes once and of block devices now.
        raise _unreadable("damaged-gzip", "Something follows the packed file.")
    return out.getvalue()


def _unpack_member(packed: memoryview, out: io.BytesIO, most_bytes: int) -> memoryview:
    """Unpack one gzip member to `out`, in pieces, and return what follows it."""
    member = zlib.decompressobj(_WITH_GZIP_HEADER)
    at = 0
    try:
        while not member.eof:
            piece_in = member.unconsumed_tail or packed[at : at + _INPUT_BYTES]
            at += 0 if member.unconsumed_tail else len(piece_in)
            # Asking for one byte above the limit tells a file that is too large from a full one.
            room = most_bytes + 1 - out.tell()
            piece_out = member.decompress(piece_in, min(room, _OUTPUT_BYTES))
            if not (piece_in or piece_out or member.eof):
                raise _unreadable("damaged-gzip", "The packed file is cut off.")
            out.write(piece_out)
            if out.tell() > most_bytes:
                raise _too_large(most_bytes)
    except zlib.error:
        raise _unreadable("damaged-gzip", "The packed file is damaged.") from None
    return packed[at - len(member.unused_data) :]


def _too_large(most_bytes: int) -> Unreadable:
    return _unreadable("too-large", f"The file is larger than {most_bytes:,} bytes.", _SMALLER)


def _unreadable(code: str, message: str, fix: str = _SEND_AGAIN) -> Unreadable:
    return Unreadable([FileProblem(code, "error", 1, "", message, fix)])
