"""Locks payments and loads what rules and messages need, in a fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from django.db import connection

from billfold.ledger import book
from billfold.ledger.chart import UNAPPLIED
from billfold.money import Money
from billfold.payments.rules.accounting import PaymentFacts, Share
from billfold.payments.rules.lifecycle import State


@dataclass(frozen=True, slots=True)
class Recipient:
    """To whom messages about a payment go, with the account and the days they state.

    That is who authorised it, or the customer where that was no person with a login.
    """

    email: str
    name: str
    customer_number: str
    customer_name: str
    customer_state: str
    agreed_label: str
    debited_label: str
    method_id: UUID
    mandate_id: UUID
    reflected_by: date | None
    collect_on: date


JOIN_PERSON: Final = """LEFT JOIN people_person person ON person.id =
    CASE WHEN d.agreed_by_id ~ '^person/[0-9a-f-]{36}$' THEN substr(d.agreed_by_id, 8)::uuid END"""
"""Joins who gave a mandate `d`, if it was a person with a login."""
RECIPIENT_EMAIL: Final = "coalesce(person.email, c.email)"
"""Of a mandate `d` for a customer `c`."""


_LOCK: Final = """
SELECT p.id, p.reference, p.state, p.customer_id, p.amount_minor, p.currency,
       {email}, coalesce(person.name, c.name), c.number, c.name, c.state,
       p.method_label, coalesce(entry.method_label, m.label),
       m.id, p.mandate_id, p.reflected_by, p.collect_on, p.rail
FROM payments_payment p
JOIN receivables_customer c ON c.id = p.customer_id
JOIN payments_paymentmethod m ON m.id = p.method_id
JOIN payments_mandate d ON d.id = p.mandate_id
{join_person}
LEFT JOIN payments_instruction entry ON entry.payment_id = p.id
    AND entry.kind = 'payment' AND entry.is_live
WHERE p.reference = ANY(%s) ORDER BY p.id FOR NO KEY UPDATE OF p
"""


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
            _LOCK.format(email=RECIPIENT_EMAIL, join_person=JOIN_PERSON),
            [wanted],
        )
        rows = cursor.fetchall()
    ids = [row[0] for row in rows]
    remitted, applied = _remitted(ids), _applied([row[1] for row in rows])
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
            applied=applied[reference],
            rail=row[17],
        )
        locked.recipients[reference] = Recipient(
            email=row[6],
            name=row[7],
            customer_number=row[8],
            customer_name=row[9],
            customer_state=row[10],
            agreed_label=row[11],
            debited_label=row[12],
            method_id=row[13],
            mandate_id=row[14],
            reflected_by=row[15],
            collect_on=row[16],
        )
    return locked


_REMITTED = """
SELECT r.payment_id, i.kind || '/' || i.number, r.amount_minor
FROM payments_remittance r JOIN receivables_invoice i ON i.id = r.invoice_id
WHERE r.payment_id = ANY(%s) ORDER BY i.due_date, i.number"""


def _remitted(payment_ids: Sequence[UUID]) -> defaultdict[UUID, list[Share]]:
    """Read what each payment is for, what is due first before the others."""
    shares: defaultdict[UUID, list[Share]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_REMITTED, [list(payment_ids)])
        for payment_id, subject, amount_minor in cursor.fetchall():
            shares[payment_id].append(Share(subject, amount_minor))
    return shares


def _applied(references: Sequence[str]) -> defaultdict[str, list[Share]]:
    """Read where the money of each payment stands, by reference."""
    sources = {UNAPPLIED.of(f"payment/{reference}"): reference for reference in references}
    shares: defaultdict[str, list[Share]] = defaultdict(list)
    for each in book.applications_of(sources):
        share = Share(each.target.subject, each.amount.minor, each.key)
        shares[sources[each.source]].append(share)
    return shares
