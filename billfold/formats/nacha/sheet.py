"""Lines of a Nacha file on their way into a stream, and what does not fit in them.

Source: Nacha Operating Rules, Appendices One and Three; docs/bank-files.md#nacha.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import BinaryIO, Final, Literal

from billfold.formats.nacha.layouts import Field, Layout
from billfold.formats.nacha.notes import Fault, Notes

LineEnd = Literal["\n", "\r\n"]

_UNDECOMPOSED: Final = str.maketrans(
    {
        **dict(zip("ØøŁłĐđÐðı", "OoLlDdDdi", strict=True)),
        **{"Æ": "AE", "æ": "ae", "Œ": "OE", "œ": "oe", "Þ": "TH", "þ": "th", "ß": "ss"},
        **{"\u2018": "'", "\u2019": "'", "\u2013": "-", "\u2014": "-"},
    }
)
"""Letters and marks that Unicode does not take apart into an ASCII one and an accent."""

_EXACT: Final = frozenset(
    {
        "Account number",
        "Company identification",
        "File ID modifier",
        "Immediate destination",
        "Immediate origin",
    }
)
"""Fields that name something: another spelling would name something else."""


def plain(text: str) -> str:
    """Put text in the characters a bank takes: upper case, accents off, what is left over dropped.

    Source: Nacha Operating Rules, Appendix One (character set).
    """
    if text.isascii() and text.isprintable():
        return text.strip().upper()
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.translate(_UNDECOMPOSED))
    return "".join(letter for letter in text if " " <= letter <= "~").strip().upper()


@lru_cache(maxsize=32)
def _valued(layout: Layout) -> tuple[Field, ...]:
    return tuple(field for field in layout.fields if field.valued)


def fitted(layout: Layout, values: Sequence[object]) -> tuple[object, ...]:
    """Put the texts that are only read by people in characters a bank takes."""
    return tuple(
        plain(value) if isinstance(value, str) and _may_change(field, value) else value
        for field, value in zip(_valued(layout), values, strict=True)
    )


def _may_change(field: Field, value: str) -> bool:
    return field.name not in _EXACT and not (value.isascii() and value.isprintable())


def misfits(layout: Layout, values: Sequence[object]) -> Iterator[Fault]:
    """Find the fields whose value does not fit; never shows the value."""
    for field, value in zip(_valued(layout), values, strict=True):
        text = (field.written % value).upper()
        if len(text) > field.width:
            code = "field-length" if isinstance(value, str) else "overflow"
            message = f"The value is longer than the {field.width} columns of its field."
            yield Fault(code, field.name, message, "Shorten it, or split what it counts.")
        elif isinstance(value, int) and value < 0:
            yield Fault("amount-negative", field.name, "The value is negative.", "Flip the code.")
        elif not (text.isascii() and text.isprintable()):
            message = "The value holds a character that is not printable ASCII."
            yield Fault("not-ascii", field.name, message, "Enter it again in plain characters.")
        elif not field.takes(text):
            message = f"The {layout.name} must hold {field.rule} here."
            yield Fault(field.code, field.name, message, "Correct the value.")


class Sheet:
    """Where the lines of one file go, with the problems found on the way."""

    def __init__(self, stream: BinaryIO, line_end: LineEnd) -> None:
        self.notes = Notes(reading=False)
        self.lines = 0
        self._stream = stream
        self._line_end = line_end

    def put(self, text: str, lines: int) -> None:
        """Put whole lines into the stream, unless the file is void already."""
        self.lines += lines
        if not self.notes.problems:
            if self._line_end != "\n":
                text = text.replace("\n", self._line_end)
            self._stream.write(text.encode("ascii"))

    def record(self, layout: Layout, *values: object) -> None:
        """Put one record, and note what does not fit in it."""
        values = fitted(layout, values)
        line = (layout.form % values).upper()
        if not (layout.pattern.fullmatch(line) and line.isascii() and line.isprintable()):
            self.notes.faults(self.lines + 1, layout, misfits(layout, values))
        self.put(line + "\n", 1)
