"""Addenda that answer an entry: returns, dishonours, contests and notifications of change.

Source: Nacha Operating Rules, Appendix Four (returns) and Five (changes); docs/bank-files.md#nacha.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from billfold.formats.nacha import layouts
from billfold.formats.nacha.layouts import Layout
from billfold.formats.nacha.records import Change, Contest, Dishonour, Reply, Return


def layout_of(line: str) -> Layout | None:
    """Choose an addendum's layout by its type, and a return's by its code; None for other types."""
    kind, code = line[1:3], line[3:6]
    if kind == "99":
        if "R61" <= code <= "R70":
            return layouts.DISHONOUR_ADDENDUM
        return layouts.CONTEST_ADDENDUM if "R71" <= code <= "R77" else layouts.RETURN_ADDENDUM
    return {"05": layouts.PAYMENT_ADDENDUM, "98": layouts.CHANGE_ADDENDUM}.get(kind)


def reply(values: Sequence[str], layout: Layout) -> Reply:
    """Make the record of an addendum that was cut by one of the four reply layouts."""
    code, original_trace, *rest = values
    if layout is layouts.CHANGE_ADDENDUM:
        rdfi, corrected, refused, trace = rest
        return Change(code, original_trace, rdfi, corrected, refused.strip(), trace)
    if layout is layouts.DISHONOUR_ADDENDUM:
        rdfi, return_trace, _, return_code, information, trace = rest
        return Dishonour(
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
        return Contest(
            code,
            original_trace,
            rdfi,
            return_trace=return_trace,
            return_code=_with_letter(return_code),
            dishonour_trace=dishonour_trace,
            dishonour_code=_with_letter(dishonour_code),
            trace=trace,
        )
    died, rdfi, information, trace = rest
    return Return(code, original_trace, rdfi, information.strip(), trace, day(died))


def _with_letter(digits: str) -> str:
    """Complete a code that is sent without its R."""
    return f"R{digits}" if digits.strip() else ""


def day(text: str) -> date | None:
    """Read YYMMDD of this century; None if it is no date."""
    if not (text.isascii() and text.isdigit()):
        return None
    try:
        return datetime.strptime(f"20{text}", "%Y%m%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return None
