"""A new rail is a module, a line of the registry and a column of the accounting policy."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from billfold.banking import exchange
from billfold.banking.models import BankConnection, BankFile
from billfold.formats import x12
from billfold.formats.sniffing import Format
from billfold.ledger import book
from billfold.ledger.chart import CASH, PROCESSOR
from billfold.money import Money
from billfold.payments.funnel import recording
from billfold.payments.incoming import intake
from billfold.payments.models import Case
from billfold.payments.rules import accounting
from billfold.rails import registry
from billfold.rails.protocol import (
    BankDocument,
    DocumentRefused,
    Received,
    Returned,
    Settled,
    Submitted,
)
from tests import privilege
from tests.places import FILES

ADVICE = (FILES / "edi820" / "synthetic-ctx-remittance.820").read_bytes()
OTHERS = ADVICE.replace(b"5550123456", b"5550123457")


class OtherBillers(DocumentRefused):
    """The giro went to another biller."""


def read(document: BankDocument) -> list[Received]:
    """Read the file's payments as money that came."""
    if document.content == OTHERS:
        raise OtherBillers("5550123457")
    return [_received(each) for each in x12.read(document.content).payments]


def _received(payment: x12.AdvicePayment) -> Received:
    name, amount = payment.trace_reference, Money(payment.amount_minor)
    return Received(name, f"giro/{name}", payment.effective_date, amount)


GIRO = SimpleNamespace(
    name="giro",
    document_kind="giro",
    document_title="Giro payments",
    document_formats=(Format.X12_820,),
    receipts_noun="giros",
    read=read,
)


@pytest.fixture(autouse=True)
def _giro(monkeypatch):
    monkeypatch.setattr(registry, "RAILS", (*registry.RAILS, GIRO))
    monkeypatch.setitem(accounting.COLUMNS, "giro", accounting.COLUMNS["card"])


def bring(world, content: bytes) -> BankFile:
    bank = BankConnection.objects.get()
    file, _ = exchange.store(bank, BankDocument("from-bank", content), now=world.now)
    intake.read_received(now=world.now)
    file.refresh_from_db()
    return file


def test_what_a_new_rail_reads_is_recognised_counted_and_told(world, client):
    file = bring(world, ADVICE)

    assert (file.kind, file.state, file.entry_count) == ("giro", "read", 1)
    assert file.credit_minor == 1_475_050
    assert Case.objects.get().title == "from-bank: 1 giros, $14,750.50"
    client.force_login(world.clerk)
    assert "Giro payments" in client.get(f"/office/files/{file.id}").content.decode()
    assert "Giro payments" in client.get("/office/files").content.decode()


def test_what_a_new_rail_refuses_is_refused_in_its_words(world):
    file = bring(world, OTHERS)

    assert (file.state, file.problems) == (
        "refused",
        ["The giro went to another biller. (5550123457)"],
    )


def test_what_moves_by_a_new_rail_is_booked_by_its_column(world):
    payment = world.pay(world.invoice("CL-1", "120.00"))
    payment.rail = "giro"
    privilege.save(payment)
    on = world.now.date()

    recording.record(
        [
            Submitted(payment.reference, "submitted/1", on),
            Settled(payment.reference, "settled/1", on),
        ],
        now=world.now,
    )

    assert book.balance(PROCESSOR) == Money(12_000)
    assert (book.balance(CASH), book.balance(payment.in_transit)) == (Money(0), Money(0))

    back = Returned(payment.reference, "r", on, code="R01", amount=Money(12_000), rdfi="12999901")
    recording.record([back], now=world.now)

    assert book.balance(payment.in_transit) == Money(-12_000)
