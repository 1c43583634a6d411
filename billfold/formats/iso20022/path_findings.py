"""The problems of one ISO 20022 message, each at the path of its element.

Source: docs/bank-files.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from billfold.formats.iso20022 import line_locator
from billfold.formats.problems import MOST_PROBLEMS, FileProblem, Findings

SEND_AGAIN: Final = "Ask the bank to send the message again."


class PathFindings:
    """The problems of one message by path; their lines are looked up once, at the end."""

    def __init__(self, content: bytes, current_path: Callable[[], str]) -> None:
        self._content = content
        self._current_path = current_path
        self._problems: list[tuple[FileProblem, str]] = []
        self.parsed_bytes = len(content)
        """How far the parser came; no line is looked for behind it."""

    def add(self, code: str, path: str, message: str, fix: str = SEND_AGAIN) -> None:
        """Note an error at a path below the element that is being read."""
        self._note(FileProblem(code, "error", 0, "", message, fix), path)

    def warn(self, code: str, path: str, message: str, fix: str) -> None:
        """Note what is odd but may be trusted, at a path below the element that is being read."""
        self._note(FileProblem(code, "warning", 0, "", message, fix), path)

    def refuse_at(self, line: int, code: str, message: str, fix: str = SEND_AGAIN) -> None:
        """Refuse the message for what its XML is, at a line.

        Raises: Unreadable, with all that was noted before.
        """
        self._problems.append((FileProblem(code, "error", max(line, 1), "", message, fix), ""))
        self.conclude()

    def conclude(self) -> tuple[FileProblem, ...]:
        """Return the warnings in line order, or refuse the message if there is an error.

        Raises: Unreadable.
        """
        paths = {path for problem, path in self._problems if not problem.line}
        lines = line_locator.locate(self._content[: self.parsed_bytes], paths)
        findings = Findings()
        for problem, path in self._problems:
            note = findings.add if problem.severity == "error" else findings.warn
            note(problem.code, problem.line or lines[path], path, problem.message, problem.fix)
        findings.refuse()
        return findings.warnings

    def _note(self, problem: FileProblem, path: str) -> None:
        above = self._current_path()
        self._problems.append((problem, f"{above}/{path}" if above and path else above or path))
        if len(self._problems) == MOST_PROBLEMS:
            self.conclude()
