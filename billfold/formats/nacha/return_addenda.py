"""Parsing the addenda of returns, dishonours, contests and notifications of change.

Source: Nacha Operating Rules, Appendix Four (returns) and Five (changes); docs/bank-files.md#nacha.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from billfold.formats.nacha import layouts
from billfold.formats.nacha.layouts import NachaLayout
from billfold.formats.nacha.records import (
    ChangeAddendum,
    ContestAddendum,
    DishonourAddendum,
    ReturnAddendum,
    ReturnOrChange,
)


def addendum_layout(line: str) -> NachaLayout | None:
    """Choose the layout of an addendum by its type and return code; None for other types."""
    type_code, code = line[1:3], line[3:6]
    if type_code == "99":
        if "R61" <= code <= "R70":
            return layouts.DISHONOUR_ADDENDUM
        return layouts.CONTEST_ADDENDUM if "R71" <= code <= "R77" else layouts.RETURN_ADDENDUM
    return {"05": layouts.PAYMENT_ADDENDUM, "98": layouts.CHANGE_ADDENDUM}.get(type_code)


def parse_return_or_change(values: Sequence[str], layout: NachaLayout) -> ReturnOrChange:
    """Build a return, dishonour, contest or change from the values its layout cut out."""
    code, original_trace, *rest = values
    if layout is layouts.CHANGE_ADDENDUM:
        rdfi, corrected, refused, trace = rest
        return ChangeAddendum(code, original_trace, rdfi, corrected, refused.strip(), trace)
    if layout is layouts.DISHONOUR_ADDENDUM:
        rdfi, return_trace, _, return_code, information, trace = rest
        return DishonourAddendum(
            code,
            original_trace,
            rdfi,
            return_trace=return_trace,
            return_code=_with_letter(return_code),
            information=information.strip(),
            trace=trace,
        )
    if layout is layouts.CONTEST_ADDENDUM:
        _, rdfi, _, return_trace, _, return_code, dishonour_trace, _, dishonour_code, trace = rest
        return ContestAddendum(
            code,
            original_trace,
            rdfi,
            return_trace=return_trace,
            return_code=_with_letter(return_code),
            dishonour_trace=dishonour_trace,
            dishonour_code=_with_letter(dishonour_code),
            trace=trace,
        )
    date_of_death, rdfi, information, trace = rest
    return ReturnAddendum(
        code, original_trace, rdfi, information.strip(), trace, parse_day(date_of_death)
    )


def _with_letter(digits: str) -> str:
    """Add the R that a return code is sent without."""
    return f"R{digits}" if digits.strip() else ""


def parse_day(text: str) -> date | None:
    """Parse YYMMDD of this century; None if it is no date."""
    if not (text.isascii() and text.isdigit()):
        return None
    try:
        return datetime.strptime(f"20{text}", "%Y%m%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return None
