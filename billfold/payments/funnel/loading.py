"""Locks payments and loads what rules and messages need, in a fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db import connection

from billfold.money import Money
from billfold.payments.rules.account_label import account_label
from billfold.payments.rules.accounting import PaymentFacts, Share
from billfold.payments.rules.lifecycle import State


@dataclass(frozen=True, slots=True)
class Recipient:
    """To whom messages about a payment go, with the account and the days they state."""

    email: str
    name: str
    customer_number: str
    customer_name: str
    customer_state: str
    account_label: str
    method_id: UUID
    mandate_id: UUID
    reflected_by: date | None
    collect_on: date


@dataclass(frozen=True, slots=True)
class LockedPayments:
    """Locked payments, by reference. References that name none are absent."""

    states: dict[str, State]
    facts: dict[str, PaymentFacts]
    recipients: dict[str, Recipient]


def lock(references: Iterable[str]) -> LockedPayments:
    """Lock payments in the order of their ids and load their facts. Needs an open transaction."""
    wanted = list(dict.fromkeys(references))
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT p.id, p.reference, p.state, p.customer_id, p.amount_minor, p.currency,
                      person.email, person.name, c.number, c.name, c.state,
                      m.account_type, m.account_last4,
                      m.id, p.mandate_id, p.reflected_by, p.collect_on
               FROM payments_payment p
               JOIN people_person person ON person.id = p.made_by_id
               JOIN receivables_customer c ON c.id = p.customer_id
               JOIN payments_paymentmethod m ON m.id = p.method_id
               WHERE p.reference = ANY(%s) ORDER BY p.id FOR NO KEY UPDATE OF p""",
            [wanted],
        )
        rows = cursor.fetchall()
    ids = [row[0] for row in rows]
    remitted, applied = _shares(_REMITTED, ids), _shares(_APPLIED, ids)
    locked = LockedPayments(states={}, facts={}, recipients={})
    for row in rows:
        reference: str = row[1]
        locked.states[reference] = State(row[2])
        locked.facts[reference] = PaymentFacts(
            id=row[0],
            reference=reference,
            customer_id=row[3],
            amount=Money(row[4], row[5]),
            remitted=remitted[row[0]],
            applied=applied[row[0]],
        )
        locked.recipients[reference] = Recipient(
            email=row[6],
            name=row[7],
            customer_number=row[8],
            customer_name=row[9],
            customer_state=row[10],
            account_label=account_label(row[11], row[12]),
            method_id=row[13],
            mandate_id=row[14],
            reflected_by=row[15],
            collect_on=row[16],
        )
    return locked


_REMITTED = """
SELECT r.payment_id, r.id, r.invoice_id, i.kind || '/' || i.number, r.amount_minor, ''
FROM payments_remittance r JOIN receivables_invoice i ON i.id = r.invoice_id
WHERE r.payment_id = ANY(%s) ORDER BY i.due_date, i.number"""
_APPLIED = """
SELECT a.payment_id, a.id, a.invoice_id, i.kind || '/' || i.number, a.amount_minor, a.transfer_key
FROM payments_application a JOIN receivables_invoice i ON i.id = a.invoice_id
WHERE a.payment_id = ANY(%s) AND a.undoes_id IS NULL
  AND NOT EXISTS (SELECT FROM payments_application u WHERE u.undoes_id = a.id)
ORDER BY i.due_date, i.number"""


def _shares(statement: str, payment_ids: Sequence[UUID]) -> defaultdict[UUID, list[Share]]:
    shares: defaultdict[UUID, list[Share]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(statement, [list(payment_ids)])
        for payment_id, *share in cursor.fetchall():
            shares[payment_id].append(Share(*share))
    return shares
