"""What a bank writes on purpose is refused with what to ask it for, or put up with and said."""

from __future__ import annotations

import pytest

from billfold.formats import bai2
from billfold.formats.bai2.physical_records import REFUSED_AGAIN, SEND_AGAIN
from billfold.formats.problems import FileProblem, Unreadable
from tests.rules.formats.test_bai2 import PRIOR_DAY, statement


def only_problem(content: bytes) -> FileProblem:
    with pytest.raises(Unreadable) as refusal:
        bai2.read(content)
    (problem,) = refusal.value.problems
    return problem


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("3", "The file is BTRS, version 3 of BAI, not version 2."),
        ("1", "The file is version 1 of BAI, not version 2."),
        ("", "The file names no version."),
    ],
)
def test_promise_27_another_version_says_what_to_ask_the_bank_for(version, words):
    content = statement("03,001,USD/").replace(b",,,2/", f",,,{version}/".encode())

    problem = only_problem(content)

    assert (problem.code, problem.line, problem.message) == ("version", 1, words)
    assert "Ask the bank for its reports in BAI version 2" in problem.fix


@pytest.mark.parametrize("amount", ["12.50", "12.", ".5", "1250.00"])
@pytest.mark.parametrize(
    "lines",
    [
        ["03,001,USD/", "16,195,{},0,BR,CR,T"],
        ["03,001,USD,015,{},,/"],
        ["03,001,USD,015,-{},,/"],
        ["03,001,USD/", "16,195,,S,{},,,BR,CR,T"],
    ],
    ids=["transaction", "balance", "overdraft", "availability"],
)
def test_promise_27_an_amount_with_a_decimal_point_says_what_to_ask_the_bank_for(lines, amount):
    content = statement(*(line.format(amount) for line in lines)).replace(b",,S", b",0,S")

    problem = only_problem(content)

    assert (problem.code, problem.line) == ("decimal-point", len(lines) + 2)
    assert problem.fix.startswith("Ask the bank to write whole cents")


def test_what_is_the_same_every_day_is_not_asked_for_again():
    dialects = [
        statement("03,001,USD/").replace(b",,,2/", b",,,3/"),
        statement("03,001,USD/", "16,195,6.00,Z,,,T"),
        statement("03,001,USD/", "16,195,-600,Z,,,T", total=-600),
    ]
    damage = statement("03,001,USD/", "16,195,600,Z,,,T", total=601)

    fixes = [only_problem(content).fix for content in dialects]

    assert all(fix.endswith(REFUSED_AGAIN) and SEND_AGAIN not in fix for fix in fixes)
    with pytest.raises(Unreadable) as refusal:
        bai2.read(damage)
    assert {problem.fix for problem in refusal.value.problems} == {SEND_AGAIN}


@pytest.mark.parametrize("ends", [b"\n\n", b"\r\n\r\n", b"\r\r\n", b"\n \n", b"\n\n\n\n"])
def test_blank_lines_between_records_are_put_up_with_and_said_once(ends):
    doubled = ends.join(PRIOR_DAY.splitlines()) + ends

    read = bai2.read(doubled)

    assert [(each.code, each.line) for each in read.warnings] == [("blank-lines", 2)]
    assert [
        [transaction[:6] for account in group.accounts for transaction in account.transactions]
        for group in read.groups
    ] == [
        [transaction[:6] for account in group.accounts for transaction in account.transactions]
        for group in bai2.read(PRIOR_DAY).groups
    ]


@pytest.mark.parametrize("at", range(2, 6))
def test_a_blank_line_is_said_at_its_line_also_among_ordinary_transactions(at):
    lines = ["03,001,USD/", *(f"16,195,{n}00,Z,,,T" for n in range(1, 5))]
    lines.insert(at, "")
    content = statement(*lines, total=1000).replace(b"49,1000,7", b"49,1000,6")
    content = content.replace(b"98,1000,1,9", b"98,1000,1,8").replace(b"99,1000,1,11",
                                                                     b"99,1000,1,10")  # fmt: skip

    assert [(each.code, each.line) for each in bai2.read(content).warnings] == [
        ("blank-lines", at + 3)
    ]
