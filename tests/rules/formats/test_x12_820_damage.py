"""Damaged advices, and any bytes: problems with names or unchanged money, never a surprise."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billfold.formats import x12
from billfold.formats.problems import Unreadable
from tests import waiting
from tests.rules.formats.remittance_files import ACCOUNT_ONLY, CHECK, CTX, GS, ISA, PIPES, file

VALID = [CTX, PIPES, ACCOUNT_ONLY, CHECK]
EVERY_BYTE = b"\x00~*:|' \n-.019ARZ\xff"


def money(remittance: x12.RemittanceAdvice) -> list[tuple[int | None, int]]:
    """List what each payment is and what its lines say: both are proved against each other."""
    return [(payment.amount_minor, payment.lines_minor) for payment in remittance.payments]


def assert_refused_or_same_money(damaged: bytes, intact: bytes) -> None:
    """Check that damage is refused by name, or leaves the money as it was."""
    try:
        advice = x12.read(damaged)
    except Unreadable as refusal:
        assert all(problem.code and problem.fix for problem in refusal.problems)
    else:
        assert money(advice) == money(x12.read(intact))


@pytest.mark.parametrize("intact", VALID)
def test_a_lost_segment_is_never_missed(intact):
    terminator = b"'" if intact is PIPES else b"~"
    segments = intact.strip().rstrip(terminator).split(terminator)

    for at in range(1, len(segments)):
        for changed in (
            segments[:at] + segments[at + 1 :],
            segments[:at] + segments[at : at + 1] * 2 + segments[at + 1 :],
            segments[:at],
        ):
            with pytest.raises(Unreadable):
                x12.read(terminator.join([*changed, b""]))


@pytest.mark.parametrize("intact", VALID)
def test_segments_in_another_order_never_change_the_money(intact):
    terminator = b"'" if intact is PIPES else b"~"
    segments = intact.split(terminator)

    for at in range(len(segments) - 1):
        swapped = [*segments]
        swapped[at : at + 2] = swapped[at + 1], swapped[at]
        assert_refused_or_same_money(terminator.join(swapped), intact)


@pytest.mark.parametrize("intact", [CTX, CHECK])
def test_a_cut_file_is_refused(intact):
    end = len(intact.rstrip(b"~\n"))

    for length in range(end):
        with pytest.raises(Unreadable):
            x12.read(intact[:length])


@pytest.mark.parametrize("intact", [CTX, CHECK])
def test_a_lost_or_doubled_byte_never_changes_the_money(intact):
    for at in range(len(intact)):
        assert_refused_or_same_money(intact[:at] + intact[at + 1 :], intact)
        assert_refused_or_same_money(intact[: at + 1] + intact[at:], intact)


@given(st.sampled_from(VALID), st.data())
def test_a_changed_byte_never_changes_the_money(intact, data):
    damaged = bytearray(intact)
    at = data.draw(st.integers(0, len(intact) - 1))
    damaged[at] = data.draw(st.one_of(st.sampled_from(EVERY_BYTE), st.integers(0, 255)))

    assert_refused_or_same_money(bytes(damaged), intact)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_advice_or_refused(noise):
    middle = len(CTX) // 2
    for content in (noise, ISA.encode() + b"~" + noise, CTX[:middle] + noise + CTX[middle:]):
        try:
            x12.read(content)
        except Unreadable as refusal:
            assert refusal.problems


@given(st.lists(st.text(max_size=90), max_size=4), st.sampled_from(["", "RMR*", "ST*820*1~", ISA]))
def test_any_addenda_are_an_advice_or_refused(lines, beginning):
    try:
        x12.read_fragment([beginning + "".join(lines[:1]), *lines[1:]])
    except Unreadable as refusal:
        assert refusal.problems


AMOUNTS = st.decimals(min_value=-(10**9), max_value=10**9, places=2)


@given(st.lists(AMOUNTS, min_size=1, max_size=12))
def test_any_lines_that_add_up_are_read_exactly(amounts):
    total = sum(amounts, Decimal(0))
    content = file(*(f"RMR*IV*7**{each}" for each in amounts), amount=str(total))

    if total < 0:
        with pytest.raises(Unreadable):
            x12.read(content)
    else:
        (payment,) = x12.read(content).payments
        assert [line.paid_minor for line in payment.lines] == [int(each * 100) for each in amounts]
        assert payment.amount_minor == payment.lines_minor == int(total * 100)


@pytest.mark.parametrize(
    "content",
    [
        f"{ISA}~".encode() + b" " * 5_000_000,
        f"{ISA}~".encode() + b"A" * 5_000_000,
        f"{ISA}~".encode() + b"*" * 5_000_000,
        f"{ISA}~".encode() + b"~\n" * 2_500_000,
        f"{ISA}~".encode() + b"A~" * 500_000,
        f"{ISA}~{GS}~ST*820*1~".encode() + b"NTE~" * 20_000,
        f"{ISA}~{GS}~ST*820*1~BPR*C*1*C~RMR*IV*1**".encode() + b"9" * 5_000_000,
        f"{ISA}~".encode() * 10_000,
        b"ISA" + b"*" * 5_000_000,
        b"\0" * 5_000_000,
    ],
    ids=[
        "blanks",
        "letters",
        "stars",
        "ends",
        "tiny",
        "notes",
        "digits",
        "headers",
        "isa",
        "zeros",
    ],
)
def test_large_rubbish_is_refused_at_once(content):
    with waiting.stopped_if_endless(), pytest.raises(Unreadable):
        x12.read(content)
