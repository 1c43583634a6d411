"""Any file a bank sends, to a document: unpacked, recognised, read and proved.

Each format has a `read` of its own; this is the door for whoever does not know which it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from billfold.formats import bai2, fedach, lockbox, nacha, opening, wire_text
from billfold.formats.iso20022 import camt, pacs008
from billfold.formats.problems import Problem, Unreadable
from billfold.formats.sniffing import Format, sniff
from billfold.formats.x12 import advice_820


class Document(Protocol):
    """What every format's reader gives."""

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What is odd but may be trusted."""

    def summary(self) -> dict[str, int | str]:
        """Count and add up; amounts in minor units."""


READERS: Final[Mapping[Format, Callable[[bytes], Document]]] = {
    Format.NACHA: nacha.read,
    Format.NACHA_RETURNS: nacha.read,
    Format.BAI2: bai2.read,
    Format.LOCKBOX: lockbox.read,
    Format.CAMT053: camt.read,
    Format.CAMT054: camt.read,
    Format.PACS008: pacs008.read,
    Format.FEDWIRE_TEXT: wire_text.read,
    Format.X12_820: advice_820.read,
    Format.FEDACH_DIRECTORY: fedach.read,
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What became of one file."""

    format: Format | None
    document: Document | None
    """Absent if the file cannot be trusted."""
    problems: tuple[Problem, ...]
    """Errors and warnings, in line order."""


def read(content: bytes) -> Reading:
    """Read a file of any format, gzipped or not. Never raises, whatever the bytes."""
    found: Format | None = None
    try:
        plain = opening.unpacked(content)
        sniffed = sniff(plain)
        found = sniffed.format
        if found is None:
            return Reading(None, None, (_unknown(sniffed.reason),))
        document = READERS[found](plain)
    except Unreadable as refusal:
        return Reading(found, None, refusal.problems)
    return Reading(found, document, document.warnings)


def _unknown(reason: str) -> Problem:
    return Problem(
        code="unknown-format",
        severity="error",
        line=1,
        field="",
        message=f"This is no file that is read here: {reason}.",
        fix="Ask the bank for a Nacha, BAI2, lockbox, camt, pacs.008, X12 820 or FedACH file.",
    )
