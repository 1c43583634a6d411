"""Debits that go back to another one: retries and fees, in batches of their own, by the rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from billfold.formats import nacha
from billfold.formats.nacha import OriginalEntry, Unwritable
from billfold.money import Money
from billfold.rails import ach
from billfold.rails.protocol import Order, WrittenFile
from tests.rules.rails.test_ach import BANK, PAYMENT

RETURNED = OriginalEntry(
    company_name="CEDARLINE COMMUN",
    company_id="1234567890",
    sec_code="WEB",
    transaction_code=27,
    amount_minor=12_050,
    settled_on=date(2026, 11, 17),
    return_code="R01",
    returned_on=date(2026, 11, 19),
)
RETRY = replace(PAYMENT, reference="P-2", purpose="retry", original=RETURNED)
FEE = replace(
    PAYMENT, reference="F-1", amount=Money(2_500), purpose="return_fee", original=RETURNED
)


def write(*orders: Order, on: date = date(2026, 11, 25)) -> WrittenFile:
    return ach.write(
        orders,
        bank=BANK,
        now=datetime(2026, 11, 24, 20, 0, tzinfo=UTC),
        effective_date=on,
        modifier="A",
        first_sequence=1,
    )


def test_payments_retries_and_fees_go_in_batches_of_their_own():
    file = nacha.read(write(RETRY, PAYMENT, FEE).document.content)

    assert [(batch.description, len(batch.entries)) for batch in file.batches] == [
        ("BILL PAY", 1),
        ("RETRY PYMT", 1),
        ("RETURN FEE", 1),
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"return_code": "R03"}, "R01 or R09"),
        ({"retries": 2}, "twice"),
        ({"amount_minor": 12_051}, "amount"),
        ({"settled_on": date(2026, 5, 20)}, "180 days"),
        ({"company_name": "OTHER"}, "company"),
    ],
)
def test_a_retry_beyond_the_rules_is_not_written(change, words):
    with pytest.raises(Unwritable) as refusal:
        write(replace(RETRY, original=replace(RETURNED, **change)))

    (problem,) = refusal.value.problems
    assert problem.code == "retry"
    assert words in problem.message


def test_the_second_retry_is_the_last_and_180_days_are_the_limit():
    again = replace(RETRY, original=replace(RETURNED, retries=1, settled_on=date(2026, 5, 29)))

    assert write(again).entries[0].reference == "P-2"


def test_a_fee_is_collected_within_45_days_of_its_return():
    late = replace(FEE, original=replace(RETURNED, returned_on=date(2026, 10, 9)))

    with pytest.raises(Unwritable) as refusal:
        write(late)

    assert refusal.value.problems[0].code == "return-fee"
    assert write(FEE).entries[0].amount == Money(2_500)
