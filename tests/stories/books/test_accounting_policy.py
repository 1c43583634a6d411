"""Every row of the accounting policy is booked as it stands, and in any order to the same sums."""

from __future__ import annotations

from collections import Counter
from datetime import date

from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from billfold.ledger import book
from billfold.ledger.chart import BILLED, AccountCode
from billfold.ledger.transfer import Transfer
from billfold.money import Money
from billfold.payments.rules.accounting import COLUMNS, POLICY
from tests.environment import SHARING_A_FIXTURE

ON = date(2026, 11, 16)
ROWS = [
    (f"{rail}/{event}", row)
    for rail, column in {**COLUMNS, "every": POLICY}.items()
    for event, row in column.items()
]
ENOUGH = 10_000


def funds() -> list[Transfer]:
    """Put enough on each account that may not stand on its wrong side."""
    sides = {side for _, row in ROWS for side in (row.debit, row.credit)}
    pairs = [(each, BILLED) for each in sides if each.code == AccountCode.RECEIVABLE]
    waiting = {AccountCode.UNAPPLIED, AccountCode.UNIDENTIFIED}
    pairs += [(BILLED, each) for each in sides if each.code in waiting]
    return [
        Transfer(f"fund/{debit}/{credit}", debit, credit, Money(ENOUGH), ON, "funded")
        for debit, credit in pairs
    ]


@settings(max_examples=10, deadline=None, suppress_health_check=SHARING_A_FIXTURE)
@given(
    rows=st.permutations(ROWS),
    minors=st.lists(st.integers(1, 100), min_size=len(ROWS), max_size=len(ROWS)),
)
def test_promise_2_rows_of_the_policy_in_any_order_come_to_the_same_sums(
    cedarline, now, rows, minors
):
    amounts = dict(zip((name for name, _ in ROWS), minors, strict=True))
    transfers = [
        Transfer(name, row.debit, row.credit, Money(amounts[name]), ON, "row") for name, row in rows
    ]
    expected: Counter[str] = Counter()
    for each in [*funds(), *transfers]:
        expected[each.debit.code] += each.amount.minor
        expected[each.credit.code] -= each.amount.minor
    save = transaction.savepoint()
    try:
        book.post(funds(), now=now)
        for transfer in transfers:
            book.post([transfer], now=now)

        sums = {line.code: (line.debits - line.credits).minor for line in book.trial_balance()}
        assert sums == {code: expected[code] for code in sums}
        assert sum(sums.values()) == 0
        assert set(sums) == {side.code for _, row in ROWS for side in (row.debit, row.credit)}
    finally:
        transaction.savepoint_rollback(save)
