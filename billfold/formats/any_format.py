"""Reading a bank file of any format: unpacked, recognised, then read by its format's reader.

Each format has a `read` of its own; this one is for callers that do not know the format.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from billfold.formats import bai2, fedach, lockbox, nacha, unpacking, wire_text, x12
from billfold.formats.iso20022 import camt, pacs008
from billfold.formats.problems import FileProblem, Unreadable
from billfold.formats.sniffing import Format, sniff


class ParsedFile(Protocol):
    """What the reader of every format returns."""

    @property
    def warnings(self) -> tuple[FileProblem, ...]:
        """What is unusual in the file, although it may be trusted."""

    def summary(self) -> dict[str, int | str]:
        """Count what is in the file and add up its amounts, in minor units."""


READERS: Final[Mapping[Format, Callable[[bytes], ParsedFile]]] = {
    Format.NACHA: nacha.read,
    Format.NACHA_RETURNS: nacha.read,
    Format.BAI2: bai2.read,
    Format.LOCKBOX: lockbox.read,
    Format.CAMT053: camt.read,
    Format.CAMT054: camt.read,
    Format.PACS008: pacs008.read,
    Format.FEDWIRE_TEXT: wire_text.read,
    Format.X12_820: x12.read,
    Format.FEDACH_DIRECTORY: fedach.read,
}


@dataclass(frozen=True, slots=True)
class ReadResult:
    """The format, content and problems of one file."""

    format: Format | None
    document: ParsedFile | None
    """Absent if the file cannot be trusted."""
    problems: tuple[FileProblem, ...]
    """Errors and warnings, in line order."""


def read(content: bytes) -> ReadResult:
    """Read a file of any format, gzipped or not. Never raises, whatever the bytes."""
    file_format: Format | None = None
    try:
        unpacked = unpacking.unpack(content)
        sniff_result = sniff(unpacked)
        file_format = sniff_result.format
        if file_format is None:
            return ReadResult(None, None, (_unknown_format(sniff_result.reason),))
        document = READERS[file_format](unpacked)
    except Unreadable as refusal:
        return ReadResult(file_format, None, refusal.problems)
    return ReadResult(file_format, document, document.warnings)


def _unknown_format(reason: str) -> FileProblem:
    return FileProblem(
        code="unknown-format",
        severity="error",
        line=1,
        field="",
        message=f"This is no file that is read here: {reason}.",
        fix="Ask the bank for a Nacha, BAI2, lockbox, camt, pacs.008, X12 820 or FedACH file.",
    )
