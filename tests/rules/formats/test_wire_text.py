"""Wires as text: names and numbers out of statements, and the tagged advice of Fedwire."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billfold.formats import wire_text
from billfold.formats.problems import Unreadable
from billfold.formats.sniffing import Format, sniff
from billfold.formats.wire_text import WireText
from billfold.rails import wire
from billfold.rails.protocol import BankDocument
from tests import places, waiting

ADVICE = (places.FILES / "wire" / "fedwire-advice.txt").read_text()


def refusals(text: str | bytes) -> list[tuple[str, int, str]]:
    with pytest.raises(Unreadable) as refusal:
        wire_text.read(text.encode("latin-1") if isinstance(text, str) else text)
    assert all(problem.message and problem.fix for problem in refusal.value.problems)
    return [(each.code, each.line, each.field) for each in refusal.value.problems]


def only(text: str) -> wire_text.FedwireAdvice:
    (advice,) = wire_text.read(text.encode()).advices
    return advice


def test_the_text_of_a_wire_names_payer_account_and_invoice():
    lines = (
        "WIRE TYPE:WIRE IN DATE:112026 TIME:0931 ET TRN:2026112000123456 SEQ:",
        "INV90010045/001234 ORIG:MIDSIZE CORP ID:0099887766 SND BK:SOME BANK",
        "BANK ID:110000000 PMT DET:ACCOUNT 200001 INVOICE 90010045",
    )

    assert wire_text.read_text(lines) == WireText(
        payer="MIDSIZE CORP",
        remittance="ACCOUNT 200001 INVOICE 90010045",
        invoices=("90010045",),
        accounts=("200001",),
    )


@pytest.mark.parametrize(
    ("text", "invoices", "accounts"),
    [
        ("ORIG:ACME WIDGETS OBI:ACCT 100045 INV 90010001", ("90010001",), ("100045",)),
        ("CCD PMT INFO:ACCT 200002 INV 90010046", ("90010046",), ("200002",)),
        ("BOOK TRANSFER CREDIT FROM XXXX7788 ACCT#100047", (), ("100047",)),
        ("Invoices no. 9001, 9002 and 9003 9004", ("9001", "9002", "9003", "9004"), ()),
        ("inv 9001 77", ("9001",), ()),
        ("INVOICE # A-9001 CUSTOMER NUMBER 12-34", ("A-9001",), ("12-34",)),
        ("INVENTORY 9001 ACCOUNTING 77 INVOICE PAID", (), ()),
        ("INV ٩٠٠١", (), ()),
    ],
)
def test_marked_numbers_are_found(text, invoices, accounts):
    wire = wire_text.read_text([text])

    assert (wire.invoices, wire.accounts) == (invoices, accounts)


def test_a_number_cut_by_a_line_break_is_found_both_ways():
    wire = wire_text.read_text(["PMT DET:INV 900100", "45 ACCT 1234"])

    assert wire.invoices == ("900100", "90010045")
    assert wire.accounts == ("1234",)


def test_tags_in_lines_of_their_own_are_read():
    lines = ["EREF: E2E-1", "DBNM: SAMPLE INC.", "REMI: QWERTY", "BBI: /CHGS/"]

    wire = wire_text.read_text(lines)

    assert (wire.payer, wire.reference, wire.remittance) == (
        "SAMPLE INC.",
        "E2E-1",
        "QWERTY",
    )
    assert wire.bank_text == "CHGS"


def test_a_tagged_advice_is_read_to_the_last_field():
    advice = only(ADVICE)

    assert (advice.imad, advice.on) == ("20261120B1QGC01R001234", date(2026, 11, 20))
    assert (advice.amount_minor, advice.business_function) == (150_000, "CTR")
    assert (advice.sender_bank, advice.receiver_bank) == ("091999049", "021999051")
    assert (advice.originator.name, advice.originator.account_number) == ("ACME WIDGETS", "998877")
    assert advice.beneficiary.name == "CEDARLINE COMMUNICATIONS"
    assert advice.sender_reference == "SENDER REF 1"
    assert advice.text == WireText(
        payer="ACME WIDGETS",
        reference="RFB 77",
        remittance="ACCT 100045 INV 90010001",
        bank_text="CHGS",
        invoices=("90010001",),
        accounts=("100045",),
    )
    assert "998877" not in repr(advice)


def test_names_may_stand_in_fixed_columns_and_tags_on_one_line():
    fixed = ADVICE.replace("D998877*ACME WIDGETS*1 MAIN ST*", f"D{'998877':34}{'ACME':35}STREET")

    assert only(fixed).originator.name == "ACME"
    assert only(ADVICE.replace("\n", "")) == only(ADVICE)


def test_what_the_service_puts_before_a_message_belongs_to_it():
    second = ADVICE.replace("001234", "001235").replace("{1500}", "{1100}30P N\n{1500}")

    file = wire_text.read((ADVICE + second).encode())

    assert [each.imad[-6:] for each in file.advices] == ["001234", "001235"]
    assert file.summary()["credit_minor"] == 300_000


@pytest.mark.parametrize("type_code", ["1002", "1008", "1031", "1090"])
def test_a_reversal_or_a_request_brings_no_money(type_code):
    text = ADVICE.replace("{1510}1000", "{1510}" + type_code)

    assert not only(text).is_receipt
    assert wire_text.read(text.encode()).summary()["credit_minor"] == 0


@pytest.mark.parametrize("tag", ["1510", "1520", "2000", "3100", "3400", "3600"])
def test_a_tag_every_message_has_is_missed(tag):
    lines = [line for line in ADVICE.splitlines() if not line.startswith(f"{{{tag}}}")]

    assert refusals("\n".join(lines)) == [("tag-missing", 1, f"{{{tag}}}")]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("000000150000", "0000001500.0", ("amount", 4, "{2000}")),
        ("000000150000", "00000015000²", ("amount", 4, "{2000}")),
        ("20261120B1", "20261320B1", ("imad", 3, "{1520}")),
        ("20261120B1", "20261120B", ("imad", 3, "{1520}")),
        ("{3600}CTR", "{3600}CTR\n{2000}000000150001", ("tag-twice", 9, "{2000}")),
    ],
)
def test_a_tag_that_is_wrong_says_where(old, new, expected):
    reported = refusals(ADVICE.replace(old, new))

    assert reported == [expected if "²" not in new else ("characters", 1, "")]


def test_the_same_message_twice_is_refused():
    assert refusals(ADVICE + ADVICE) == [("imad-twice", 16, "{1520}")]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not-fedwire"),
        (b"hello {1500}", "not-fedwire"),
        (ADVICE.encode("utf-16"), "not-fedwire"),
        (ADVICE.replace("ACME", "AC\0E").encode(), "characters"),
        (b"{1500}" + b"\xff", "characters"),
    ],
)
def test_bytes_that_are_no_advice_say_so(content, code):
    assert [each[0] for each in refusals(content)] == [code]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(ADVICE) - 1), st.integers(0, 255), st.integers(0, 2))
def test_a_changed_byte_ends_in_a_refusal_or_an_advice(at, byte, kind):
    content = ADVICE.encode()
    new = (b"", bytes([byte]), content[at : at + 1] + bytes([byte]))[kind]
    try:
        file = wire_text.read(content[:at] + new + content[at + 1 :])
    except Unreadable as refusal:
        assert refusal.problems
    else:
        assert len(file.advices) == 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=4))
def test_any_text_is_read(lines):
    assert isinstance(wire_text.read_text(lines), WireText)


@pytest.mark.parametrize(
    "piece", ["INV ", "INV 1 ", "ID:", "{1500}", "{2000}1", " ", "INVOICE NO", "9001,", "\n"]
)
def test_length_buys_no_time(piece):
    text = piece * 100_000

    with waiting.stopped_if_endless():
        wire_text.read_text([text, text])
        with pytest.raises(Unreadable):
            wire_text.read(text.encode())


def in_one_line(advice: str, prefix: str = "YFT811  ") -> str:
    """Write an advice as some services hand it on: a prefix, no line ends, asterisks at ends."""
    return prefix + advice.replace("\n", "")


@pytest.mark.parametrize("prefix", ["YFT811  ", "YFT811 ", "FTI0811", "WIRE ADVICE\n", "\ufeff"])
def test_promise_27_an_advice_may_follow_the_prefix_of_its_service(prefix):
    content = in_one_line(ADVICE, prefix).encode()

    assert sniff(content).format is Format.FEDWIRE_TEXT
    assert wire_text.read(content).advices == (only(ADVICE),)
    (receipt,) = wire.read(BankDocument("advice.txt", content))
    assert (receipt.amount.minor, receipt.payer) == (150_000, "ACME WIDGETS")


def test_the_prefix_of_the_next_message_is_no_part_of_a_text():
    second = ADVICE.replace("001234", "001235")
    content = in_one_line(ADVICE) + in_one_line(second)

    first_advice, second_advice = wire_text.read(content.encode()).advices

    assert first_advice.text.remittance == "ACCT 100045 INV 90010001"
    assert first_advice == only(ADVICE)
    assert second_advice.imad.endswith("001235")


@pytest.mark.parametrize("tag", ["1510", "1520", "2000", "3100", "3400", "3600", "3320", "4320"])
def test_an_asterisk_ends_a_field_of_any_length(tag):
    ended = "\n".join(
        f"{line.rstrip('*')}*" if line.startswith(f"{{{tag}}}") else line
        for line in ADVICE.splitlines()
    )

    assert only(ended) == only(ADVICE)


@pytest.mark.parametrize(
    "text",
    [
        f"Your incoming wire (please keep):\n{ADVICE}",
        ADVICE.replace("{1500}", "[1500]", 1).replace("{1510}", "text {1510}"),
        in_one_line(ADVICE, "x" * 80),
    ],
    ids=["letter", "other brackets", "long prefix"],
)
def test_promise_27_an_advice_in_another_form_is_called_one(text):
    result = sniff(text.encode())

    assert result.format is None
    assert result.reason.startswith("looks like a wire advice with tags of Fedwire, in a form")
