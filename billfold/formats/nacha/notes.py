"""What is found wrong with a Nacha file, as grave as the table of checks says it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

from billfold.formats.nacha import checks
from billfold.formats.nacha.layouts import Layout
from billfold.formats.problems import Findings, Problem

ASK: Final = "Ask the sender for a correct file."
MOST_ALIKE: Final = 20
"""So many warnings of one kind are listed; a bank that has a habit has it in every entry."""


class Fault(NamedTuple):
    """A broken rule of one record, before it has a line."""

    code: str
    field: str
    """Name of the field in its layout, or empty for the whole record."""
    message: str
    fix: str


class Notes:
    """The problems found so far, while reading or while writing."""

    def __init__(self, *, reading: bool) -> None:
        self._findings = Findings()
        self._reading = reading
        self._alike: Counter[str] = Counter()

    def add(self, code: str, line: int, field: str, message: str, fix: str = ASK) -> None:
        """Note a broken rule, unless the table says it is not asked in this direction.

        Raises: Unreadable at the thousandth problem.
        """
        check = checks.BY_CODE[code]
        level = check.on_read if self._reading else check.on_write
        if level == "error":
            self._findings.add(code, line, field, message, fix)
        elif level == "warning":
            self._alike[code] += 1
            if self._alike[code] == MOST_ALIKE:
                message += " More like it may follow; they are not listed."
            if self._alike[code] <= MOST_ALIKE:
                self._findings.warn(code, line, field, message, fix)

    def faults(self, line: int, layout: Layout, faults: Iterable[Fault]) -> None:
        """Note broken rules of the record in that line."""
        for fault in faults:
            label = layout.label(fault.field) if fault.field else ""
            self.add(fault.code, line, label, fault.message, fault.fix)

    @property
    def problems(self) -> list[Problem]:
        return self._findings.problems

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return self._findings.warnings

    def refuse(self) -> None:
        """Raise Unreadable, with errors and warnings in line order, if there are any errors."""
        self._findings.refuse()
