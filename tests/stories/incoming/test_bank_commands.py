"""`billfold bank`: files checked, shown and taken in from the command line."""

from __future__ import annotations

import gzip
import io
import json
from importlib import resources
from types import SimpleNamespace
from typing import Any

import pytest
from django.db.models import Model
from hypothesis import given, settings
from hypothesis import strategies as st

from billfold.banking import connections
from billfold.banking.models import BankFile, BankLine, RoutingNumber
from billfold.cli import main
from billfold.payments.models import Case
from billfold.platform import clock, tenancy
from tests.environment import SHARING_A_FIXTURE
from tests.places import FILES
from tests.world import eastern

WEB = FILES / "nacha" / "biller-web-one-time.ach"
RETURNS = FILES / "nacha" / "returns-admin-and-nsf.ach"
LOCKBOX = FILES / "lockbox" / "synthetic-80col-two-batches.bai"
STATEMENT = FILES / "bai2" / "synthetic-prior-day-lockbox-wire-ach.bai"
BROKEN = FILES / "nacha" / "bad-batch-total.ach"


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run `billfold bank …` in this process; gives its exit code and what it said."""
    monkeypatch.setattr(main.signal, "signal", lambda *_: None)

    def run(*words: object) -> tuple[int, str]:
        code = main.main(["bank", *map(str, words)])
        output = capsys.readouterr()
        return code, output.out + output.err

    return run


def test_promise_27_check_says_what_each_file_is_and_what_is_wrong(command):
    code, output = command("check", WEB, STATEMENT, BROKEN)

    assert code == 1
    assert f"{WEB}: valid, nacha: " in output
    assert f"{STATEMENT}: valid, bai2: " in output
    assert "NOT VALID" in output
    assert "line " in output


def test_check_tells_a_program_one_object_a_file(command):
    code, output = command("check", "--json", WEB, BROKEN)

    good, bad = map(json.loads, output.splitlines())
    assert code == 1
    assert set(good) == {"file", "format", "valid", "problems", "summary"}
    assert (good["valid"], good["problems"]) == (True, [])
    assert good["summary"]["entries"] == 4
    assert good["summary"]["debit_minor"] > 0
    assert bad["valid"] is False
    assert set(bad["problems"][0]) == {"code", "severity", "line", "field", "message", "fix"}


def test_check_judges_a_file_we_would_send_as_its_bank_would(command):
    odd = FILES / "nacha" / "bad-check-digit.ach"

    assert command("check", odd)[0] == 0
    code, output = command("check", "--outgoing", odd)
    assert code == 1
    assert "error: line " in output
    assert command("check", "--outgoing", WEB)[0] == 0


def test_check_exits_0_when_all_are_valid(command):
    assert command("check", WEB, RETURNS, STATEMENT)[0] == 0


def test_a_gzipped_file_and_standard_input_are_read_too(command, tmp_path, monkeypatch):
    packed = tmp_path / "web.ach.gz"
    packed.write_bytes(gzip.compress(WEB.read_bytes()))
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(STATEMENT.read_bytes())))

    code, output = command("check", "--json", packed, "-")

    assert code == 0
    assert [json.loads(line)["file"] for line in output.splitlines()] == [str(packed), "-"]


def test_a_file_that_cannot_be_opened_is_a_problem_like_any_other(command, tmp_path):
    code, output = command("check", "--json", tmp_path / "none.ach", tmp_path)

    assert code == 1
    codes = [json.loads(line)["problems"][0]["code"] for line in output.splitlines()]
    assert codes == ["no-file", "no-file"]


@settings(max_examples=60, suppress_health_check=SHARING_A_FIXTURE)
@given(content=st.binary(max_size=400))
def test_promise_13_no_bytes_bring_a_traceback(command, tmp_path, content):
    path = tmp_path / "any"
    path.write_bytes(content)

    code, output = command("check", "--json", path)

    assert code in (0, 1)
    assert json.loads(output)["valid"] is (code == 0)


def test_promise_23_show_masks_account_numbers_unless_asked(command):
    masked, revealed = command("show", STATEMENT)[1], command("show", "--reveal", STATEMENT)[1]

    assert "5550123456" not in masked
    assert "…3456" in masked
    assert "5550123456" in revealed


def test_show_prints_a_nacha_file_as_batches_and_entries(command):
    code, output = command("show", WEB)

    assert code == 0
    assert "Batch 1: WEB" in output
    assert output.count(" 27 debit ") + output.count(" 37 debit ") == 4


def test_show_says_what_we_make_of_statement_lines_and_returns(command):
    assert "Lockbox deposit" in command("show", STATEMENT)[1]
    output = command("show", RETURNS)[1]
    assert "R01 Not enough money" in output


def test_show_gives_a_program_everything_but_secrets(command):
    answer = json.loads(command("show", "--json", STATEMENT)[1])

    account = answer["document"]["groups"][0]["accounts"][0]
    assert account["number"] == "…3456"
    assert len(account["transactions"]) > 3


def test_show_of_a_broken_file_names_its_problems(command):
    code, output = command("show", BROKEN)

    assert code == 1
    assert "NOT VALID" in output


def count(biller: tenancy.Biller, rows: type[Model]) -> int:
    with tenancy.use(biller):
        return rows.objects.count()


@pytest.fixture
def bank(desk, now):
    """Give the biller a bank account that STATEMENT is about."""
    with tenancy.use(desk):
        connections.add(
            "5550123456",
            name="Operating",
            bank_name="First Harbor Bank",
            odfi_routing_number="091999049",
            immediate_origin="1910000001",
            company_name="Cedarline Comm",
            company_id="1910000001",
            transport={"kind": "folder", "path": "unused"},
        )
    return desk


def test_promise_13_import_takes_a_file_in_once(bank, command):
    code, output = command("import", LOCKBOX, "--biller", bank.schema)
    assert (code, output) == (0, f"{LOCKBOX.name}: taken in as lockbox.\n")
    assert count(bank, Case) == 1

    code, output = command("import", "--json", LOCKBOX, "--biller", bank.schema)

    (answer,) = json.loads(output)
    assert (code, answer["is_new"], answer["state"]) == (0, False, "read")
    assert count(bank, Case) == 1


def test_promise_20_an_imported_statement_waits_for_two_people(bank, command):
    clock.move_to(eastern(2026, 11, 23))

    code, output = command("import", STATEMENT, "--biller", bank.schema)

    words = "kept, and not booked before two people accept it: see `statement list`."
    assert (code, output.splitlines()[-1]) == (1, f"{STATEMENT.name}: {words}")
    assert (count(bank, BankFile), count(bank, BankLine)) == (1, 0)


def test_promise_27_import_keeps_a_broken_file_and_says_why(bank, command):
    code, output = command("import", BROKEN, "--biller", bank.schema)

    assert code == 1
    assert "line " in output
    assert "kept, and not taken in; a case says why" in output
    assert (count(bank, BankFile), count(bank, Case)) == (1, 1)


def test_import_without_a_bank_account_says_what_is_missing(desk, command):
    code, output = command("import", STATEMENT, "--biller", desk.schema)

    assert code == 1
    assert "no bank account yet" in output


def test_the_directory_of_banks_is_loaded_whole_or_not_at_all(desk, command):
    demo = resources.files("billfold.formats") / "data" / "demo-directory.txt"

    code, output = command("directory", STATEMENT, "--biller", desk.schema)
    assert (code, count(desk, RoutingNumber)) == (1, 0)
    assert "refused whole" in output

    code, output = command("directory", demo, "--biller", desk.schema)
    assert code == 0
    assert "6 routing numbers loaded" in output
    assert count(desk, RoutingNumber) == 6


def test_a_lockbox_file_is_shown_against_its_layout(command):
    code, output = command("layout", FILES / "lockbox" / "synthetic-80col-two-batches.bai")

    assert code == 0
    assert "Layout " in output
    assert "0 problems with this layout." in output


def test_a_profile_that_is_wrong_is_refused_by_table_and_key(command, tmp_path):
    profile = tmp_path / "mine.toml"
    profile.write_text("record_length = 'eighty'\n")

    code, output = command(
        "layout", "--profile", profile, FILES / "lockbox" / "synthetic-80col-two-batches.bai"
    )

    assert code == 1
    assert "mine" in output
    assert "Traceback" not in output
