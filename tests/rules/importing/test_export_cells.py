"""A cell we write never starts a formula, and comes back as what it was."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billfold.receivables.imports import formula_mark, import_fields
from billfold.receivables.imports.csv_file import CsvFile

FORMULA_SIGNS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"


@given(st.text(max_size=20) | st.text(f"'{FORMULA_SIGNS}x", max_size=6))
def test_no_exported_text_starts_a_formula_and_all_come_back(text: str) -> None:
    cell = formula_mark.add(text)

    assert not cell.startswith(tuple(FORMULA_SIGNS))
    assert cell in (text, f"'{text}")
    assert formula_mark.remove(cell) == text


@pytest.mark.parametrize("text", ["", "IV-1", "'", "'IV-1", "''", "x=1", "' =1", "O'Neill"])
def test_a_text_that_no_spreadsheet_calculates_is_left_alone_both_ways(text: str) -> None:
    assert formula_mark.add(text) == text
    assert formula_mark.remove(text) == text


@pytest.mark.parametrize(
    "number", ["=IV-1", "+1", "-1", "@IV", "'IV-1", "'=IV-1", "''=IV-1", "\uff1dIV", "'"]
)
def test_an_invoice_number_that_was_exported_is_imported_as_it_was(number: str) -> None:
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(["customer_number", "invoice_number", "invoice_date", "due_date", "amount"])
    writer.writerow(map(formula_mark.add, ["C-1", number, "2026-11-01", "2026-12-01", "1.00"]))
    fields = import_fields.fields_of_kind("invoices", "%Y-%m-%d")

    file = CsvFile(io.BytesIO(written.getvalue().encode()), fields, {})
    (row,) = file.read_rows(archive=io.BytesIO())

    assert row[2] == number
