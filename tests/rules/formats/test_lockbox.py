"""Lockbox files: read completely and proved by a profile, or refused with every reason."""

import os
from datetime import date, time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billfold.formats import lockbox
from billfold.formats.lockbox import (
    LockboxBatch,
    LockboxCheck,
    LockboxFile,
    LockboxProfile,
    LockboxRemittance,
    Unreadable,
)
from billfold.formats.problems import FileProblem
from tests import places
from tests.rules.formats.lockbox_files import records, write

FILES = places.FILES / "lockbox"
TWO_BATCHES = (FILES / "synthetic-80col-two-batches.bai").read_bytes()
WIDE = (FILES / "synthetic-104col-one-batch.bai").read_bytes()
EMPTY = (FILES / "synthetic-empty-day.bai").read_bytes()

INVOICE_80, INVOICE_104, PAIRS_80, MEMO_104 = lockbox.shipped_profiles()
DAY = date(2026, 11, 20)


def remittance(
    invoice_number: str = "", amount_minor: int | None = None, **more: str
) -> LockboxRemittance:
    texts = {"customer_number": "", "text": "", **more}
    return LockboxRemittance(
        invoice_number=invoice_number, amount_minor=amount_minor, line=0, **texts
    )


def check(
    item: int, amount_minor: int, *remittances: LockboxRemittance, **more: str
) -> LockboxCheck:
    texts = {"check_number": "1001", "remitter": "ORCHARD SUPPLY", "payee": "", **more}
    return LockboxCheck(
        item=item,
        amount_minor=amount_minor,
        routing_number="110000000",
        account_number="1234567890",
        check_date=date(2026, 11, 15),
        remittances=remittances,
        line=0,
        **texts,
    )


def lockbox_file(*batches: LockboxBatch) -> LockboxFile:
    return LockboxFile("CEDARLINE", "0110000000", DAY, time(4, 15), batches, profile="")


def batch(number: int, *checks: LockboxCheck, lockbox: str = "0004150") -> LockboxBatch:
    return LockboxBatch(lockbox, DAY, number, checks, line=0)


PLAIN = lockbox_file(
    batch(1, check(1, 10000, remittance("INV-1", 6000), remittance("INV-2", 4000)), check(2, 2500)),
)
LINES = records(INVOICE_80, PLAIN)


def problems(content: bytes, profile: LockboxProfile | None = INVOICE_80) -> list[FileProblem]:
    """Return the problems that a file is refused for, or else its warnings."""
    try:
        file_problems = lockbox.read(content, profile).warnings
    except Unreadable as refusal:
        file_problems = refusal.problems
        assert any(problem.severity == "error" for problem in file_problems)
    assert all(problem.message and problem.fix and problem.line for problem in file_problems)
    assert "1234567890" not in repr(file_problems)
    return list(file_problems)


def codes(content: bytes, profile: LockboxProfile | None = INVOICE_80) -> list[tuple[str, int]]:
    return [(problem.code, problem.line) for problem in problems(content, profile)]


def joined(lines: list[str]) -> bytes:
    return "\n".join(lines).encode()


def with_text(line: int, position: int, text: str) -> bytes:
    lines = list(LINES)
    before = lines[line - 1]
    lines[line - 1] = before[: position - 1] + text + before[position - 1 + len(text) :]
    return joined(lines)


def test_a_file_is_read_to_the_last_field():
    file = lockbox.read(TWO_BATCHES)

    assert (file.destination, file.origin, file.profile) == (
        "EXAMPLETEL",
        "0043000096",
        "invoice-80",
    )
    assert (file.created_date, file.created_time) == (DAY, time(4, 15))
    assert [(each.lockbox, each.deposit_date, each.number) for each in file.batches] == [
        ("0004150", DAY, 1),
        ("0004150", DAY, 2),
    ]
    first = file.batches[0].checks[0]
    assert (first.item, first.amount_minor, first.check_number) == (1, 299750, "1001")
    assert (first.check_date, first.remitter) == (date(2026, 11, 15), "ACME WIDGETS")
    assert (first.routing_number[-4:], first.account_number[-4:]) == ("0096", "7890")
    assert file.summary() == {
        "profile": "invoice-80",
        "lockboxes": 1,
        "batches": 2,
        "entries": 6,
        "remittances": 7,
        "debit_minor": 0,
        "credit_minor": 461867,
        "currency": "USD",
    }
    assert file.amounts_minor() == {DAY: 461867}
    assert file.warnings == ()


def test_a_credit_memo_is_a_negative_part_of_a_check():
    (check_with_memo,) = [
        each for each in lockbox.read(TWO_BATCHES).batches[1].checks if each.item == 1
    ]

    assert [(each.invoice_number, each.amount_minor) for each in check_with_memo.remittances] == [
        ("90010045", 105000),
        ("CM-7731", -5000),
    ]
    assert check_with_memo.amount_minor == 100000


def test_a_check_may_come_without_a_reference():
    checks = lockbox.read(WIDE).batches[0].checks

    assert [len(each.remittances) for each in checks] == [1, 2, 1, 0]
    assert checks[2].remittances[0].customer_number == "100047"
    assert checks[2].remittances[0].invoice_number == ""


def test_an_empty_day_is_a_valid_file():
    file = lockbox.read(EMPTY)

    assert [each.checks for each in file.batches] == [()]
    assert file.summary()["credit_minor"] == 0
    assert lockbox.read(joined([*LINES[:2], "9000003"]), INVOICE_80).batches == ()


def test_the_same_checks_in_another_file_have_the_same_keys():
    again = (FILES / "synthetic-duplicate-file-same-items.bai").read_bytes()
    first, second = (lockbox.read(content).batches[0] for content in (TWO_BATCHES, again))

    keys = [first.key(each) for each in first.checks]

    assert keys == [second.key(each) for each in second.checks]
    assert keys[0] == "0004150/2026-11-20/1/1"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("synthetic-bad-batch-total.bai", [("batch-total", 12), ("batch-total", 19)]),
        ("synthetic-wrong-record-count.bai", [("record-count", 14)]),
    ],
)
def test_a_file_whose_totals_do_not_hold_is_refused(name, expected):
    assert codes((FILES / name).read_bytes(), None) == expected


@pytest.mark.skipif("BILLFOLD_SAMPLES" not in os.environ, reason="BILLFOLD_SAMPLES is not set")
def test_a_public_file_of_memos_is_read_by_its_layout():
    folder = Path(os.environ["BILLFOLD_SAMPLES"]) / "lockbox"

    file = lockbox.read((folder / "test_lockbox.bai").read_bytes())

    assert (file.profile, file.summary()["credit_minor"]) == ("memo-104", 700000)
    (only,) = file.batches[0].checks
    assert [each.text for each in only.remittances] == ["CE554"]
    assert (only.remitter, only.payee) == ("BOB E SMITH", "MY BUSINESS COMPANY")
    assert [problem.code for problem in file.warnings] == ["record-size"]


@pytest.mark.parametrize(
    ("line", "position", "text", "code"),
    [
        (1, 24, "      ", "no-created-date"),
        (1, 24, "261320", "not-a-date"),
        (1, 30, "2561", "not-a-time"),
        (1, 60, "X", "uncovered-columns"),
        (2, 32, "401", "service-type"),
        (2, 35, "104", "record-size"),
        (4, 47, "993326", "check-date"),
        (5, 8, "5", "continued-record"),
        (5, 9, "02", "overflow-sequence"),
        (5, 9, "  ", "missing-value"),
        (5, 11, "9", "overflow-last"),
        (6, 11, "0", "overflow-last"),
        (5, 2, "002", "overflow-item"),
        (5, 5, "002", "overflow-item"),
        (5, 40, "00000O6000", "not-an-amount"),
        (5, 40, "0000006001", "remittance-total"),
        (5, 50, "X", "sign"),
        (7, 2, "002", "batch-number"),
        (7, 5, "001", "duplicate-check"),
        (7, 8, "        25", "not-an-amount"),
        (8, 2, "002", "batch-number"),
        (8, 8, "0009999", "lockbox-number"),
        (8, 15, "261121", "deposit-date"),
        (8, 21, "003", "batch-count"),
        (8, 21, "0x2", "not-a-number"),
        (8, 24, "0000012501", "batch-total"),
        (9, 8, "0009999", "lockbox-number"),
        (9, 15, "261121", "deposit-date"),
        (9, 21, "0003", "service-count"),
        (9, 25, "0000012501", "service-total"),
        (9, 25, "          ", "missing-value"),
        (10, 2, "000009", "record-count"),
        (10, 2, "00001\u00b2", "not-a-number"),
        (7, 60, "\x00", "unprintable"),
        (7, 60, "\t", "unprintable"),
        (7, 60, "\u00c9", "not-ascii"),
    ],
)
def test_each_rule_names_what_breaks_it(line, position, text, code):
    check_line = 4

    problem_codes = codes(with_text(line, position, text))

    assert (code, line) in problem_codes or (code, check_line) in problem_codes
    assert {each for each, _ in problem_codes} - {"not-ascii"} == {code} - {"not-ascii"}


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([*LINES[:2], LINES[2][:7] + " " * 7 + LINES[2][14:], *LINES[3:]], "no-lockbox-number"),
        ([*LINES[:2], LINES[2][:14] + "000000" + LINES[2][20:], *LINES[3:]], "no-deposit-date"),
        ([*LINES[:2], LINES[2][0] + "   " + LINES[2][4:], *LINES[3:]], "batch-number"),
        ([*LINES[:6], LINES[6] + "X", *LINES[7:]], "line-too-long"),
        ([*LINES[:6], "3" + LINES[6][1:], *LINES[7:]], "unknown-record"),
        (LINES[:-1], "missing-trailer"),
        ([*LINES, LINES[-1]], "after-trailer"),
        ([*LINES, *LINES], "after-trailer"),
        ([*LINES[:7], *LINES[8:]], "record-order"),
        ([*LINES[:8], *LINES[9:]], "record-order"),
        ([*LINES[:2], *LINES[3:]], "record-order"),
        ([LINES[0], *LINES[2:]], "record-order"),
        ([LINES[0], *LINES], "second-header"),
        ([*LINES[:4], *LINES[5:]], "overflow-sequence"),
    ],
)
def test_a_record_that_is_missing_or_strange_is_named(lines, expected):
    assert expected in [code for code, _ in codes(joined(lines))]


def test_items_of_a_batch_ascend():
    turned = lockbox_file(batch(1, check(2, 100), check(1, 200)))

    assert codes(write(INVOICE_80, turned)) == [("item-order", 5)]


def test_a_batch_cannot_come_twice_in_a_file():
    twice = lockbox_file(batch(1, check(1, 100)), batch(1, check(1, 200)))

    assert codes(write(INVOICE_80, twice)) == [("duplicate-check", 7)]
    other = lockbox_file(batch(1, check(1, 100)), batch(1, check(1, 200), lockbox="0004151"))
    assert codes(write(INVOICE_80, other)) == []


def test_a_check_without_an_amount_is_odd():
    assert codes(write(INVOICE_80, lockbox_file(batch(1, check(1, 0))))) == [("zero-amount", 4)]


def test_a_check_that_pays_less_than_its_invoices_waits_for_a_person():
    short = lockbox_file(batch(1, check(1, 9500, remittance("INV-1", 10000))))

    (problem,) = problems(write(INVOICE_80, short))

    assert (problem.code, problem.severity) == ("remittance-total", "warning")
    assert "100.00" in problem.message
    assert "95.00" in problem.message


def test_many_short_checks_are_still_a_deposit():
    short = [check(item, 100, remittance("INV-1", 99)) for item in range(1, 1000)]
    many = lockbox_file(batch(1, *short), batch(2, *short))

    file = lockbox.read(write(INVOICE_80, many), INVOICE_80)

    assert file.summary()["entries"] == 1998
    assert len(file.warnings) == 51
    assert "not listed" in file.warnings[-1].message


def test_more_than_99_overflows_start_over():
    parts = [remittance(f"INV-{number}", 100) for number in range(250)]
    long = lockbox_file(batch(1, check(1, 25000, *parts)))
    lines = records(INVOICE_80, long)

    assert lockbox.read(joined(lines), INVOICE_80) == long
    assert lines[4 + 99].startswith("40010016010")
    del lines[4 + 99]
    assert "overflow-sequence" in [code for code, _ in codes(joined(lines))]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r", ""])
@pytest.mark.parametrize("content", [TWO_BATCHES, WIDE, EMPTY])
def test_line_ends_and_stripped_blanks_change_nothing(content, line_end):
    lines = content.decode().splitlines()
    file = lockbox.read(content)

    assert lockbox.read(line_end.join(lines).encode()) == file
    assert lockbox.read(b"\xef\xbb\xbf" + line_end.join([*lines, "\x1a"]).encode()) == file
    if line_end:
        stripped = [line.rstrip() for line in lines]
        assert lockbox.read(line_end.join(["", *stripped, "", ""]).encode()) == file


def test_a_layout_that_fits_better_is_taken():
    assert [lockbox.read(each).profile for each in (TWO_BATCHES, WIDE, EMPTY)] == [
        "invoice-80",
        "invoice-104",
        "invoice-80",
    ]
    pairs = lockbox_file(
        batch(1, check(1, 3000, remittance("9001", 1000), remittance("9002", 2000)))
    )
    assert lockbox.read(write(PAIRS_80, pairs)) == pairs
    assert lockbox.read(write(PAIRS_80, pairs)).profile == "pairs-80"


def test_layouts_that_read_different_things_must_be_named():
    unsure = lockbox_file(batch(1, check(1, 100, remittance(customer_number="100047"))))
    content = write(INVOICE_80, unsure)

    assert codes(content, None) == [("several-layouts-fit", 1)]
    assert lockbox.read(content, INVOICE_80) == unsure


def test_a_layout_that_leaves_columns_out_is_not_taken_unasked():
    content = write(INVOICE_104, PLAIN)

    assert {code for code, _ in codes(content, MEMO_104)} == {"uncovered-columns"}
    strange = joined([line[:70] + "SOMETHING" for line in records(INVOICE_104, PLAIN)])
    assert ("no-layout-fits", 1) in codes(strange, None)


def test_one_batch_header_may_open_several_batches():
    several = lockbox_file(
        batch(1, check(1, 100, remittance(text="INV 1"))),
        batch(2, check(1, 200, remittance(text="INV 2"), payee="CEDARLINE")),
    )
    lines = records(MEMO_104, several)

    assert [line[0] for line in lines] == list("1256476478" + "9")
    assert lockbox.read(joined(lines), MEMO_104) == several
    assert "record-order" in [code for code, _ in codes(joined(lines), INVOICE_104)]


def test_a_service_total_of_all_lockboxes_bears_no_number():
    two = lockbox_file(batch(1, check(1, 100)), batch(2, check(1, 200), lockbox="0004151"))
    lines = records(INVOICE_80, two)
    lines[-2] = "80000000000000261120" + "0002" + "0000000300"
    del lines[5]
    lines[-1] = f"9{len(lines):06}"

    assert lockbox.read(joined(lines), INVOICE_80) == two


def test_bank_details_are_in_no_text():
    file = lockbox.read(TWO_BATCHES)

    for each in (each for batch in file.batches for each in batch.checks):
        assert each.account_number not in repr(file)
        assert each.routing_number not in repr(file.batches)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not-lockbox"),
        (b"\n\n", "not-lockbox"),
        (b"01,BANK,CEDARLINE,261120,0400,1,,,2/", "not-lockbox"),
        (b"\x00" * 100, "not-lockbox"),
        ("100CEDARLINE".encode("utf-16"), "encoding"),
        (b"1", "no-layout-fits"),
        (b"1\n2\n5\n6\n4\n7\n8\n9", "no-layout-fits"),
        (b"1" * 100_000, "no-layout-fits"),
        (b"1\n" + b"4\n" * 100_000, "no-layout-fits"),
        (b"1\n" + b"8\r" * 100_000, "no-layout-fits"),
        (b"1" + b"\x00" * 100_000, "no-layout-fits"),
        (b"1" + b" " * 100_000 + b"9", "no-layout-fits"),
        ("1\u0663".encode() * 100, "no-layout-fits"),
    ],
)
def test_other_bytes_are_refused_by_name(content, code):
    assert codes(content, None)[0][0] == code


@settings(max_examples=50)
@given(st.binary(max_size=400))
def test_no_bytes_at_all_do_anything_but_be_refused(content):
    for variant in (content, b"1" + content, TWO_BATCHES[:300] + content):
        with pytest.raises(Unreadable):
            lockbox.read(variant)
