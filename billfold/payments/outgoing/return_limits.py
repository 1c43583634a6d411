"""The return limits: sets the brake when one is crossed, and warns before.

One return of a small biller crosses every share, so a limit counts from a number of returns on,
which is the biller's to set.
Source: Nacha Operating Rules, ODFI Return Rate Reporting (2.17.2); docs/bank-files.md#return-rates.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from billfold.bankdays import EASTERN
from billfold.payments.reading import return_meter
from billfold.platform import audit, brake
from billfold.platform.models import BrakeKind
from billfold.rails.ach.return_rates import Rate, RateLevel
from billfold.receivables.models import BillerProfile

_WATCH: Final = audit.job("return limits")


def watch(*, now: datetime) -> None:
    """Measure the returns of sixty days, and set the brake or a warning where they say so.

    A limit that people allowed brakes again once as many more came back as it takes at first.
    """
    enough = BillerProfile.objects.values_list("return_limit_count", flat=True).first()
    if enough is None:  # The biller is still being set up.
        return
    rates = return_meter.measure(on=now.astimezone(EASTERN).date())
    crossed = [rate for rate in rates if rate.level is RateLevel.OVER and rate.returned >= enough]
    brake.observe(
        BrakeKind.RETURN_LIMIT,
        _seen(crossed, enough),
        lifts_when_clean=False,
        actor=_WATCH,
        seen_at=now,
        now=now,
    )
    brake.warn(
        BrakeKind.RETURN_LIMIT,
        {
            f"{rate.measure}/{rate.level}": describe(rate)
            for rate in rates
            if rate.level is not RateLevel.BELOW and rate not in crossed
        },
        actor=_WATCH,
        now=now,
    )


def _seen(crossed: Sequence[Rate], enough: int) -> dict[str, str]:
    """Name each limit that is crossed, and once more where many came back since it was allowed."""
    seen = {str(rate.measure): describe(rate) for rate in crossed}
    lifting = brake.last_lifting(BrakeKind.RETURN_LIMIT)
    if lifting and crossed:
        later = return_meter.count_recorded_since(lifting.at)
        for rate in crossed:
            if later[rate.measure] >= enough:
                seen[f"{rate.measure}, again after {lifting.number}"] = describe(rate)
    return seen


def describe(rate: Rate) -> str:
    """Put a rate in words: what came back, of how many debits, against which limit."""
    limit = f"{rate.limit_bps / 100:g}"
    words = f"{rate.measure} returns: {rate.returned} of {rate.debits} debits in 60 days"
    return f"{words}, {rate.percent} %, must stay below {limit} %"
