"""Puts waiting money on what its customer owes, and takes it off again, as a person decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import transaction

from billfold.ledger import book
from billfold.ledger.chart import RECEIVABLE, Account
from billfold.ledger.transfer import Transfer
from billfold.money import Money
from billfold.payments.models import Decision
from billfold.payments.paying import invoice_standing
from billfold.payments.paying.invoice_standing import PayableLeft
from billfold.platform import audit, retries
from billfold.platform.ids import new_id
from billfold.receivables.models import Invoice


class OtherCustomers(Exception):
    """Money of one customer pays nothing that another one owes."""


class NotThatMuchWaits(Exception):
    """Less of that money waits to be applied."""


class NotApplied(Exception):
    """It was not applied, or was taken off before."""


@dataclass(frozen=True, slots=True)
class NewApplication:
    """How much of which waiting money goes to which invoice."""

    source: Account
    """`unapplied` of a credit, a payment or a receipt."""
    invoice_id: UUID
    amount: Money


@retries.retried()
def apply(
    applications: Sequence[NewApplication], why: str, *, actor: audit.Actor, now: datetime, on: date
) -> Decision:
    """Apply waiting money, all of it or none.

    Raises: NotPositive, ExceedsPayable, OtherCustomers, NotThatMuchWaits.
    """
    with transaction.atomic(durable=True):
        invoices = invoice_standing.lock({each.invoice_id for each in applications})
        left = PayableLeft(invoices)
        for each in applications:
            left.take(each.invoice_id, each.amount)
        decision = _decide("money applied", why, actor, now)
        transfers = [
            _transfer(each, invoices[each.invoice_id], decision, on) for each in applications
        ]
        try:
            book.post(transfers, now=now)
        except book.NotAnApplication:
            raise OtherCustomers from None
        except book.WrongSide:
            raise NotThatMuchWaits from None
    return decision


def _transfer(
    each: NewApplication, invoice: invoice_standing.InvoiceStanding, decision: Decision, on: date
) -> Transfer:
    return Transfer(
        key=f"{decision.evidence}/{each.source.subject}/{invoice.subject}",
        debit=each.source,
        credit=RECEIVABLE.of(invoice.subject),
        amount=each.amount,
        effective_date=on,
        reason="applied",
        party=invoice.customer_id,
        evidence=decision.evidence,
    )


@retries.retried()
def take_off(
    keys: Sequence[str], why: str, *, actor: audit.Actor, now: datetime, on: date
) -> Decision:
    """Take applications off, all or none; the money waits again. Raises: NotApplied."""
    with transaction.atomic(durable=True):
        subjects = {each.target.subject for each in book.applications_by_key(keys)}
        numbers = [subject.partition("/")[2] for subject in subjects]
        invoice_standing.lock(
            Invoice.objects.filter(number__in=numbers).values_list("id", flat=True)
        )
        applications = book.applications_by_key(keys)  # As they stand, now that nobody moves them.
        if len(applications) != len(set(keys)):
            raise NotApplied
        decision = _decide("money taken off", why, actor, now)
        book.post(
            [
                each.taken_off(
                    key=f"{decision.evidence}/{each.key}", on=on, evidence=decision.evidence
                )
                for each in applications
            ],
            now=now,
        )
    return decision


def _decide(action: str, why: str, actor: audit.Actor, now: datetime) -> Decision:
    decision = Decision.objects.create(
        id=new_id(), at=now, actor_id=actor.id, actor_name=actor.name, why=why
    )
    audit.record(action, decision.evidence, actor=actor, now=now, after={"why": why})
    return decision
