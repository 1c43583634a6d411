"""Return rates of a biller, measured against the limits that its bank must enforce.

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
"""Percentage of a limit from which on a rate is reported as near it."""

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


class RateLevel(StrEnum):
    """A rate compared with its limit."""

    BELOW = "below"
    NEAR = "near"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Rate:
    """One measure over one window. Pages print count and share: few debits can make any share."""

    measure: Measure
    returned: int
    debits: int

    @property
    def limit_bps(self) -> int:
        return LIMITS_BPS[self.measure]

    @property
    def percent(self) -> str:
        """Format the share with two decimals, rounded down; it can be more than 100."""
        hundredths = self.returned * 10_000 // self.debits if self.debits else 0
        return f"{hundredths // 100}.{hundredths % 100:02d}"

    @property
    def level(self) -> RateLevel:
        """Compare the exact share with the limit; the limit itself counts as over."""
        share = self.returned * 10_000
        if share and share >= self.limit_bps * self.debits:
            return RateLevel.OVER
        if share and share * 100 >= self.limit_bps * self.debits * WARN_AT_PERCENT:
            return RateLevel.NEAR
        return RateLevel.BELOW


def window(on: date) -> tuple[date, date]:
    """Return the first and last day of the window that ends on a day."""
    return on - WINDOW + timedelta(days=1), on


def rates(*, debits: int, returned: Mapping[str, int]) -> tuple[Rate, ...]:
    """Compute the rates of a window from its returns, counted by code, and its debits."""
    counts = dict.fromkeys(Measure, 0)
    for code, count in returned.items():
        counts[Measure.OVERALL] += count
        if code in _ADMINISTRATIVE:
            counts[Measure.ADMINISTRATIVE] += count
        if reason_codes.return_code(code).unauthorised:
            counts[Measure.UNAUTHORISED] += count
    return tuple(Rate(measure, count, debits) for measure, count in counts.items())
