"""Documents as they travel: plain or packed with gzip, never larger than we can hold.

Source: RFC 1952, GZIP file format specification version 4.3.
"""

from __future__ import annotations

import io
import zlib
from typing import Final

from billfold.formats.problems import Problem, Unreadable

MOST_BYTES: Final = 256 << 20
"""Twice a Nacha file of a million entries with an addendum each, and well below the memory of a
small server. There is no limit on how well it was packed: a file of padding packs 1,000 to 1, so
that would refuse honest files, and the size alone keeps a bomb out."""
MOST_MEMBERS: Final = 100_000
"""Packers that cut a file into blocks take 64 KB a block; more members are made to cost time."""

_GZIP: Final = b"\x1f\x8b"
_WITH_GZIP_HEADER: Final = 16 + zlib.MAX_WBITS
_FED_BYTES: Final = 1 << 16
_PIECE_BYTES: Final = 1 << 20
_SEND_AGAIN: Final = "Fetch the file again, or ask the bank to send it again."
_SMALLER: Final = "Check that it is a file of the bank; if it is, ask for several smaller ones."


def is_packed(content: bytes) -> bool:
    """Tell whether a document claims to be packed with gzip."""
    return content[:2] == _GZIP


def unpacked(content: bytes, *, most_bytes: int = MOST_BYTES) -> bytes:
    """Unpack a document if it is packed, once: what is packed twice comes out packed.

    Holds at most `most_bytes` of it, whatever it claims or unpacks to.
    Raises: Unreadable if it is larger, or damaged.
    """
    if not is_packed(content):
        if len(content) > most_bytes:
            raise _too_large(most_bytes)
        return content
    out = io.BytesIO()
    waiting = memoryview(content)
    members = 0
    while is_packed(bytes(waiting[:2])):
        if members == MOST_MEMBERS:
            message = f"The file is packed in more than {MOST_MEMBERS:,} parts."
            raise _refused("too-large", message, _SMALLER)
        waiting = _unpack_member(waiting, out, most_bytes)
        members += 1
    if bytes(waiting).strip(b"\0"):  # Zeros are padding, of tapes once and of block devices now.
        raise _refused("damaged-gzip", "Something follows the packed file.")
    return out.getvalue()


def _unpack_member(packed: memoryview, out: io.BytesIO, most_bytes: int) -> memoryview:
    """Unpack one member to `out`, in pieces; give what follows it."""
    member = zlib.decompressobj(_WITH_GZIP_HEADER)
    at = 0
    try:
        while not member.eof:
            fed = member.unconsumed_tail or packed[at : at + _FED_BYTES]
            at += 0 if member.unconsumed_tail else len(fed)
            # Asking for one byte above the limit tells a file that is too large from a full one.
            room = most_bytes + 1 - out.tell()
            piece = member.decompress(fed, min(room, _PIECE_BYTES))
            if not (fed or piece or member.eof):
                raise _refused("damaged-gzip", "The packed file is cut off.")
            out.write(piece)
            if out.tell() > most_bytes:
                raise _too_large(most_bytes)
    except zlib.error:
        raise _refused("damaged-gzip", "The packed file is damaged.") from None
    return packed[at - len(member.unused_data) :]


def _too_large(most_bytes: int) -> Unreadable:
    return _refused("too-large", f"The file is larger than {most_bytes:,} bytes.", _SMALLER)


def _refused(code: str, message: str, fix: str = _SEND_AGAIN) -> Unreadable:
    return Unreadable([Problem(code, "error", 1, "", message, fix)])
