"""The bills of a customer that a bank debit can pay."""

from __future__ import annotations

from datetime import date
from typing import Final
from uuid import UUID

from billfold.payments.reading import bills
from billfold.payments.reading.bills import Bill, UnpaidBills

CURRENCY: Final = "USD"
"""What a bank debit is in."""
MOST_BILLS: Final = 1_000


def load(customer_id: UUID, *, on: date) -> UnpaidBills:
    """Read what is open or being paid, the oldest due first, and the sums of all: one query."""
    return bills.unpaid(customer_id, at_most=MOST_BILLS, on=on)


def is_payable(bill: Bill) -> bool:
    """Say whether a bank debit can pay on this bill now."""
    return bill.payable.minor > 0 and bill.payable.currency == CURRENCY
