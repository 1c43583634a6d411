"""Whether payers may be promised a day: not while the brake or HOLD keeps files back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from billfold import bankdays
from billfold.platform import gate, tenancy
from billfold.platform.gate import OutwardAct


def may_promise() -> bool:
    """Say whether nothing keeps files from the bank at this moment, so that a day is known."""
    return not gate.why_closed(tenancy.current(), OutwardAct.SEND)


def promise(debit_days: int) -> Callable[[date], date | None]:
    """Return what computes by when a payment collected on a banking day is in.

    It gives none while no day may be promised.
    """
    is_known = may_promise()
    return lambda day: bankdays.add_banking_days(day, debit_days) if is_known else None
