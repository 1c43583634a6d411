"""Returns and changes, many at once or one after the other: both ways give the same."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billfold.formats import nacha
from billfold.formats.nacha import lines as nacha_lines
from billfold.formats.nacha.rules import BatchTally
from tests.rules.formats.test_nacha_fast_path import BANKS, alike, read

ANSWERS = {
    "99": f"799R01{'091999040000001':<21}09199904{'':44}",
    "98": f"798C01{'091999040000001':<21}09199904{'4400000099':<44}",
}


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """Draw a file of entries that come back, mostly right; its totals are those of its entries."""
    kind, sec_code = draw(st.sampled_from([("99", "WEB"), ("99", "CCD"), ("98", "COR")]))
    records: list[str] = []
    total = hashed = 0
    for number in range(1, draw(st.integers(1, 5)) + 1):
        code = draw(st.sampled_from(["26"] * 6 + ["36", "21", "27", "75"]))
        bank = draw(st.sampled_from(BANKS * 3 + ["110000001"]))
        amount = (
            draw(st.sampled_from([1, 1250, 0]))
            if kind == "99"
            else draw(st.sampled_from([0] * 9 + [5]))
        )
        trace = draw(
            st.sampled_from([f"{bank[:8]}{number:07d}"] * 8 + ["REJ060300000001", " " * 15])
        )
        name = draw(st.sampled_from(["ADA EXAMPLE", "", "000"]))
        indicator = draw(st.sampled_from(["1"] * 8 + ["0", " "]))
        entry = f"6{code}{bank}{'44':<17}{amount:010d}{'C-1':<15}{name:<22}S {indicator}{trace}"
        at, text = draw(st.sampled_from([(1, "7")] * 8 + ODD_ADDENDA))
        addendum = ANSWERS[kind] + trace
        addendum = addendum[: at - 1] + text + addendum[at - 1 + len(text) :]
        before = draw(st.sampled_from([[]] * 8 + [[f"705{'INV 1':<80}0001{trace[8:]}"]]))
        records += [entry, *before, addendum]
        total, hashed = total + amount, hashed + int(bank[:8])
    service_class = draw(st.sampled_from(["225", "225", "200", "220"]))
    return laid_out(records, total, hashed, sec_code=sec_code, service_class=service_class)


ODD_ADDENDA = [
    (4, "R97"),
    (4, "R68"),
    (4, "R73"),
    (4, "X01"),
    (4, "C02"),
    (4, "C05"),
    (7, "REJ06030"),
    (2, "98"),
    (2, "99"),
    (2, "05"),
    (22, "261301"),
    (22, "261101"),
    (28, " " * 8),
    (36, " " * 29),
]
"""Column and text of what is put over an addendum."""


@settings(max_examples=300, deadline=None)
@given(data=answers())
def test_what_comes_back_is_judged_alike(data: bytes):
    assert alike(data)


ENTRY_ODDITIES = [
    (2, "36"),
    (2, "21"),
    (2, "75"),
    (2, "27"),
    (12, "9"),
    (79, "0"),
    (80, "REJ06030"),
]
"""Column and text of what is put over one entry among sound ones."""


@pytest.mark.parametrize("kind", ["99", "98"])
@pytest.mark.parametrize(
    ("record", "at", "text"),
    [*((0, at, text) for at, text in ENTRY_ODDITIES), *((1, *odd) for odd in ODD_ADDENDA)],
)
def test_one_oddity_among_sound_answers_is_judged_alike(kind: str, record: int, at: int, text: str):
    lines = answered(kind, 3).decode().split("\n")
    at_line = 4 + record
    lines[at_line] = lines[at_line][: at - 1] + text + lines[at_line][at - 1 + len(text) :]

    assert alike("\n".join(lines).encode())


def test_a_change_with_an_amount_is_judged_alike():
    lines = answered("98", 3).decode().split("\n")
    lines[4] = lines[4][:29] + f"{7:010d}" + lines[4][39:]
    lines[8] = lines[8][:20] + f"{7:012d}" + lines[8][32:]
    lines[9] = lines[9][:31] + f"{7:012d}" + lines[9][43:]

    assert alike("\n".join(lines).encode())


@pytest.mark.parametrize("lines_a_piece", range(2, 9))
@pytest.mark.parametrize("order", ["payments first", "returns first"])
def test_payments_and_returns_of_one_batch_are_judged_alike_however_the_file_is_cut(
    order: str, lines_a_piece: int, monkeypatch: pytest.MonkeyPatch
):
    payments = [
        f"627{BANKS[0]}{'44':<17}{100:010d}{'C-1':<15}{'ADA EXAMPLE':<22}S 009199904{number:07d}"
        for number in range(1, 5)
    ]
    returns = answered("99", 4).decode().split("\n")[2:10]
    records = [*payments, *returns] if order == "payments first" else [*returns, *payments]
    banks = [int(record[3:11]) for record in records if record[0] == "6"]
    data = laid_out(records, 4 * 100 + 1 + 2 + 3 + 4, sum(banks), sec_code="WEB")
    monkeypatch.setattr(nacha_lines, "PIECE_BYTES", lines_a_piece * nacha_lines.LINE_LENGTH)

    assert alike(data)
    assert [each.code for each in nacha.read(data).warnings] == ["mixed-categories"]


@pytest.mark.parametrize("place", [2, 4, 8])
def test_a_payment_among_returns_is_judged_alike(place: int):
    lines = answered("99", 3).decode().split("\n")
    payment = f"627{BANKS[0]}{'44':<17}{0:010d}{'C-1':<15}{'ADA EXAMPLE':<22}S 0091999040000009"

    data = "\n".join([*lines[:place], payment, *lines[place:]]).encode()

    assert alike(data)


@pytest.mark.parametrize("kind", ["99", "98"])
def test_every_sound_return_and_change_is_read_at_once(kind: str, monkeypatch: pytest.MonkeyPatch):
    def alone(*_: object) -> None:
        raise AssertionError("an entry was looked at alone")

    data = answered(kind, 2_000)
    expected = read(data)
    monkeypatch.setattr(BatchTally, "add_entry", alone)

    file = nacha.read(data)

    assert (file, file.warnings) == expected
    assert file.warnings == ()
    assert sum(1 for _ in file.entries()) == 2_000


@pytest.mark.parametrize("kind", ["99", "98"])
def test_many_returns_and_changes_are_judged_alike(kind: str):
    assert alike(answered(kind, 2_000))


@pytest.mark.parametrize("at", [0, 700, 1_999])
def test_one_odd_return_among_many_is_named_by_its_line(at: int):
    lines = answered("99", 2_000).split(b"\n")
    line = 2 + 2 * at
    lines[line + 1] = lines[line + 1][:3] + b"R97" + lines[line + 1][6:]

    file = nacha.read(b"\n".join(lines))

    assert [(each.line, each.code) for each in file.warnings] == [(line + 1, "return-code")]


def answered(kind: str, count: int) -> bytes:
    """Make a file of sound returns or changes."""
    records: list[str] = []
    total = hashed = 0
    for number in range(1, count + 1):
        bank, amount = BANKS[number % 6], number if kind == "99" else 0
        trace = f"{bank[:8]}{number:07d}"
        entry = (
            f"626{bank}{number:<17}{amount:010d}{f'C-{number}':<15}{'ADA EXAMPLE':<22}S 1{trace}"
        )
        records += [entry, ANSWERS[kind].replace("0000001 ", f"{number:07d} ", 1) + trace]
        total, hashed = total + amount, hashed + int(bank[:8])
    return laid_out(records, total, hashed, sec_code="WEB" if kind == "99" else "COR")


def laid_out(
    records: list[str], total: int, hashed: int, *, sec_code: str, service_class: str = "225"
) -> bytes:
    """Put records in one batch, with the totals given."""
    count = len(records)
    sums = f"{hashed % 10**10:010d}{total:012d}{0:012d}"
    company = f"{'CEDARLINE':<36}1234567890"
    lines = [
        f"101 09199904912345678902611230930A094101{'':54}",
        f"5{service_class}{company}{sec_code}{'BILL PAY':<10}{'':6}261124   1091999040000001",
        *records,
        f"8{service_class}{count:06d}{sums}1234567890{'':25}091999040000001",
        f"9000001{-(-(count + 4) // 10):06d}{count:08d}{sums}{'':39}",
    ]
    return "\n".join(lines).encode()
