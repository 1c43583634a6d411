"""Nacha files in a stream: of any size, in any spelling, and not Nacha at all."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from datetime import date, time
from io import BytesIO
from pathlib import Path

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
from tests import places, waiting

FILES = places.FILES / "nacha"
WEB = (FILES / "biller-no-block-padding.ach").read_bytes()
RETURNS = (FILES / "returns-admin-and-nsf.ach").read_bytes()
HEADER = NachaFile("091999049", "1234567890", date(2026, 11, 23), time(9, 30), "A", ())


def refused(data: bytes) -> set[str]:
    with pytest.raises(Unreadable) as refusal:
        nacha.read(data)
    return {problem.code for problem in refusal.value.problems}


def batches(count: int, size: int) -> Iterator[NachaBatch]:
    """Make batches one after the other, so that only one is there at a time."""
    for number in range(1, count + 1):
        first = (number - 1) * size
        debits = tuple(
            NachaEntry(
                27, "110000000", f"44{n:08d}", n + 1, "C-1", "ADA", f"09199904{n + 1:07d}", "S"
            )
            for n in range(first, first + size)
        )
        yield NachaBatch(
            225,
            "CEDARLINE",
            "1234567890",
            "WEB",
            "BILL PAY",
            date(2026, 11, 24),
            "09199904",
            number,
            debits,
        )


# Streams


def test_a_file_is_written_and_read_batch_by_batch():
    stream = BytesIO()
    written = nacha.write_to(stream, HEADER, batches(3, 10))
    reader = nacha.NachaReader(BytesIO(stream.getvalue()))

    read = [batch.number for batch in reader]

    assert read == [1, 2, 3]
    assert reader.header() == HEADER
    assert written.debit_minor == sum(range(1, 31))


def test_memory_does_not_grow_with_the_number_of_batches(tmp_path: Path):
    peaks = []
    for count in (20, 60):
        path = tmp_path / f"{count}.ach"
        tracemalloc.start()
        with path.open("wb") as out:
            nacha.write_to(out, HEADER, batches(count, 200))
        with path.open("rb") as inside:
            assert sum(len(batch.entries) for batch in nacha.NachaReader(inside)) == count * 200
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert peaks[1] < peaks[0] * 1.2


def test_a_stream_is_trusted_only_at_its_end():
    stream = BytesIO()
    nacha.write_to(stream, HEADER, batches(2, 3))
    lines = stream.getvalue().splitlines(keepends=True)
    reader = iter(nacha.NachaReader(BytesIO(b"".join(lines[:6]))))

    assert next(reader).number == 1
    with pytest.raises(Unreadable):
        list(reader)


def test_what_is_wrong_in_a_later_batch_voids_the_whole():
    def spoilt() -> Iterator[NachaBatch]:
        yield from batches(1, 2)
        yield from batches(1, 2)

    with pytest.raises(Unwritable) as refusal:
        nacha.write_to(BytesIO(), HEADER, spoilt())

    assert [(p.line, p.code) for p in refusal.value.problems] == [(6, "batch-order")]


# Spellings


def test_a_byte_order_mark_is_read_with_a_warning():
    (warning,) = nacha.read(b"\xef\xbb\xbf" + WEB).warnings

    assert warning.code == "byte-order-mark"


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_other_letters_are_read_as_the_ones_nearest_to_them(encoding: str):
    text = WEB.decode().replace("ALICE EXAMPLE ", "ÅLÏCE ØXAMPLÉß")

    file = nacha.read(text.encode(encoding))

    assert file.batches[0].entries[0].name == "ALICE OXAMPLEs"
    assert [(p.line, p.code) for p in file.warnings] == [(3, "not-ascii")]


def test_a_bank_that_counts_bytes_keeps_its_columns():
    text = WEB.decode().replace("ALICE EXAMPLE ", "ALICÉ EXAMPLE")

    (entry, *_) = nacha.read(text.encode()).batches[0].entries

    assert entry.trace == "091000010000001"


def test_a_control_character_never_passes_for_a_digit():
    assert "field" in refused(WEB.replace(b"2599100001", b"259\x00100001"))
    assert "field" in refused(WEB.replace(b"2599100001", "259²100001".encode("latin-1")))


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_every_line_end_is_read(line_end: str):
    lines = RETURNS.decode().splitlines()

    assert nacha.read(line_end.join(lines).encode()) == nacha.read(RETURNS)
    assert nacha.read("".join(lines).encode()) == nacha.read(RETURNS)


# Fragments


def test_returns_without_header_and_control_are_read_with_warnings():
    lines = RETURNS.splitlines(keepends=True)
    inside = [line for line in lines if line[:1] in b"5678"]

    file = nacha.read(b"".join(inside))

    assert file.is_fragment
    assert file.created_on is None
    assert file.batches == nacha.read(RETURNS).batches
    assert {p.code for p in file.warnings} == {"fragment-header", "fragment-control"}


def test_returns_with_a_header_and_no_control_were_cut():
    lines = RETURNS.splitlines(keepends=True)

    assert refused(b"".join(line for line in lines if line[:1] != b"9")) == {"no-control"}


def test_payments_never_come_without_header_and_control():
    lines = WEB.splitlines(keepends=True)

    assert refused(b"".join(lines[1:7])) == {"no-header", "no-control"}


def test_returns_of_which_nothing_tells_the_year_are_refused():
    lines = [line for line in RETURNS.splitlines(keepends=True) if line[:1] in b"5678"]
    lines[0] = lines[0][:69] + b"      " + lines[0][75:]

    assert "field" in refused(b"".join(lines))


# Not Nacha at all

HOSTILE = {
    "nothing": b"",
    "blanks": b" \r\n\r\n  ",
    "nul bytes": b"\x00" * 500_000,
    "utf-16": WEB.decode().encode("utf-16"),
    "utf-16 without a mark": WEB.decode().encode("utf-16-le"),
    "a gzip": b"\x1f\x8b\x08\x00" + bytes(range(256)) * 100,
    "a long line": b"1" * 5_000_000,
    "a long line of blanks": b"101" + b" " * 5_000_000 + b"\n" + b"x",
    "a long line among short ones": WEB + b"6" * 5_000_000 + b"\n",
    "many line feeds": b"\n" * 2_000_000 + b"x",
    "tiny lines": b"6\n" * 1_000_000,
    "tiny addenda": b"\n".join(WEB.split(b"\n")[:3]) + b"\n7" * 50_000,
    "padding": (b"9" * 94 + b"\n") * 20_000,
    "no line ends, then some": WEB.replace(b"\n", b"") * 300 + b"\nmore",
    "other digits": WEB.decode().replace("2599", "٢٥٩٩").encode(),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_file_is_refused_soon_and_clearly(name: str):
    with waiting.stopped_if_endless(), pytest.raises(Unreadable) as refusal:
        nacha.read(HOSTILE[name])

    assert all(problem.message and problem.fix for problem in refusal.value.problems)


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=300), at=st.integers(0, len(WEB)))
def test_any_bytes_in_a_file_are_read_or_refused(data: bytes, at: int):
    for damaged in (data, WEB[:at] + data + WEB[at:], WEB[:at] + data):
        try:
            nacha.read(damaged)
        except Unreadable as refusal:
            assert refusal.problems


def test_an_entry_has_no_more_addenda_than_can_be_numbered():
    lines = WEB.split(b"\n")

    assert "too-many-addenda" in refused(b"\n".join([*lines[:3], *[b"702"] * 10_000, *lines[3:]]))


def test_a_habit_of_the_bank_does_not_fill_the_list():
    lines = nacha.write(NachaFile(**{**as_fields(HEADER), "batches": tuple(batches(1, 2_000))}))
    nameless = lines.replace(b"ADA                   S ", b"                      S ")

    file = nacha.read(nameless)

    assert len(file.batches[0].entries) == 2_000
    assert len(file.warnings) == 20
    assert "not listed" in file.warnings[-1].message


def as_fields(file: NachaFile) -> dict[str, object]:
    return {name: getattr(file, name) for name in NachaFile.__slots__}


# Summing up


def test_a_summary_counts_what_is_in_a_file():
    file = nacha.read((FILES / "mixed-returns-and-noc-one-file.ach").read_bytes())

    assert file.summary() == {
        "batches": 3,
        "entries": 4,
        "addenda": 4,
        "returns": 3,
        "disputes": 0,
        "changes": 1,
        "debit_minor": file.totals.debit_minor,
        "credit_minor": 0,
    }


# Remittance


@given(text=st.text("AZ09*~ ", max_size=400).map(str.rstrip))
@settings(max_examples=40, deadline=None)
def test_a_remittance_is_cut_at_column_80_and_joined_again(text: str):
    addenda = nacha.split_into_addenda(text)
    entry = NachaEntry(22, "110000000", "77", 1, "C", "ADA", "091999040000001", "", addenda)

    assert entry.remittance == text
    assert all(
        isinstance(each, PaymentAddendum) and len(each.information) <= 80 for each in addenda
    )


def test_the_x12_of_a_ctx_entry_comes_out_whole():
    file = nacha.read((FILES / "biller-ctx-six-addenda.ach").read_bytes())

    text = file.batches[0].entries[0].remittance
    assert text.startswith("ISA*00*")
    assert text.endswith("*000000045~")
    assert "~ST*820*0001~BPR*C*14750.50*C*ACH*CTX*" in text
