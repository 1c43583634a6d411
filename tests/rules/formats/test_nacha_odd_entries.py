"""One odd entry never holds up the others of its file; what puts all of it in doubt does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from billfold.formats import nacha
from billfold.formats.nacha import (
    FileProblem,
    NachaFile,
    PaymentAddendum,
    ReturnAddendum,
    Unreadable,
)
from billfold.formats.problems import CUT_APART
from tests import places

FILES = places.FILES / "nacha"


def lines_of(name: str) -> list[str]:
    return (FILES / name).read_text("ascii").splitlines()


RETURNS = lines_of("returns-admin-and-nsf.ach")
"""Header, batch header, seven entries with an addendum each, batch control, file control."""
CTX = lines_of("biller-ctx-six-addenda.ach")
WEB = lines_of("biller-no-block-padding.ach")
CHANGES = lines_of("noc-c01-to-c09.ach")


def put(line: str, column: int, text: str) -> str:
    """Write over a line at a column, counted from 1."""
    return line[: column - 1] + text + line[column - 1 + len(text) :]


def read(lines: Sequence[str], end: str = "\n") -> NachaFile:
    return nacha.read(end.join([*lines, ""]).encode())


def problems(lines: Sequence[str]) -> Sequence[FileProblem]:
    with pytest.raises(Unreadable) as refusal:
        read(lines)
    return refusal.value.problems


def returned(sec_code: str, payment_addenda: int) -> list[str]:
    """Make the return of an entry that keeps its payment addenda in front of the 99."""
    texts = [
        f"705{f'RMR*IV*{number}**1.00~':<80}{number:04d}0000301"
        for number in range(1, payment_addenda + 1)
    ]
    name = f"{payment_addenda + 1:04d}PAT EXAMPLE       "
    entry = f"626061999024{'4400000038':<17}{2599:010d}{'100001':<15}"
    entry += name if sec_code == "CTX" else f"{'PAT EXAMPLE':<22}"
    count = payment_addenda + 2
    blocks = -(-(count + 4) // 10)
    totals = f"{6199902:010d}{2599:012d}{0:012d}"
    header = (
        f"5225{'CEDARLINE':<36}1234567890{sec_code}{'BILL PAY':<10}{'':6}261123   1091999040000001"
    )
    return [
        RETURNS[0],
        header,
        f"{entry}  1091999040000301",
        *texts,
        f"799R29{'061999020000001':<21}09199904{'':44}091999040000301",
        f"8225{count:06d}{totals}1234567890{'':25}091999040000001",
        f"9000001{blocks:06d}{count:08d}{totals}{'':39}",
    ]


# Returns as banks dress them


@pytest.mark.parametrize(
    ("sec_code", "payment_addenda"), [("CTX", 2), ("CTX", 0), ("CCD", 1), ("CTX", 12)]
)
def test_promise_15_a_return_may_keep_the_payment_addenda_before_its_99(sec_code, payment_addenda):
    file = read(returned(sec_code, payment_addenda))

    ((_, entry),) = file.entries()
    assert not file.warnings
    assert isinstance(nacha.clear_reply(entry, sec_code), ReturnAddendum)
    kinds = [type(addendum) for addendum in entry.addenda]
    assert kinds == [*[PaymentAddendum] * payment_addenda, ReturnAddendum]


def test_a_payment_addendum_that_cannot_be_read_leaves_the_return_beside_it_clear():
    lines = returned("CCD", 1)
    lines[3] = put(lines[3], 84, "  01")

    file = read(lines)

    ((_, entry),) = file.entries()
    assert isinstance(nacha.clear_reply(entry, "CCD"), ReturnAddendum)
    assert [problem.code for problem in file.warnings] == ["addenda-field"]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_blank_lines_between_records_are_put_up_with_and_said_once(end: str):
    doubled = [line for record in RETURNS for line in (record, "")]

    file = read(doubled, end)

    assert file == read(RETURNS)
    (warning,) = file.warnings
    assert (warning.code, warning.line) == ("blank-lines", 2)


def test_a_problem_after_blank_lines_is_named_by_its_line_in_the_file():
    spaced = [*RETURNS[:2], "", "   ", *RETURNS[2:]]
    assert spaced[6].startswith("626")
    spaced[6] = put(spaced[6], 12, str((int(spaced[6][11]) + 1) % 10))

    warnings = read(spaced).warnings

    assert [(each.code, each.line) for each in warnings] == [
        ("blank-lines", 3),
        ("routing-number", 7),
    ]


# One odd entry


def odd_third(edit: Callable[[str, str], tuple[str, str]]) -> list[str]:
    """Change the third entry of a file of returns, and its addendum."""
    lines = list(RETURNS)
    lines[6:8] = edit(lines[6], lines[7])
    return lines


ODD = {
    "no return code": (lambda entry, reply: (entry, put(reply, 4, "X01")), "addenda-field"),
    "blank return code": (lambda entry, reply: (entry, put(reply, 4, "   ")), "addenda-field"),
    "a change outside COR": (lambda entry, reply: (entry, put(reply, 2, "98C01")), "addenda-type"),
    "an addendum of another type": (
        lambda entry, reply: (entry, put(reply, 2, "02")),
        "addenda-type",
    ),
    "only a payment addendum": (
        lambda entry, _: (entry, f"705{'INV 1':<80}0001{entry[87:94]}"),
        "addenda-type",
    ),
    "no original bank": (lambda entry, reply: (entry, put(reply, 28, " " * 8)), "addenda-field"),
    "no original trace": (lambda entry, reply: (entry, put(reply, 7, " " * 15)), "trace-number"),
    "no trace of its own": (lambda entry, reply: (put(entry, 80, " " * 15), reply), "trace-number"),
    "an unknown code": (lambda entry, reply: (put(entry, 2, "75"), reply), "transaction-code"),
    "a wrong check digit": (
        lambda entry, reply: (put(entry, 12, str((int(entry[11]) + 1) % 10)), reply),
        "routing-number",
    ),
}
"""What is odd about an entry that comes back -> how it is made, and the code that names it."""


@pytest.mark.parametrize("kind", ODD)
def test_promise_15_one_odd_entry_is_named_and_the_other_returns_are_read(kind: str):
    edit, code = ODD[kind]

    file = read(odd_third(edit))

    assert {problem.code for problem in file.warnings} == {code}
    assert {problem.line for problem in file.warnings} <= {7, 8}
    entries = [entry for _, entry in file.entries()]
    sound = [entry for _, entry in read(RETURNS).entries()]
    assert [*entries[:2], *entries[3:]] == [*sound[:2], *sound[3:]]


@pytest.mark.parametrize("kind", ["no return code", "only a payment addendum"])
def test_promise_15_an_odd_return_in_a_file_without_a_header_holds_up_no_other(kind: str):
    edit, _ = ODD[kind]

    file = read(odd_third(edit)[1:17])

    assert file.is_fragment
    assert sum(1 for _ in file.entries()) == 7


def test_a_change_with_an_amount_is_read_and_not_acted_upon():
    lines = [*CHANGES[:4], CHANGES[-1]]
    assert lines[2].startswith("6") and lines[3].startswith("798")
    entry = put(lines[2], 30, f"{1:010d}")
    totals = f"{int(entry[3:11]):010d}{1:012d}{0:012d}"
    header = RETURNS[0]
    batch = lines[1]
    control = f"8{batch[1:4]}000002{totals}{batch[40:50]}{'':25}{batch[79:94]}"

    file = read([header, batch, entry, lines[3], control, f"900000100000100000002{totals}{'':39}"])

    ((_, change),) = file.entries()
    assert [problem.code for problem in file.warnings] == ["change-entry"]
    assert change.return_or_change is not None
    assert nacha.clear_reply(change, "COR") is None


DOUBTFUL = {
    "an amount that is no number": lambda lines: [
        *lines[:4],
        put(lines[4], 30, "00000O2599"),
        *lines[5:],
    ],
    "an amount that adds up to another total": lambda lines: [
        *lines[:4],
        put(lines[4], 39, "1"),
        *lines[5:],
    ],
    "a return that is missing": lambda lines: [*lines[:4], *lines[6:]],
    "an addendum that is missing": lambda lines: [*lines[:5], *lines[6:]],
    "a bank that is no number": lambda lines: [*lines[:4], put(lines[4], 4, "ABC"), *lines[5:]],
}


@pytest.mark.parametrize("kind", DOUBTFUL)
def test_promise_27_what_puts_count_or_total_in_doubt_refuses_the_file(kind: str):
    assert any(each.severity == "error" for each in problems(DOUBTFUL[kind](RETURNS)))


# Entries that the bank rejected


@pytest.mark.parametrize(
    ("trace", "mark"),
    [
        ("REJ060300000001", "REJ06030"),
        ("REJ0603        ", "REJ0603"),
        ("REJ01          ", "REJ01"),
        ("REJECTED       ", ""),
        ("091000010000001", ""),
        ("rej060300000001", ""),
    ],
)
def test_a_mark_of_rejection_is_rej_and_digits(trace: str, mark: str):
    assert nacha.rejection_mark(trace) == mark


def test_an_entry_with_the_banks_mark_is_read_and_named():
    lines = list(WEB)
    lines[3] = put(lines[3], 80, "REJ06030")

    file = read(lines)

    assert [entry.rejection for _, entry in file.entries()] == ["", "REJ06030", "", ""]
    (warning,) = file.warnings
    assert (warning.code, warning.line) == ("rejected", 4)
    assert "REJ06030" in warning.message


def test_a_batch_with_the_banks_mark_is_read_and_named():
    marked = (2, 3, 4, 5, 6, 7)
    lines = [
        put(line, 80, "REJ01234") if number in marked else line
        for number, line in enumerate(WEB, 1)
    ]

    file = read(lines)

    assert [batch.odfi for batch in file.batches] == ["REJ01234"]
    assert {problem.code for problem in file.warnings} == {"rejected"}


def test_the_addenda_of_a_rejected_entry_bear_the_mark_as_well():
    lines = [put(line, 80, "REJ06030") if line[0] in "67" else line for line in CTX]

    file = read(lines)

    ((_, entry),) = file.entries()
    assert entry.rejection == "REJ06030"
    assert len(entry.addenda) == 6
    assert {problem.code for problem in file.warnings} == {"rejected"}


def test_another_text_in_place_of_the_banks_number_refuses_the_file():
    lines = list(WEB)
    lines[1] = put(lines[1], 80, "REJECTED")

    assert problems(lines)[0].code == "field"


# Acknowledgements


@pytest.mark.parametrize(("sec_code", "addenda"), [("ATX", 1), ("ACK", 1), ("ACK", 0)])
@pytest.mark.parametrize("code", ["24", "34"])
def test_entries_of_zero_that_acknowledge_a_credit_are_read(sec_code, addenda, code):
    count = f"{addenda:04d}CEDARLINE         " if sec_code == "ATX" else f"{'CEDARLINE':<22}"
    entry = f"6{code}061999024{'4400000038':<17}{0:010d}{'091999040000009':<15}{count}"
    totals = f"{6199902:010d}{0:012d}{0:012d}"
    text = f"705{'ACK*1~':<80}00010000001"
    header = f"5220{'HOLLIS':<36}1910000009{sec_code}{'PAYMENT':<10}{'':6}261123   1061999020000001"
    lines = [
        RETURNS[0],
        header,
        f"{entry}  {addenda}061999020000001",
        *[text] * addenda,
        f"8220{1 + addenda:06d}{totals}1910000009{'':25}061999020000001",
        f"900000100000100{1 + addenda:06d}{totals}{'':39}",
    ]

    file = read(lines)

    ((_, acknowledgement),) = file.entries()
    assert acknowledgement.acknowledges(sec_code)
    assert {problem.code for problem in file.warnings} <= {"sec-code-unsupported"}


@pytest.mark.parametrize(("sec_code", "amount"), [("CTX", 0), ("ATX", 1)])
def test_what_pays_or_stands_in_another_class_acknowledges_nothing(sec_code: str, amount: int):
    entry = nacha.NachaEntry(24, "061999024", "1", amount, "1", "X", "061999020000001")

    assert not entry.acknowledges(sec_code)


# Two files in one


@pytest.mark.parametrize(
    "lines",
    [[*WEB, *WEB], [*RETURNS, *RETURNS], [*WEB, *RETURNS], [*WEB, "", *WEB], [*WEB[:7], *WEB]],
    ids=["twice", "padded twice", "two kinds", "a blank line between", "the first cut short"],
)
def test_promise_27_two_files_in_one_are_refused_with_the_advice_to_cut_them_apart(lines):
    reported = problems(lines)

    advice = [each for each in reported if each.code in {"second-file", "second-header"}]
    assert [each.fix for each in advice] == [CUT_APART]
    assert "second file" in advice[0].message
