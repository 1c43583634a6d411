"""BAI2 statements as streams: the fast way and the careful way give the same, in little memory."""

import io
import re
import tracemalloc
from collections import Counter
from contextlib import contextmanager, suppress
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billfold.formats import bai2
from billfold.formats.bai2 import physical_records, reading
from billfold.formats.bai2.ordinary_transactions import Occurrences
from billfold.formats.problems import MOST_PROBLEMS, Unreadable
from tests import places

FILES = places.FILES / "bai2"
PRIOR_DAY = (FILES / "synthetic-prior-day-lockbox-wire-ach.bai").read_bytes()
INTRADAY = (FILES / "synthetic-intraday-wires.bai").read_bytes()
HEADER = b"01,A,B,261120,,1,,,2/\n02,A,B,1,261120,,,2/\n03,1,/\n"
NOTHING_IS_ORDINARY = re.compile(r"(?!)()()()()()()|(.*)\n")


@contextmanager
def read_field_by_field():
    with patch.object(reading, "ROW_PATTERN", NOTHING_IS_ORDINARY):
        yield


@contextmanager
def read_in_blocks_of(size):
    with patch.object(physical_records, "BLOCK_BYTES", size):
        yield


def outcome(content):
    """Return all that reading gives: the file and its warnings, or its problems."""
    try:
        read = bai2.read(content)
    except Unreadable as refusal:
        return refusal.problems
    return read, read.warnings


def refusals(content):
    return [(problem.code, problem.line) for problem in outcome(content)]


def parts(content):
    """Collect the parts a stream yields before it ends or is refused."""
    collected = []
    with suppress(Unreadable):
        collected.extend(bai2.stream(io.BytesIO(content)))
    return collected


def file_of(accounts):
    """Write a file that holds of the lines of accounts, each with the sum of its amounts."""
    lines = ["01,BANK,BILLER,261120,0400,1,,,2/", "02,BILLER,BANK,1,261120,2359,USD,2/"]
    for number, (total, moves) in enumerate(accounts):
        records = [f"03,00{number % 2},USD/", *moves]
        lines += [*records, f"49,{total},{len(records) + 1}/"]
    total = sum(total for total, _ in accounts)
    lines.append(f"98,{total},{len(accounts)},{len(lines)}/")
    lines.append(f"99,{total},1,{len(lines) + 1}/")
    return "\n".join(lines).encode()


funds = st.one_of(
    st.sampled_from(["", "Z", "0", "1", "2", "z", "V,261123,1400", "V,261123,", "V,,", "D,1,2,3"]),
    st.sampled_from(["V,261399,", "V,261123,2561", "S,1,,", "S,1,2", "S,-1,2,3", "X", "D,3,1"]),
    st.builds("S,{},{},{}".format, *[st.integers(0, 9999)] * 3),
)
references = st.sampled_from(
    ["", "REF", " R ", "A/B", "A/", "/", "A /B", "\u00e9", "R\xa0", "7" * 9]
)
pieces = st.sampled_from(
    ["", "/", "INV 1/2", "A, B", " PADDED ", "END/", "END  /", "\u00e9\xa0", "//"]
)
breaks = st.sampled_from(
    ["\n88,", "/\n88,", "  \n88,", "/ \n88,", "\n88\n88,", "\n88/\n88,", "\n\n88,"]
)
endings = st.sampled_from(["", "", "/", "  ", "/  ", "\n", "\n  ", "\t"])
texts = st.builds(
    lambda first, later, ending: first + "".join(a + b for a, b in later) + ending,
    pieces,
    st.lists(st.tuples(breaks, pieces), max_size=3),
    endings,
)


@st.composite
def moves(draw):
    amount = draw(st.integers(0, 999))
    head = f"16,{draw(st.sampled_from(['115', '195', '557', '750', '015', '19']))},{amount}"
    tail = [draw(funds), draw(references), draw(references), draw(texts)]
    kept = draw(st.sampled_from([4, 4, 4, 4, 3, 2]))
    comma = draw(st.sampled_from([",", ",", ",", "/\n88,", "\n88,"]))
    line = ",".join([head, *tail[: kept - 1]]) + (comma + tail[3] if kept == 4 else "/")
    return amount, line


@st.composite
def files(draw):
    accounts = draw(st.lists(st.lists(moves(), max_size=6), min_size=1, max_size=3))
    written = [(sum(amount for amount, _ in each), [line for _, line in each]) for each in accounts]
    return file_of(written)


edits = st.lists(
    st.tuples(
        st.integers(0, 999),
        st.integers(0, 3),
        st.sampled_from(
            [b"", b",", b"/", b"\n", b"\r\n", b"88,", b"\n88,", b" ", b"0", b"\xff", b"\x1a"]
        ),
    ),
    max_size=3,
)
sizes = st.sampled_from([1, 2, 7, 50, 1 << 14])


@given(st.one_of(files(), st.sampled_from([PRIOR_DAY, INTRADAY])), edits, sizes)
def test_the_fast_way_and_the_careful_way_say_the_same(content, edits, size):
    damaged = bytearray(content)
    for at, removed, inserted in edits:
        place = at % len(damaged)
        damaged[place : place + removed] = inserted
    content = bytes(damaged)

    with read_field_by_field():
        careful = outcome(content)
    with read_in_blocks_of(size):
        in_blocks = outcome(content)

    assert outcome(content) == careful
    assert in_blocks == careful


def test_ordinary_transactions_are_read_the_fast_way():
    rows = reading.ROW_PATTERN.findall(PRIOR_DAY.decode().replace("\n88,", "\x01"))

    assert [row[0] for row in rows] == [
        "",
        "",
        "",
        "115",
        "195",
        "142",
        "165",
        "208",
        "206",
        "557",
        "555",
        "",
        "",
        "",
    ]


@given(st.lists(st.lists(st.integers(0, 40), max_size=60), max_size=8))
def test_transactions_that_are_alike_are_numbered_wherever_they_stand(runs):
    occurrences, seen = Occurrences(), Counter()

    for run in runs:
        numbers = occurrences.number([(number,) for number in run])

        for number, occurrence in zip(run, numbers, strict=True):
            seen[number] += 1
            assert occurrence == seen[number]


def test_many_transactions_are_numbered_as_few_are():
    occurrences = Occurrences()

    assert set(occurrences.number([(number,) for number in range(100_000)])) == {1}
    assert set(occurrences.number([(number,) for number in range(100_000)])) == {2}


@pytest.mark.parametrize("size", [1, 100, 1 << 14])
def test_an_account_that_comes_again_goes_on_counting(size):
    line = "16,195,1,Z,REF,,SAME"
    content = file_of([(2, [line, line]), (1, [line]), (2, [line, "16,195,1,V,261123,,REF,,SAME"])])

    with read_in_blocks_of(size):
        (group,) = bai2.read(content).groups

    numbers = [[each.occurrence for each in account.transactions] for account in group.accounts]
    assert numbers == [[1, 2], [1], [3, 4]]


def test_a_stream_gives_headers_before_what_is_in_them_and_its_proof_last():
    kinds = [type(part).__name__ for part in parts(PRIOR_DAY)]

    assert kinds == ["Bai2File", "Bai2Group", "Bai2Account", "TransactionChunk", "Proved"]


def test_a_stream_says_the_same_as_the_whole():
    with read_in_blocks_of(100):
        streamed = parts(PRIOR_DAY)

    (account,) = bai2.read(PRIOR_DAY).groups[0].accounts
    runs = [part.transactions for part in streamed if isinstance(part, bai2.TransactionChunk)]
    assert len(runs) > 3
    assert tuple(each for run in runs for each in run) == account.transactions
    assert streamed[-1] == bai2.Proved(accounts=1, transactions=8)


@pytest.mark.parametrize(
    "damaged",
    [
        PRIOR_DAY.replace(b"99,5194351,1,18/", b"99,5194350,1,18/"),
        PRIOR_DAY.replace(b"98,5194351,1,16/", b"98,5194351,2,16/"),
        PRIOR_DAY.replace(b"49,5194351,14/", b"49,5194351,13/"),
        PRIOR_DAY + b"16,195,1,Z,,,AFTER THE END",
        PRIOR_DAY[: PRIOR_DAY.rindex(b"99,")],
    ],
)
def test_what_does_not_add_up_is_never_proved(damaged):
    assert damaged != PRIOR_DAY

    with read_in_blocks_of(64):
        streamed = parts(damaged)

    assert streamed
    assert not any(isinstance(part, bai2.Proved) for part in streamed)


def test_nothing_more_is_given_after_a_problem():
    damaged = PRIOR_DAY.replace(b"16,115,443617,S", b"16,115,443617,Q")

    with read_in_blocks_of(64):
        kinds = [type(part).__name__ for part in parts(damaged)]

    assert kinds == ["Bai2File", "Bai2Group", "Bai2Account"]


class Endless(io.RawIOBase):
    """A file of one account that is generated while it is read."""

    def __init__(self, transactions):
        self._chunks = self._written(transactions)
        self._held = b""

    def _written(self, transactions):
        yield HEADER
        for number in range(0, transactions, 100):
            lines = [f"16,195,1,Z,REF{number + each},,TEXT" for each in range(100)]
            yield "\n".join([*lines, ""]).encode()
        counts = transactions + 2, transactions + 4, transactions + 6
        yield b"49,%d,%d/\n98,%d,1,%d/\n99,%d,1,%d/" % (
            transactions,
            counts[0],
            transactions,
            counts[1],
            transactions,
            counts[2],
        )

    def read(self, size=-1):
        while len(self._held) < size and (chunk := next(self._chunks, b"")):
            self._held += chunk
        content, self._held = self._held[:size], self._held[size:]
        return content


def test_memory_does_not_grow_with_the_transactions_of_an_account():
    peaks = []

    for transactions in (1_500, 12_000):
        tracemalloc.start()
        count = sum(
            len(part.transactions)
            for part in bai2.stream(Endless(transactions))
            if isinstance(part, bai2.TransactionChunk)
        )
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert count == transactions

    assert peaks[1] < peaks[0] + 100_000


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"01," + b"x" * 50_000_000, "record-length"),
        (HEADER + b"16,195,1,Z,,," + b"x" * 50_000_000, "record-length"),
        (HEADER + b"88,\n" * 10_000_000, "record-length"),
        (HEADER + b"\r" * 10_000_000, "record-length"),
        (HEADER + b"X\n" * 10_000_000, "unknown-record"),
        (HEADER + b"16,\n" * 10_000_000, "type-code"),
        (HEADER + b"\x00\n" * 10_000_000, "unprintable"),
        (HEADER + b"03,1,/\n" * 10_000_000, "missing-trailer"),
        (HEADER[:-2] + b"," * 200_000 + b"/\n", "missing-trailer"),
        (b"\x00" * 50_000_000, "not-bai2"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_only_costs_time_is_refused_at_once(content, code):
    reported = refusals(content)

    assert reported[0][0] == code
    assert len(reported) <= MOST_PROBLEMS + 1


@pytest.mark.parametrize("size", [1, 33, 1 << 14])
@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n", b"   \x1a"])
def test_a_file_without_line_ends_is_cut_in_any_blocks(size, ending):
    lines = PRIOR_DAY.replace(b",1,,,2/", b",1,120,,2/").splitlines()
    content = b"\xef\xbb\xbf" + b"".join(line.ljust(120) for line in lines) + ending

    with read_in_blocks_of(size):
        read = bai2.read(content)

    assert read.groups == bai2.read(PRIOR_DAY).groups


@pytest.mark.parametrize("width", [80, 120, 200])
def test_padded_lines_with_line_ends_are_no_file_without_them(width):
    lines = PRIOR_DAY.replace(b",1,,,2/", b",1,120,,2/").splitlines()
    padded = b"\r\n".join(line.ljust(width) for line in lines)

    assert bai2.read(padded).groups == bai2.read(PRIOR_DAY).groups


@given(st.integers(0, 17), st.integers(0, 17), st.sampled_from(["drop", "swap", "double"]))
def test_a_moved_line_is_refused_or_changes_no_amount(first, second, how):
    lines = PRIOR_DAY.splitlines(keepends=True)
    if how == "drop":
        del lines[first]
    elif how == "swap":
        lines[first], lines[second] = lines[second], lines[first]
    else:
        lines.insert(second, lines[first])

    read = outcome(b"".join(lines))

    if isinstance(read[0], bai2.Bai2File):
        assert read[0].summary() == bai2.read(PRIOR_DAY).summary()
    else:
        assert read
