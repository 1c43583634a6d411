"""The choice of the profile that fits a lockbox file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from billfold.formats.lockbox.layouts import LockboxProfile
from billfold.formats.lockbox.lines import decode
from billfold.formats.lockbox.profile_loading import shipped_profiles
from billfold.formats.lockbox.reading import read_by_profile
from billfold.formats.lockbox.records import LockboxFile
from billfold.formats.problems import FileProblem, Unreadable

_LAYOUT_WARNINGS: Final = frozenset({"uncovered-columns", "check-date", "record-size"})
"""Warnings that the profile may be a wrong one. The others are about the checks themselves."""
_TOTAL_ERRORS: Final = frozenset(
    {"batch-count", "batch-total", "service-count", "service-total", "record-count"}
)
"""Errors that a file can have although its profile is the right one."""


@dataclass(frozen=True, slots=True)
class ProfileFit:
    """How well a profile fits a file. Reading stops at a thousand problems."""

    profile: LockboxProfile
    errors: int
    layout_warnings: int
    """Warnings that the profile may be a wrong one: columns no field reads, odd dates."""

    @property
    def rank(self) -> tuple[int, int]:
        return self.errors, self.layout_warnings


@dataclass(frozen=True, slots=True)
class Trial:
    """The result of reading a file by one profile."""

    profile: LockboxProfile
    file: LockboxFile | None
    problems: tuple[FileProblem, ...]

    @property
    def fit(self) -> ProfileFit:
        errors = sum(problem.severity == "error" for problem in self.problems)
        warnings = sum(problem.code in _LAYOUT_WARNINGS for problem in self.problems)
        return ProfileFit(self.profile, errors, warnings)

    @property
    def covers_all_columns(self) -> bool:
        return not any(problem.code == "uncovered-columns" for problem in self.problems)


def try_profile(profile: LockboxProfile, text: str) -> Trial:
    """Read a file by a profile; a refusal is a result, too."""
    try:
        file = read_by_profile(profile, text)
    except Unreadable as refusal:
        return Trial(profile, None, refusal.problems)
    return Trial(profile, file, file.warnings)


def read_by_best_profile(text: str, profiles: Iterable[LockboxProfile]) -> LockboxFile:
    """Read a file by the profile that fits it: without an error, and with no column left out.

    Raises: Unreadable if none fits, with the problems of the nearest; or if several fit equally
        well and give different files.
    """
    trials = sorted(
        (try_profile(profile, text) for profile in profiles), key=lambda trial: trial.fit.rank
    )
    candidates = [trial for trial in trials if trial.covers_all_columns]
    best = [trial for trial in candidates if trial.fit.rank == candidates[0].fit.rank]
    file = best[0].file if best else None
    if file is None:
        raise _nothing_fits(trials[0])
    if any(trial.file != file for trial in best):
        raise Unreadable([_several_fit(best)])
    return file


def _nothing_fits(nearest: Trial) -> Unreadable:
    errors = [problem for problem in nearest.problems if problem.severity == "error"]
    if errors and all(problem.code in _TOTAL_ERRORS for problem in errors):
        return Unreadable(nearest.problems)
    problem = FileProblem(
        code="no-layout-fits",
        severity="error",
        line=1,
        field="",
        message=f"No layout we know fits. The problems are those of {nearest.profile.name}.",
        fix="If the file is whole, write a profile for the bank's layout and name it.",
    )
    return Unreadable([problem, *nearest.problems])


def _several_fit(trials: Sequence[Trial]) -> FileProblem:
    names = " and ".join(trial.profile.name for trial in trials)
    return FileProblem(
        code="several-layouts-fit",
        severity="error",
        line=1,
        field="",
        message=f"The layouts {names} fit equally well and read different things.",
        fix="Name the profile of the bank that sent the file.",
    )


def rank_profiles(content: bytes) -> tuple[ProfileFit, ...]:
    """Rank the shipped profiles by how well they fit, best first; empty for another file."""
    try:
        text = decode(content)
    except Unreadable:
        return ()
    fits = (try_profile(profile, text).fit for profile in shipped_profiles())
    return tuple(sorted(fits, key=lambda fit: fit.rank))
