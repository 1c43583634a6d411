"""Violations of Nacha rules, collected as problems with the severity the table of checks gives."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

from billfold.formats.nacha import checks
from billfold.formats.nacha.layouts import NachaLayout
from billfold.formats.problems import FileProblem, Findings

ASK_SENDER: Final = "Ask the sender for a correct file."
MOST_ALIKE: Final = 20
"""So many warnings of one code are listed: what a bank does in one entry it does in all."""


class Violation(NamedTuple):
    """A rule that a record breaks; its line is added with `NachaFindings.add_violations`."""

    code: str
    field: str
    """Name of the field in its layout, or empty for the record as a whole."""
    message: str
    fix: str


class NachaFindings:
    """Collects the problems of one file while it is read or written.

    They are added by the number of their record; `problems` has the lines of the file, which are
    others where blank lines stand between records.
    """

    def __init__(self, *, reading: bool) -> None:
        self._findings = Findings()
        self._reading = reading
        self._alike: Counter[str] = Counter()
        self._after_blanks: list[int] = []
        """Numbers of the records that blank lines stand before."""
        self._blank_lines = [0]
        """Blank lines before each of them, counted from the beginning of the file."""

    def pass_over(self, blank_lines: int, *, before: int) -> None:
        """Leave out some blank lines before the record of that number; the first ones are told."""
        if not self._after_blanks:
            message = "Blank lines stand between the records; they were passed over."
            fix = "Nothing is lost by it. Ask the sender to write a line for each record only."
            self.add("blank-lines", before, "", message, fix)
        self._after_blanks.append(before)
        self._blank_lines.append(self._blank_lines[-1] + blank_lines)

    def add(self, code: str, record: int, field: str, message: str, fix: str = ASK_SENDER) -> None:
        """Add a problem, unless its check does not apply in this direction.

        Raises: Unreadable at the thousandth problem.
        """
        line = self.line_of(record)
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

    def add_violations(
        self, record: int, layout: NachaLayout, violations: Iterable[Violation]
    ) -> None:
        """Add the violations of the record of that number."""
        for violation in violations:
            label = layout.label(violation.field) if violation.field else ""
            self.add(violation.code, record, label, violation.message, violation.fix)

    def line_of(self, record: int) -> int:
        """Give the line of the file in which a record stands."""
        return record + self._blank_lines[bisect_right(self._after_blanks, record)]

    @property
    def problems(self) -> list[FileProblem]:
        return self._findings.problems

    @property
    def warnings(self) -> tuple[FileProblem, ...]:
        return self._findings.warnings

    def refuse(self) -> None:
        """Raise Unreadable, with errors and warnings in line order, if there are any errors."""
        self._findings.refuse()
