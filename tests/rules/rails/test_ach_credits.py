"""Credits: money that goes back to accounts we debited, in batches of their own."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billfold.formats import nacha
from billfold.formats.nacha import NachaBatch
from billfold.money import Money
from billfold.rails import ach
from billfold.rails.protocol import Order, WrittenFile, WrongDirection
from tests.rules.rails.test_ach import BALANCED, BANK, PAYMENT, write

REFUND = replace(PAYMENT, reference="R-1", direction="credit", purpose="refund")


def batches(written: WrittenFile) -> tuple[NachaBatch, ...]:
    return nacha.read(written.document.content).batches


def test_a_refund_becomes_one_credit_of_the_account():
    written = write(REFUND)

    (batch,) = batches(written)
    (entry,) = batch.entries
    assert (batch.service_class, batch.description) == (220, "REFUND")
    assert (entry.transaction_code, entry.amount_minor) == (22, 12_050)
    assert (entry.routing_number, entry.account_number) == ("110000000", "4400000001")
    assert (written.debit, written.credit) == (Money(0), Money(12_050))
    assert [(each.reference, each.direction) for each in written.entries] == [("R-1", "credit")]


def test_a_credit_goes_to_a_person_as_ppd_and_to_a_company_as_ccd():
    web, company = write(REFUND), write(replace(REFUND, sec_code="CCD"))

    assert [(b.sec_code, b.entries[0].discretionary) for b in batches(web)] == [("PPD", "")]
    assert [b.sec_code for b in batches(company)] == ["CCD"]


def test_a_savings_account_is_credited_as_one():
    savings = replace(REFUND, account_type="savings")

    written = write(savings, replace(savings, amount=Money(0)))

    codes = [batch.entries[0].transaction_code for batch in batches(written)]
    assert codes == [32, 33]


def test_debits_and_credits_of_one_file_are_in_batches_of_their_own():
    written = write(PAYMENT, REFUND, PAYMENT)

    assert [(b.service_class, len(b.entries)) for b in batches(written)] == [(225, 2), (220, 1)]
    assert (written.debit, written.credit) == (Money(24_100), Money(12_050))


def test_a_balanced_bank_gets_the_total_of_credits_as_a_debit_of_our_account():
    written = write(PAYMENT, PAYMENT, REFUND, bank=BALANCED, first=7)

    debits, refunds = batches(written)
    assert (debits.service_class, refunds.service_class) == (200, 200)
    assert [entry.transaction_code for entry in debits.entries] == [27, 27, 22]
    assert [entry.transaction_code for entry in refunds.entries] == [22, 27]
    offset = refunds.entries[-1]
    assert (offset.routing_number, offset.account_number) == ("091999049", "5550001")
    assert refunds.totals.debit_minor == refunds.totals.credit_minor == 12_050
    assert written.debit == written.credit == Money(36_150)
    assert written.last_sequence == 11


@pytest.mark.parametrize(
    ("direction", "purpose"),
    [("credit", "payment"), ("credit", "retry"), ("credit", "return_fee"), ("debit", "refund")],
)
def test_no_purpose_moves_money_in_the_other_direction(direction, purpose):
    with pytest.raises(WrongDirection):
        replace(PAYMENT, direction=direction, purpose=purpose)


def test_credits_fill_a_file_like_debits():
    bank = replace(BANK, max_file_minor=24_099)

    with pytest.raises(ach.TooMuchMoney) as refusal:
        write(REFUND, REFUND, bank=bank)

    assert (refusal.value.requested, refusal.value.allowed) == (Money(24_100), Money(24_099))
    assert write(PAYMENT, REFUND, bank=bank).credit == Money(12_050)


def test_both_directions_together_fill_a_balanced_file():
    with pytest.raises(ach.TooMuchMoney):
        write(PAYMENT, REFUND, bank=replace(BALANCED, max_file_minor=24_099))

    assert write(PAYMENT, REFUND, bank=replace(BALANCED, max_file_minor=24_100)).entries


ORDERS = st.lists(
    st.builds(
        lambda is_refund, **changes: replace(REFUND if is_refund else PAYMENT, **changes),
        is_refund=st.booleans(),
        reference=st.uuids().map(str),
        amount=st.integers(0, 10**6).map(Money),
        account_type=st.sampled_from(["checking", "savings"]),
        sec_code=st.sampled_from(["WEB", "PPD", "CCD"]),
    ),
    min_size=1,
    max_size=8,
)


def _sum(orders: list[Order], direction: str) -> int:
    return sum(order.amount.minor for order in orders if order.direction == direction)


@settings(max_examples=30, deadline=None)
@given(orders=ORDERS, is_balanced=st.booleans())
def test_promise_14_every_order_moves_once_in_its_own_direction(orders, is_balanced):
    written = write(*orders, bank=BALANCED if is_balanced else BANK)

    file = nacha.read(written.document.content)
    by_trace = {entry.trace: entry for _, entry in file.entries()}
    lines = [(each.reference, by_trace[each.trace]) for each in written.entries]
    assert sorted(
        (reference, "debit" if entry.is_debit else "credit", entry.amount_minor)
        for reference, entry in lines
    ) == sorted((order.reference, order.direction, order.amount.minor) for order in orders)
    both = sum(order.amount.minor for order in orders)
    assert (written.debit.minor, written.credit.minor) == (
        (both, both) if is_balanced else (_sum(orders, "debit"), _sum(orders, "credit"))
    )
    assert file.totals.debit_minor == written.debit.minor
    assert file.totals.credit_minor == written.credit.minor
