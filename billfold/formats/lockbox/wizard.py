"""Which layout a lockbox file follows, and a file shown against a layout, column by column."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from itertools import islice
from typing import Final

from billfold.formats.lockbox.layouts import (
    RECORDS,
    SECRET,
    Field,
    Kind,
    Layout,
    Misread,
    Profile,
    Value,
)
from billfold.formats.lockbox.lines import decode, lines
from billfold.formats.lockbox.loading import shipped
from billfold.formats.lockbox.reading import read_by
from billfold.formats.lockbox.records import Deposits
from billfold.formats.problems import Problem, Unreadable
from billfold.money import Money

_DOUBTS: Final = frozenset({"uncovered-columns", "check-date", "record-size"})
"""Warnings that speak against a layout. The others are about the checks themselves."""
_PROOFS: Final = frozenset(
    {"batch-count", "batch-total", "service-count", "service-total", "record-count"}
)
"""Errors of a file that is read rightly."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a layout fits a file; a thousand problems stand for more."""

    profile: Profile
    errors: int
    doubts: int
    """What can be read, yet speaks against the layout: columns nothing reads, odd dates."""

    @property
    def rank(self) -> tuple[int, int]:
        return self.errors, self.doubts


@dataclass(frozen=True, slots=True)
class _Trial:
    profile: Profile
    deposits: Deposits | None
    problems: tuple[Problem, ...]

    @property
    def fit(self) -> Fit:
        errors = sum(problem.severity == "error" for problem in self.problems)
        doubts = sum(problem.code in _DOUBTS for problem in self.problems)
        return Fit(self.profile, errors, doubts)

    @property
    def leaves_nothing_out(self) -> bool:
        return not any(problem.code == "uncovered-columns" for problem in self.problems)


def _try(profile: Profile, text: str) -> _Trial:
    try:
        deposits = read_by(profile, text)
    except Unreadable as refusal:
        return _Trial(profile, None, refusal.problems)
    return _Trial(profile, deposits, deposits.warnings)


def choose(text: str, profiles: Iterable[Profile]) -> Deposits:
    """Read a file by the layout that fits it: without an error, and with no column left out.

    Raises: Unreadable if none fits, with the problems of the nearest; or if several fit equally
        well and read different things.
    """
    trials = sorted((_try(profile, text) for profile in profiles), key=lambda each: each.fit.rank)
    fits = [trial for trial in trials if trial.leaves_nothing_out]
    best = [trial for trial in fits if trial.fit.rank == fits[0].fit.rank]
    found = best[0].deposits if best else None
    if found is None:
        raise _nothing_fits(trials[0])
    if any(trial.deposits != found for trial in best):
        raise Unreadable([_several_fit(best)])
    return found


def _nothing_fits(nearest: _Trial) -> Unreadable:
    errors = [problem for problem in nearest.problems if problem.severity == "error"]
    if errors and all(problem.code in _PROOFS for problem in errors):
        return Unreadable(nearest.problems)
    note = Problem(
        code="no-layout-fits",
        severity="error",
        line=1,
        field="",
        message=f"No layout we know fits. The problems are those of {nearest.profile.name}.",
        fix="If the file is whole, write a profile for the bank's layout and name it.",
    )
    return Unreadable([note, *nearest.problems])


def _several_fit(trials: Sequence[_Trial]) -> Problem:
    names = " and ".join(trial.profile.name for trial in trials)
    return Problem(
        code="several-layouts-fit",
        severity="error",
        line=1,
        field="",
        message=f"The layouts {names} fit equally well and read different things.",
        fix="Name the profile of the bank that sent the file.",
    )


def suggest(content: bytes) -> tuple[Fit, ...]:
    """Rank the shipped layouts by how well they fit, best first; none if it is no lockbox file."""
    try:
        text = decode(content)
    except Unreadable:
        return ()
    fits = (_try(profile, text).fit for profile in shipped())
    return tuple(sorted(fits, key=lambda fit: fit.rank))


@dataclass(frozen=True, slots=True)
class ShownField:
    """One field of one line: where it stands, what stands there, and what that was read as."""

    name: str
    first: int
    last: int
    raw: str = field(repr=False)
    """The columns as they are; of the drawer's bank details only the last four characters."""
    read_as: str = field(repr=False)
    """Empty if nothing was there, or if it could not be read."""
    is_misread: bool


@dataclass(frozen=True, slots=True)
class ExplainedLine:
    """One line against its layout."""

    number: int
    code: str
    record: str
    """What the record is: "check". Empty if the layout has no such record."""
    fields: tuple[ShownField, ...]
    uncovered: tuple[ShownField, ...]
    """Columns no field covers though they hold something. A wrong layout shows secrets here."""
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A file shown against a layout."""

    profile: Profile
    lines: tuple[ExplainedLine, ...]
    problems: tuple[Problem, ...]
    """All of them; those of a line stand there too."""
    is_cut: bool
    """True if the file has more lines than are shown."""
    better: Fit | None
    """A shipped layout that fits better than this one."""


def explain(content: bytes, profile: Profile, *, most_lines: int = 200) -> Explanation:
    """Show a file against a layout: its first lines, and whatever is wrong in all of it."""
    try:
        text = decode(content)
    except Unreadable as refusal:
        return Explanation(profile, (), refusal.problems, False, None)
    trial = _try(profile, text)
    by_line: dict[int, list[Problem]] = {}
    for problem in trial.problems:
        by_line.setdefault(problem.line, []).append(problem)
    numbered = lines(text, profile.record_length)
    shown = [
        _explained(number, line, profile, by_line.get(number, []))
        for number, line in islice(numbered, most_lines)
    ]
    best = suggest(content)[0]
    better = best if best.rank < trial.fit.rank else None
    is_cut = next(numbered, None) is not None
    return Explanation(profile, tuple(shown), trial.problems, is_cut, better)


def _explained(
    number: int, line: str, profile: Profile, problems: Iterable[Problem]
) -> ExplainedLine:
    layout = profile.layouts.get(line[0])
    fields = _fields(layout) if layout else ()
    gaps = layout.gaps if layout else ((1, len(line)),)
    uncovered = [
        ShownField("", first, min(last, len(line)), line[first - 1 : last], "", False)
        for first, last in (*gaps, (profile.record_length + 1, len(line)))
        if line[first - 1 : last].strip()
    ]
    return ExplainedLine(
        number=number,
        code=line[0],
        record=RECORDS[line[0]] if layout else "",
        fields=tuple(_shown(name, each, line) for name, each in fields),
        uncovered=tuple(uncovered),
        problems=tuple(problems),
    )


def _fields(layout: Layout) -> Iterator[tuple[str, Field]]:
    """Name the fields of a record in the order of their columns."""
    named = [(each.title, each) for each in layout.fields.values()]
    for number, group in enumerate(layout.remittances, start=1):
        prefix = f"remittance {number} " if len(layout.remittances) > 1 else "remittance "
        named += [(prefix + each.title, each) for each in group.values()]
    return iter(sorted(named, key=lambda pair: pair[1].first))


def _shown(name: str, field: Field, line: str) -> ShownField:
    raw = field.raw(line)
    try:
        read_as, is_misread = _said(field, field.read(line)), False
    except Misread:
        read_as, is_misread = "", True
    if field.name in SECRET:
        raw, read_as = _masked(raw), _masked(read_as)
    return ShownField(name, field.first, field.last, raw, read_as, is_misread)


def _said(field: Field, value: Value) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "negative" if value else "positive"
        case int():
            return Money(value).plain(grouped=True) if field.kind is Kind.AMOUNT else str(value)
        case date() | time():
            return value.isoformat()
        case _:
            return str(value)


def _masked(text: str) -> str:
    """Hide all but the last four characters; blanks stay, so that columns can be judged."""
    tail = text.rstrip()
    hidden = "".join(" " if each == " " else "*" for each in tail[:-4])
    return hidden + tail[-4:] + " " * (len(text) - len(tail))
