"""Advices in the addenda of ACH entries: joined, delimiters guessed, checked as far as they go."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billfold.formats import x12
from billfold.formats.problems import Unreadable
from tests import places
from tests.rules.formats.remittance_files import CTX, problems, transaction, warnings

NACHA = places.FILES / "nacha" / "biller-ctx-six-addenda.ach"
TEXT = CTX.decode().replace("\n", "")
ADDENDA = [TEXT[at : at + 80] for at in range(0, len(TEXT), 80)]


def lines(*pieces: str) -> list[tuple[str, str, int | None]]:
    (payment,) = x12.read_fragment(pieces).payments
    return [(line.qualifier, line.number, line.paid_minor) for line in payment.lines]


def test_the_addenda_of_a_corporate_credit_are_an_interchange():
    advice = x12.read_fragment(ADDENDA)

    assert len(ADDENDA) > 5
    assert advice == x12.read(CTX)
    assert advice.payments[0].trace_reference == "PAY20261120-7"
    assert advice.interchanges[0].sender == "MIDSIZECORP"


def test_addenda_that_lost_characters_are_refused():
    """The authored file is sound as ACH, but at each cut a character is missing or too many."""
    addenda = [line[3:83] for line in NACHA.read_text().splitlines() if line.startswith("705")]

    assert problems(addenda) == [("count", 11, "IEA01")]


@pytest.mark.parametrize("width", [80, 81, 160, 240])
def test_stripped_addenda_are_filled_up_again(width):
    """Blanks at the end of an addendum are part of the segment that was cut there."""
    text = TEXT.replace("MIDSIZE CORP~", "MIDSIZE" + " " * width + "CORP~")
    pieces = [text[at : at + 80] for at in range(0, len(text), 80)]

    stripped = [piece.rstrip() for piece in pieces]

    assert stripped != pieces
    assert x12.read_fragment(stripped) == x12.read_fragment(pieces)
    assert x12.read_fragment(stripped).payments[0].payer.split() == ["MIDSIZE", "CORP"]


@given(st.integers(60, 79))
def test_a_segment_may_be_cut_anywhere(start):
    text = " " * (80 - start) + TEXT
    pieces = [text[at : at + 80].rstrip() for at in range(0, len(text), 80)]

    assert x12.read_fragment(pieces).payments == x12.read(CTX).payments


@pytest.mark.parametrize(
    "text",
    [
        "RMR*IV*90010046**299.75\\",
        "RMR*IV*90010046**299.75~",
        "RMR|IV|90010046||299.75|~",
        "RMR^IV^90010046^^299.75~",
        "RMR*IV*90010046**299.75'",
        "  RMR*IV*90010046**299.75\\        ",
    ],
)
def test_a_bare_line_is_read(text):
    assert lines(text) == [("IV", "90010046", 29975)]
    assert x12.read_fragment([text]).warnings == ()


@pytest.mark.parametrize("end", ["\\", "~", "'", "\n", "!", "\x1c", "\\\n", "~   "])
def test_several_lines_are_told_apart(end):
    text = end.join(["RMR*IV*1**2.00", "REF*PO*7", "RMR*IV*3**4.00", ""])

    assert lines(text) == [("IV", "1", 200), ("IV", "3", 400)]


def test_each_addendum_may_hold_a_segment_of_its_own():
    assert lines("RMR*IV*1**2.00~", "RMR*IV*3**4.00~") == [("IV", "1", 200), ("IV", "3", 400)]


def test_a_line_without_an_end_may_be_cut():
    advice = x12.read_fragment(["RMR*IV*90010046**299.7"])

    assert advice.payments[0].lines_minor == 29970
    assert warnings(advice) == [("unterminated", 1, "")]


def test_a_fragment_without_a_payment_has_no_amount():
    (payment,) = x12.read_fragment(["N1*PR*ACME~RMR*IV*1**2.00~RMR*CM*2**-.50~"]).payments

    assert (payment.amount_minor, payment.lines_minor) == (None, 150)
    assert (payment.payer, payment.interchange) == ("ACME", None)
    assert not payment.moves_money


def test_a_payment_in_a_fragment_is_proved():
    right = "BPR*C*2.00*C*ACH*CCP~RMR*IV*1**2.00~"

    (payment,) = x12.read_fragment([right]).payments

    assert payment.amount_minor == 200
    assert problems([right.replace("C*2.00", "C*3.00")]) == [("remittance-total", 1, "BPR02")]


def test_a_transaction_in_a_fragment_is_counted():
    text = "~".join([*transaction("BPR*C*2.00*C*ACH*CTX", "RMR*IV*1**2.00"), ""])

    assert lines(text) == [("IV", "1", 200)]
    assert problems([text.replace("SE*4", "SE*5")]) == [("count", 4, "SE01")]
    assert problems([text.replace("SE*4*0001~", "")]) == [("missing-trailer", 1, "ST")]
    assert problems([text.replace("ST*820", "ST*835")]) == [("not-820", 1, "ST01")]


def test_part_of_an_envelope_will_do():
    inner = "~".join(transaction("BPR*C*2.00*C*ACH*CTX", "RMR*IV*1**2.00"))
    text = f"GS*RA*A*B*20261120*0930*7*X*004010~{inner}~GE*1*7~"

    assert lines(text) == [("IV", "1", 200)]
    assert problems([text.replace("GE*1*7", "GE*1*8")]) == [("control-number", 6, "GE02")]


def test_what_follows_a_transaction_is_another_payment():
    inner = "~".join(transaction("BPR*C*2.00*C*ACH*CTX", "RMR*IV*1**2.00"))

    advice = x12.read_fragment([f"RMR*IV*9**1~{inner}~RMR*IV*8**1~"])

    assert [payment.amount_minor for payment in advice.payments] == [None, 200, None]


def test_a_tax_payment_is_kept_and_not_interpreted():
    (payment,) = x12.read_fragment(["TXP*123456789*04101*261130*T*10000\\"]).payments

    assert payment.lines == ()
    assert payment.other[0][2] == "04101"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ACCT 200002 INV 90010046",
        "200002-90010046",
        "INV#90010046",
        "REF: 90010046",
        "REF-7",
        "INV/7",
        "RMR",
        "XYZ*7~",
        "\u0660",
        "\x00",
    ],
)
def test_free_text_is_told_from_segments(text):
    assert problems([text]) == [("not-x12", 1, "ISA")]


def test_no_addenda_are_no_advice():
    with pytest.raises(Unreadable):
        x12.read_fragment([])


def test_an_empty_addendum_is_blank():
    assert problems(["", ""]) == [("not-x12", 1, "ISA")]
