"""The commands a clerk types: import and export, on a biller of their own."""

from __future__ import annotations

import json
from datetime import date

import pytest

from billfold.cli import main
from billfold.ledger import book
from billfold.ledger.chart import BILLED
from billfold.money import Money
from billfold.platform import tenancy
from billfold.receivables.models import Customer, Invoice

INVOICES = """Account,No,Issued,Due,Total,Region
C-1,INV-1,11/1/2026,12/1/2026,"1,120.00",West
C-2,INV-2,11/2/2026,12/2/2026,$30.50,East
"""
MAP = [
    *("--map", "customer_number=Account", "--map", "invoice_number=No"),
    *("--map", "invoice_date=Issued", "--map", "due_date=Due", "--map", "amount=Total"),
    *("--date-format", "%m/%d/%Y"),
]


@pytest.fixture
def billfold(desk, tmp_path, capsys):
    """Type a command; give its exit code, output and complaints."""
    (tmp_path / "invoices.csv").write_text(INVOICES)

    def run(*words):
        code = main.main([str(word) for word in words])
        return code, *capsys.readouterr()

    return run


def test_a_clerk_rehearses_imports_and_repeats_a_file(billfold, desk, tmp_path):
    command = ["import", "invoices", tmp_path / "invoices.csv", "--biller", "import_desk", *MAP]
    command += ["--control-total", "1,150.50", "--control-count", "2"]

    code, output, complaints = billfold(*command)
    assert (code, output) == (1, "")
    assert 'invoices.csv: line 2, Account: Customer "C-1" is not known.' in complaints
    assert complaints.endswith("invoices.csv is refused whole; nothing changed.\n")

    command.append("--create-customers")
    code, output, _ = billfold(*command, "--dry-run")
    assert code == 0
    assert "of 2 invoices, 2 would be added" in output

    code, output, _ = billfold(*command, "--json")
    answer = json.loads(output)
    assert (code, answer["outcome"], answer["added"], answer["customers_added"]) == (
        0,
        "imported",
        2,
        2,
    )
    assert (answer["total"], answer["columns_not_read"]) == ("1150.50", ["Region"])

    code, output, _ = billfold(*command)
    assert code == 0
    assert "nothing changed; all 2 rows are known as they are." in output
    assert "This very file was imported before, at 2026-11-16 14:0" in output

    with tenancy.use(desk):
        assert book.balance(BILLED) == Money(-115_050)
        assert Invoice.objects.get(number="INV-1").invoice_date == date(2026, 11, 1)


def test_rows_and_columns_that_hold_nothing_are_counted_in_the_answer(billfold, desk, tmp_path):
    path = tmp_path / "invoices.csv"
    names, first, second = INVOICES.splitlines()
    path.write_text(f"sep=,\n{names}\n{first},\n,,,,,\n{second},\n,,,,,\n,,,,,\n")
    command = ["import", "invoices", path, "--biller", "import_desk", *MAP, "--create-customers"]

    code, output, _ = billfold(*command, "--control-count", "2", "--dry-run")
    _, answer, _ = billfold(*command, "--json")

    assert code == 0
    assert "Passed over, as they hold nothing: rows: 3, last columns: 1." in output
    report = json.loads(answer)
    assert (report["rows"], report["blank_rows"], report["blank_columns"]) == (2, 3, 1)


def test_promise_27_ids_a_spreadsheet_changed_make_no_customer(billfold, desk, tmp_path):
    path = tmp_path / "invoices.csv"
    cells = ["'0010", '"=""0010"""', "1.23457E+11", "\uff10\uff10\uff11\uff10", "0010\u200b"]
    rows = [f"{cell},INV-{n},2026-11-01,2026-12-01,1.00" for n, cell in enumerate(cells)]
    names = "customer_number,invoice_number,invoice_date,due_date,amount"
    path.write_text("\n".join([names, *rows, ""]))

    code, _, answer = billfold(
        "import", "invoices", path, "--biller", "import_desk", "--create-customers"
    )

    assert code == 1
    assert answer.count(", customer_number: ") == len(cells)
    for content in ('"\'0010"', '"="0010""', '"1.23457E+11"', "U+FF10", "U+200B"):
        assert content in answer
    with tenancy.use(desk):
        assert not Customer.objects.exists()


def test_a_refusal_can_be_read_by_a_machine(billfold, tmp_path):
    command = ["import", "invoices", tmp_path / "invoices.csv", "--biller", "import_desk", "--json"]

    code, output, _ = billfold(*command)

    answer = json.loads(output)
    assert (code, answer["outcome"]) == (1, "refused")
    assert answer["problems"][0] == {
        "line": 1,
        "column": "Account",
        "wrong": "Column 1 is not a field",
        "cure": answer["problems"][0]["cure"],
    }


def test_what_cannot_be_meant_is_refused_in_one_line(billfold, tmp_path):
    file = tmp_path / "invoices.csv"
    on = ["--biller", "import_desk"]
    for words, sentence in [
        (["import", "invoices", file], "There are several billers: add --biller"),
        (["import", "invoices", file, "--biller", "x"], "No biller is called 'x'"),
        (["import", "invoices", tmp_path / "no.csv", *on], "no.csv: No such file"),
        (["import", "invoices", tmp_path, *on], "Is a directory"),
        (["import", "invoices", file, *on, "--date-format", "%d"], "--date-format '%d' must"),
        (["import", "invoices", file, *on, "--map", "amount=a", "--map", "amount=b"], "twice"),
    ]:
        code, output, complaints = billfold(*words)

        assert (code, output) == (1, ""), words
        assert sentence in complaints
        assert complaints.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        ["--map", "amount"],
        ["--control-total", "1e9"],
        ["--control-count", "many"],
        ["--contol-count", "2"],
    ],
)
def test_an_option_that_cannot_be_read_is_refused_in_one_line(capsys, words):
    assert main.main(["import", "invoices", "x.csv", *words]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_an_export_is_written_whole_or_not_at_all(billfold, tmp_path):
    target = tmp_path / "payments.csv"
    command = ["export", "payments", "--since", "0", "--biller", "import_desk"]

    code, output, report = billfold(*command)
    assert code == 0
    assert output.startswith("reference,customer_number,invoice_number,amount,applied,")
    assert report == "Written: 0 rows. Next time: --since 0\n"

    assert billfold(*command, "--output", target)[0] == 0
    assert target.read_text() == output
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".part"] == []


def test_the_next_export_goes_on_where_the_last_one_ended(billfold, tmp_path):
    (tmp_path / "credits.csv").write_text(
        "credit_number,customer_number,credit_date,amount\nCN-1,C-1,2026-11-02,30.50\n"
    )
    biller = ["--biller", "import_desk"]
    invoices = ["import", "invoices", tmp_path / "invoices.csv", *MAP, "--create-customers"]
    assert billfold(*invoices, *biller)[0] == 0
    assert billfold("import", "credits", tmp_path / "credits.csv", *biller)[0] == 0

    _, output, report = billfold("export", "credits", "--since", "0", "--json", *biller)
    first = json.loads(output)
    assert [(row["credit_number"], row["amount"]) for row in first["rows"]] == [("CN-1", "30.50")]
    assert "2026-11-16: 1, 30.50 USD\n" in report
    assert f"--since {first['cursor']}\n" in report

    _, output, _ = billfold("export", "credits", "--since", first["cursor"], "--json", *biller)
    assert json.loads(output)["rows"] == []

    ahead = first["cursor"] + 1
    code, output, complaints = billfold("export", "credits", "--since", ahead, *biller)
    assert (code, output) == (1, "")
    assert f"--since {ahead} was never given: the last number is {first['cursor']}." in complaints
