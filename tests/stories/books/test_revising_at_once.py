"""Two imports change the same invoice at the same moment: the second sees what the first did."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date

from django.db import connection, transaction

from billfold.ledger import book
from billfold.money import Money
from billfold.platform import tenancy
from billfold.platform.ids import new_id
from billfold.receivables import billing
from billfold.receivables.models import Customer, Invoice
from tests import databases, waiting
from tests.conftest import MONDAY

ON = date(2026, 11, 16)


def revise(invoice: Invoice, minor: int) -> None:
    billing.revise([billing.Revision(invoice.id, Money(minor))], now=MONDAY, on=ON)


def test_promise_3_two_revisions_at_once_count_one_after_the_other(desk, django_db_blocker):
    def revise_meanwhile() -> None:
        with django_db_blocker.unblock(), tenancy.use(desk):
            try:
                with transaction.atomic():
                    revise(invoice, 8_000)
            finally:
                connection.close()

    with tenancy.use(desk), ThreadPoolExecutor(1) as threads:
        customer = Customer.objects.create(
            id=new_id(), number="C-1", name="Bluewater Cafe", created_at=MONDAY
        )
        with transaction.atomic():
            new = billing.NewInvoice("INV-1", customer.id, ON, ON, Money(12_000))
            billing.issue([new], now=MONDAY, on=ON)
        invoice = Invoice.objects.get()
        with transaction.atomic():
            revise(invoice, 9_000)
            other = threads.submit(revise_meanwhile)
            waiting.wait_until(
                databases.somebody_waits_for_a_lock, "the other waits for the invoice"
            )
        other.result(waiting.HUNG_AFTER_SECONDS)

        present = Invoice.objects.select_related("present").get().present
        assert (present.revision, present.amount_minor) == (3, 8_000)
        assert book.balance(invoice.receivable) == Money(8_000)
