"""The accounting policy: a column for each rail, sides that the chart allows, paths that end."""

from __future__ import annotations

from collections import Counter

import pytest

from billfold.ledger.chart import SUBJECT_CODES, Account
from billfold.payments.rules.accounting import COLUMNS, POLICY, PolicyRow
from billfold.rails import ach, registry
from billfold.rails.protocol import PullRail

ROWS = {event: row for column in COLUMNS.values() for event, row in column.items()} | POLICY
ORDERS_ON: PullRail = ach


def test_every_rail_has_a_column_and_each_kind_of_document_one_rail():
    kinds = [rail.document_kind for rail in registry.RAILS]
    formats = [each for rail in registry.RAILS for each in rail.document_formats]

    assert {rail.name for rail in registry.RAILS} - set(COLUMNS) == set()
    assert len(set(kinds)) == len(kinds)
    assert len(set(formats)) == len(formats)
    assert [registry.reader_of(kind).document_kind for kind in kinds] == kinds
    with pytest.raises(registry.NoRail):
        registry.reader_of("statement")


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_promise_2_a_side_has_a_subject_where_its_code_has_subjects(row: PolicyRow):
    sides = (row.debit, row.credit)

    assert row.debit != row.credit
    assert [bool(side.subject) for side in sides] == [side.code in SUBJECT_CODES for side in sides]


SUBMITTED, SETTLED, TAKEN_BACK = "Payment submitted", "Payment settled", "Payment taken back"
BACK = "Payment refused, withdrawn or returned"
REFUND_BACK = "Refund refused, withdrawn or returned"
UNKNOWN = "Receipt received, payer unknown"
ITEM_RETURNED, ITEM_TAKEN_BACK = "Deposited item returned", "Returned item taken back"
ENDED = [
    ("ach", SUBMITTED, BACK),
    ("ach", SUBMITTED, SETTLED, BACK, TAKEN_BACK),
    ("card", SUBMITTED, SETTLED, BACK, TAKEN_BACK),
    ("ach", SUBMITTED, SETTLED, "Refund submitted", "Refund settled"),
    ("ach", "Refund submitted", REFUND_BACK),
    ("card", "Refund submitted", "Refund settled", REFUND_BACK, "Refund given back"),
    ("lockbox", "Receipt received", "Receipt settled", ITEM_RETURNED, ITEM_TAKEN_BACK),
    ("wire", UNKNOWN, "Receipt settled", f"{ITEM_RETURNED}, payer unknown", ITEM_TAKEN_BACK),
    ("wire", UNKNOWN, "Receipt identified", ITEM_RETURNED),
    ("ach", "Micro-entries sent", "Micro-entries taken back"),
    ("ach", "To another account of ours", "From another account of ours"),
    ("card", "Reserve held by the processor", "Reserve released by the processor"),
    ("ach", "Other money in", "Other money out"),
]


@pytest.mark.parametrize("steps", ENDED, ids=" > ".join)
def test_promise_6_what_came_and_went_leaves_nothing_anywhere(steps: tuple[str, ...]):
    rail, *events = steps
    sums: Counter[Account] = Counter()
    for event in events:
        row = COLUMNS[rail].get(event) or POLICY[event]
        sums[row.debit] += 1
        sums[row.credit] -= 1

    assert {account: count for account, count in sums.items() if count} == {}


def test_the_recovery_takes_the_place_of_what_a_refund_took_before_its_payment_came_back():
    returned, recovered = COLUMNS["ach"][BACK], POLICY["Recovery: returned after its refund"]

    assert recovered.credit == returned.debit == COLUMNS["ach"]["Refund submitted"].debit
