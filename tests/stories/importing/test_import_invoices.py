"""The billing system's invoices come in: whole or not at all."""

from __future__ import annotations

import gzip
import hashlib
import os
from datetime import date
from pathlib import Path

import pytest
from django.db import connection

from billfold.cli.commands.billing_files import held_by_payments
from billfold.ledger import book
from billfold.ledger.chart import BILLED, IN_TRANSIT, UNAPPLIED
from billfold.ledger.transfer import Transfer
from billfold.money import Money
from billfold.payments.paying import scheduling
from billfold.platform import audit
from billfold.platform.models import AuditEntry
from billfold.receivables import billing
from billfold.receivables.imports import file_import
from billfold.receivables.imports.csv_file import ImportRefused
from billfold.receivables.models import Customer, ImportRun, Invoice

pytestmark = pytest.mark.usefixtures("cedarline")
ON = date(2026, 11, 16)
CLERK = audit.Actor(id="person/1", name="Cleo Park")
HEAD = "customer_number,invoice_number,invoice_date,due_date,amount"
TWO = f"{HEAD}\nC-1,INV-1,2026-11-01,2026-12-01,120.00\nC-1,INV-2,2026-11-02,2026-12-02,30.50\n"


@pytest.fixture
def bring(now, tmp_path):
    """Import a text or bytes as a file; by default of invoices, with the customers it names."""

    def load(content, *, kind="invoices", is_reserved=None, **options):
        path = tmp_path / "from-billing.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        options.setdefault("create_customers", True)
        more = {} if is_reserved is None else {"is_reserved": is_reserved}
        request = file_import.ImportRequest(kind, path, **options)
        return file_import.import_file(request, actor=CLERK, now=now, on=ON, **more)

    return load


@pytest.fixture
def refused(bring):
    """Import what must be refused; give its problems as lines of text."""

    def load(content, **options):
        with pytest.raises(ImportRefused) as refusal:
            bring(content, **options)
        return [str(problem) for problem in refusal.value.problems.kept]

    return load


def everything():
    """Count the rows of every table an import could write."""
    with connection.cursor() as cursor:
        counts = []
        for table in (
            "receivables_customer",
            "receivables_invoice",
            "receivables_importrun",
            "ledger_transfer",
            "platform_auditentry",
        ):
            cursor.execute(f"SELECT count(*) FROM {table}")
            counts.append(cursor.fetchone()[0])
    return counts


def pay(number, amount, now):
    invoice = Invoice.objects.get(number=number)
    book.post(
        [
            Transfer("in", IN_TRANSIT.of("payment/P"), UNAPPLIED.of("payment/P"), amount, ON, "x"),
            Transfer("on", UNAPPLIED.of("payment/P"), invoice.receivable, amount, ON, "x"),
        ],
        now=now,
    )


def test_imported_invoices_are_owed(bring):
    result = bring(TWO)

    assert (result.rows, result.changes.added, result.changes.customers_added) == (2, 2, 1)
    assert result.total == Money(15_050)
    assert book.balance(BILLED) == Money(-15_050)
    invoice = Invoice.objects.get(number="INV-2")
    assert billing.open_amounts([invoice]) == {invoice.id: Money(3_050)}
    assert (invoice.due_date, invoice.customer.number) == (date(2026, 12, 2), "C-1")


def test_promise_27_the_bytes_are_kept_with_their_sha256(bring, now):
    result = bring(TWO)

    run = ImportRun.objects.get()
    assert gzip.decompress(run.content) == TWO.encode()
    assert run.sha256 == result.sha256 == hashlib.sha256(TWO.encode()).hexdigest()
    assert (run.kind, run.rows, run.added, run.total_minor) == ("invoices", 2, 2, 15_050)
    assert (run.name, run.by, run.at) == ("from-billing.csv", "Cleo Park", now)


def test_promise_25_an_import_is_on_record(bring):
    bring(TWO)

    run = ImportRun.objects.get()
    entry = AuditEntry.objects.get(subject=f"import/{run.id}")
    assert (entry.action, entry.actor_name) == ("invoices imported", "Cleo Park")
    assert entry.after["sha256"] == run.sha256


def test_promise_10_the_same_file_twice_changes_nothing_and_says_so(bring, now):
    bring(TWO)
    before = everything()

    again = bring(TWO)

    assert everything() == before
    assert again.changed_nothing
    assert again.imported_before == now
    assert again.changes.unchanged == 2


def test_a_dry_run_says_what_would_happen_and_changes_nothing(bring):
    before = everything()

    result = bring(TWO, is_rehearsal=True)

    assert result.changes.added == 2
    assert everything() == before


def test_promise_27_one_bad_row_refuses_the_whole_file(refused):
    before = everything()

    problems = refused(TWO + "C-1,INV-3,2026-11-02,2026-12-02,1e9\n")

    assert everything() == before
    assert problems == ['line 4, amount: "1e9": not a number such as 1672.50. Write it as 1672.50.']


def test_promise_27_every_error_names_its_line_and_the_files_own_column(refused):
    rows = ["Account,Number,Day,Due,Total", " C-1,A-1,2026-13-01,12/1/2026,1.005", "C-1,,,,0"]
    names = {
        "customer_number": "Account",
        "invoice_number": "Number",
        "invoice_date": "Day",
        "due_date": "Due",
        "amount": "Total",
    }

    problems = refused("\n".join(rows), columns=names)

    assert [problem.split(":")[0] for problem in problems] == [
        "line 2, Account",
        "line 2, Day",
        "line 2, Due",
        "line 2, Total",
        "line 3, Number",
        "line 3, Day",
        "line 3, Due",
        "line 3, Total",
    ]


def test_an_unknown_customer_is_refused_unless_it_may_be_created(refused):
    problems = refused(TWO, create_customers=False)

    assert problems == [
        'line 2, customer_number: Customer "C-1" is not known. '
        "Import customers first, or add --create-customers.",
        'line 3, customer_number: Customer "C-1" is not known. '
        "Import customers first, or add --create-customers.",
    ]


def test_a_number_that_stands_twice_in_a_file_is_refused_even_if_the_rows_are_alike(refused):
    row = "C-1,INV-1,2026-11-01,2026-12-01,120.00\n"

    problems = refused(f"{HEAD}\n{row}{row}")

    assert problems == [
        "line 3, invoice_number: INV-1 stands on line 2 already. "
        "Keep one row, even if both are alike: the totals count each of them."
    ]


def test_promise_27_a_file_that_does_not_add_up_is_refused(bring, refused):
    problems = refused(TWO, control_total=Money(15_051), control_count=3)

    assert problems == [
        "file: It has 2 rows and --control-count is 3. Export it again, or correct the count.",
        "file: Its amounts add up to 150.50 USD and --control-total is 150.51 USD. "
        "Export it again, or correct the total.",
    ]
    assert bring(TWO, control_total=Money(15_050), control_count=2).changes.added == 2


def test_a_changed_amount_revises_an_invoice_nobody_paid(bring):
    bring(TWO)

    result = bring(TWO.replace("120.00", "99.00"))

    invoice = Invoice.objects.get(number="INV-1")
    assert (result.changes.added, result.changes.changed, result.changes.unchanged) == (0, 1, 1)
    assert (invoice.amount, invoice.present.revision) == (Money(9_900), 2)
    assert billing.open_amounts([invoice]) == {invoice.id: Money(9_900)}


def test_promise_27_a_changed_amount_on_a_paid_invoice_is_a_conflict(bring, refused, now):
    bring(TWO)
    pay("INV-1", Money(2_000), now)
    before = everything()

    problems = refused(TWO.replace("120.00", "99.00").replace("30.50", "31.00"))

    assert problems == [
        'line 2, amount: Invoice "INV-1" is 120.00 USD and has a payment or credit on it. '
        "Leave its amount as it is; send a credit note or another invoice."
    ]
    assert everything() == before


def test_promise_27_a_changed_amount_on_an_invoice_a_payment_reserves_is_a_conflict(bring, refused):
    bring(TWO)
    invoice_ids = []

    def everything_is_reserved(ids):
        invoice_ids.extend(ids)
        return set(ids)

    problems = refused(TWO.replace("120.00", "99.00"), is_reserved=everything_is_reserved)

    assert len(problems) == 1
    assert invoice_ids == [Invoice.objects.get(number="INV-1").id]


def test_promise_27_a_scheduled_payment_keeps_its_invoices_amount(world, bring, refused):
    content = f"{HEAD}\n40-118-2207,INV-1,2026-11-01,2026-12-01,120.00\n"
    bring(content)
    payment = world.pay(Invoice.objects.get())
    dearer = content.replace("120.00", "130.00")

    assert len(refused(dearer, is_reserved=held_by_payments)) == 1

    scheduling.cancel(payment, actor=world.actor(), now=world.now)
    assert bring(dearer, is_reserved=held_by_payments).changes.changed == 1


def test_a_paid_invoice_may_still_get_other_dates_and_words(bring, now):
    bring(TWO)
    pay("INV-1", Money(2_000), now)

    result = bring(TWO.replace("2026-12-01", "2026-12-15"))

    assert result.changes.changed == 1
    assert Invoice.objects.get(number="INV-1").due_date == date(2026, 12, 15)
    entry = AuditEntry.objects.get(action="invoices corrected")
    assert entry.before["INV-1"]["due_date"] == "2026-12-01"
    assert entry.after["INV-1"]["due_date"] == "2026-12-15"


def test_a_column_the_file_does_not_have_leaves_what_is_there(bring):
    wide = HEAD + ",description\nC-1,INV-1,2026-11-01,2026-12-01,120.00,Fibre\n"
    bring(wide)

    result = bring(wide.replace(",description", "").replace(",Fibre", ""))

    assert result.changed_nothing
    assert Invoice.objects.get().description == "Fibre"


def test_an_invoice_does_not_move_to_another_customer(bring, refused):
    bring(TWO)

    (problem,) = refused(TWO.replace("C-1,INV-2", "C-2,INV-2"))

    assert problem.startswith('line 3, customer_number: Invoice "INV-2" is customer "C-1"\'s.')


def test_text_that_looks_like_a_formula_is_data(bring):
    bring(f"{HEAD},description\n=1+1,@INV,2026-11-01,2026-12-01,1.00,=HYPERLINK(1)\n")

    invoice = Invoice.objects.get()
    assert (invoice.customer.number, invoice.number) == ("=1+1", "@INV")
    assert invoice.description == "=HYPERLINK(1)"


def test_a_hundred_problems_are_shown_and_the_rest_counted(bring):
    rows = "".join(f"C-1,INV-{n},2026-11-01,2026-12-01,-1\n" for n in range(250))

    with pytest.raises(ImportRefused) as refusal:
        bring(f"{HEAD}\n{rows}")

    assert (len(refusal.value.problems.kept), refusal.value.problems.count) == (100, 250)


def test_problems_only_the_database_sees_are_counted_too(bring):
    rows = "".join(f"C-1,INV-{n},2026-11-01,2026-12-01,1\n" for n in range(250))

    with pytest.raises(ImportRefused) as refusal:
        bring(f"{HEAD}\n{rows}", create_customers=False)

    assert (len(refusal.value.problems.kept), refusal.value.problems.count) == (100, 250)


def test_the_billers_own_role_may_import(bring):
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("billfold_cedarline",)

    assert bring(TWO).changes.added == 2


def test_a_name_full_of_odd_characters_is_kept_as_one_line_that_people_can_see(now, tmp_path):
    path = tmp_path / "a\tb\\c\nd.csv"
    path.write_text(TWO)
    request = file_import.ImportRequest("invoices", path, create_customers=True)

    file_import.import_file(request, actor=CLERK, now=now, on=ON)

    assert ImportRun.objects.get().name == r"a\tb\c\nd.csv"


@pytest.mark.skipif("BILLFOLD_SAMPLES" not in os.environ, reason="needs BILLFOLD_SAMPLES")
def test_promise_27_the_published_sample_adds_up(now):
    folder = Path(os.environ["BILLFOLD_SAMPLES"])
    request = file_import.ImportRequest(
        "invoices",
        folder / "receivables" / "accounts-receivable-2466.csv",
        columns={
            "customer_number": "customerID",
            "invoice_number": "invoiceNumber",
            "invoice_date": "InvoiceDate",
            "due_date": "DueDate",
            "amount": "InvoiceAmount",
        },
        date_layout="%m/%d/%Y",
        create_customers=True,
        control_total=Money(14_770_318),
        control_count=2_466,
    )

    result = file_import.import_file(request, actor=CLERK, now=now, on=ON)

    assert (result.changes.added, Customer.objects.count()) == (2_466, 100)
    assert book.balance(BILLED) == Money(-14_770_318)
    assert file_import.import_file(request, actor=CLERK, now=now, on=ON).changed_nothing
