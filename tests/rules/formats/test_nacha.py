"""Nacha files: what we write, a bank reads; what is damaged, we refuse, saying where and why."""

from __future__ import annotations

import re
import string
from dataclasses import replace
from datetime import date, time
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billfold.formats import nacha
from billfold.formats.nacha import (
    NachaBatch,
    NachaEntry,
    NachaFile,
    PaymentAddendum,
    Unreadable,
    Unwritable,
)
from tests import places

FILES = places.FILES / "nacha"

GOOD = {
    "biller-web-one-time.ach": 4,
    "biller-web-balanced-with-offset.ach": 5,
    "biller-multi-batch-unbalanced.ach": 11,
    "biller-autopay-2000-entries-hash-overflow.ach": 2000,
    "biller-prenote.ach": 2,
    "biller-micro-entries-acctverify.ach": 6,
    "biller-retry-and-return-fee.ach": 3,
    "biller-reversal.ach": 1,
    "biller-same-day.ach": 2,
    "biller-ctx-six-addenda.ach": 1,
    "biller-crlf-no-trailing-newline.ach": 4,
    "biller-no-block-padding.ach": 4,
    "returns-admin-and-nsf.ach": 7,
    "returns-unauthorised-mix.ach": 8,
    "return-of-prenote-r03.ach": 1,
    "noc-c01-to-c09.ach": 7,
    "mixed-returns-and-noc-one-file.ach": 4,
    "zero-return-day-no-batches.ach": 0,
}
"""File and number of entries."""

BAD = {
    "bad-batch-total.ach": (7, "batch-total-debits", "Total debits, positions 21-32"),
    "bad-empty.ach": (1, "no-header", ""),
    "bad-entry-hash.ach": (7, "batch-entry-hash", "Entry hash, positions 11-20"),
    "bad-prenote-nonzero.ach": (5, "batch-total-debits", "Total debits, positions 21-32"),
    "bad-transaction-code-for-service-class.ach": (
        7,
        "batch-total-debits",
        "Total debits, positions 21-32",
    ),
}
"""File, and line, code and field of its first error."""

ODD = {
    "bad-93-char-record.ach": (4, "trace-number", "Trace number, positions 80-94"),
    "bad-check-digit.ach": (
        3,
        "routing-number",
        "Receiving bank's routing number, positions 4-12",
    ),
    "bad-duplicate-trace.ach": (4, "trace-order", "Trace number, positions 80-94"),
    "bad-file-batch-count.ach": (8, "file-batch-count", "Batch count, positions 2-7"),
    "bad-trace-order.ach": (5, "trace-order", "Trace number, positions 80-94"),
}
"""Files we would never write, and read with a warning: all money in them is proved."""

GOLDEN = [name for name in GOOD if name.startswith("biller-") and "-no-" not in name]
"""Files that we could have written ourselves."""


def content(name: str) -> bytes:
    return (FILES / name).read_bytes()


def problems(data: bytes) -> list[nacha.FileProblem]:
    with pytest.raises(Unreadable) as refusal:
        nacha.read(data)
    return list(refusal.value.problems)


# The files and their verdicts


def test_every_sample_file_has_a_verdict():
    assert {path.name for path in FILES.iterdir()} == GOOD.keys() | BAD.keys() | ODD.keys()


@pytest.mark.parametrize("name", GOOD)
def test_a_good_file_is_read_whole(name: str):
    file = nacha.read(content(name))

    assert sum(1 for _ in file.entries()) == GOOD[name]


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_at_the_line_and_field_that_is_wrong(name: str):
    first = next(p for p in problems(content(name)) if p.severity == "error")

    assert (first.line, first.code, first.field) == BAD[name]
    assert first.message
    assert first.fix


@pytest.mark.parametrize("name", ODD)
def test_an_odd_file_whose_money_is_proved_is_read_with_a_warning(name: str):
    (warning,) = nacha.read(content(name)).warnings

    assert (warning.line, warning.code, warning.field) == ODD[name]
    assert warning.severity == "warning"


@pytest.mark.parametrize("name", GOLDEN)
def test_a_file_read_and_written_again_is_the_same_to_the_byte(name: str):
    assert nacha.write(nacha.read(content(name))) == content(name)


# What we write


def ascii_text(most: int, alphabet: str = string.ascii_uppercase + string.digits + " '.-&"):
    return st.text(alphabet, max_size=most).map(str.strip)


NAMES = ascii_text(15).map("A{}".format)
ROUTING_NUMBERS = st.sampled_from(
    ["110000000", "129999018", "061999024", "072999039", "091999049", "021999051"]
)

ACCOUNT_NUMBERS = st.integers(1, 10**17 - 1).map(str) | st.sampled_from(["0007", "00-12A"])


ADDENDA = {
    False: [(), (PaymentAddendum("INV 9001"),)],
    True: [(), nacha.split_into_addenda("RMR*IV*" * 40)],
}
"""What an entry may carry, and what one of CTX may."""


@st.composite
def batches(draw: st.DrawFn, number: int) -> NachaBatch:
    sec_code = draw(st.sampled_from(["PPD", "CCD", "CTX", "WEB", "TEL"]))
    allowed = [27, 28, 37, 38] if sec_code in ("WEB", "TEL") else [22, 23, 27, 28, 32, 33, 37, 38]
    entries = []
    for index in range(draw(st.integers(1, 3))):
        code = draw(st.sampled_from(allowed))
        entry = NachaEntry(
            transaction_code=code,
            routing_number=draw(ROUTING_NUMBERS),
            account_number=draw(ACCOUNT_NUMBERS),
            amount_minor=0 if code % 5 == 3 else draw(st.integers(1, 10**8)),
            identification=draw(ascii_text(15)),
            name=draw(NAMES),
            trace=f"09199904{number * 10 + index:07d}",
            discretionary=draw(st.sampled_from(["", "S", "R", "ST"])),
            addenda=() if sec_code == "TEL" else draw(st.sampled_from(ADDENDA[sec_code == "CTX"])),
        )
        entries.append(entry)
    return NachaBatch(
        service_class=200,
        company_name=draw(NAMES),
        company_id="1234567890",
        sec_code=sec_code,
        description="BILL PAY",
        effective_date=draw(st.dates(date(2000, 1, 1), date(2099, 12, 31))),
        odfi="09199904",
        number=number,
        entries=tuple(entries),
        company_data=draw(ascii_text(20)),
        descriptive_date=draw(st.sampled_from(["", "SDNOV", "NOV 26"])),
    )


@st.composite
def files(draw: st.DrawFn) -> NachaFile:
    return NachaFile(
        destination="091999049",
        origin="1234567890",
        created_on=draw(st.dates(date(2000, 1, 1), date(2099, 12, 31))),
        created_at=draw(st.sampled_from([None, time(0, 0), time(23, 59)])),
        modifier=draw(st.sampled_from("AZ09")),
        batches=tuple(draw(batches(number)) for number in range(1, draw(st.integers(1, 3)) + 1)),
        destination_name=draw(ascii_text(23)),
        origin_name=draw(ascii_text(23)),
        reference_code=draw(ascii_text(8)),
    )


LINE_ENDS = st.sampled_from(["\n", "\r\n"])
QUICK = settings(max_examples=30, deadline=None)


@QUICK
@given(file=files(), line_end=LINE_ENDS)
def test_what_is_written_reads_back_as_the_same_records(file: NachaFile, line_end):
    assert nacha.read(nacha.write(file, line_end=line_end)) == file


@QUICK
@given(file=files())
def test_a_written_file_is_blocks_of_ten_records_of_94_printable_characters(file: NachaFile):
    lines = nacha.write(file).decode("ascii").split("\n")

    assert lines.pop() == ""
    assert len(lines) % 10 == 0
    assert all(re.fullmatch(r"[ -~]{94}", line) and line == line.upper() for line in lines)


@QUICK
@given(file=files(), data=st.data())
def test_lost_line_ends_and_blanks_change_nothing(file: NachaFile, data: st.DataObject):
    written = nacha.write(file)
    lines = written.decode().splitlines()

    spellings = [
        "".join(lines),
        "".join(lines) + "\n",
        "\n".join(line.rstrip() for line in lines),
        "\r\n".join(line + "   " for line in lines) + "\r\n\r\n",
        "\n".join(line for line in lines if line != "9" * 94),
    ]

    assert nacha.read(data.draw(st.sampled_from(spellings)).encode()) == file


def one_entry_file(**changes: object) -> NachaFile:
    entry = NachaEntry(
        27, "110000000", "0123456", 1250, "C-1", "ADA EXAMPLE", "091999040000001", "S"
    )
    return file_of(replace(entry, **changes))  # type: ignore[arg-type]


def file_of(*entries: NachaEntry, **changes: object) -> NachaFile:
    batch = NachaBatch(
        225,
        "CEDARLINE",
        "1234567890",
        "WEB",
        "BILL PAY",
        date(2026, 11, 24),
        "09199904",
        1,
        entries,
    )
    changed = replace(batch, **changes)  # type: ignore[arg-type]
    return NachaFile("091999049", "1234567890", date(2026, 11, 23), time(9, 30), "A", (changed,))


@pytest.mark.parametrize(
    ("name", "written_name"),
    [
        ("Zoë Núñez", "ZOE NUNEZ"),
        ("Søren Łukasz Weiß", "SOREN LUKASZ WEISS"),
        ("O’Brien \u2013 Co", "O'BRIEN - CO"),  # noqa: RUF001 - what people type
        ("Ana\t山田\x00 Lee", "ANA LEE"),
    ],
)
def test_names_are_written_in_capital_letters_without_accents(name, written_name):
    written = nacha.write(one_entry_file(name=name))

    assert nacha.read(written).batches[0].entries[0].name == written_name


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount_minor": 0}, "Amount"),
        ({"amount_minor": -5}, "Amount"),
        ({"amount_minor": 10**10}, "Amount"),
        ({"account_number": "1" * 18}, "Account number"),
        ({"account_number": ""}, "Account number"),
        ({"account_number": "000"}, "Account number"),
        ({"routing_number": "000000000"}, "Receiving bank's routing number"),
        ({"routing_number": "110000001"}, "Receiving bank's routing number"),
        ({"transaction_code": 26}, "Transaction code"),
        ({"transaction_code": 22}, "Transaction code"),
        ({"transaction_code": 28}, "Amount"),
        ({"trace": "110000000000001"}, "Trace number"),
        ({"trace": "1"}, "Trace number"),
        ({"name": "山田"}, "Name"),
        ({"name": "A" * 23}, "Name"),
        ({"addenda": (PaymentAddendum("1"), PaymentAddendum("2"))}, "Addenda indicator"),
    ],
)
def test_what_a_bank_would_refuse_is_not_written(changes, field):
    with pytest.raises(Unwritable) as refusal:
        nacha.write(one_entry_file(**changes))

    assert any(p.field.startswith(field) and p.line >= 3 for p in refusal.value.problems)


@pytest.mark.parametrize(
    "changes",
    [
        {"sec_code": "POP"},
        {"sec_code": "QQQ"},
        {"effective_date": None},
        {"company_name": "000"},
        {"company_name": "LONGER THAN SIXTEEN"},
        {"service_class": 220},
        {"entries": ()},
        {"number": 0},
    ],
)
def test_a_batch_a_bank_would_refuse_is_not_written(changes):
    file = one_entry_file()

    with pytest.raises(Unwritable):
        nacha.write(replace(file, batches=(replace(file.batches[0], **changes),)))


def test_an_empty_file_is_not_written():
    with pytest.raises(Unwritable):
        nacha.write(replace(one_entry_file(), batches=()))


# What we refuse


@QUICK
@given(
    name=st.sampled_from(["biller-multi-batch-unbalanced.ach", "returns-unauthorised-mix.ach"]),
    edits=st.lists(st.tuples(st.integers(0, 2849), st.integers(0, 255)), min_size=1, max_size=4),
    cut=st.integers(0, 2850),
)
def test_damaged_bytes_never_raise_anything_but_unreadable(name: str, edits, cut):
    data = bytearray(content(name))
    for position, value in edits:
        data[position] = value

    for damaged in (bytes(data), bytes(data[:cut]), bytes(data[cut:])):
        try:
            file = nacha.read(damaged)
        except Unreadable as refusal:
            assert refusal.problems
        else:
            assert file.warnings or stated_totals(damaged) == summed_totals(file)


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(data: bytes):
    with pytest.raises(Unreadable):
        nacha.read(data)


def stated_totals(data: bytes) -> list[int]:
    """Cut the totals out of the control records by hand, as a check on the reader."""
    lines = data.decode("latin-1").splitlines()
    batch = [
        [line[4:10], line[10:20], line[20:32], line[32:44]] for line in lines if line[0] == "8"
    ]
    file = next(line for line in lines if line[0] == "9")
    figures = [*chain(*batch), file[13:21], file[21:31], file[31:43], file[43:55]]
    return [int(figure) for figure in figures]


def summed_totals(file: NachaFile) -> list[int]:
    figures, file_totals = [], [0, 0, 0, 0]
    for batch in file.batches:
        debits = [e for e in batch.entries if e.transaction_code % 10 >= 5]
        credits_ = [e for e in batch.entries if e.transaction_code % 10 < 5]
        batch_totals = [
            sum(1 + len(e.addenda) for e in batch.entries),
            sum(int(e.routing_number) // 10 for e in batch.entries) % 10**10,
            sum(e.amount_minor for e in debits),
            sum(e.amount_minor for e in credits_),
        ]
        figures += batch_totals
        file_totals = [a + b for a, b in zip(file_totals, batch_totals, strict=True)]
    file_totals[1] %= 10**10
    return figures + file_totals


COUNTED = {"6": (29, 38), "8": (4, 43), "9": (13, 54)}
"""Columns of the digits on which money depends."""


@QUICK
@given(data=st.data())
def test_one_wrong_digit_in_an_amount_or_a_total_is_never_accepted(data: st.DataObject):
    lines = content("biller-multi-batch-unbalanced.ach").decode().splitlines()
    targets = [i for i, line in enumerate(lines) if line[0] in COUNTED and line != "9" * 94]
    row = data.draw(st.sampled_from(targets))
    column = data.draw(st.integers(*COUNTED[lines[row][0]]))
    digit = data.draw(st.sampled_from("0123456789").filter(lambda d: d != lines[row][column]))
    lines[row] = lines[row][:column] + digit + lines[row][column + 1 :]

    assert problems("\n".join(lines).encode())


def test_all_problems_of_a_file_come_at_once():
    data = content("biller-web-one-time.ach")
    damaged = data.replace(b"6270260095934", b"6270260095944").replace(b"0000004821", b"00000O4821")

    reported = [(p.line, p.code, p.severity) for p in problems(damaged)]

    assert (4, "routing-number", "warning") in reported
    assert (5, "field", "error") in reported


def test_problems_never_show_an_account_number():
    data = content("biller-web-one-time.ach")
    account = b"4400000001       "
    for damaged in (
        data.replace(account, account[1:]),
        data.replace(account, b"99" + account),
        data.replace(b"63702100002" + b"1" + account, b"53702100002" + b"1" + account),
        data.replace(account, b"44000\x0000001       "),
    ):
        assert damaged != data
        assert not any("00000001" in str(problem) for problem in problems(damaged))


def test_a_file_of_something_else_is_refused_without_reading_all_of_it():
    reported = problems(b"name,amount\n" * 5_000)

    assert len(reported) < 1_100
    assert reported[-1].code == "too-many" or reported[-2].code == "too-many"


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (lambda lines: lines[:1] + lines[2:], "outside-batch"),
        (lambda lines: lines[:6] + lines[7:], "batch-open"),
        (lambda lines: lines[:7], "no-control"),
        (lambda lines: lines[1:], "no-header"),
        (lambda lines: [*lines[:3], "X", *lines[3:]], "record-type"),
        (lambda lines: [*lines, lines[2]], "second-file"),
        (lambda lines: [*lines[:2], "9" * 94, *lines[2:]], "early-padding"),
        (lambda lines: [lines[0], *lines], "second-header"),
        (lambda lines: [*lines[:2], "7" + "05" + lines[2][3:], *lines[2:]], "outside-entry"),
        (lambda lines: [*lines, lines[-1]], "second-file"),
        (lambda lines: lines + lines, "second-file"),
    ],
)
def test_records_out_of_their_order_are_refused(edit, code):
    lines = content("biller-no-block-padding.ach").decode().splitlines()

    reported = problems("\n".join(edit(lines)).encode())

    assert code in {problem.code for problem in reported}


def test_an_unheard_of_entry_class_is_read_without_a_crash():
    data = content("biller-web-one-time.ach").replace(b"WEBBILL", b"XYZBILL")

    assert nacha.read(data).batches[0].sec_code == "XYZ"


# Routing numbers


@pytest.mark.parametrize(
    "text",
    ["110000000", "129999018", "061999024", "072999039", "091999049", "021999051"],
)
def test_the_documented_test_routing_numbers_are_routing_numbers(text: str):
    assert nacha.is_routing_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "000000000",
        "",
        "11000000",
        "1100000000",
        "110000001",
        "11000000a",
        "\u0661\u0661\u0660\u0660\u0660\u0660\u0660\u0660\u0660",
        "990000007",
    ],
)
def test_no_other_text_is_a_routing_number(text: str):
    assert not nacha.is_routing_number(text)


@given(identification=st.from_regex(r"(0[0-9]|1[0-2]|2[1-9]|6[1-9]|80)[0-9]{6}", fullmatch=True))
@QUICK
def test_one_mistyped_digit_always_breaks_a_routing_number(identification: str):
    good = f"{identification}{nacha.check_digit(identification)}"

    for position in range(9):
        for digit in "0123456789":
            typed = good[:position] + digit + good[position + 1 :]
            assert typed == good or not nacha.is_routing_number(typed)
