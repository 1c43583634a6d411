"""Confirms scheduled payments: a letter to the payer, and an entry in the audit trail."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, time
from zoneinfo import ZoneInfo

from billfold import bankdays
from billfold.notices import outbox
from billfold.payments.accounts import mandates
from billfold.payments.funnel import messages
from billfold.payments.funnel.loading import Recipient
from billfold.payments.models import Payment
from billfold.payments.rules.accounting import PaymentFacts, Share
from billfold.people.models import Person
from billfold.platform import audit
from billfold.platform.models import AuditEntry
from billfold.receivables.models import BillerProfile, Customer


def queue(
    payments: Sequence[Payment],
    shares: Sequence[Sequence[Share]],
    *,
    profile: BillerProfile,
    cutoff_eastern: time,
    now: datetime,
) -> None:
    """Queue the confirmation of each payment and write its audit entry. Needs an open transaction.

    `shares` says, payment by payment, what each is for.
    """
    columns = ("id", "number", "name", "state", "email")
    customers = Customer.objects.only(*columns).in_bulk({each.customer_id for each in payments})
    persons = _persons(payments)
    letters, entries = [], []
    for payment, remitted in zip(payments, shares, strict=True):
        customer = customers[payment.customer_id]
        facts = PaymentFacts(
            id=payment.id,
            reference=payment.reference,
            customer_id=payment.customer_id,
            amount=payment.amount,
            remitted=remitted,
            applied=(),
            rail=payment.rail,
        )
        terms = _terms(payment, profile, cutoff_eastern)
        recipient = _recipient(payment, customer, persons.get(payment.mandate.agreed_by_id))
        letters.append(messages.confirmation(facts, recipient, terms))
        entries.append(_audit_entry(payment, customer, now))
    audit.write(entries)
    outbox.queue(letters, now=now)


def _persons(payments: Sequence[Payment]) -> dict[str, Person]:
    """Read who authorised the payments, as far as they are persons with a login."""
    ids = {Person.id_of(payment.mandate.agreed_by()) for payment in payments}
    persons = Person.objects.filter(pk__in=[each for each in ids if each is not None])
    return {person.actor().id: person for person in persons}


def _recipient(payment: Payment, customer: Customer, person: Person | None) -> Recipient:
    return Recipient(
        email=person.email if person else customer.email,
        name=person.name if person else customer.name,
        customer_number=customer.number,
        customer_name=customer.name,
        customer_state=customer.state,
        agreed_label=payment.method_label,
        debited_label=payment.method.label,
        method_id=payment.method_id,
        mandate_id=payment.mandate_id,
        reflected_by=payment.reflected_by,
        collect_on=payment.collect_on,
    )


def _terms(payment: Payment, profile: BillerProfile, cutoff_eastern: time) -> messages.AgreedTerms:
    cancelable_until = bankdays.cutoff_at(payment.collect_on, cutoff_eastern)
    mandate = payment.mandate
    return messages.AgreedTerms(
        biller=profile.trade_name,
        payee=profile.legal_name,
        phone=profile.support_phone,
        collect_on=payment.collect_on,
        cancel_until=cancelable_until.astimezone(ZoneInfo(profile.zone)),
        authorization=mandate.text,
        awaits_prenote=mandates.validation_of(mandate).is_awaited(mandate.sec_code),
    )


def _audit_entry(payment: Payment, customer: Customer, now: datetime) -> AuditEntry:
    return audit.new_entry(
        "payment scheduled",
        payment.subject,
        actor=payment.made_by(),
        now=now,
        after={
            "amount_minor": payment.amount_minor,
            "account": customer.number,
            "consent_sha256": hashlib.sha256(payment.mandate.text.encode()).hexdigest(),
            "account_fingerprint": payment.mandate.account.account_fingerprint,
        },
    )
