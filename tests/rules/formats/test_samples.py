"""Every sample file gets the verdict that stands in the table tests/files/VERDICTS.md.

Files written for this project stand in tests/files and are always read; the others where
BILLFOLD_SAMPLES names their folder.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from billfold.formats import any_format
from billfold.formats.any_format import ReadResult
from tests import places

OWN = places.FILES
SAMPLES = os.environ.get("BILLFOLD_SAMPLES")
NOT_READ_HERE = ("LICENSES/", "receivables/", "reported/", "SOURCES.md")
REPORTED = sorted(path for path in Path(SAMPLES or "/nowhere").glob("reported/*.*"))
"""Small inputs after bug reports on other programs. Each kind is to be answered well; so far it is
only made sure that each is answered at all."""


class Verdict(NamedTuple):
    """One row of the table."""

    format: str
    verdict: str
    codes: str
    reason: str


def _table() -> dict[str, Verdict]:
    lines = (OWN / "VERDICTS.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: Verdict(*row[1:]) for row in rows if len(row) == 5 and "/" in row[0]}


VERDICTS = _table()


def place_of(name: str) -> Path | None:
    if (OWN / name).exists():
        return OWN / name
    # Returns written for this project stand beside what they answer.
    beside = OWN / name.replace("nacha-returns/", "nacha/")
    if beside.exists():
        return beside
    return Path(SAMPLES) / name if SAMPLES else None


def in_words_of_table(result: ReadResult) -> tuple[str, str, str]:
    """Write the result of reading in the words of the table."""
    is_valid = result.document is not None
    weight = "warning" if is_valid else "error"
    codes = sorted({each.code for each in result.problems if each.severity == weight})
    name = result.format.value if result.format else "-"
    return name, "valid" if is_valid else "invalid", " ".join(codes)


@pytest.mark.parametrize("name", VERDICTS)
def test_promise_27_a_sample_gets_its_verdict(name: str) -> None:
    place = place_of(name)
    if place is None:
        pytest.skip("BILLFOLD_SAMPLES does not name a folder of samples")

    result = any_format.read(place.read_bytes())

    assert in_words_of_table(result) == VERDICTS[name][:3]
    assert all(each.message and each.fix and each.line >= 1 for each in result.problems)


@pytest.mark.skipif(not REPORTED, reason="BILLFOLD_SAMPLES names no folder with such inputs")
@pytest.mark.parametrize("path", REPORTED, ids=lambda path: path.name)
def test_what_broke_other_programs_is_read_or_refused_in_words(path: Path) -> None:
    result = any_format.read(path.read_bytes())

    assert result.document is not None or result.problems
    assert all(each.message and each.fix and each.line >= 1 for each in result.problems)


@pytest.mark.skipif(not SAMPLES, reason="BILLFOLD_SAMPLES does not name a folder of samples")
def test_every_sample_has_a_row_and_every_difference_a_reason() -> None:
    folder = Path(SAMPLES or "")
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}

    assert {name for name in there if not name.startswith(NOT_READ_HERE)} == set(VERDICTS)
    for name, published in published_verdicts(folder).items():
        assert bool(VERDICTS[name].reason) == (VERDICTS[name].verdict != published), name


def published_verdicts(folder: Path) -> dict[str, str]:
    """Read the verdicts that come with the samples; "parses in two libraries" is a valid one."""
    verdicts, part = {}, ""
    for line in (folder / "SOURCES.md").read_text().splitlines():
        if heading := re.match(r"## ([\w-]+)", line):
            part = heading[1]
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        name = f"{part}/{cells[0]}"
        if name in VERDICTS and len(cells) > 3:
            verdicts[name] = "invalid" if cells[3].startswith("invalid") else "valid"
    return verdicts
