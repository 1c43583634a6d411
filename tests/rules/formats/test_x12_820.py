"""Remittance advices: read completely and proved, or refused with every reason."""

import os
from datetime import date
from pathlib import Path

import pytest

from billfold.formats import x12
from billfold.formats.problems import Unreadable
from billfold.formats.x12 import AdviceAdjustment, AdviceReference, Period
from tests.rules.formats.remittance_files import (
    ACCOUNT_ONLY,
    BAD_COUNT,
    BAD_NUMBER,
    BPR,
    CHECK,
    CTX,
    GS,
    ISA,
    PIPES,
    file,
    interchange,
    only_payment,
    problems,
    transaction,
    warnings,
)


def test_an_advice_is_read_to_the_last_field():
    advice = x12.read(CTX)

    (payment,) = advice.payments
    assert (payment.amount_minor, payment.currency, payment.is_debit) == (1475050, "USD", False)
    assert (payment.handling, payment.method, payment.payment_format) == ("C", "ACH", "CTX")
    assert (payment.originating.number, payment.receiving.number) == ("998877665544", "5550123456")
    assert payment.originator_id == "1987654321"
    assert payment.effective_date == date(2026, 11, 23)
    assert payment.trace_reference == "PAY20261120-7"
    assert payment.payer == "MIDSIZE CORP"
    assert [party.name for party in payment.parties] == ["MIDSIZE CORP", "EXAMPLE TELECOM INC"]
    assert payment.references == (AdviceReference("14", "200001"),)
    assert payment.periods == (Period("097", date(2026, 11, 20), date(2026, 11, 20)),)
    assert (payment.control_number, payment.group_control_number) == ("0001", "101")
    assert payment.moves_money
    assert advice.warnings == ()
    assert advice.summary() == {
        "interchanges": 1,
        "payments": 1,
        "entries": 3,
        "debit_minor": 0,
        "credit_minor": 1475050,
        "currency": "USD",
    }


def test_the_envelope_says_who_sent_it():
    (sent,) = x12.read(CTX).interchanges

    assert (sent.sender, sent.receiver) == ("MIDSIZECORP", "EXAMPLETEL")
    assert (sent.control_number, sent.version) == ("000000101", "00401")
    assert (sent.created_date, sent.is_test) == (date(2026, 11, 20), False)
    assert only_payment(CTX).interchange is sent or only_payment(CTX).interchange == sent


def test_a_line_says_what_is_paid_of_what():
    full, discounted, memo = only_payment(CTX).lines

    assert (full.qualifier, full.number) == ("IV", "90020001")
    assert (full.paid_minor, full.invoice_minor, full.discount_minor) == (1000000, 1000000, None)
    assert full.references == (AdviceReference("14", "200001"),)
    assert full.periods == (Period("003", date(2026, 11, 1), date(2026, 11, 1)),)
    assert (discounted.paid_minor, discounted.discount_minor) == (485050, 10000)
    assert discounted.adjustments == (AdviceAdjustment(-10000, "01", "CM", "CR-7731"),)
    assert (memo.qualifier, memo.number, memo.paid_minor) == ("CM", "CR-7732", -10000)
    assert [line.is_credit_memo for line in (full, discounted, memo)] == [False, False, True]


def test_delimiters_are_discovered():
    ours, theirs = only_payment(PIPES), only_payment(CTX)

    assert ours == theirs


@pytest.mark.parametrize(
    ("element", "component", "terminator"),
    [
        ("|", ">", "'"),
        ("\x1d", "\x1f", "\x1c"),
        ("*", ":", "\n"),
        ("*", ">", "\r\n"),
        ("^", "<", "\\"),
    ],
)
@pytest.mark.parametrize("after", ["", "\n", "\r\n", "  \n"])
def test_any_delimiters_will_do(element, component, terminator, after):
    text = CTX.decode().replace("\n", "").replace("*", element).replace(":~", f"{component}~")

    advice = x12.read(text.replace("~", terminator + after).encode())

    assert advice.payments == x12.read(CTX).payments
    assert advice.warnings == ()


@pytest.mark.parametrize("before", ["\n\n", "\ufeff", "  \r\n"])
def test_what_stands_around_an_interchange_does_not_matter(before):
    assert x12.read(before.encode() + CTX + b"\n\n\x1a\x00\x00").payments


def test_a_file_wrapped_at_80_columns_is_joined():
    text = CTX.decode().replace("\n", "")
    wrapped = "\r\n".join(text[at : at + 80] for at in range(0, len(text), 80))

    advice = x12.read(wrapped.encode())

    assert advice.payments == x12.read(CTX).payments
    assert [code for code, _, _ in warnings(advice)] == ["line-break"]


def test_an_account_may_be_paid_without_an_invoice():
    (line,) = only_payment(ACCOUNT_ONLY).lines

    assert (line.qualifier, line.number, line.paid_minor) == ("AJ", "200001", 1475050)


def test_the_advice_of_a_cheque_moves_no_money():
    payment = only_payment(CHECK)

    assert (payment.handling, payment.method, payment.trace_reference) == ("I", "CHK", "20455")
    assert payment.lines_minor == payment.amount_minor == 34618
    assert not payment.moves_money
    assert payment.effective_date == date(2026, 11, 20)


@pytest.mark.parametrize(
    ("content", "expected"),
    [(BAD_COUNT, [("count", 17, "SE01")]), (BAD_NUMBER, [("control-number", 19, "IEA02")])],
)
def test_an_envelope_that_does_not_hold_is_refused(content, expected):
    assert problems(content) == expected


def test_problems_of_one_line_files_name_the_segment():
    assert problems(PIPES.replace(b"SE|15", b"SE|16")) == [("count", 17, "SE01")]


@pytest.mark.skipif("BILLFOLD_SAMPLES" not in os.environ, reason="BILLFOLD_SAMPLES is not set")
@pytest.mark.parametrize(
    ("name", "amounts"), [("820.loops.txt", [300000]), ("x12.820.issue140.edi", [2129897])]
)
def test_public_samples_are_read(name, amounts):
    content = (Path(os.environ["BILLFOLD_SAMPLES"]) / "edi820" / name).read_bytes()

    advice = x12.read(content)

    assert [payment.amount_minor for payment in advice.payments] == amounts
    assert advice.warnings == ()


@pytest.mark.skipif("BILLFOLD_SAMPLES" not in os.environ, reason="BILLFOLD_SAMPLES is not set")
def test_the_advice_of_a_retailer_is_read_whole():
    path = Path(os.environ["BILLFOLD_SAMPLES"]) / "edi820" / "x12.820.issue140.edi"

    first = only_payment(path.read_bytes()).lines[0]

    assert (first.paid_minor, first.invoice_minor, first.discount_minor) == (440875, 465041, 9790)
    (adjustment,) = first.adjustments
    assert (adjustment.amount_minor, adjustment.reason, adjustment.number) == (
        -14376,
        "59",
        "26801",
    )
    assert adjustment.references == (
        AdviceReference("6O", "022"),
        AdviceReference("MC", "000000025"),
    )
    assert len(first.references) == 6


@pytest.mark.skipif("BILLFOLD_SAMPLES" not in os.environ, reason="BILLFOLD_SAMPLES is not set")
def test_a_premium_advice_names_whom_each_line_is_for():
    path = Path(os.environ["BILLFOLD_SAMPLES"]) / "edi820" / "820.loops.txt"

    lines = only_payment(path.read_bytes()).lines

    assert [line.entity for line in lines] == ["13314999", "15776068"]
    assert lines[0].periods == (Period("582", date(2004, 9, 1), date(2004, 9, 30)),)


def test_several_groups_and_payments_are_read():
    one = transaction(BPR.format("5.00"), "RMR*IV*7**5.00")
    two = transaction(BPR.format("6.00"), "RMR*IV*8**6.00", number="0002")
    segments = [
        *[ISA, GS, *one, *two, "GE*2*101"],
        *[GS.replace("*101*", "*102*"), *one, "GE*1*102", "IEA*2*000000101"],
        *interchange(*one),
    ]

    advice = x12.read("~".join([*segments, ""]).encode())

    assert [payment.amount_minor for payment in advice.payments] == [500, 600, 500, 500]
    assert len(advice.interchanges) == 2
    assert [payment.group_control_number for payment in advice.payments] == [
        "101",
        "101",
        "102",
        "101",
    ]


def test_each_interchange_has_its_own_delimiters():
    assert len(x12.read(CTX + PIPES + CTX).payments) == 3


def test_a_day_without_payments_is_said():
    advice = x12.read("~".join([ISA, "IEA*0*000000101~"]).encode())

    assert advice.payments == ()
    assert warnings(advice) == [("empty", 2, "")]


@pytest.mark.parametrize(
    ("kind", "group", "words"),
    [
        ("835", "HP", "This is an X12 835, a health care claim payment; only 820 is read."),
        ("850", "PO", "This is an X12 850, a purchase order; only 820 is read."),
        ("997", "FA", "This is an X12 997, a functional acknowledgment; only 820 is read."),
        ("123", "ZZ", "This is another X12 document; only 820 is read."),
    ],
)
def test_other_documents_are_refused_by_name(kind, group, words):
    text = CTX.decode().replace("ST*820", f"ST*{kind}").replace("GS*RA", f"GS*{group}")

    with pytest.raises(Unreadable) as refusal:
        x12.read(text.encode())

    (problem,) = refusal.value.problems
    assert (problem.code, problem.line, problem.field) == ("not-820", 3, "ST01")
    assert problem.message == words


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("GS*RA", "GS*HP", [("functional-group", 2, "GS01")]),
        ("GE*1*101", "GE*2*101", [("count", 18, "GE01")]),
        ("GE*1*101", "GE**101", [("count", 18, "GE01")]),
        ("GE*1*101", "GE*1*102", [("control-number", 18, "GE02")]),
        ("GE*1*101", "GE*1", [("control-number", 18, "GE02")]),
        ("IEA*1", "IEA*2", [("count", 19, "IEA01")]),
        ("IEA*1", "IEA*\u0661", [("count", 19, "IEA01")]),
        ("SE*15*0001", "SE*15*0002", [("control-number", 17, "SE02")]),
        ("SE*15*0001", "SE*15*1", [("control-number", 17, "SE02")]),
        ("SE*15*0001~\n", "", [("missing-trailer", 3, "ST")]),
        ("GE*1*101~\n", "", [("missing-trailer", 2, "GS")]),
        ("IEA*1*000000101~\n", "", [("missing-trailer", 1, "ISA")]),
        ("GE*1*101~\n", "GE*1*101~\nGE*1*101~\n", [("out-of-place", 19, "GE")]),
        ("SE*15*0001~\n", "SE*15*0001~\nSE*1*0001~\n", [("out-of-place", 18, "SE")]),
        ("IEA*1*000000101~\n", "IEA*1*000000101~\nIEA*1*1~\n", [("out-of-place", 20, "IEA")]),
        ("IEA*1*000000101~\n", "IEA*1*000000101~\nTRN*1~\n", [("out-of-place", 20, "TRN")]),
        ("ST*820", "TRN*1*2~\nST*820", [("out-of-place", 3, "TRN")]),
        ("TRN*1", "trn*1", [("segment-name", 5, "")]),
        ("TRN*1", "TRN*" + "*" * 200, [("too-many-elements", 5, "TRN")]),
        ("MIDSIZE CORP", "MID\x00CORP", [("control-character", 8, "")]),
        ("MIDSIZE CORP", "MID\x1fCORP", [("control-character", 8, "")]),
        ("14750.50", "14750.51", [("remittance-total", 4, "BPR02")]),
        ("14750.50", "-14750.50", [("amount", 4, "BPR02")]),
        ("14750.50", "", [("amount", 4, "BPR02")]),
        ("14750.50", "14750.500", [("amount", 4, "BPR02")]),
        ("14750.50", "14,750.50", [("amount", 4, "BPR02")]),
        ("14750.50", "$14750.50", [("amount", 4, "BPR02")]),
        ("14750.50", "1475\u0660.50", [("amount", 4, "BPR02")]),
        ("14750.50", "1" * 30, [("amount", 4, "BPR02")]),
        ("BPR*C", "BPR*P", [("prenote-amount", 4, "BPR02")]),
        ("14750.50*C*", "14750.50*X*", [("credit-or-debit", 4, "BPR03")]),
        ("20261123", "20261131", [("date", 4, "BPR16")]),
        ("DTM*097*20261120~\n", "BPR*C*1*C~\n", [("second-payment", 7, "BPR")]),
        ("BPR*", "NTE*", [("no-payment", 3, "BPR")]),
        ("**10000.00*", "**1000.00*", [("remittance-total", 4, "BPR02")]),
        ("**10000.00*", "**1e4*", [("amount", 11, "RMR04")]),
        ("4950.50*100.00", "4950.50*1.0.0", [("amount", 14, "RMR06")]),
        ("ADX*-100.00", "ADX*-100.001", [("amount", 15, "ADX01")]),
        ("ADX*-100.00", "ADX*", [("amount", 15, "ADX01")]),
        ("DTM*097", "CUR*PR*XXX~\nDTM*097", [("currency", 7, "CUR02"), ("count", 18, "SE01")]),
        ("ENT*1", "CUR*PR*", [("currency", 10, "CUR02")]),
        ("ADX*-100.00*01*CM*CR-7731", "CUR*PR*EUR", [("currency", 15, "CUR02")]),
        ("*P*:~", "*P* ~", [("delimiters", 1, "ISA, positions 4, 105 and 106")]),
        ("*P*:~", "*P*::", [("delimiters", 1, "ISA, positions 4, 105 and 106")]),
        ("*P*:~", "*P*:A", [("delimiters", 1, "ISA, positions 4, 105 and 106")]),
    ],
)
def test_each_fault_is_named(old, new, expected):
    text = CTX.decode()
    assert old in text

    assert problems(text.replace(old, new, 1).encode()) == expected


def test_every_fault_is_named_at_once():
    text = CTX.decode().replace("SE*15", "SE*9").replace("14750.50", "1").replace("GE*1", "GE*4")

    assert [code for code, _, _ in problems(text.encode())] == [
        "remittance-total",
        "count",
        "count",
    ]


def test_a_terminator_inside_the_header_is_named():
    errors = problems(CTX.replace(b"MIDSIZECORP    ", b"MIDSIZE~CORP   ", 1))

    assert ("interchange-header", 1, "ISA") in errors


def test_an_empty_group_of_another_kind_is_refused():
    text = "~".join([ISA, GS.replace("GS*RA", "GS*FA"), "GE*0*101", "IEA*1*000000101~"])

    assert problems(text.encode()) == [("functional-group", 2, "GS01")]


def test_zeros_before_a_control_number_of_the_envelope_do_not_count():
    assert x12.read(CTX.replace(b"IEA*1*000000101", b"IEA*1*101")).payments


def test_the_last_terminator_may_be_missing():
    assert x12.read(CTX.rstrip(b"~\n")).payments == x12.read(CTX).payments


def test_a_short_header_is_read_by_its_separators():
    advice = x12.read(CTX.replace(b"MIDSIZECORP    ", b"MIDSIZECORP"))

    assert warnings(advice) == [("interchange-header-length", 1, "ISA")]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not-x12"),
        (b"ISAAC NEWTON", "not-x12"),
        (b"01,BANK,BILLER,261120", "not-x12"),
        ("ISA*".encode("utf-16"), "not-x12"),
        (b"\0" * 1_000, "not-x12"),
        (b"ISA", "interchange-header"),
        (b"ISA*00*", "interchange-header"),
        (CTX[:105], "interchange-header"),
        (CTX.partition(b"\n")[2], "no-envelope"),
        (b"RMR*IV*90010046**299.75~", "no-envelope"),
    ],
)
def test_what_is_no_interchange_is_refused(content, code):
    assert [each for each, _, _ in problems(content)][:1] == [code]


def test_what_is_odd_often_is_said_once():
    lines = [f"RMR*IV*{number}**1*3*1" for number in range(5_000)]

    advice = x12.read(file(*lines, amount="5000"))

    (warning,) = advice.warnings
    assert (warning.code, warning.line) == ("line-arithmetic", 5)
    assert "4,999 more" in warning.message


@pytest.mark.parametrize(
    ("segment", "expected"),
    [
        ("ZZZ*1", ("unknown-segment", 6, "ZZZ")),
        ("DTM*003*20261331", ("date", 6, "DTM02")),
        ("DTM*582****RD8*20261101-2026113", ("date", 6, "DTM02")),
        ("RMR*IV", ("no-paid-amount", 6, "RMR04")),
        ("RMR*IV***0", ("no-number", 6, "RMR02")),
    ],
)
def test_an_oddity_is_noted_and_kept(segment, expected):
    advice = x12.read(file("RMR*IV*7**100", segment))

    assert expected in warnings(advice)


def test_segments_that_are_not_interpreted_are_kept():
    payment = only_payment(
        file("PER*CN*MS A", "RMR*IV*7**100", "NTE*INV*LATE", "IT1*1*2", "DTM*003*x", "TRN*9*9")
    )

    assert [segment.name for segment in payment.other] == ["PER"]
    assert payment.lines[0].notes == ("LATE",)
    assert [segment.name for segment in payment.lines[0].other] == ["IT1", "DTM"]
    assert payment.trace_reference == "9"


def test_a_second_trace_is_kept():
    payment = only_payment(file("TRN*1*7", "TRN*1*8", "RMR*IV*7**100"))

    assert payment.trace_reference == "7"
    assert [segment[2] for segment in payment.other] == ["8"]


def test_an_unknown_handling_is_noted():
    advice = x12.read(file("RMR*IV*7**100", order=BPR.replace("BPR*C", "BPR*Q")))

    assert warnings(advice) == [("handling", 4, "BPR01")]


def test_a_repeated_control_number_is_noted():
    one = transaction(BPR.format("5.00"), "RMR*IV*7**5.00")

    advice = x12.read("~".join([*interchange(*one, *one, sets=2), ""]).encode())

    assert [code for code, _, _ in warnings(advice)] == ["repeated-number"]


def test_a_test_is_marked_as_one():
    advice = x12.read(CTX.replace(b"*0*P*", b"*0*T*"))

    assert advice.is_test
    assert warnings(advice) == [("test", 1, "ISA15")]


def test_an_acknowledgment_of_the_envelope_is_passed_over():
    text = CTX.decode().replace("GS*RA", "TA1*000000007*261120*0930*A*000~\nGS*RA")

    assert x12.read(text.encode()).payments == x12.read(CTX).payments


def test_a_bad_date_of_the_envelope_is_noted():
    assert warnings(x12.read(CTX.replace(b"*261120*", b"*269920*"))) == [("date", 1, "ISA09")]


def test_no_message_and_no_print_shows_a_bank_account():
    advice = x12.read(file("RMR*IV*7**100"))

    assert "777123" not in repr(advice)
    assert "888456" not in repr(advice)
