"""Reading a billing system's file: every problem has its place, and nothing makes a traceback."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billfold.receivables.imports import import_fields
from billfold.receivables.imports.csv_file import CsvFile
from billfold.receivables.imports.import_fields import NotADateLayout

HEAD = "customer_number,invoice_number,invoice_date,due_date,amount"
ROW = "C-1,INV-1,2026-11-01,2026-12-01,120.00"


def read(content, *, kind="invoices", mapping=None, layout="%Y-%m-%d"):
    """Read a file; return it with its rows and the archived bytes."""
    raw = content if isinstance(content, bytes) else content.encode()
    archive = io.BytesIO()
    file = CsvFile(io.BytesIO(raw), import_fields.fields_of_kind(kind, layout), mapping or {})
    rows = list(file.read_rows(archive=archive))
    return file, rows, gzip.decompress(archive.getvalue())


def problems(content, **options):
    return [str(problem) for problem in read(content, **options)[0].problems.kept]


def test_promise_27_a_good_file_is_read_summed_and_kept():
    content = f"{HEAD}\n{ROW}\n\nC-1,INV-2,2026-11-01,2026-12-01,$1\n"

    file, rows, archived = read(content)

    days = date(2026, 11, 1), date(2026, 12, 1)
    assert rows == [(2, "C-1", "INV-1", *days, 12_000), (4, "C-1", "INV-2", *days, 100)]
    assert (file.rows, file.total_minor) == (2, 12_100)
    assert archived == content.encode()
    assert file.sha256 == hashlib.sha256(content.encode()).hexdigest()


def test_a_byte_order_mark_of_utf_8_is_no_part_of_the_first_column():
    assert problems(b"\xef\xbb\xbf" + f"{HEAD}\n{ROW}\n".encode()) == []


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_lines_may_end_as_on_any_system(ending):
    assert problems(ending.join([HEAD, ROW, ""])) == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "file: The file is empty."),
        ("\n\n", "file: The file is empty."),
        (f"{HEAD}\n", "file: There are no rows below the first line."),
        (f"{HEAD}\n{ROW}\n".encode("utf-16"), "line 1: The file is UTF-16."),
        (f"{HEAD}\n{ROW}\n".encode("utf-16-le"), "line 1: The line holds a NUL byte."),
        (f"{HEAD}\n{ROW}\n".encode("utf-32"), "line 1: The file is UTF-32."),
        (b"PK\3\4\x14\0\6\0", "line 1: The file is an Excel workbook or another packed file."),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "line 1: The file is an Excel workbook of the old kind."),
        (b"%PDF-1.7\n", "line 1: The file is a PDF."),
        (f"{HEAD}\nC\0-1\n", "line 2: The line holds a NUL byte."),
        (f"{HEAD}\nCaf\xe9,1,,,\n".encode("latin-1"), "line 2: Byte 4 (0xE9) is not UTF-8."),
        (f"{HEAD}\n" + "x" * 70_000, "line 2: The line is longer than 65,536 bytes."),
        ("x" * 5_000_000, "line 1: The line is longer than 65,536 bytes."),
        (HEAD.replace(",", ";"), "line 1: The columns are not divided by commas."),
        (f"{HEAD}\r{ROW}\r", "line 1: The lines end in CR alone."),
        (f'{HEAD}\n{ROW}\n"C-1,INV', "line 3: A double quote opens here and does not close."),
        (f'{HEAD}\n"C"1,INV-1,,,\n', "line 2: The quotes cannot be read."),
        (f"{HEAD}\n{ROW},x\n", "line 2: The row has 6 columns and the first line has 5."),
        (f"{HEAD}\nC-1\n", "line 2: The row has 1 columns and the first line has 5."),
        (f"{ROW}\n{ROW}\n", "line 1, C-1: Column 1 is not a field."),
        (f"{HEAD},amount\n{ROW},1\n", "line 1, amount: The column stands there 2 times."),
        (f"{HEAD},\n{ROW},x\n", "line 2: The row has 6 columns and the first line has 5."),
        (f"{HEAD},,descripton\n{ROW},,\n", "line 1: Column 6 has no name."),
        (f"sep=;\n{HEAD};\n", 'line 1: The line says that ";" divides the columns. Save the file'),
        (f"sep=\t\n{HEAD};\n", "line 1: The line says that '\\t' divides the columns."),
        (f'"sep=;"\n{HEAD}\n', 'line 1: The line says that ";" divides the columns.'),
        ("sep=,\n", "file: The file is empty."),
        (f"sep=,\n{HEAD},descripton\n", "line 2, descripton: Column 6 is not a field."),
        (f"\n{HEAD},descripton\n", "line 2, descripton: Column 6 is not a field."),
        (f"{HEAD}\n,,,,\n", "file: There are no rows below the first line."),
        (f"{HEAD},descripton\n", "line 1, descripton: Column 6 is not a field. Did you mean"),
        (HEAD.replace(",amount", "") + "\n", "line 1, amount: The column is missing."),
    ],
)
def test_promise_27_a_file_that_cannot_be_read_says_where_and_why(content, expected):
    assert problems(content)[0].startswith(expected)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("1e9", "not a number"),
        ("1.005", "more than 2 decimals"),
        ("1,00", "not a number"),
        ("-5", "is below zero"),
        ("0.00", "is zero"),
        ("", "is empty"),
        ("NaN", "not a number"),
        ("9" * 30, "too large"),
        ("€5", "not a number"),
    ],
)
def test_an_amount_is_exact_and_above_zero_or_refused(value, reason):
    (problem,) = problems(f'{HEAD}\nC-1,INV-1,2026-11-01,2026-12-01,"{value}"\n')

    assert problem.startswith("line 2, amount: ")
    assert reason in problem


@pytest.mark.parametrize(
    ("layout", "value"),
    [("%Y-%m-%d", "11/01/2026"), ("%Y-%m-%d", "2026-02-30"), ("%m/%d/%Y", "13/01/2026"),
     ("%Y-%m-%d", "0026-01-01"), ("%Y-%m-%d", " 2026-01-01")],
)  # fmt: skip
def test_a_date_written_otherwise_is_refused(layout, value):
    other = date(2026, 12, 1).strftime(layout)

    (problem,) = problems(f"{HEAD}\nC-1,INV-1,{value},{other},1\n", layout=layout)

    assert problem.startswith("line 2, invoice_date: ")


@pytest.mark.parametrize("layout", ["%Q", "%d", "%Y-%m", "", "day", "%"])
def test_a_date_layout_must_write_the_whole_day(layout):
    with pytest.raises(NotADateLayout):
        import_fields.fields_of_kind("invoices", layout)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (" C-1", "has blanks around it"),
        ("C-1 ", "has blanks around it"),
        ("C\t1", "holds U+0009 tab at character 2"),
        ("C\x0b1", "holds U+000B control character at character 2"),
        ("C-1\u200b", "holds U+200B zero width space at character 4"),
        ("C\u00a01", "holds U+00A0 no-break space at character 2"),
        ("\u202eC-1", "holds U+202E right-to-left override at character 1"),
        ("\u0645\u200c\u0645", "holds U+200C zero width non-joiner at character 2"),
        ("x" * 61, "is longer than 60 characters"),
    ],
)
def test_a_number_has_no_hidden_characters(value, reason):
    (problem,) = problems(f"{HEAD}\n{value},INV-1,2026-11-01,2026-12-01,1\n")

    assert problem.startswith("line 2, customer_number: ")
    assert reason in problem


@pytest.mark.parametrize("column", ["name", "terms", "email"])
@pytest.mark.parametrize("character", ["\n", "\x07", "\u202e", "\u200b", "\ufeff"])
def test_a_text_of_one_line_refuses_what_nobody_sees(column, character):
    value = f"ap@example{character}.com" if column == "email" else f"Hollis{character}Wren"
    texts = {"customer_number": "C-1", "name": "Hollis", column: value}
    content = io.StringIO()
    csv.writer(content).writerows([texts.keys(), texts.values()])

    (problem,) = problems(content.getvalue(), kind="customers")

    assert f", {column}: " in problem
    assert f"U+{ord(character):04X}" in problem or "is not an e-mail address" in problem


@pytest.mark.parametrize("value", [" 12.50", "12.50 ", "\t12.50", "\u00a0$12.50 ", " 12.5"])
def test_blanks_around_an_amount_mean_nothing(value):
    file, rows, _ = read(f"{HEAD}\nC-1,INV-1,2026-11-01,2026-12-01,{value}\n")

    assert (file.problems.kept, rows[0][-1]) == ([], 1_250)


@pytest.mark.parametrize(
    "line", ["sep=,", "SEP=,", '"sep=,"', "sep=,,,,,", "\ufeffsep=,"], ids=ascii
)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_promise_27_a_line_for_a_spreadsheet_in_front_of_the_names_is_obeyed(line, ending):
    file, rows, archived = read(ending.join([line, HEAD, ROW, ""]))

    assert (file.problems.kept, [row[:3] for row in rows]) == ([], [(3, "C-1", "INV-1")])
    assert archived.decode().startswith(line)


@pytest.mark.parametrize(
    "number",
    ["1.23457E+11", "1,23457E+11", "1E+05", "9.99E+307", "1.5e-07", "-1.2E+12", "1.23457E11"],
)
@pytest.mark.parametrize("column", ["customer_number", "invoice_number", "reference"])
def test_promise_27_an_id_that_lost_digits_in_a_spreadsheet_is_refused(column, number):
    values = dict(zip(f"{HEAD},reference".split(","), [*ROW.split(","), "R"], strict=True))
    content = io.StringIO()
    csv.writer(content).writerows([values.keys(), (values | {column: number}).values()])

    (problem,) = problems(content.getvalue())

    assert problem.startswith(f'line 2, {column}: "{number}" is in scientific notation')
    assert "format its column as Text" in problem


@pytest.mark.parametrize("number", ["12E5", "E+11", "1E5", "2E-1X", "1.5", "12E+10", "3E+", "0E"])
def test_an_id_that_only_looks_a_little_like_one_is_an_id(number):
    assert import_fields.read_number(number) == number


@pytest.mark.parametrize(
    "below", ["\n", ",,,,\n", ",,,,\r\n,,,,\r\n", " , ,\t,,\n", ",,,,,,,,\n", ",\n", '"",,\n']
)
def test_promise_27_rows_that_hold_nothing_are_passed_over_and_counted(below):
    content = f"{HEAD}\n{below}{ROW}\n{below}"

    file, rows, _ = read(content)

    assert (file.problems.kept, file.rows, len(rows)) == ([], 1, 1)
    assert file.blank_rows == sum("," in line for line in below.splitlines()) * 2
    assert file.total_minor == 12_000


@pytest.mark.parametrize(
    ("header", "row", "columns"), [(",,", ",,", 2), ("", ",,,", 3), (",", "", 1), (", ", ",", 1)]
)
def test_promise_27_columns_to_the_right_that_hold_nothing_are_passed_over(header, row, columns):
    file, rows, _ = read(f"{HEAD}{header}\n{ROW}{row}\n")

    assert (file.problems.kept, len(rows), file.blank_columns) == ([], 1, columns)
    assert file.skipped == ()


def test_with_a_map_a_column_without_a_name_is_passed_over_and_named_by_its_place():
    content = "No,,customer_number,invoice_date,due_date,amount,\nI,x,C,2026-11-01,2026-12-01,1,\n"

    file, rows, _ = read(content, mapping={"invoice_number": "No"})

    assert (file.problems.kept, len(rows)) == ([], 1)
    assert file.skipped == ("column 2", "column 7")


@pytest.mark.parametrize(
    ("number", "named"),
    [
        ("\uff10\uff10\uff11\uff10", "U+FF10 fullwidth digit zero at character 1"),
        ("C-\uff11", "U+FF11 fullwidth digit one at character 3"),
        ("\U0001d7ce10", "U+1D7CE mathematical bold digit zero at character 1"),
        ("\uff23-1", "U+FF23 fullwidth latin capital letter c at character 1"),
        ("Cafe\u0301-1", "U+0301 combining acute accent at character 5"),
        ("0010\u200b", "U+200B zero width space at character 5"),
        ("\u200b0010", "U+200B zero width space at character 1"),
        ("00\u00a010", "U+00A0 no-break space at character 3"),
        ("0010\ufeff", "U+FEFF zero width no-break space at character 5"),
        ("00\u00ad10", "U+00AD soft hyphen at character 3"),
    ],
)
@pytest.mark.parametrize("kind", ["customers", "invoices", "credits", "lines", "documents"])
def test_promise_27_no_door_lets_in_an_id_that_looks_like_another(kind, number, named):
    field, *_ = import_fields.fields_of_kind(kind, "%Y-%m-%d").values()
    assert field.is_id

    with pytest.raises(import_fields.InvalidCell) as refusal:
        field.read(number)

    assert refusal.value.wrong.endswith(f" holds {named}")
    assert refusal.value.wrong.startswith(('"', "'"))


def test_our_own_fee_numbers_come_from_no_file():
    (problem,) = problems(f"{HEAD}\n{ROW.replace('INV-1', 'RF-1')}\n")

    assert "begins with RF-" in problem


def test_another_currency_is_refused():
    content = f"{HEAD},currency\n{ROW},EUR\n{ROW},\n{ROW},USD\n"

    assert problems(content) == [
        'line 2, currency: "EUR" cannot be billed here. Bill in USD, or leave it out.'
    ]


def test_with_a_map_the_files_other_columns_are_passed_over_and_named():
    mapping = {"customer_number": "Account", "invoice_number": "No"}
    content = "No,Account,invoice_date,due_date,amount,Region\nI,C,2026-11-01,2026-12-01,1,West\n"

    file, rows, _ = read(content, mapping=mapping)

    assert rows[0][1:3] == ("C", "I")
    assert file.skipped == ("Region",)


def test_a_map_that_does_not_fit_says_what_would():
    mapping = {"custmer_number": "Account", "amount": "Totl"}

    assert problems(f"{HEAD},Total\n", mapping=mapping) == [
        'file: --map names "custmer_number", which is not a field. Did you mean "customer_number"?',
        'line 1, Totl: --map names this column, which is not there. Did you mean "Total"?',
    ]


def test_a_problem_below_a_text_of_several_lines_names_the_line_of_the_file():
    content = 'customer_number,name,address,email\nC-1,A,"1 Way\nOhio",\nC-2,B,,not an e-mail\n'

    (problem,) = problems(content, kind="customers")

    assert problem.startswith("line 4, email: ")


@pytest.mark.parametrize(
    ("word", "expected"), [("Paper", True), ("YES", True), ("Electronic", False), ("", False)]
)
def test_yes_and_no_are_read_as_billing_systems_write_them(word, expected):
    _, rows, _ = read(f"customer_number,name,paper_bill\nC-1,A,{word}\n", kind="customers")

    assert rows == [(2, "C-1", "A", expected)]


@given(st.binary(max_size=300))
def test_no_bytes_make_a_traceback(content):
    file, rows, _ = read(content)

    assert file.problems.count or rows


@given(st.text(max_size=200))
def test_no_text_below_a_good_first_line_makes_a_traceback(text):
    file, rows, _ = read(f"{HEAD}\n{text}".encode(errors="replace"))

    assert file.problems.count or rows


@given(
    st.lists(
        st.text(
            st.characters(
                exclude_categories=["C", "Zl", "Zp"],
                max_codepoint=0x2FFF,
                exclude_characters="\u034f\u115f\u1160\u17b4\u17b5\u2800",
            ),
            max_size=50,
        ),
        min_size=1,
        max_size=5,
    )
)
def test_free_text_comes_back_as_it_was(texts):
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(["customer_number", "name"])
    for place, text in enumerate(texts):
        writer.writerow([f"C-{place}", f"x{text}"])

    file, rows, _ = read(written.getvalue(), kind="customers")

    assert file.problems.count == 0
    assert [row[2] for row in rows] == [f"x{text}" for text in texts]


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=20))
def test_promise_27_the_total_is_that_of_the_rows(amounts):
    rows = "".join(
        f"C-1,INV-{n},2026-11-01,2026-12-01,{a // 100}.{a % 100:02}\n"
        for n, a in enumerate(amounts)
    )

    file, _, _ = read(f"{HEAD}\n{rows}")

    assert file.total_minor == sum(amounts)


@pytest.mark.parametrize("code", [0xFEFF, 0xFFFE, 0x1FFFF, 0xFDD0, 0x07])
def test_what_is_no_character_is_refused_by_its_code(code):
    for read in (import_fields.read_line, import_fields.read_lines, import_fields.read_number):
        with pytest.raises(import_fields.InvalidCell):
            read(f"Hollis{chr(code)}Wren")

    assert import_fields.read_lines("Hollis 东京 😀 é") == "Hollis 东京 😀 é"
