"""Every sample file gets the verdict that stands in the table tests/files/VERDICTS.md.

Files written for this project stand in tests/files and are always read; the others where
BILLFOLD_SAMPLES names their folder.
"""

from __future__ import annotations

import io
import os
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from billfold.formats import any_format
from billfold.formats.any_format import ReadResult
from billfold.receivables.imports import import_fields
from billfold.receivables.imports.csv_file import CsvFile
from tests import places

OWN = places.FILES
INVOICES = "invoices"
"""The format of a file from the billing system: `billfold import invoices` reads it."""
SAMPLES = os.environ.get("BILLFOLD_SAMPLES")
NOT_READ_HERE = ("LICENSES/", "receivables/", "SOURCES.md", "reported/README", "reported/portal")


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


def in_words_of_import(content: bytes) -> tuple[str, str, str]:
    """Read a file of invoices, and write the columns with a problem in the words of the table."""
    fields = import_fields.fields_of_kind("invoices", "%Y-%m-%d")
    file = CsvFile(io.BytesIO(content), fields, {})
    rows = list(file.read_rows(archive=io.BytesIO()))
    assert bool(rows) != bool(file.problems.count)
    columns = sorted({each.column or "file" for each in file.problems.kept})
    return INVOICES, "invalid" if columns else "valid", " ".join(columns)


@pytest.mark.parametrize("name", VERDICTS)
def test_promise_27_a_sample_gets_its_verdict(name: str) -> None:
    place = place_of(name)
    if place is None:
        pytest.skip("BILLFOLD_SAMPLES does not name a folder of samples")

    result = any_format.read(place.read_bytes())

    assert all(each.message and each.fix and each.line >= 1 for each in result.problems)
    if VERDICTS[name].format == INVOICES:
        assert (result.format, result.document) == (None, None)
        assert in_words_of_import(place.read_bytes()) == VERDICTS[name][:3]
    else:
        assert in_words_of_table(result) == VERDICTS[name][:3]


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
