"""The readers under test, each as a function of bytes that must never raise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from billfold import formats
from billfold.formats import bai2, fedach, lockbox, nacha, unpacking, wire_text, x12
from billfold.formats.iso20022 import camt, pacs008
from billfold.formats.problems import Unreadable


def _reads(read: Callable[[bytes], object]) -> Callable[[bytes], None]:
    def attempt(content: bytes) -> None:
        try:
            read(content)
        except Unreadable as refused:
            unnamed = [problem for problem in refused.problems if not problem.code]
            if unnamed or not refused.problems:
                raise AssertionError("a refusal that names no problem") from refused

    return attempt


READERS: Final[dict[str, Callable[[bytes], None]]] = {
    "nacha": _reads(nacha.read),
    "bai2": _reads(bai2.read),
    "lockbox": _reads(lockbox.read),
    "camt": _reads(camt.read),
    "pacs008": _reads(pacs008.read),
    "wire_text": _reads(wire_text.read),
    "x12_820": _reads(x12.read),
    "fedach": _reads(fedach.read),
    "opening": _reads(unpacking.unpack),
    "sniff": _reads(formats.sniff),
}
