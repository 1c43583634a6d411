"""Customers, lines, credit notes and documents come in like invoices: whole or not at all."""

from __future__ import annotations

from datetime import date

import pytest

from billfold.ledger import book
from billfold.ledger.chart import UNAPPLIED
from billfold.money import Money
from billfold.platform import audit
from billfold.platform.models import AuditEntry
from billfold.receivables import billing
from billfold.receivables.imports import file_import
from billfold.receivables.imports.csv_file import ImportRefused
from billfold.receivables.models import (
    CreditNote,
    Customer,
    Invoice,
    InvoiceDocument,
    InvoiceLine,
)

pytestmark = pytest.mark.usefixtures("cedarline")
ON = date(2026, 11, 16)
CLERK = audit.Actor(id="person/1", name="Cleo Park")
INVOICES = """customer_number,invoice_number,invoice_date,due_date,amount
C-1,INV-1,2026-11-01,2026-12-01,120.00
C-2,INV-2,2026-11-01,2026-12-01,30.00
"""
LINES = """invoice_number,position,description,quantity,amount
INV-1,1,Fibre,1,130.00
INV-1,2,Credit for outage,,-10.00
"""
CREDITS = """customer_number,credit_number,credit_date,amount,invoice_number,reason
C-1,CR-1,2026-11-10,50.00,INV-1,Outage
C-1,CR-2,2026-11-10,100.00,INV-1,Outage
C-2,CR-3,2026-11-10,5.00,,Goodwill
"""


@pytest.fixture
def bring(now, tmp_path):
    def load(kind, content, **options):
        path = tmp_path / f"{kind}.csv"
        path.write_text(content)
        return file_import.import_file(
            file_import.ImportRequest(kind, path, **options), actor=CLERK, now=now, on=ON
        )

    return load


@pytest.fixture
def refused(bring):
    def load(kind, content, **options):
        with pytest.raises(ImportRefused) as refusal:
            bring(kind, content, **options)
        return [str(problem) for problem in refusal.value.problems.kept]

    return load


@pytest.fixture
def billed(bring):
    """Two invoices, of two customers."""
    bring("invoices", INVOICES, create_customers=True)


def test_customers_are_added_and_corrected(bring):
    first = bring("customers", "customer_number,name,email,terms\nC-1,Ada,a@x.example,Net 30\n")
    second = bring("customers", "customer_number,name,email\nC-1,Ada Ltd,\nC-2,Bo,b@x.example\n")

    assert (first.changes.added, first.changes.changed) == (1, 0)
    assert (second.changes.added, second.changes.changed) == (1, 1)
    ada = Customer.objects.get(number="C-1")
    assert (ada.name, ada.email, ada.terms) == ("Ada Ltd", "", "Net 30")
    entry = AuditEntry.objects.get(action="customers changed")
    assert (entry.before["C-1"]["name"], entry.after["C-1"]["name"]) == ("Ada", "Ada Ltd")


def test_promise_10_the_same_customers_twice_change_nothing(bring):
    content = "customer_number,name,state,paper_bill\nC-1,Ada,OH,yes\n"
    bring("customers", content)

    again = bring("customers", content)

    assert again.changed_nothing
    assert (Customer.objects.get().state, Customer.objects.get().paper_bill) == ("OH", True)


def test_invoice_lines_are_added_and_corrected(bring, billed):
    added = bring("lines", LINES)
    again = bring("lines", LINES)
    changed = bring("lines", LINES.replace("Fibre", "Fibre 500"))

    assert (added.changes.added, again.changed_nothing, changed.changes.changed) == (2, True, 1)
    assert added.total == Money(12_000)
    assert list(InvoiceLine.objects.order_by("position").values_list("amount_minor")) == [
        (13_000,),
        (-1_000,),
    ]


def test_promise_27_lines_that_do_not_make_the_invoices_amount_are_refused(refused, billed):
    problems = refused("lines", LINES.replace("-10.00", "-9.99"))

    assert problems == [
        'line 2, amount: The lines of invoice "INV-1" add up to 120.01 USD and the invoice is '
        "120.00 USD. Bring all its lines, or correct the amounts."
    ]
    assert not InvoiceLine.objects.exists()


def test_lines_of_an_invoice_nobody_knows_are_refused(refused):
    problems = refused("lines", LINES)

    assert problems[0].startswith('line 2, invoice_number: Invoice "INV-1" is not known.')


def test_credit_notes_pay_the_invoice_they_name_and_the_rest_waits(bring, billed):
    result = bring("credits", CREDITS)

    invoice = Invoice.objects.get(number="INV-1")
    assert (result.changes.added, result.total) == (3, Money(15_500))
    assert billing.open_amounts([invoice]) == {invoice.id: Money(0)}
    left = [book.balance(UNAPPLIED.of(f"credit/CR-{n}")).minor for n in (1, 2, 3)]
    assert left == [0, -3_000, -500]


def test_promise_10_the_same_credit_notes_twice_change_nothing(bring, billed):
    bring("credits", CREDITS)

    assert bring("credits", CREDITS).changed_nothing
    assert CreditNote.objects.count() == 3


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("50.00", "51.00"), "line 2, credit_number: The credit note is booked already"),
        (("Goodwill", "Other"), "line 4, credit_number: The credit note is booked already"),
        (("C-2,CR-3", "C-9,CR-3"), "line 4, customer_number: The customer is not known"),
        (("INV-1,Outage\nC-2", "X,\nC-2"), "line 3, invoice_number: The invoice is not known"),
        (("INV-1,Outage\nC-2", "INV-2,\nC-2"), "line 3, invoice_number: The invoice is another"),
    ],
)
def test_promise_27_a_credit_note_that_does_not_fit_is_refused(
    bring, refused, billed, change, expected
):
    bring("credits", CREDITS)

    (problem,) = refused("credits", CREDITS.replace(*change))

    assert problem.startswith(expected)


def test_promise_27_a_credited_invoice_keeps_its_amount(bring, refused, billed):
    bring("credits", CREDITS)

    (problem,) = refused("invoices", INVOICES.replace("120.00", "130.00"))

    assert problem.startswith('line 2, amount: Invoice "INV-1" is 120.00 USD and has a payment')


def test_invoice_documents_are_kept(bring, billed, tmp_path):
    (tmp_path / "pdf").mkdir()
    (tmp_path / "pdf" / "1.pdf").write_bytes(b"%PDF-1.7 one")
    content = "invoice_number,file\nINV-1,pdf/1.pdf\n"

    added, again = bring("documents", content), bring("documents", content)
    (tmp_path / "pdf" / "1.pdf").write_bytes(b"%PDF-1.7 two")
    changed = bring("documents", content)

    assert (added.changes.added, again.changed_nothing, changed.changes.changed) == (1, True, 1)
    document = InvoiceDocument.objects.get()
    assert (document.name, bytes(document.content)) == ("1.pdf", b"%PDF-1.7 two")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../secret.pdf", "lies elsewhere"),
        ("/etc/hostname", "lies elsewhere"),
        ("link.pdf", "lies elsewhere"),
        ("missing.pdf", "is not there"),
        (".", "is not there"),
        ("text.pdf", "is not a PDF"),
        ("large.pdf", "is larger than 10 MB"),
        ("x" * 300, "cannot be read"),
        ("ring.pdf", "cannot be read"),
    ],
)
def test_promise_27_a_document_that_does_not_fit_is_refused(
    refused, billed, tmp_path, name, reason
):
    (tmp_path / "text.pdf").write_text("hello")
    (tmp_path / "link.pdf").symlink_to("/etc/hostname")
    (tmp_path / "ring.pdf").symlink_to("ring.pdf")
    with (tmp_path / "large.pdf").open("wb") as file:
        file.truncate(11 * 1024 * 1024)

    (problem,) = refused("documents", f"invoice_number,file\nINV-1,{name}\n")

    assert problem.startswith("line 2, file: ")
    assert reason in problem
    assert not InvoiceDocument.objects.exists()
