"""The same rows as `schedule` and `record([Submitted])` write, one by one with the ORM."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F

from billfold.banking import connections
from billfold.ledger.models import Account, Movement, Transfer
from billfold.notices.models import Notice
from billfold.payments.accounts import mandates
from billfold.payments.accounts.mandates import Consent
from billfold.payments.method_models import PaymentMethod
from billfold.payments.models import Payment, Remittance, SubjectEvent
from billfold.payments.paying.scheduling import Intent
from billfold.platform import feed
from billfold.platform.feed import FeedKind
from billfold.platform.ids import new_id
from billfold.platform.models import AuditEntry
from billfold.receivables.models import Invoice


def pay(intent: Intent, *, now: datetime) -> None:
    """Write one payment and its first event."""
    with transaction.atomic():
        payment, invoice = _schedule(intent, now)
    with transaction.atomic():
        _submit(payment, invoice, now)


def _schedule(intent: Intent, now: datetime) -> tuple[Payment, Invoice]:
    (invoice_id,) = intent.shares
    invoice = Invoice.objects.select_for_update().get(pk=invoice_id)
    Account.objects.get(code="receivable", subject=invoice.subject)
    method = PaymentMethod.objects.select_for_update().get(accesses__customer=intent.customer_id)
    assert isinstance(intent.authority, Consent)
    mandate = mandates.single(method, intent.amount, intent.authority, intent.validation, now)
    mandate.save(force_insert=True)
    payment = Payment.objects.create(
        id=new_id(),
        reference=intent.reference,
        request_hash=intent.request_hash,
        customer_id=intent.customer_id,
        made_by_id=intent.actor.id,
        made_by_name=intent.actor.name,
        method=method,
        method_label=method.label,
        mandate=mandate,
        connection=connections.default(),
        amount_minor=intent.amount.minor,
        received_date=now.date(),
        collect_on=now.date(),
        reflected_by=now.date(),
        created_at=now,
        feed_row_id=feed.row(FeedKind.PAYMENTS, now=now),
    )
    Remittance.objects.create(
        id=new_id(), payment=payment, invoice=invoice, amount_minor=intent.amount.minor
    )
    AuditEntry.objects.create(
        id=new_id(), at=now, actor_id="bench", actor_name="bench", action="a", subject="s"
    )
    _notice(payment, "received", now)
    return payment, invoice


def _notice(payment: Payment, kind: str, now: datetime) -> None:
    Notice.objects.create(
        id=new_id(),
        key=f"{payment.subject}/{kind}",
        kind=kind,
        to_email="payer@cedarline.example",
        subject="Your payment",
        body="x" * 330,
        about=payment.subject,
        queued_at=now,
    )


def _submit(payment: Payment, invoice: Invoice, now: datetime) -> None:
    payment = Payment.objects.select_for_update().get(pk=payment.pk)
    SubjectEvent.objects.create(
        id=new_id(),
        subject=payment.subject,
        key="submitted/b",
        kind="submitted",
        on_date=now.date(),
        at=now,
        outcome="in_transit",
        feed_row_id=feed.row(FeedKind.EVENTS, now=now),
    )
    Payment.objects.filter(pk=payment.pk, state="scheduled").update(state="in_transit")
    receivable = Account.objects.select_for_update().get(code="receivable", subject=invoice.subject)
    transit, unapplied = (
        Account.objects.create(id=new_id(), code=code, subject=payment.subject, currency="USD")
        for code in ("in_transit", "unapplied")
    )
    for name, debit, credit in (("s", transit, unapplied), ("a", unapplied, receivable)):
        Transfer.objects.create(
            id=new_id(),
            key=f"{payment.subject}/{name}",
            debit=debit,
            credit=credit,
            amount_minor=payment.amount_minor,
            currency="USD",
            effective_date=now.date(),
            booked_on=now.date(),
            posted_at=now,
            reason="bench",
            feed_row_id=feed.row(FeedKind.TRANSFERS, now=now),
        )
        Account.objects.filter(pk=debit.pk).update(
            debits_minor=F("debits_minor") + payment.amount_minor
        )
        Account.objects.filter(pk=credit.pk).update(
            credits_minor=F("credits_minor") + payment.amount_minor
        )
        Movement.objects.create(
            code=debit.code,
            currency="USD",
            booked_on=now.date(),
            batch=new_id(),
            debits_minor=payment.amount_minor,
            credits_minor=0,
        )
    _notice(payment, "sent", now)
