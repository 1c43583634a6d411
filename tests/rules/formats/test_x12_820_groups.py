"""An interchange may hold other documents beside the 820, and blanks before its terminators."""

from __future__ import annotations

import pytest

from billfold.formats import any_format, x12
from billfold.formats.problems import NOTHING_TO_DO, Unreadable
from billfold.formats.sniffing import WINDOW_BYTES, Format, sniff
from tests.rules.formats.remittance_files import (
    BPR,
    CTX,
    GS,
    ISA,
    PIPES,
    interchange,
    problems,
    transaction,
    warnings,
)

PAYMENT = transaction(BPR.format("100.00"), "ENT*1", "RMR*IV*90010001**100.00*100.00")
REMITTANCE = [GS, *PAYMENT, "GE*1*101"]


def acknowledgment(*, number: str = "7", copies: int = 1) -> list[str]:
    """Write a functional group of acknowledgments, 997."""
    sets = [
        segment
        for each in range(copies)
        for segment in (f"ST*997*{each:04}", "AK1*RA*1", "AK9*A*1*1*1", f"SE*4*{each:04}")
    ]
    return [GS.replace("*RA*", "*FA*").replace("*101*", f"*{number}*"), *sets,
            f"GE*{copies}*{number}"]  # fmt: skip


def enveloped(*groups: list[str], ends: str = "~\n") -> bytes:
    segments = [segment for group in groups for segment in group]
    return "".join(
        f"{segment}{ends}" for segment in (ISA, *segments, f"IEA*{len(groups)}*000000101")
    ).encode()


@pytest.mark.parametrize(
    ("groups", "line"),
    [
        ([acknowledgment(), REMITTANCE], 3),
        ([REMITTANCE, acknowledgment()], 10),
        ([acknowledgment(), REMITTANCE, acknowledgment(number="8")], 3),
    ],
    ids=["before", "behind", "around"],
)
def test_promise_27_an_820_among_other_groups_is_read_and_they_are_named(groups, line):
    content = enveloped(*groups)

    advice = x12.read(content)

    assert sniff(content).format is Format.X12_820
    assert [payment.amount_minor for payment in advice.payments] == [10_000]
    assert advice.payments[0].group_control_number == "101"
    assert warnings(advice) == [("passed-over", line, "ST01")]
    assert "an X12 997, a functional acknowledgment" in advice.warnings[0].message


def test_documents_of_one_kind_are_counted_and_each_kind_is_named():
    orders = [segment.replace("*997*", "*850*") for segment in acknowledgment(number="9")]

    advice = x12.read(enveloped(acknowledgment(copies=3), orders, REMITTANCE))

    assert [warning.message for warning in advice.warnings] == [
        "The file holds an X12 997, a functional acknowledgment (3 times), too; it is passed over.",
        "The file holds an X12 850, a purchase order, too; it is passed over.",
    ]


def test_what_another_document_holds_is_no_matter_but_its_envelope_is():
    odd = [each.replace("AK9*A", "ak9:A" + "*" * 150) for each in acknowledgment()]
    miscounted = [each.replace("SE*4", "SE*5") for each in acknowledgment()]

    assert len(x12.read(enveloped(odd, REMITTANCE)).payments) == 1
    assert problems(enveloped(miscounted, REMITTANCE)) == [("count", 6, "SE01")]


@pytest.mark.parametrize(
    ("group", "kind", "expected"),
    [
        ("RA", "997", ("not-820", 9, "ST01")),
        ("FA", "820", ("functional-group", 8, "GS01")),
    ],
)
def test_a_group_and_its_documents_must_agree_that_they_are_no_remittance(group, kind, expected):
    damaged = [
        segment.replace("GS*RA", f"GS*{group}").replace("ST*820", f"ST*{kind}")
        for segment in REMITTANCE
    ]

    assert problems(enveloped(acknowledgment(), damaged)) == [expected]


def test_an_empty_group_beside_an_820_is_no_matter():
    empty = [GS.replace("*RA*", "*FA*").replace("*101*", "*7*"), "GE*0*7"]

    assert len(x12.read(enveloped(empty, REMITTANCE)).payments) == 1


def test_a_day_without_payments_beside_an_acknowledgment_is_said():
    none = [GS, "GE*0*101"]

    assert warnings(x12.read(enveloped(acknowledgment(), none))) == [
        ("passed-over", 3, "ST01"),
        ("empty", 10, ""),
    ]


@pytest.mark.parametrize("before", [acknowledgment(copies=400), acknowledgment(copies=1)])
@pytest.mark.parametrize("behind", [acknowledgment(number="8", copies=400)])
def test_an_820_is_recognised_between_groups_longer_than_what_is_looked_at(before, behind):
    content = enveloped(before, REMITTANCE, behind)
    assert len(content) > 2 * WINDOW_BYTES

    assert any_format.read(content).format is Format.X12_820


def test_acknowledgments_alone_are_refused_by_name():
    alone = any_format.read(enveloped(acknowledgment()))
    many = any_format.read(enveloped(*[acknowledgment(number=str(n)) for n in range(200)]))

    assert (alone.format, alone.document) == (None, None)
    assert "997, a functional acknowledgment" in alone.problems[0].message
    assert [problem.code for problem in many.problems] == ["not-820"]


@pytest.mark.parametrize("blanks", [" ", "   ", "\t"])
@pytest.mark.parametrize("content", [CTX, enveloped(REMITTANCE, ends="~")])
def test_promise_27_blanks_before_terminators_are_put_up_with_and_said_once(content, blanks):
    dressed = content.replace(b"~", f"{blanks}~".encode())

    advice = x12.read(dressed)

    assert sniff(dressed).format is Format.X12_820
    assert warnings(advice) == [("blank-before-terminator", 1, "ISA")]
    assert [p.amount_minor for p in advice.payments] == [
        p.amount_minor for p in x12.read(content).payments
    ]
    assert [p.lines for p in advice.payments] == [p.lines for p in x12.read(content).payments]


def test_blanks_may_stand_before_any_terminator():
    terminator = PIPES.decode()[105]
    dressed = PIPES.replace(terminator.encode(), f" {terminator}".encode())

    assert len(x12.read(dressed).payments) == len(x12.read(PIPES).payments)
    assert x12.read(CTX.replace(b"~\n", b" \n")).payments


def test_promise_27_no_refusal_says_that_nothing_needs_to_be_done():
    empty = interchange(sets=0)
    faults = [
        ISA.replace("261120*0930", "999999*0930"),  # A day that is none is only warned of.
        *empty[1:-1],
        "IEA*2*000000101",
    ]
    content = "".join(f"{segment}~\n" for segment in faults).encode()

    with pytest.raises(Unreadable) as refusal:
        x12.read(content)

    assert [problem.code for problem in refusal.value.problems] == ["count"]
    intact = x12.read(content.replace(b"IEA*2", b"IEA*1"))
    assert [warning.code for warning in intact.warnings] == ["date", "empty"]
    assert all(warning.fix.startswith(NOTHING_TO_DO) for warning in intact.warnings)
