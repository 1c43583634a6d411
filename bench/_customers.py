"""A biller with a bank, customers and invoices in numbers, and what they will pay."""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction

from bench import _server
from billfold.bankdays import EASTERN
from billfold.banking import connections
from billfold.money import Money
from billfold.payments.accounts.bank_accounts import TypedAccount
from billfold.payments.accounts.mandates import Consent, Validation
from billfold.payments.funnel import recording
from billfold.payments.method_models import MethodAccess
from billfold.payments.paying import scheduling
from billfold.people import rights
from billfold.people.models import Person
from billfold.platform import audit, tenancy
from billfold.platform.ids import new_ids, new_reference
from billfold.rails.protocol import Submitted
from billfold.receivables import billing
from billfold.receivables.models import BillerProfile, Customer

PER_CUSTOMER = 20


def add(
    invoices: int,
    *,
    now: datetime,
    transport: dict[str, str] | None = None,
    schema: str = _server.BILLER,
) -> None:
    """Give a biller a bank, a payer, and customers with 20 invoices each."""
    on = now.astimezone(EASTERN).date()
    with tenancy.use(_server.biller(schema)):
        BillerProfile.objects.create(
            trade_name="Cedarline", legal_name="Cedarline", address="", state="OH"
        )
        with transaction.atomic():
            rights.add_person(
                "payer@cedarline.example", None, name="Payer", actor=audit.job("bench"), now=now
            )
        connections.add(
            "000773142019",
            name="Operating",
            bank_name="First Harbor Bank",
            odfi_routing_number="091999049",
            immediate_origin="1910000001",
            company_name="CEDARLINE COMM",
            company_id="1910000001",
            transport=transport or {},
        )
        customers = [
            Customer(id=id_, number=f"C{n:07d}", name=f"Customer {n}", state="OH", created_at=now)
            for n, id_ in enumerate(new_ids(-(-invoices // PER_CUSTOMER)))
        ]
        Customer.objects.bulk_create(customers, batch_size=2_000)
        for at in range(0, invoices, 20_000):
            with transaction.atomic():
                billing.issue(
                    [
                        billing.NewInvoice(
                            number=f"I{n:08d}",
                            customer_id=customers[n // PER_CUSTOMER].id,
                            invoice_date=on,
                            due_date=on,
                            amount=Money(10_000 + n % 5_000),
                        )
                        for n in range(at, min(at + 20_000, invoices))
                    ],
                    now=now,
                    on=on,
                )
    _server.vacuum(schema)


def intents(first: int, count: int, *, now: datetime) -> list[scheduling.Intent]:
    """Prepare payments of so many invoices, one each and in full, from saved accounts."""
    from billfold.payments.accounts import bank_accounts

    person = Person.objects.get(email="payer@cedarline.example")
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT id, customer_id, issued_minor FROM receivables_invoice
               ORDER BY number OFFSET %s LIMIT %s""",
            [first, count],
        )
        rows = cursor.fetchall()
    saved = {
        access.customer_id: access.method
        for access in MethodAccess.objects.filter(
            customer_id__in={row[1] for row in rows}
        ).select_related("method")
    }
    consent = Consent("I authorize this debit.", person.actor(), "192.0.2.1", "bench")
    validation = Validation("bank_service", "ok", now)
    prepared = []
    for n, (invoice_id, customer_id, minor) in enumerate(rows, first):
        if customer_id not in saved:
            account = TypedAccount("129999018", f"44{n:08d}00", "checking", "personal", "P")
            with transaction.atomic():
                saved[customer_id] = bank_accounts.add(
                    account,
                    customer_id=customer_id,
                    remember=True,
                    actor=person.actor(),
                    now=now,
                )
        prepared.append(
            scheduling.Intent(
                reference=new_reference(),
                customer_id=customer_id,
                shares={invoice_id: Money(minor)},
                account=saved[customer_id],
                authority=consent,
                actor=person.actor(),
                validation=validation,
            )
        )
    return prepared


def pay_one(intent: scheduling.Intent, *, now: datetime) -> None:
    """Schedule one payment and record that it was submitted."""
    payment = scheduling.schedule([intent], now=now)[0].payment
    with transaction.atomic(durable=True):
        recording.record(
            [Submitted(payment.reference, "submitted/bench", payment.collect_on)], now=now
        )
