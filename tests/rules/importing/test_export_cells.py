"""A cell we write never starts a formula and comes back as it was; foreign marks are refused."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billfold.receivables.imports import formula_mark, import_fields
from billfold.receivables.imports.csv_file import CsvFile
from billfold.receivables.imports.formula_mark import ForeignMark

FORMULA_SIGNS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
COLUMNS = ["customer_number", "invoice_number", "invoice_date", "due_date", "amount"]


@given(st.text(max_size=20) | st.text(f"'{FORMULA_SIGNS}x", max_size=6))
def test_no_exported_text_starts_a_formula_and_all_come_back(text: str) -> None:
    cell = formula_mark.add(text)

    assert not cell.startswith(tuple(FORMULA_SIGNS))
    assert cell in (text, f"'{text}")
    assert formula_mark.read_id(cell) == text


@pytest.mark.parametrize("text", ["", "IV-1", "x=1", " =1", "O'Neill", '"', "0010"])
def test_a_text_that_no_spreadsheet_calculates_is_left_alone_both_ways(text: str) -> None:
    assert formula_mark.add(text) == text
    assert formula_mark.remove(text) == text
    assert formula_mark.read_id(text) == text


@pytest.mark.parametrize("text", ["'", "'s-Gravenhage", "''Best'' Diner", "'0010", "=1", "' =1"])
def test_a_name_keeps_the_apostrophe_it_begins_with(text: str) -> None:
    assert formula_mark.remove(text) == text


@pytest.mark.parametrize("text", ["'", "'IV-1", "''", "' =1"])
def test_an_id_that_begins_with_an_apostrophe_is_written_with_two(text: str) -> None:
    assert formula_mark.add(text) == f"'{text}"
    assert formula_mark.read_id(f"'{text}") == text


def read_invoices(*rows: list[str]) -> tuple[list[tuple[object, ...]], list[str]]:
    """Write rows as a spreadsheet does, read them, and return what is read and what is wrong."""
    written = io.StringIO()
    csv.writer(written).writerows([COLUMNS, *rows])
    fields = import_fields.fields_of_kind("invoices", "%Y-%m-%d")
    file = CsvFile(io.BytesIO(written.getvalue().encode()), fields, {})
    values = list(file.read_rows(archive=io.BytesIO()))
    return values, [str(problem) for problem in file.problems.kept]


@pytest.mark.parametrize("number", ["=IV-1", "+1", "-1", "@IV", "'IV-1", "'=IV-1", "''=IV-1", "'"])
def test_an_invoice_number_that_was_exported_is_imported_as_it_was(number: str) -> None:
    row = [formula_mark.add(cell) for cell in ("C-1", number, "2026-11-01", "2026-12-01", "1.00")]

    rows, problems = read_invoices(row)

    assert ([row[2] for row in rows], problems) == ([number], [])


@pytest.mark.parametrize(
    "cell",
    ["'0010", "'IV-1", "' 10", "'", '="0010"', '=T("0010")', '=TEXT(10,"0000")'],
)
@pytest.mark.parametrize("column", [0, 1], ids=["customer", "invoice"])
def test_promise_27_a_mark_of_another_program_makes_no_other_id(cell: str, column: int) -> None:
    row = ["C-1", "IV-1", "2026-11-01", "2026-12-01", "1.00"]
    row[column] = cell

    rows, (problem,) = read_invoices(row)

    with pytest.raises(ForeignMark):
        formula_mark.read_id(cell)
    assert rows == []
    assert problem.startswith(f'line 2, {COLUMNS[column]}: "{cell}" is how a spreadsheet marks ')
