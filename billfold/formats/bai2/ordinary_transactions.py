"""Reading ordinary BAI2 transactions many at once, column by column.

One pattern finds the ordinary ones; all others are read field by field (`records.py`). Both ways
give the same transactions. Source: as `records.py`; docs/bank-files.md#bai2.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, count, repeat
from operator import add
from typing import Final, NamedTuple

from billfold.formats.bai2.fields import are_readable_funds, join_text
from billfold.formats.bai2.physical_records import BLANK_LINE_MARK, CONTINUATION_MARK
from billfold.formats.bai2.statement import Bai2Transaction

TransactionRow = tuple[str, str, str, str, str, str, str]
"""Type code, amount, funds, both references and the rest; or any other record, as the last."""

ROW_PATTERN: Final = re.compile(
    r"16,([0-9]{3}),([0-9]{1,15})"
    r",([Z012]?|V,[0-9]{6},[0-9]{0,4}|S,[0-9]{0,15},[0-9]{0,15},[0-9]{0,15})"
    r",([^,\n\x01]*)"
    # A slash ends the last field of a line; inside a reference it is part of the reference.
    r",([^,/\n\x01]*(?:/[^,/\s\x01][^,/\n\x01]*)*)"
    r"(,.*|/?[ \t]*\x01.*|/?[ \t]*)\n"
    r"|(.*)\n"
)

_FEW_SLOTS: Final = 1 << 10
_MANY_SLOTS: Final = 1 << 17

_MOST_VALUE_DATES: Final = 5_000

_NEW: Final[Callable[[type[Bai2Transaction], Iterable[object]], Bai2Transaction]] = tuple.__new__


class NotOrdinary(Exception):
    """Transactions that looked ordinary must be read field by field."""


def row_text(row: TransactionRow) -> str:
    """Return the text of the record that a row was cut from."""
    return row[-1] or f"16,{','.join(row[:5])}{row[5]}"


class TransactionRun(NamedTuple):
    """Consecutive transactions, and what their trailers must count."""

    transactions: list[Bai2Transaction]
    total_minor: int
    line_count: int
    record_count: int


class Occurrences:
    """Numbers the transactions that are alike, by a hash of 64 bits each.

    Keeps some twenty bytes of each transaction, so that a long file can be read as a stream. Of
    files with a million transactions, one in many millions has two unlike ones with one hash.
    """

    def __init__(self) -> None:
        self._slots = array("q", bytes(8 * _FEW_SLOTS))
        self._count = 0
        self._repeats: dict[int, int] = {}

    def number(self, keys: Iterable[tuple[object, ...]]) -> list[int]:
        """Return for each key how often it has occurred, this time included."""
        hashes = list(map(hash, keys))
        if 0 in hashes:
            hashes = [value or 1 for value in hashes]  # Zero is an empty slot.
        self._make_room(len(hashes))
        numbers = [1] * len(hashes)
        slots = self._slots
        mask = len(slots) - 1
        for index, value in enumerate(hashes):
            at = value & mask
            while (held := slots[at]) != value:
                if not held:
                    slots[at] = value
                    break
                at = (at + 1) & mask
            else:
                numbers[index] = self._repeats[value] = self._repeats.get(value, 1) + 1
                self._count -= 1
        return numbers

    def _make_room(self, more: int) -> None:
        """Grow the table, so that a third of its slots is empty and a free one is found soon."""
        self._count += more
        size = len(self._slots)
        while self._count * 3 > size * 2:
            size = max(size * 2, _MANY_SLOTS)
        if size == len(self._slots):
            return
        slots, mask = array("q", bytes(8 * size)), size - 1
        for value in self._slots:
            if value:
                at = value & mask
                while slots[at]:
                    at = (at + 1) & mask
                slots[at] = value
        self._slots = slots


class OrdinaryReader:
    """Reads consecutive ordinary transactions."""

    def __init__(self, occurrences: Occurrences) -> None:
        self._occurrences = occurrences
        self._sound_funds: set[str] = set()

    def read(
        self, rows: Sequence[TransactionRow], first_line: int, account_day: int
    ) -> TransactionRun:
        """Read rows, the first of which stands on `first_line`.

        `account_day` is a hash of their account and day.

        Raises: Doubt if one of them must be read field by field; none is numbered then.
        """
        codes, amounts, funds, banks, customers, rests, _ = zip(*rows, strict=True)
        self._check_dates(funds)
        minor = list(map(int, amounts))
        references = list(map(str.strip, banks)), list(map(str.strip, customers))
        texts = [
            join_text(rest[1:].split(CONTINUATION_MARK))
            if CONTINUATION_MARK in rest
            else rest[1:].strip().removesuffix("/").rstrip()
            for rest in rests
        ]
        all_rests = "".join(rests)
        line_count = len(rows) + all_rests.count(CONTINUATION_MARK)
        lines: Iterable[int] = count(first_line)
        if line_count > len(rows):
            later = accumulate(map(str.count, rests, repeat(CONTINUATION_MARK)), initial=0)
            lines = map(add, lines, later)
        keys = zip(repeat(account_day), codes, minor, *references, texts, strict=False)
        numbers = self._occurrences.number(keys)
        fields = zip(codes, minor, funds, *references, texts, lines, numbers, strict=False)
        return TransactionRun(
            transactions=list(map(_NEW, repeat(Bai2Transaction), fields)),
            total_minor=sum(minor),
            line_count=line_count,
            record_count=line_count - all_rests.count(BLANK_LINE_MARK),
        )

    def _check_dates(self, funds: Iterable[str]) -> None:
        """Check each value date once; all else that the pattern allows for funds is sound."""
        dated = {text for text in set(funds) - self._sound_funds if text.startswith("V")}
        if not all(map(are_readable_funds, dated)):
            raise NotOrdinary
        if len(self._sound_funds) < _MOST_VALUE_DATES:
            self._sound_funds |= dated
