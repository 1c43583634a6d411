"""A lockbox file explained by a profile: every line cut into its fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, time
from itertools import islice

from billfold.formats.lockbox import profile_choice
from billfold.formats.lockbox.layouts import (
    RECORDS,
    SECRET,
    ColumnKind,
    LockboxField,
    LockboxLayout,
    LockboxProfile,
    Misread,
    Value,
)
from billfold.formats.lockbox.lines import decode, lines
from billfold.formats.lockbox.profile_choice import ProfileFit
from billfold.formats.problems import FileProblem, Unreadable
from billfold.money import Money


@dataclass(frozen=True, slots=True)
class ExplainedField:
    """One field of one line: its columns, their text, and the value that was read."""

    name: str
    first: int
    last: int
    raw: str = field(repr=False)
    """The text of the columns; of the drawer's bank details only the last four characters."""
    read_as: str = field(repr=False)
    """Empty if the columns are blank or could not be read."""
    is_misread: bool


@dataclass(frozen=True, slots=True)
class ExplainedLine:
    """One line and its fields by its layout."""

    number: int
    code: str
    record: str
    """Name of the record: "check". Empty if the profile has no such record."""
    fields: tuple[ExplainedField, ...]
    uncovered: tuple[ExplainedField, ...]
    """Columns no field covers though they are not blank. A wrong profile shows secrets here."""
    problems: tuple[FileProblem, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The lines of a file explained by a profile, and its problems."""

    profile: LockboxProfile
    lines: tuple[ExplainedLine, ...]
    problems: tuple[FileProblem, ...]
    """All problems; those of a line are also listed with it."""
    is_cut: bool
    """True if the file has more lines than are explained."""
    better: ProfileFit | None
    """A shipped profile that fits better than this one."""


def explain(content: bytes, profile: LockboxProfile, *, most_lines: int = 200) -> Explanation:
    """Explain the first lines of a file by a profile, and list the problems of all of it."""
    try:
        text = decode(content)
    except Unreadable as refusal:
        return Explanation(profile, (), refusal.problems, False, None)
    trial = profile_choice.try_profile(profile, text)
    by_line: dict[int, list[FileProblem]] = {}
    for problem in trial.problems:
        by_line.setdefault(problem.line, []).append(problem)
    numbered = lines(text, profile.record_length)
    explained = [
        _explained_line(number, line, profile, by_line.get(number, []))
        for number, line in islice(numbered, most_lines)
    ]
    best = profile_choice.rank_profiles(content)[0]
    better = best if best.rank < trial.fit.rank else None
    is_cut = next(numbered, None) is not None
    return Explanation(profile, tuple(explained), trial.problems, is_cut, better)


def _explained_line(
    number: int, line: str, profile: LockboxProfile, problems: Iterable[FileProblem]
) -> ExplainedLine:
    layout = profile.layouts.get(line[0])
    named_fields = _named_fields(layout) if layout else ()
    gaps = layout.gaps if layout else ((1, len(line)),)
    uncovered = [
        ExplainedField("", first, min(last, len(line)), line[first - 1 : last], "", False)
        for first, last in (*gaps, (profile.record_length + 1, len(line)))
        if line[first - 1 : last].strip()
    ]
    return ExplainedLine(
        number=number,
        code=line[0],
        record=RECORDS[line[0]] if layout else "",
        fields=tuple(_explained_field(name, field, line) for name, field in named_fields),
        uncovered=tuple(uncovered),
        problems=tuple(problems),
    )


def _named_fields(layout: LockboxLayout) -> Iterator[tuple[str, LockboxField]]:
    """Return the fields of a record with their names, in the order of their columns."""
    named = [(field.title, field) for field in layout.fields.values()]
    for number, group in enumerate(layout.remittances, start=1):
        prefix = f"remittance {number} " if len(layout.remittances) > 1 else "remittance "
        named += [(prefix + field.title, field) for field in group.values()]
    return iter(sorted(named, key=lambda pair: pair[1].first))


def _explained_field(name: str, field: LockboxField, line: str) -> ExplainedField:
    raw = field.raw(line)
    try:
        read_as, is_misread = _value_text(field, field.read(line)), False
    except Misread:
        read_as, is_misread = "", True
    if field.name in SECRET:
        raw, read_as = _masked(raw), _masked(read_as)
    return ExplainedField(name, field.first, field.last, raw, read_as, is_misread)


def _value_text(field: LockboxField, value: Value) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "negative" if value else "positive"
        case int():
            return (
                Money(value).plain(grouped=True) if field.kind is ColumnKind.AMOUNT else str(value)
            )
        case date() | time():
            return value.isoformat()
        case _:
            return str(value)


def _masked(text: str) -> str:
    """Hide all but the last four characters, but keep blanks, so that columns can be compared."""
    tail = text.rstrip()
    hidden = "".join(" " if character == " " else "*" for character in tail[:-4])
    return hidden + tail[-4:] + " " * (len(text) - len(tail))
