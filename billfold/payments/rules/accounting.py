"""The accounting policy of payments: which event makes which transfers. Pure.

docs/accounting.md shows it. Invoices, credit notes and charges are booked by
`receivables.billing`. A row that nothing books yet is here for the feature that will.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from billfold.ledger.chart import (
    ALLOWANCES,
    BANK_CHARGES,
    BILLED,
    CASH,
    FEE_INCOME,
    IN_TRANSIT,
    INTEREST,
    MICRO_ENTRIES,
    OTHER,
    OWN_TRANSFERS,
    PROCESSOR,
    PROCESSOR_FEES,
    PROCESSOR_RESERVE,
    RECEIVABLE,
    UNAPPLIED,
    UNIDENTIFIED,
    Account,
)
from billfold.ledger.transfer import Transfer
from billfold.money import Money
from billfold.payments.rules.lifecycle import State, Step
from billfold.rails.protocol import Refused, Returned, Settled, Submitted, TakenBack, Withdrawn


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """The two accounts between which an event moves money. A subject stands for its kind."""

    debit: Account
    credit: Account


def _ordered(money_at: Account) -> dict[str, PolicyRow]:
    """Give the rows of a rail on which we order money to move, and where the money is then."""
    in_transit, unapplied = IN_TRANSIT.of("payment"), UNAPPLIED.of("payment")
    refund = IN_TRANSIT.of("refund")
    return {
        "Payment submitted": PolicyRow(in_transit, unapplied),
        "Payment settled": PolicyRow(money_at, in_transit),
        "Payment refused, withdrawn or returned": PolicyRow(unapplied, in_transit),
        "Payment taken back": PolicyRow(in_transit, money_at),
        "Refund submitted": PolicyRow(unapplied, refund),
        "Refund settled": PolicyRow(refund, money_at),
        "Refund refused, withdrawn or returned": PolicyRow(refund, unapplied),
        "Refund given back": PolicyRow(money_at, refund),
    }


def _received(money_at: Account) -> dict[str, PolicyRow]:
    """Give the rows of a rail on which money comes that we did not ask for."""
    in_transit, unapplied = IN_TRANSIT.of("receipt"), UNAPPLIED.of("receipt")
    unidentified = UNIDENTIFIED.of("receipt")
    return {
        "Receipt received": PolicyRow(in_transit, unapplied),
        "Receipt received, payer unknown": PolicyRow(in_transit, unidentified),
        "Receipt settled": PolicyRow(money_at, in_transit),
        "Deposited item returned": PolicyRow(unapplied, in_transit),
        "Deposited item returned, payer unknown": PolicyRow(unidentified, in_transit),
        "Returned item taken back": PolicyRow(in_transit, money_at),
    }


COLUMNS: Final[Mapping[str, Mapping[str, PolicyRow]]] = {
    "ach": _ordered(CASH) | _received(CASH),
    "card": _ordered(PROCESSOR),
    "lockbox": _received(CASH),
    "wire": _received(CASH),
}
"""By rail, then by event: what moves the money of a payment, receipt or refund."""

POLICY: Final[Mapping[str, PolicyRow]] = {
    "Invoice issued": PolicyRow(RECEIVABLE.of("invoice"), BILLED),
    "Credit note": PolicyRow(BILLED, UNAPPLIED.of("credit")),
    "Credit issued by staff": PolicyRow(ALLOWANCES, UNAPPLIED.of("credit")),
    "Fee charged (waived: reversed)": PolicyRow(RECEIVABLE.of("charge"), FEE_INCOME),
    "Applied (unapplied: reversed)": PolicyRow(UNAPPLIED.of("source"), RECEIVABLE.of("target")),
    "Receipt identified": PolicyRow(UNIDENTIFIED.of("receipt"), UNAPPLIED.of("receipt")),
    "Recovery: returned after its refund": PolicyRow(
        RECEIVABLE.of("recovery"), UNAPPLIED.of("payment")
    ),
    "Micro-entries sent": PolicyRow(MICRO_ENTRIES, CASH),
    "Micro-entries taken back": PolicyRow(CASH, MICRO_ENTRIES),
    "To another account of ours": PolicyRow(OWN_TRANSFERS, CASH),
    "From another account of ours": PolicyRow(CASH, OWN_TRANSFERS),
    "Interest": PolicyRow(CASH, INTEREST),
    "Bank's charge (given back: reversed)": PolicyRow(BANK_CHARGES, CASH),
    "Other money in": PolicyRow(CASH, OTHER),
    "Other money out": PolicyRow(OTHER, CASH),
    "Processor's payout": PolicyRow(CASH, PROCESSOR),
    "Processor's fee (given back: reversed)": PolicyRow(PROCESSOR_FEES, PROCESSOR),
    "Reserve held by the processor": PolicyRow(PROCESSOR_RESERVE, PROCESSOR),
    "Reserve released by the processor": PolicyRow(PROCESSOR, PROCESSOR_RESERVE),
}
"""By event: what is booked the same on every rail."""

_PAYMENT_EVENTS: Final[Mapping[type, str]] = {
    Submitted: "Payment submitted",
    Settled: "Payment settled",
    Refused: "Payment refused, withdrawn or returned",
    Withdrawn: "Payment refused, withdrawn or returned",
    Returned: "Payment refused, withdrawn or returned",
    TakenBack: "Payment taken back",
}


def markdown_table() -> str:
    """Write the policy as the table of docs/accounting.md."""
    rails: dict[tuple[str, PolicyRow], list[str]] = {
        (event, row): ["every"] for event, row in POLICY.items()
    }
    for rail, column in COLUMNS.items():
        for name in column.items():
            rails.setdefault(name, []).append(rail)
    events = list(dict.fromkeys(event for event, _ in rails))
    lines = ["| Event | Rail | Debit | Credit |", "|---|---|---|---|"]
    lines += [
        f"| {event} | {', '.join(names)} | {row.debit} | {row.credit} |"
        for (event, row), names in sorted(rails.items(), key=lambda each: events.index(each[0][0]))
    ]
    return "\n".join(lines) + "\n"


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
    rail: str
    """By which it moves: names its column of the policy."""

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
                booked.append(_moved(step, payment))
                booked.extend(_applied(step, payment))
            case Settled() | TakenBack():
                booked.append(_moved(step, payment))
            case Returned() | Withdrawn():
                booked.extend(_unapplied(step, payment))
                booked.append(_moved(step, payment))
            case Refused() if step.before is State.IN_TRANSIT:
                booked.extend(_unapplied(step, payment))
                booked.append(_moved(step, payment))
            case _:
                pass  # Nothing was booked before cut-off, and a correction moves no money.
    return booked


def _moved(step: Step, payment: PaymentFacts) -> Transfer:
    """Move the whole payment as its rail's column says."""
    row = COLUMNS[payment.rail][_PAYMENT_EVENTS[type(step.event)]]
    return Transfer(
        key=f"{payment.subject}/{step.event.key}",
        debit=_account(row.debit, payment),
        credit=_account(row.credit, payment),
        amount=payment.amount,
        effective_date=step.event.on,
        reason=type(step.event).__name__.lower(),
        party=payment.customer_id,
        evidence=step.event.evidence,
    )


def _account(side: Account, payment: PaymentFacts) -> Account:
    return side.of(payment.subject) if side.subject else side


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
