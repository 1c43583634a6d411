"""Writing Nacha records to a stream, and finding values that do not fit their fields.

Source: Nacha Operating Rules, Appendices One and Three; docs/bank-files.md#nacha.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import BinaryIO, Final, Literal

from billfold.formats.nacha.findings import NachaFindings, Violation
from billfold.formats.nacha.layouts import NachaField, NachaLayout

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
"""Fields that identify something: another spelling would identify something else."""


def to_ach_characters(text: str) -> str:
    """Convert text to the characters of ACH files: upper case, without accents; others are dropped.

    Source: Nacha Operating Rules, Appendix One (character set).
    """
    if text.isascii() and text.isprintable():
        return text.strip().upper()
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.translate(_UNDECOMPOSED))
    return "".join(letter for letter in text if " " <= letter <= "~").strip().upper()


@lru_cache(maxsize=32)
def _value_fields(layout: NachaLayout) -> tuple[NachaField, ...]:
    return tuple(field for field in layout.fields if field.has_value)


def in_ach_characters(layout: NachaLayout, values: Sequence[object]) -> tuple[object, ...]:
    """Convert the texts of a record to ACH characters, except those of fields that identify."""
    return tuple(
        to_ach_characters(value) if isinstance(value, str) and _may_change(field, value) else value
        for field, value in zip(_value_fields(layout), values, strict=True)
    )


def _may_change(field: NachaField, value: str) -> bool:
    return field.name not in _EXACT and not (value.isascii() and value.isprintable())


def field_violations(layout: NachaLayout, values: Sequence[object]) -> Iterator[Violation]:
    """Find the values that do not fit their fields; no message shows a value."""
    for field, value in zip(_value_fields(layout), values, strict=True):
        text = (field.conversion % value).upper()
        if len(text) > field.width:
            code = "field-length" if isinstance(value, str) else "overflow"
            message = f"The value is longer than the {field.width} columns of its field."
            yield Violation(code, field.name, message, "Shorten it, or split what it counts.")
        elif isinstance(value, int) and value < 0:
            yield Violation(
                "amount-negative", field.name, "The value is negative.", "Flip the code."
            )
        elif not (text.isascii() and text.isprintable()):
            message = "The value holds a character that is not printable ASCII."
            yield Violation("not-ascii", field.name, message, "Enter it again in plain characters.")
        elif not field.allows(text):
            message = f"The {layout.name} must hold {field.rule} here."
            yield Violation(field.code, field.name, message, "Correct the value.")


class RecordWriter:
    """Writes the records of one file to a stream and collects their problems."""

    def __init__(self, stream: BinaryIO, line_end: LineEnd) -> None:
        self.findings = NachaFindings(reading=False)
        self.lines = 0
        self._stream = stream
        self._line_end = line_end

    def write_lines(self, text: str, lines: int) -> None:
        """Write complete lines, unless a problem was found before: then the file is void."""
        self.lines += lines
        if not self.findings.problems:
            if self._line_end != "\n":
                text = text.replace("\n", self._line_end)
            self._stream.write(text.encode("ascii"))

    def write_record(self, layout: NachaLayout, *values: object) -> None:
        """Write one record, and collect the values that do not fit it."""
        values = in_ach_characters(layout, values)
        line = (layout.form % values).upper()
        if not (layout.pattern.fullmatch(line) and line.isascii() and line.isprintable()):
            self.findings.add_violations(self.lines + 1, layout, field_violations(layout, values))
        self.write_lines(line + "\n", 1)
