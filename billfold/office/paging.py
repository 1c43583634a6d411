"""Long lists, a page at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from billfold.pages.shapes import Pager, PagerStep

PER_PAGE: Final = 50
_LONGEST_NUMBER: Final = 9


@dataclass(frozen=True, slots=True)
class Place:
    """One page of a list of `total` things."""

    number: int
    total: int

    @property
    def start(self) -> int:
        return (self.number - 1) * PER_PAGE

    @property
    def end(self) -> int:
        return min(self.start + PER_PAGE, self.total)

    @property
    def last(self) -> int:
        return max(1, -(-self.total // PER_PAGE))

    @property
    def summary(self) -> str:
        return f"{self.start + 1:,}\N{EN DASH}{self.end:,} of {self.total:,}"

    def pager(self, url_of: Callable[[int], str]) -> Pager | None:
        """Link to the pages around this one; one page needs none."""
        if self.last == 1:
            return None
        near = {1, self.last, self.number - 1, self.number, self.number + 1}
        steps: list[PagerStep] = []
        before = 0
        for number in sorted(n for n in near if 1 <= n <= self.last):
            if number > before + 1:
                steps.append(PagerStep("…"))
            steps.append(PagerStep(str(number), url_of(number), True, number == self.number))
            before = number
        if self.number < self.last:
            steps.append(PagerStep("Next", url_of(self.number + 1)))
        return Pager(self.summary, tuple(steps))


def place(asked: str, total: int) -> Place:
    """Find the page that was asked for, or the nearest there is."""
    is_number = asked.isascii() and asked.isdecimal() and len(asked) <= _LONGEST_NUMBER
    number = int(asked) if is_number else 1
    last = Place(1, total).last
    return Place(min(max(number, 1), last), total)


def address(path: str, **parts: str) -> str:
    """Write an address with the parts that say something."""
    said = {name: value for name, value in parts.items() if value}
    return f"{path}?{urlencode(said)}" if said else path
