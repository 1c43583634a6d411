"""The Return Fee: the one rule for what a returned payment costs its payer.

A state without a reviewed cap allows none. The fee is never above the cap, and the return of a
payment that only paid fees bears no fee.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from billfold.bankdays import EASTERN
from billfold.money import Money
from billfold.payments.funnel.loading import LockedPayments
from billfold.payments.rules.lifecycle import Step
from billfold.rails.ach import reason_codes
from billfold.rails.protocol import Returned
from billfold.receivables import billing
from billfold.receivables.models import BillerProfile, FeeCap

TIME_TO_PAY: Final = timedelta(days=14)


def fee_for(profile: BillerProfile, customer_state: str, caps: Mapping[str, int]) -> Money:
    """Compute the fee for a return to a customer of that state; zero is no fee.

    `caps` holds the reviewed caps in cents, by state.
    """
    return Money(min(profile.return_fee_minor, caps.get(customer_state, 0)))


def caps_by_state(states: Iterable[str]) -> dict[str, int]:
    """Read the reviewed caps, in cents, of those states."""
    reviewed = FeeCap.objects.filter(state__in=set(states))
    return dict(reviewed.values_list("state", "cap_minor"))


def charge(
    returned: Sequence[Step], locked: LockedPayments, *, now: datetime
) -> dict[str, billing.NewCharge]:
    """Charge the fee once per returned entry, where its code and the customer's state allow one.

    Gives the charges by the reference of their payment. Needs an open transaction.
    """
    profile = BillerProfile.objects.get()
    caps = caps_by_state(locked.recipients[step.reference].customer_state for step in returned)
    on = now.astimezone(EASTERN).date()
    charges: dict[str, billing.NewCharge] = {}
    for step in returned:
        assert isinstance(step.event, Returned)
        code = reason_codes.return_code(step.event.code)
        fee = fee_for(profile, locked.recipients[step.reference].customer_state, caps)
        if not code.fee_chargeable or not fee or _only_paid_fees(step, locked):
            continue
        charges[step.reference] = billing.NewCharge(
            customer_id=locked.facts[step.reference].customer_id,
            cause=f"return/{step.reference}",
            amount=fee,
            description=f"Return Fee for payment {step.reference}: {code.label}",
            invoice_date=on,
            due_date=on + TIME_TO_PAY,
        )
    billing.charge(list(charges.values()), now=now, on=on)
    return charges


def _only_paid_fees(step: Step, locked: LockedPayments) -> bool:
    shares = locked.facts[step.reference].applied
    return bool(shares) and all(share.subject.startswith("charge/") for share in shares)
