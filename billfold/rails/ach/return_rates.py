"""The return-rate meter: how near a biller is to the limits its bank must enforce.

Source: Nacha Operating Rules, ODFI Return Rate Reporting (2.17.2); docs/bank-files.md#return-rates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from billfold.rails.ach import reason_codes

WINDOW: Final = timedelta(days=60)
WARN_AT_PERCENT: Final = 60
"""Of a limit. Below it nobody is troubled."""

_ADMINISTRATIVE: Final = frozenset({"R02", "R03", "R04"})


class Measure(StrEnum):
    """What is counted against the debits of the window."""

    UNAUTHORISED = "unauthorised"
    ADMINISTRATIVE = "administrative"
    OVERALL = "overall"


LIMITS_BPS: Final[Mapping[Measure, int]] = {
    Measure.UNAUTHORISED: 50,
    Measure.ADMINISTRATIVE: 300,
    Measure.OVERALL: 1_500,
}
"""Hundredths of a percent: 0.5, 3 and 15 %."""


class Level(StrEnum):
    """How a rate stands to its limit."""

    BELOW = "below"
    NEAR = "near"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Rate:
    """One measure over one window. Shown as a count beside a share: few debits make any share."""

    measure: Measure
    returned: int
    debits: int

    @property
    def limit_bps(self) -> int:
        return LIMITS_BPS[self.measure]

    @property
    def percent(self) -> str:
        """Write the share with two decimals, rounded down; more returns than debits can be."""
        hundredths = self.returned * 10_000 // self.debits if self.debits else 0
        return f"{hundredths // 100}.{hundredths % 100:02d}"

    @property
    def level(self) -> Level:
        """Compare exactly, without rounding; the limit itself is over it."""
        share = self.returned * 10_000
        if share and share >= self.limit_bps * self.debits:
            return Level.OVER
        if share and share * 100 >= self.limit_bps * self.debits * WARN_AT_PERCENT:
            return Level.NEAR
        return Level.BELOW


def window(on: date) -> tuple[date, date]:
    """Give the first and last day that count on a day."""
    return on - WINDOW + timedelta(days=1), on


def rates(*, debits: int, returned: Mapping[str, int]) -> tuple[Rate, ...]:
    """Measure the returns of a window, counted by code, against the debits sent in it."""
    counts = dict.fromkeys(Measure, 0)
    for code, count in returned.items():
        counts[Measure.OVERALL] += count
        if code in _ADMINISTRATIVE:
            counts[Measure.ADMINISTRATIVE] += count
        if reason_codes.return_code(code).unauthorised:
            counts[Measure.UNAUTHORISED] += count
    return tuple(Rate(measure, count, debits) for measure, count in counts.items())
