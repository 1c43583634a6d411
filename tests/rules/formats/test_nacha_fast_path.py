"""Many entries at once or one after the other: both ways give the same for every file."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billfold.formats import nacha
from billfold.formats.nacha import (
    NachaBatch,
    NachaEntry,
    NachaFile,
    OriginationContext,
    PaymentAddendum,
    Unreadable,
    Unwritable,
    entry_writing,
)
from billfold.formats.nacha.rules import BatchTally
from tests import places

FILES = places.FILES / "nacha"
NAMES = [
    "biller-multi-batch-unbalanced.ach",
    "biller-web-balanced-with-offset.ach",
    "biller-prenote.ach",
    "biller-ctx-six-addenda.ach",
    "mixed-returns-and-noc-one-file.ach",
    "returns-unauthorised-mix.ach",
    "noc-c01-to-c09.ach",
]
QUICK = settings(max_examples=50, deadline=None)

BANKS = ["110000000", "129999018", "061999024", "072999039", "091999049", "021999051"]


def record_by_record(patch: pytest.MonkeyPatch) -> None:
    """Let no entries be added many at once."""
    patch.setattr(BatchTally, "add_if_sound", lambda *_: False)
    patch.setattr(BatchTally, "add_answers_if_sound", lambda *_: False)


def read(data: bytes) -> object:
    """Give all that reading says: the records and warnings, or the problems."""
    try:
        file = nacha.read(data)
    except Unreadable as refusal:
        return refusal.problems
    return file, file.warnings


def write(file: NachaFile, context: OriginationContext) -> object:
    try:
        return nacha.write(file, context=context)
    except Unwritable as refusal:
        return refusal.problems


def alike(data: bytes) -> bool:
    with pytest.MonkeyPatch.context() as patch:
        record_by_record(patch)
        one_by_one = read(data)
    return read(data) == one_by_one


EDITS = st.tuples(
    st.sampled_from(["drop", "double", "swap", "byte", "cut"]),
    st.integers(0, 40),
    st.integers(0, 94),
    st.sampled_from([*b" 0123456789ARX\x00\xc9\n"]),
)


def edited(data: bytes, kind: str, line: int, column: int, byte: int) -> bytes:
    """Damage a file: drop, double or swap a record, cut the file, or change a byte."""
    lines = data.split(b"\n")
    line %= max(len(lines) - 1, 1)
    match kind:
        case "drop":
            del lines[line]
        case "double":
            lines.insert(line, lines[line])
        case "swap":
            lines[line : line + 2] = reversed(lines[line : line + 2])
        case "cut":
            lines[line:] = [lines[line][:column]]
        case _:
            lines[line] = lines[line][:column] + bytes([byte]) + lines[line][column + 1 :]
    return b"\n".join(lines)


@QUICK
@given(name=st.sampled_from(NAMES), edits=st.lists(EDITS, max_size=3))
def test_a_damaged_file_is_judged_alike(name: str, edits):
    data = (FILES / name).read_bytes()
    for edit in edits:
        data = edited(data, *edit)

    assert alike(data)


@pytest.mark.parametrize("path", sorted(FILES.glob("*.ach")), ids=lambda path: path.name)
def test_every_sample_is_judged_alike(path: Path):
    assert alike(path.read_bytes())


@QUICK
@given(name=st.sampled_from(NAMES), edit=EDITS)
def test_one_damaged_record_is_named_or_changes_no_money(name: str, edit):
    undamaged = nacha.read((FILES / name).read_bytes())

    try:
        file = nacha.read(edited((FILES / name).read_bytes(), *edit))
    except Unreadable as refusal:
        assert any(problem.severity == "error" for problem in refusal.problems)
    else:
        assert file.warnings or money(file) == money(undamaged)


def money(file: NachaFile) -> list[tuple[object, ...]]:
    return sorted(
        (entry.is_debit, entry.amount_minor, entry.routing_number[:8])
        for _, entry in file.entries()
    )


@st.composite
def entries(draw: st.DrawFn, number: int) -> NachaEntry:
    """Draw an entry that is mostly right."""
    return NachaEntry(
        transaction_code=draw(st.sampled_from([27] * 8 + [37, 22, 28, 26, 75])),
        routing_number=draw(st.sampled_from(BANKS * 3 + ["110000001", "", "11000000"])),
        account_number=draw(
            st.sampled_from(["4400000001", "77", " 8", "0", "", "1" * 17, "1" * 18, "12é"])
        ),
        amount_minor=draw(st.sampled_from([1, 1250, 10**10 - 1, 10**10, 0, -1])),
        identification=draw(st.sampled_from(["100001", "", "x" * 15, " 1", "1" * 16])),
        name=draw(st.sampled_from(["ADA EXAMPLE", "ada", "Zoë", "", "000", "A\nB", "A" * 23])),
        trace=draw(
            st.sampled_from([f"09199904{number:07d}"] * 8 + ["091999040000001", "1", "1" * 15])
        ),
        discretionary=draw(st.sampled_from(["S", "", "R", "é"])),
        addenda=draw(
            st.sampled_from(
                [()] * 6
                + [(PaymentAddendum("INV 1"),), (PaymentAddendum("1"), PaymentAddendum("2"))]
            )
        ),
    )


@st.composite
def files(draw: st.DrawFn) -> NachaFile:
    """Draw a file of one batch, of which some fields may be wrong."""
    count = draw(st.integers(1, 5))
    batch = NachaBatch(
        service_class=draw(st.sampled_from([225, 225, 200, 220])),
        company_name="CEDARLINE",
        company_id="1234567890",
        sec_code=draw(st.sampled_from(["WEB", "PPD", "CCD", "TEL", "CTX"])),
        description=draw(st.sampled_from(["BILL PAY", "BILL PAY", "RETRY PYMT", "REVERSAL"])),
        effective_date=draw(st.sampled_from([date(2026, 11, 24), date(2026, 11, 23)])),
        odfi=draw(st.sampled_from(["09199904", "09199904", "0919990"])),
        number=1,
        entries=tuple(draw(entries(number)) for number in range(1, count + 1)),
    )
    return NachaFile("091999049", "1234567890", date(2026, 11, 23), time(9, 30), "A", (batch,))


CONTEXTS = st.sampled_from(
    [
        OriginationContext(),
        OriginationContext(entry_limit_minor=1250),
        OriginationContext(used_traces={"091999040000002"}),
        OriginationContext(sent_entries={("110000000", "4400000001", 1250, "100001")}),
        OriginationContext(first_debit_dates={("110000000", "4400000001"): date(2026, 12, 1)}),
    ]
)


@QUICK
@given(file=files(), context=CONTEXTS)
def test_what_is_to_be_written_is_judged_alike(file: NachaFile, context: OriginationContext):
    with pytest.MonkeyPatch.context() as patch:
        record_by_record(patch)
        one_by_one = write(file, context)

    assert write(file, context) == one_by_one


@QUICK
@given(file=files())
def test_what_was_written_comes_out_the_same_when_read_and_written_again(file: NachaFile):
    written = write(file, OriginationContext())

    if isinstance(written, bytes):
        assert nacha.write(nacha.read(written)) == written


def many(count: int) -> NachaFile:
    """Make a file of sound debits, more than are laid out at once."""
    debits = tuple(
        NachaEntry(
            27 if number % 2 else 37,
            BANKS[number % 6],
            f"44{number:08d}",
            number,
            f"C-{number}",
            "ADA EXAMPLE",
            f"09199904{number:07d}",
            "S",
            (PaymentAddendum(f"INV {number}"),) if number % 7 == 0 else (),
        )
        for number in range(1, count + 1)
    )
    batch = NachaBatch(
        225,
        "CEDARLINE",
        "1234567890",
        "WEB",
        "BILL PAY",
        date(2026, 11, 24),
        "09199904",
        1,
        debits,
    )
    return NachaFile("091999049", "1234567890", date(2026, 11, 23), time(9, 30), "A", (batch,))


MANY = 3 * entry_writing.CHUNK_ENTRIES + 1


def test_sound_entries_are_never_looked_at_one_by_one(monkeypatch: pytest.MonkeyPatch):
    def alone(*_: object) -> None:
        raise AssertionError("an entry was looked at alone")

    monkeypatch.setattr(BatchTally, "add_entry", alone)
    file = many(MANY)

    written = nacha.write(file)

    assert nacha.read(written) == file


@pytest.mark.parametrize(
    "at", [0, entry_writing.CHUNK_ENTRIES - 1, entry_writing.CHUNK_ENTRIES, MANY - 1]
)
def test_one_wrong_entry_among_many_is_named_by_its_line(at: int):
    file = many(MANY)
    (batch,) = file.batches
    debits = list(batch.entries)
    debits[at] = replace(debits[at], account_number="0")
    line = 3 + at + sum(len(entry.addenda) for entry in debits[:at])

    with pytest.raises(Unwritable) as refusal:
        nacha.write(replace(file, batches=(replace(batch, entries=tuple(debits)),)))

    assert [(p.line, p.code) for p in refusal.value.problems] == [(line, "account-number")]


@pytest.mark.parametrize("at", [2, 1500, 3100])
def test_one_odd_entry_among_many_is_named_by_its_line_when_read(at: int):
    lines = nacha.write(many(MANY)).split(b"\n")
    assert lines[at].startswith((b"6", b"7"))
    at -= lines[at].startswith(b"7")
    lines[at] = lines[at][:12] + b" " * 17 + lines[at][29:]

    file = nacha.read(b"\n".join(lines))

    assert [(p.line, p.code) for p in file.warnings] == [(at + 1, "account-number")]
