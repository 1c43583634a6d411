"""Banks that deliver late, twice, net, or nonsense: nothing is guessed and nothing is lost."""

from __future__ import annotations

from billfold.banking.models import BankFile, BankLine, FileRepeat, Statement
from billfold.ledger import book
from billfold.ledger.chart import CASH
from billfold.payments.models import Case, Payment
from billfold.receivables.models import Invoice
from tests import privilege
from tests.world import eastern, usd

WEDNESDAY, THURSDAY, FRIDAY = (eastern(2026, 11, day) for day in (18, 19, 20))


def test_a_credit_that_comes_a_day_late_settles_a_day_late(world):
    payment = world.pay(world.invoice("CL-1", "120.00"), account="440071")

    world.go_to(WEDNESDAY)
    assert world.state(payment) == "in_transit"
    world.go_to(THURSDAY)

    assert world.state(payment) == "settled"
    assert book.balance(CASH) == usd("120.00")
    assert not Case.objects.exists()


def test_a_statement_that_comes_twice_is_noted_and_read_once(world):
    payment = world.pay(world.invoice("CL-1", "120.00"), account="440072")

    world.go_to(WEDNESDAY)

    repeat = FileRepeat.objects.get()
    assert repeat.name == "PRIORDAY-20261117-AGAIN.bai"
    assert repeat.file.name == "PRIORDAY-20261117.bai"
    assert Statement.objects.filter(as_of=eastern(2026, 11, 17).date()).count() == 1
    assert world.state(payment) == "settled"
    assert book.balance(CASH) == usd("120.00")
    assert BankLine.objects.count() == 1
    assert not Case.objects.exists()


def test_a_netted_credit_where_gross_was_agreed_waits_for_the_return_that_explains_it(world):
    netted = world.pay(world.invoice("CL-1", "120.00"), account="440073")
    kept = world.pay(world.invoice("CL-2", "80.00"))

    world.go_to(FRIDAY)

    assert (world.state(kept), world.state(netted)) == ("settled", "returned")
    assert book.balance(CASH) == usd("80.00")
    assert book.balance(netted.in_transit) == usd("0")
    assert not BankLine.objects.filter(explained_at=None).exists()
    case = Case.objects.get()
    assert case.facts["difference"] == "$120.00"
    assert case.facts["file_total"] == "$200.00"
    assert case.facts["likely"] == [netted.reference]
    file = BankFile.objects.get(direction="out").name
    assert case.closed_by == "reconciliation"
    assert case.resolution == f"It is {file} less the payments returned meanwhile, $120.00"


def test_a_netted_credit_settles_where_net_was_agreed(world):
    world.connection.settlement = "net"
    privilege.save(world.connection)
    netted = world.pay(world.invoice("CL-1", "120.00"), account="440073")
    kept = world.pay(world.invoice("CL-2", "80.00"))

    world.go_to(FRIDAY)

    assert world.state(kept) == "settled"
    assert world.state(netted) == "returned"
    assert book.balance(CASH) == usd("80.00")
    assert book.balance(netted.in_transit) == usd("0")
    assert not BankLine.objects.filter(explained_at=None).exists()
    opened = Case.objects.get()  # The credit comes half an hour before the return that explains it.
    assert opened.closed_by == "reconciliation"


def test_a_return_for_an_unknown_trace_is_parked_and_moves_nothing(world):
    invoice = world.invoice("CL-1", "120.00")
    payment = world.pay(invoice, account="440074")

    world.go_to(FRIDAY)

    assert world.state(payment) == "settled"
    assert world.open(invoice) == usd("0")
    parked = Case.objects.get(kind="return that does not fit")
    assert "none of ours" in parked.title
    assert parked.facts["amount"] == "$120.00"
    assert parked.evidence == f"bankfile/{BankFile.objects.get(kind='returns').id}"
    line = Case.objects.get(kind="bank line to explain")
    assert "out on Nov 18" in line.title
    assert not Invoice.objects.filter(kind="charge").exists()


def test_a_return_for_another_amount_is_parked_and_moves_nothing(world):
    invoice = world.invoice("CL-1", "120.00")
    payment = world.pay(invoice, account="440075")

    world.go_to(FRIDAY)

    assert world.state(payment) == "settled"
    assert world.open(invoice) == usd("0")
    parked = Case.objects.get(kind="return that does not fit")
    assert "another amount" in parked.title
    assert parked.facts["amount"] == "$121.00"
    line = Case.objects.get(kind="bank line to explain")
    assert "$121.00 out" in line.title
    assert book.balance(CASH) == usd("120.00")
    assert Payment.objects.count() == 1
