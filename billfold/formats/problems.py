"""Problems of a file: each with its line, its field and how to fix it, all reported at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

Severity = Literal["error", "warning"]

NOTHING_TO_DO: Final = "Nothing needs to be done"
"""How the fix of a warning begins that asks for nothing."""
MOST_PROBLEMS: Final = 1_000
"""Reading stops there: a file with so many problems is of another format."""

CUT_APART: Final = "Cut the two files apart, and add each by itself."
"""What to do about a second file inside of one, in every format."""


@dataclass(frozen=True, slots=True)
class FileProblem:
    """One problem at one place of a file. Never quotes a bank account number."""

    code: str
    """Stable name of the kind of problem, for machines: `batch-entry-hash`."""
    severity: Severity
    line: int
    """Counted from 1; for a problem of the file as a whole, its last line."""
    field: str
    """Name of the field with its positions, or empty when the line as a whole is meant."""
    message: str
    fix: str

    def __str__(self) -> str:
        place = f"line {self.line}, {self.field}" if self.field else f"line {self.line}"
        return f"{place}: {self.message} {self.fix}"


class _WithProblems(Exception):
    def __init__(self, problems: Iterable[FileProblem]) -> None:
        self.problems = tuple(problems)
        first = str(self.problems[0]) if self.problems else ""
        more = f" (and {len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
        super().__init__(first + more)


class Unreadable(_WithProblems):
    """A file cannot be trusted, so nothing of it is used; `problems` names every reason."""


class Unwritable(_WithProblems):
    """The bank would refuse this file, so it is not written; `problems` names every reason."""


class Findings:
    """Collects the problems of one file while it is read."""

    def __init__(self) -> None:
        self.problems: list[FileProblem] = []

    def add(self, code: str, line: int, field: str, message: str, fix: str) -> None:
        """Add an error.

        Raises: Unreadable at the thousandth problem, saying that reading stopped there.
        """
        self._append(FileProblem(code, "error", line, field, message, fix))

    def warn(self, code: str, line: int, field: str, message: str, fix: str) -> None:
        """Add a warning: something is unusual, but the file may be trusted.

        Raises: Unreadable at the thousandth problem, saying that reading stopped there.
        """
        self._append(FileProblem(code, "warning", line, field, message, fix))

    def _append(self, problem: FileProblem) -> None:
        self.problems.append(problem)
        if len(self.problems) == MOST_PROBLEMS:
            message = "There are too many problems; reading stopped here."
            last = FileProblem("too-many", "error", problem.line, "", message, problem.fix)
            self.problems.append(last)
            self.refuse()

    @property
    def warnings(self) -> tuple[FileProblem, ...]:
        """List the warnings in line order."""
        warnings = (problem for problem in self.problems if problem.severity == "warning")
        return tuple(sorted(warnings, key=lambda problem: problem.line))

    def refuse(self) -> None:
        """Raise Unreadable, with errors and warnings in line order, if there are any errors.

        A warning that nothing needs to be done is left out: with a refused file there is.
        """
        if any(problem.severity == "error" for problem in self.problems):
            problems = (each for each in self.problems if not each.fix.startswith(NOTHING_TO_DO))
            raise Unreadable(sorted(problems, key=lambda problem: problem.line))
