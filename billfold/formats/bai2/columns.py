"""Ordinary BAI2 movements, read many at once, column by column.

What is ordinary is told by one search; the rest is read by `bai2_records`, field by field. Both
give the same movements. Source: as `bai2_records`; docs/bank-files.md#bai2.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, count, repeat
from operator import add
from typing import Final, NamedTuple

from billfold.formats.bai2.blocks import BLANK, JOINT
from billfold.formats.bai2.records import is_sound, written_text
from billfold.formats.bai2.statement import Transaction

Row = tuple[str, str, str, str, str, str, str]
"""Type code, amount, funds, both references, the rest; or, as the last one, any other record."""

ROWS: Final = re.compile(
    r"16,([0-9]{3}),([0-9]{1,15})"
    r",([Z012]?|V,[0-9]{6},[0-9]{0,4}|S,[0-9]{0,15},[0-9]{0,15},[0-9]{0,15})"
    r",([^,\n\x01]*)"
    # A slash ends the last field of a line; inside of a reference it is part of it.
    r",([^,/\n\x01]*(?:/[^,/\s\x01][^,/\n\x01]*)*)"
    r"(,.*|/?[ \t]*\x01.*|/?[ \t]*)\n"
    r"|(.*)\n"
)

_FEW_SLOTS: Final = 1 << 10
_MANY_SLOTS: Final = 1 << 17

_MOST_VALUE_DATES: Final = 5_000

_NEW: Final[Callable[[type[Transaction], Iterable[object]], Transaction]] = tuple.__new__


class Doubt(Exception):
    """What looked ordinary must be read field by field."""


def written(row: Row) -> str:
    """Give back the text of a row."""
    return row[-1] or f"16,{','.join(row[:5])}{row[5]}"


class Run(NamedTuple):
    """Movements that follow one another, and what their trailers must count."""

    transactions: list[Transaction]
    total_minor: int
    line_count: int
    record_count: int


class Occurrences:
    """Numbers the movements that are alike, by a mark of 64 bits each.

    Some twenty bytes a movement are kept, not the movement, so that a long file can be read bit
    by bit. Two unlike movements of a file of a million share a mark in one of many million files.
    """

    def __init__(self) -> None:
        self._slots = array("q", bytes(8 * _FEW_SLOTS))
        self._count = 0
        self._repeats: dict[int, int] = {}

    def number(self, keys: Iterable[tuple[object, ...]]) -> list[int]:
        """Count for each key how often it has come, this time included."""
        marks = list(map(hash, keys))
        if 0 in marks:
            marks = [mark or 1 for mark in marks]  # Zero is an empty slot.
        self._make_room(len(marks))
        numbers = [1] * len(marks)
        slots = self._slots
        mask = len(slots) - 1
        for index, mark in enumerate(marks):
            at = mark & mask
            while (held := slots[at]) != mark:
                if not held:
                    slots[at] = mark
                    break
                at = (at + 1) & mask
            else:
                numbers[index] = self._repeats[mark] = self._repeats.get(mark, 1) + 1
                self._count -= 1
        return numbers

    def _make_room(self, wanted: int) -> None:
        """Keep a third of the slots empty, so that an empty one is soon found."""
        self._count += wanted
        size = len(self._slots)
        while self._count * 3 > size * 2:
            size = max(size * 2, _MANY_SLOTS)
        if size == len(self._slots):
            return
        slots, mask = array("q", bytes(8 * size)), size - 1
        for mark in self._slots:
            if mark:
                at = mark & mask
                while slots[at]:
                    at = (at + 1) & mask
                slots[at] = mark
        self._slots = slots


class Columns:
    """Reads runs of ordinary movements."""

    def __init__(self, occurrences: Occurrences) -> None:
        self._occurrences = occurrences
        self._sound_funds: set[str] = set()

    def run(self, rows: Sequence[Row], first_line: int, alike: int) -> Run:
        """Read rows that begin at a line; `alike` marks their account and day.

        Raises: Doubt if one of them must be looked at by itself; none is counted then.
        """
        codes, amounts, funds, banks, customers, rests, _ = zip(*rows, strict=True)
        self._check_dates(funds)
        minor = list(map(int, amounts))
        references = list(map(str.strip, banks)), list(map(str.strip, customers))
        texts = [
            written_text(rest[1:].split(JOINT))
            if JOINT in rest
            else rest[1:].strip().removesuffix("/").rstrip()
            for rest in rests
        ]
        whole = "".join(rests)
        line_count = len(rows) + whole.count(JOINT)
        lines: Iterable[int] = count(first_line)
        if line_count > len(rows):
            later = accumulate(map(str.count, rests, repeat(JOINT)), initial=0)
            lines = map(add, lines, later)
        keys = zip(repeat(alike), codes, minor, *references, texts, strict=False)
        numbers = self._occurrences.number(keys)
        fields = zip(codes, minor, funds, *references, texts, lines, numbers, strict=False)
        return Run(
            transactions=list(map(_NEW, repeat(Transaction), fields)),
            total_minor=sum(minor),
            line_count=line_count,
            record_count=line_count - whole.count(BLANK),
        )

    def _check_dates(self, funds: Iterable[str]) -> None:
        """Look at each value date once; what else a row may say of funds is sound."""
        dated = {each for each in set(funds) - self._sound_funds if each.startswith("V")}
        if not all(map(is_sound, dated)):
            raise Doubt
        if len(self._sound_funds) < _MOST_VALUE_DATES:
            self._sound_funds |= dated
