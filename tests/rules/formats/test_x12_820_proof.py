"""What an advice says is paid adds up to its payment, or there is a reason that it need not."""

import pytest

from billfold.formats import x12
from tests.rules.formats.remittance_files import (
    BPR,
    file,
    interchange,
    only_payment,
    problems,
    transaction,
    warnings,
)


@pytest.mark.parametrize(
    ("segments", "amount"),
    [
        (["RMR*IV*7**100.00"], "100.00"),
        (["RMR*IV*7**100"], "100."),
        (["RMR*IV*7**99.5", "RMR*IV*8**.50"], "100"),
        (["RMR*IV*7**150", "RMR*CM*8**-50"], "100"),
        (["ADX*-50*01*CM*9", "RMR*IV*7**150"], "100"),
        (["ENT*1", "ADX*-50*01*CM*9", "ENT*2", "RMR*IV*7**150"], "100"),
        (["RMR*IV*7**150", "ENT*2", "ADX*-50*01*CM*9"], "100"),
        (["RMR*IV*7**100*150", "ADX*-50*01"], "100"),
        (["ADX*100*01"], "100"),
        (["RMR*IV*7**0"], "0"),
        (["RMR*IV*7**150", "RMR*CM*8**-150"], "0"),
        ([], "0"),
    ],
)
def test_lines_and_loose_adjustments_add_up_to_the_payment(segments, amount):
    payment = only_payment(file(*segments, amount=amount))

    assert payment.lines_minor == payment.amount_minor


@pytest.mark.parametrize(
    "segments",
    [
        ["RMR*IV*7**99.99"],
        ["RMR*IV*7**150", "ADX*-50*01*CM*9"],
        ["RMR*IV*7***100"],
        ["ADX*-100*01"],
    ],
)
def test_lines_that_do_not_add_up_are_refused(segments):
    assert problems(file(*segments)) == [("remittance-total", 4, "BPR02")]


def test_a_payment_with_advice_needs_lines():
    assert problems(file("TRN*1*77")) == [("no-lines", 4, "BPR02")]


def test_a_payment_alone_needs_none():
    payment = only_payment(file("TRN*1*77", order=BPR.replace("BPR*C", "BPR*D")))

    assert (payment.lines, payment.amount_minor) == ((), 10000)
    assert payment.moves_money


def test_a_payment_alone_that_has_lines_is_proved():
    order = BPR.replace("BPR*C", "BPR*D")

    assert problems(file("RMR*IV*7**99", order=order)) == [("remittance-total", 4, "BPR02")]


def test_an_advice_without_an_amount_is_told_apart():
    order = BPR.replace("BPR*C", "BPR*I")

    advice = x12.read(file("RMR*IV*7**100", order=order, amount="0"))

    assert advice.payments[0].lines_minor == 10000
    assert warnings(advice) == [("no-total", 4, "BPR02")]
    assert not advice.payments[0].moves_money
    assert problems(file("RMR*IV*7**99", order=order)) == [("remittance-total", 4, "BPR02")]


def test_a_prenote_has_no_amount():
    payment = only_payment(file(order=BPR.replace("BPR*C", "BPR*P"), amount="0"))

    assert not payment.moves_money


def test_a_debit_is_told_from_a_credit():
    advice = x12.read(file("RMR*IV*7**100", order=BPR.replace("*C*ACH", "*D*ACH")))

    assert advice.summary()["debit_minor"] == 10000
    assert advice.payments[0].is_debit


@pytest.mark.parametrize(
    ("line", "adjustment"),
    [
        ("RMR*IV*7**100*150", ""),
        ("RMR*IV*7**100*110*10", ""),
        ("RMR*IV*7**100*120*10", "ADX*-10*01"),
        ("RMR*IV*7**100*110", "ADX*-10*01"),
        ("RMR*IV*7**100*110**01*-10", ""),
        ("RMR*AZ*7**100*0", ""),
    ],
)
def test_a_discount_or_adjustment_may_explain_a_line(line, adjustment):
    advice = x12.read(file(*filter(None, [line, adjustment])))

    assert advice.warnings == ()


@pytest.mark.parametrize("line", ["RMR*IV*7**100*120*10", "RMR*IV*7**100*110**01*-20"])
def test_a_line_that_does_not_explain_itself_is_noted(line):
    advice = x12.read(file(line))

    assert warnings(advice) == [("line-arithmetic", 5, "RMR05")]


def test_an_amount_is_of_the_currency_that_is_named():
    payment = only_payment(file("CUR*PR*JPY", "RMR*IV*7**100", amount="100"))

    assert (payment.amount_minor, payment.currency) == (100, "JPY")
    assert [code for code, _, _ in problems(file("CUR*PR*JPY", "RMR*IV*7**100"))] == ["amount"]


def test_currencies_are_not_added_up():
    one = transaction(BPR.format("5"), "CUR*PR*EUR", "RMR*IV*7**5")
    two = transaction(BPR.format("5"), "RMR*IV*7**5", number="0002")

    summary = x12.read("~".join([*interchange(*one, *two, sets=2), ""]).encode()).summary()

    assert summary == {"interchanges": 1, "payments": 2, "entries": 2, "currency": "mixed"}
