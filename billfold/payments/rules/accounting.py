"""The accounting policy of payments: which event makes which transfers. Pure.

docs/accounting.md is built from `POLICY`. Invoices, credit notes and charges are booked by
`receivables.billing`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from billfold.ledger.chart import CASH, IN_TRANSIT, RECEIVABLE, UNAPPLIED, Account
from billfold.ledger.transfer import Transfer
from billfold.money import Money
from billfold.payments.rules.lifecycle import State, Step
from billfold.rails.protocol import Refused, Returned, Settled, Submitted, TakenBack, Withdrawn

POLICY: Final = (
    # Event, debit, credit
    ("Invoice issued", "receivable · invoice", "billed"),
    ("Credit note", "billed", "unapplied · credit"),
    ("Submitted", "in_transit · payment", "unapplied · payment"),
    ("Applied (unapplied: reversed)", "unapplied · source", "receivable · target"),
    ("Settled by the bank", "cash", "in_transit · payment"),
    ("Refused, file withdrawn, returned", "unapplied · payment", "in_transit · payment"),
    ("Bank takes the returned money", "in_transit · payment", "cash"),
    ("Fee charged (waived: reversed)", "receivable · charge", "fee_income"),
)


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a payment that goes, or went, to one invoice."""

    subject: str
    """What it is for, as the ledger names it: `invoice/INV-7`."""
    amount_minor: int
    transfer_key: str = ""
    """Of the transfer that applied it."""


@dataclass(frozen=True, slots=True)
class PaymentFacts:
    """A payment as the accounting policy sees it."""

    id: UUID
    reference: str
    customer_id: UUID
    amount: Money
    remitted: Sequence[Share]
    applied: Sequence[Share]

    @property
    def subject(self) -> str:
        return f"payment/{self.reference}"

    @property
    def in_transit(self) -> Account:
        return IN_TRANSIT.of(self.subject)

    @property
    def unapplied(self) -> Account:
        return UNAPPLIED.of(self.subject)


def application_key(step: Step, share: Share) -> str:
    """Give the key of the transfer that applies a share to its invoice, or reverses that."""
    return f"payment/{step.reference}/{step.event.key}/{share.subject}"


def transfers(steps: Iterable[Step], facts: Mapping[str, PaymentFacts]) -> list[Transfer]:
    """Make the transfers of steps, in their order, effective on the day of their event."""
    booked: list[Transfer] = []
    for step in steps:
        payment = facts[step.reference]
        match step.event:
            case Submitted():
                booked.append(_move(step, payment, payment.in_transit, payment.unapplied))
                booked.extend(_applied(step, payment))
            case Settled():
                booked.append(_move(step, payment, CASH, payment.in_transit))
            case TakenBack():
                booked.append(_move(step, payment, payment.in_transit, CASH))
            case Returned() | Withdrawn():
                booked.extend(_unapplied(step, payment))
                booked.append(_move(step, payment, payment.unapplied, payment.in_transit))
            case Refused() if step.before is State.IN_TRANSIT:
                booked.extend(_unapplied(step, payment))
                booked.append(_move(step, payment, payment.unapplied, payment.in_transit))
            case _:
                pass  # Nothing was booked before cut-off, and a correction moves no money.
    return booked


def _move(step: Step, payment: PaymentFacts, debit: Account, credit: Account) -> Transfer:
    return Transfer(
        key=f"{payment.subject}/{step.event.key}",
        debit=debit,
        credit=credit,
        amount=payment.amount,
        effective_date=step.event.on,
        reason=type(step.event).__name__.lower(),
        party=payment.customer_id,
        evidence=step.event.evidence,
    )


def _applied(step: Step, payment: PaymentFacts) -> list[Transfer]:
    return [
        Transfer(
            key=application_key(step, share),
            debit=payment.unapplied,
            credit=RECEIVABLE.of(share.subject),
            amount=Money(share.amount_minor, payment.amount.currency),
            effective_date=step.event.on,
            reason="applied",
            party=payment.customer_id,
            evidence=step.event.evidence,
        )
        for share in payment.remitted
    ]


def _unapplied(step: Step, payment: PaymentFacts) -> list[Transfer]:
    return [
        Transfer(
            key=application_key(step, share),
            debit=RECEIVABLE.of(share.subject),
            credit=payment.unapplied,
            amount=Money(share.amount_minor, payment.amount.currency),
            effective_date=step.event.on,
            reason="unapplied",
            party=payment.customer_id,
            evidence=step.event.evidence,
            reverses=share.transfer_key,
        )
        for share in payment.applied
    ]
