"""Lockbox profiles: layouts as data, every fault named by file, table and key."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billfold.formats import lockbox
from billfold.formats.lockbox import Unreadable
from billfold.formats.lockbox.layouts import ColumnKind, LockboxField, Misread
from billfold.formats.lockbox.profile_loading import SHIPPED

MEMO = """
name = "our-bank"
source = "Originator guide of our bank, page 12"
record_length = 120

[rules]
opens = "lockbox"

[dates]
created_date = "YYYYMMDD"
deposit_date = "YYYYMMDD"

[sign]
negative = ["CR", "-"]
positive = ["", "DR"]

[record.1]
created_date = [2, 9]

[record.5]
lockbox = [2, 8]
deposit_date = [9, 16]

[record.6]
batch = [2, 5]
item = [6, 9]
amount = [10, 20]
remitter = [21, 40]
ignored = [[41, 44], [50, 60]]

[[record.6.remittance]]
invoice_number = [61, 70]

[record.4]
batch = [2, 5]
item = [6, 9]

[[record.4.remittance]]
invoice_number = [10, 19]
amount = [20, 29]
sign = [30, 31]

[[record.4.remittance]]
text = [40, 120]

[record.7]
batch = [2, 5]
check_count = [6, 9]
amount = [10, 20]

[record.9]
record_count = [2, 7]
"""
FILE = b"""\
120261120
5000415020261120
60001000100000010000ORCHARD SUPPLY                          INV-1
400010001INV-2     0000000500CR
400010001INV-3     0000001000          ON ACCOUNT
70001000100000010000
9000007
"""


def profile_problems(text: str) -> list[tuple[str, str]]:
    with pytest.raises(Unreadable) as refusal:
        lockbox.load_profile(text, name="our-bank.toml")
    assert all(problem.field.startswith("our-bank.toml") for problem in refusal.value.problems)
    assert all(problem.message and problem.fix for problem in refusal.value.problems)
    return [(problem.code, problem.field[14:]) for problem in refusal.value.problems]


def test_a_biller_can_add_the_layout_of_its_bank():
    profile = lockbox.load_profile(MEMO, name="our-bank.toml")

    file = lockbox.read(FILE, profile)

    assert (profile.name, profile.record_length) == ("our-bank", 120)
    (only,) = file.batches[0].checks
    assert (file.created_date, file.batches[0].deposit_date) == (date(2026, 11, 20),) * 2
    assert [(each.invoice_number, each.amount_minor, each.text) for each in only.remittances] == [
        ("INV-1", None, ""),
        ("INV-2", -500, ""),
        ("INV-3", 1000, ""),
        ("", None, "ON ACCOUNT"),
    ]


def test_every_shipped_layout_bears_the_name_of_its_file():
    assert tuple(profile.name for profile in lockbox.shipped_profiles()) == SHIPPED
    assert all(profile.source for profile in lockbox.shipped_profiles())


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("item = [6, 9]\namount", "item = [5, 9]\namount", ("profile-overlap", "[record.6] item")),
        (
            "text = [40, 120]",
            "text = [31, 120]",
            ("profile-overlap", "[record.4.remittance 2] text"),
        ),
        ("[41, 44]", "[40, 44]", ("profile-overlap", "[record.6] ignored")),
        ("batch = [2, 5]\ncheck", "batch = [1, 5]\ncheck", ("profile-overlap", "[record.7] batch")),
        ("[40, 120]", "[40, 121]", ("profile-out-of-range", "[record.4.remittance 2] text")),
        ("remitter = [21", "remitter = [0", ("profile-out-of-range", "[record.6] remitter")),
        ("[2, 8]", "[8, 2]", ("profile-positions", "[record.5] lockbox")),
        ("[2, 8]", "[true, 8]", ("profile-positions", "[record.5] lockbox")),
        ("[2, 8]", "{ first = 2 }", ("profile-positions", "[record.5] lockbox")),
        ("[[41, 44], [50, 60]]", "41", ("profile-positions", "[record.6] ignored")),
        ("remitter", "remiter", ("profile-unknown-field", "[record.6] remiter")),
        ("[[record.6.", "[[record.7.", ("profile-unknown-field", "[record.7] remittance")),
        ("record_count = [2, 7]", "", ("profile-missing-field", "[record.9] record_count")),
        ("amount = [20, 29]", "", ("profile-missing-field", "[record.4.remittance 1] amount")),
        ("invoice_number = [10, 19]", "", ("profile-missing-field", "[record.4.remittance 1]")),
        ('opens = "lockbox"', "", ("profile-missing-field", "[record.5] batch")),
        ("[[record.4.remittance]]", "", ("profile-missing-field", "[record.4] remittance")),
        ("[record.7]", "[record.8]", ("profile-missing-record", "[record.7]")),
        ("[record.7]", "[record.3]", ("profile-unknown-record", "[record] 3")),
        ("record_length = 120", "", ("profile-missing-key", "record_length")),
        ("record_length = 120", "record_length = 1.5", ("profile-value", "record_length")),
        ('name = "our-bank"', "", ("profile-missing-key", "name")),
        ('name = "our-bank"', 'name = ""', ("profile-value", "name")),
        ("[rules]", "bank = 1\n[rules]", ("profile-unknown-key", "bank")),
        ("[rules]", "[rules]\nwrap = 99", ("profile-unknown-key", "[rules] wrap")),
        ("[rules]", "[rules]\noverflow = [9, 1]", ("profile-value", "[rules] overflow")),
        ('"lockbox"', '"file"', ("profile-value", "[rules] opens")),
        ('"CR", "-"', "1", ("profile-value", "[sign] negative")),
        ('"CR", "-"', '"CR", " DR"', ("profile-value", "[sign] negative")),
        ('"YYYYMMDD"\ndep', '"YYYYDDD"\ndep', ("profile-value", "[dates] created_date")),
        ('created_date = "YYYYMMDD"', "", ("profile-missing-key", "[dates] created_date")),
        (
            "created_date = [2, 9]",
            "created_date = [2, 7]",
            ("profile-width", "[record.1] created_date"),
        ),
        (
            "_date = [2, 9]",
            "_date = [2, 9]\ncreated_time = [11, 12]",
            ("profile-width", "[record.1] created_time"),
        ),
    ],
)
def test_each_fault_is_named_by_table_and_key(old, new, problem):
    assert old in MEMO

    assert problem in profile_problems(MEMO.replace(old, new))


def test_a_fault_says_its_line():
    with pytest.raises(Unreadable) as refusal:
        lockbox.load_profile(MEMO.replace("text = [40", "text = [400"), name="our-bank.toml")

    (problem,) = refusal.value.problems
    assert MEMO.splitlines()[problem.line - 1] == "text = [40, 120]"


@pytest.mark.parametrize("record", ["1", "5", "6", "7", "9"])
def test_the_records_that_prove_a_file_are_needed(record):
    problems = profile_problems(MEMO.replace(f"record.{record}", f"other.{record}"))

    assert ("profile-missing-record", f"[record.{record}]") in problems


def test_what_is_no_toml_is_said_with_its_line():
    with pytest.raises(Unreadable) as refusal:
        lockbox.load_profile('name = "our-bank"\nsource = ours\n', name="our-bank.toml")

    (problem,) = refusal.value.problems
    assert (problem.code, problem.line, problem.field) == ("profile-syntax", 2, "our-bank.toml")


def test_all_faults_come_at_once():
    twice = MEMO.replace("remitter", "remiter").replace("[2, 7]", "[2, 700]")

    assert [code for code, _ in profile_problems(twice)] == [
        "profile-unknown-field",
        "profile-out-of-range",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "record = 1",
        "record = {6 = 1, 4 = []}",
        "name = ",
        "\x00",
        "a = " + "[" * 10_000,
        f"record_length = {'9' * 5_000}",
        MEMO.replace("[rules]", "[rules]\n[rules]"),
        "rules = 1\ndates = 2\nsign = 3\n[record.4]\nremittance = 5",
    ],
)
def test_a_text_that_is_no_profile_is_refused(text):
    assert profile_problems(text)


@settings(max_examples=50)
@given(st.text(max_size=60))
def test_no_text_does_anything_but_be_refused(text):
    for variant in (text, MEMO.replace("[2, 8]", text, 1), MEMO + text):
        try:
            lockbox.load_profile(variant, name="our-bank.toml")
        except Unreadable as refusal:
            assert refusal.problems


def test_line_ends_of_windows_change_nothing():
    profile = lockbox.load_profile("\ufeff" + MEMO.replace("\n", "\r\n"), name="our-bank.toml")

    assert lockbox.read(FILE, profile).amounts_minor() == {date(2026, 11, 20): 10000}


@pytest.mark.parametrize(
    ("kind", "date_format", "raw", "value"),
    [
        (ColumnKind.DATE, "YYMMDD", "261115", date(2026, 11, 15)),
        (ColumnKind.DATE, "MMDDYY", "111526", date(2026, 11, 15)),
        (ColumnKind.DATE, "MMDDYYYY", "11152026", date(2026, 11, 15)),
        (ColumnKind.DATE, "MMDDYY", "000000", None),
        (ColumnKind.DATE, "MMDDYY", "      ", None),
        (ColumnKind.AMOUNT, "", "          ", None),
        (ColumnKind.AMOUNT, "", "0000000000", 0),
        (ColumnKind.SIGN, "", "-", True),
        (ColumnKind.SIGN, "", " ", False),
    ],
)
def test_columns_are_read_by_kind(kind, date_format, raw, value):
    assert LockboxField("f", 1, len(raw), kind, date_format, ("-",), ("",)).read(raw) == value


@pytest.mark.parametrize(
    ("kind", "raw", "code"),
    [
        (ColumnKind.AMOUNT, "9" * 20, "too-large"),
        (ColumnKind.COUNT, "9" * 20, "too-large"),
        (ColumnKind.COUNT, "\u0663\u0663", "not-a-number"),
        (ColumnKind.AMOUNT, "00\u00b2", "not-an-amount"),
        (ColumnKind.AMOUNT, " 12", "not-an-amount"),
        (ColumnKind.AMOUNT, "-12", "not-an-amount"),
        (ColumnKind.TIME, "2460", "not-a-time"),
        (ColumnKind.TIME, "25:0", "not-a-time"),
        (ColumnKind.DATE, "26023O", "not-a-date"),
        (ColumnKind.DATE, "260230", "not-a-date"),
        (ColumnKind.SIGN, "X", "sign"),
    ],
)
def test_columns_that_hold_something_else_are_misread(kind, raw, code):
    with pytest.raises(Misread) as misread:
        LockboxField("f", 1, len(raw), kind, "YYMMDD", ("-",), ("",)).read(raw)

    assert misread.value.code == code
