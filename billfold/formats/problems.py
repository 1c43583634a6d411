"""What is wrong with a document: said all at once, each with its place and its cure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

Severity = Literal["error", "warning"]

MOST_PROBLEMS: Final = 1_000
"""Reading stops there: the document is something else altogether."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong at one place of a document. Never quotes a bank account number."""

    code: str
    """Stable name of the kind of problem, for machines: `batch-entry-hash`."""
    severity: Severity
    line: int
    """Counted from 1; for a problem of the whole document, its last line."""
    field: str
    """Name of the field with its positions, or empty when the whole line is meant."""
    message: str
    fix: str

    def __str__(self) -> str:
        place = f"line {self.line}, {self.field}" if self.field else f"line {self.line}"
        return f"{place}: {self.message} {self.fix}"


class _Refused(Exception):
    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        first = str(self.problems[0]) if self.problems else ""
        more = f" (and {len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
        super().__init__(first + more)


class Unreadable(_Refused):
    """A document cannot be trusted, so none of it is; `problems` names every reason."""


class Unwritable(_Refused):
    """The receiver would refuse this document, so it is not made; `problems` names every reason."""


class Findings:
    """The problems found while reading one document."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(self, code: str, line: int, field: str, message: str, fix: str) -> None:
        """Note an error.

        Raises: Unreadable at the thousandth problem, saying that reading stopped there.
        """
        self._note(Problem(code, "error", line, field, message, fix))

    def warn(self, code: str, line: int, field: str, message: str, fix: str) -> None:
        """Note what is odd but may be trusted.

        Raises: Unreadable at the thousandth problem, saying that reading stopped there.
        """
        self._note(Problem(code, "warning", line, field, message, fix))

    def _note(self, problem: Problem) -> None:
        self.problems.append(problem)
        if len(self.problems) == MOST_PROBLEMS:
            message = "There are too many problems; reading stopped here."
            last = Problem("too-many", "error", problem.line, "", message, problem.fix)
            self.problems.append(last)
            self.refuse()

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What is odd but may be trusted, in line order."""
        found = (problem for problem in self.problems if problem.severity == "warning")
        return tuple(sorted(found, key=lambda problem: problem.line))

    def refuse(self) -> None:
        """Raise Unreadable, with errors and warnings in line order, if there are any errors."""
        if any(problem.severity == "error" for problem in self.problems):
            raise Unreadable(sorted(self.problems, key=lambda problem: problem.line))
