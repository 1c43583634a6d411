"""A small world for stories: the biller, a customer with a login, a bank at the other end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from billfold import jobs
from billfold.bankdays import EASTERN
from billfold.banking import connections, file_approvals
from billfold.banking.models import BankConnection, BankFile
from billfold.ledger import book
from billfold.money import Money
from billfold.payments.accounts.account_validation import Validation
from billfold.payments.accounts.bank_accounts import TypedAccount
from billfold.payments.accounts.mandates import Consent
from billfold.payments.models import Payment
from billfold.payments.paying import scheduling
from billfold.people import rights
from billfold.people.models import Person, Role
from billfold.platform import audit, clock, tenancy
from billfold.platform.ids import new_id, new_reference
from billfold.receivables import access_grants, billing
from billfold.receivables.models import (
    AccessRole,
    BillerProfile,
    Customer,
    FeeCap,
    Invoice,
)
from billfold.simulator import days
from billfold.simulator.bank.simulated_bank import SimulatedBank

ODFI = "091999049"
PAYERS_BANK = "129999018"
PASSWORD = "fifteen letters or more"
OPERATOR = audit.Actor(id="command/test", name="test")


def usd(text: str) -> Money:
    return Money.parse(text)


def eastern(year: int, month: int, day: int, hour: int = 9, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=EASTERN)


def last_move_of_the_clock() -> datetime:
    """Read the moment at which the clock was put last, however long ago that is by now."""
    moved_at = (settings.STATE_DIR / "clock").stat().st_mtime
    return clock.now() - (datetime.now(UTC) - datetime.fromtimestamp(moved_at, UTC))


def run_job(name: str, now: datetime) -> None:
    """Run one job of the biller who is served, whatever its state."""
    [job] = [job for job in jobs.JOBS if job.name == name]
    jobs.run(job, replace(tenancy.current(), state="open"), now=now)


@dataclass
class World:
    """Cedarline on a Monday morning. Time moves only when a story moves it."""

    biller: tenancy.Biller
    folder: Path
    now: datetime
    customer: Customer = field(init=False)
    payer: Person = field(init=False)
    clerk: Person = field(init=False)
    treasurers: list[Person] = field(init=False)
    connection: BankConnection = field(init=False)
    bank: SimulatedBank = field(init=False)

    def __post_init__(self) -> None:
        clock.move_to(self.now)
        BillerProfile.objects.create(
            trade_name="Cedarline",
            legal_name="Cedarline Communications, Inc.",
            address="1 Cedar Way\nFairhaven, OH 45999",
            state="OH",
            support_email="billing@cedarline.example",
            remit_to="Cedarline Communications, Inc.\nPO Box 55010-2207\nFairhaven, OH 45999-2207",
        )
        FeeCap.objects.create(
            state="OH", cap_minor=2500, source="reviewed by counsel", reviewed_on=self.now.date()
        )
        self.customer = self.add_customer("40-118-2207", "Hollis & Wren Architects", state="OH")
        self.payer = self.add_person("dana@hollis-wren.example", "Dana Osei")
        self.give_access(self.payer, self.customer)
        self.clerk = self.add_person("cleo@cedarline.example", "Cleo Park", Role.CLERK)
        self.treasurers = [
            self.add_person("priya@cedarline.example", "Priya Raman", Role.TREASURER),
            self.add_person("jonah@cedarline.example", "Jonah Tate", Role.TREASURER),
        ]
        self.connection = connections.add(
            "000773142019",
            name="Operating",
            bank_name="First Harbor Bank",
            odfi_routing_number=ODFI,
            immediate_origin="1910000001",
            company_name="CEDARLINE COMM",
            company_id="1910000001",
            transport={
                "kind": "folder",
                "to_bank": str(self.folder / "to_bank"),
                "from_bank": str(self.folder / "from_bank"),
                "taken": str(self.folder / "taken"),
            },
        )
        self.bank = days.bank_of(self.connection)
        self.bank.act(self.now)
        connections.load_bank_names(
            {ODFI: "First Harbor Bank", PAYERS_BANK: "Pacific Lantern Bank"}
        )

    def add_bank(self, name: str, account_number: str, **terms: Any) -> BankConnection:
        """Add another bank connection, with folders and a simulated bank of its own."""
        folder = self.folder.parent / name.lower()
        terms = {
            "bank_name": "Pacific Lantern Bank",
            "odfi_routing_number": PAYERS_BANK,
            "immediate_origin": "1910000002",
            "company_name": "CEDARLINE COMM",
            "company_id": "1910000002",
        } | terms
        places = {place: str(folder / place) for place in ("to_bank", "from_bank", "taken")}
        bank = connections.add(
            account_number, name=name, transport={"kind": "folder", **places}, **terms
        )
        days.bank_of(bank).act(self.now)
        return bank

    def add_customer(self, number: str, name: str, *, state: str = "OH") -> Customer:
        return Customer.objects.create(
            id=new_id(), number=number, name=name, state=state, created_at=self.now
        )

    @transaction.atomic
    def add_person(self, email: str, name: str, role: str = Role.PAYER) -> Person:
        return rights.add_person(
            email, PASSWORD, name=name, role=role, actor=OPERATOR, now=self.now
        )

    @transaction.atomic
    def give_role(self, person: Person, role: str, *, is_active: bool = True) -> None:
        rights.give(person, role, is_active=is_active, actor=OPERATOR, now=self.now)

    @transaction.atomic
    def give_access(self, person: Person, customer: Customer, role: str = AccessRole.PAY) -> None:
        access_grants.give(person, customer, role, actor=OPERATOR, now=self.now)

    @transaction.atomic
    def end_access(self, person: Person, customer: Customer) -> None:
        access_grants.end(person, customer, actor=OPERATOR, now=self.now)

    def invoice(
        self, number: str, amount: str, *, due: date | None = None, customer: Customer | None = None
    ) -> Invoice:
        on = self.now.astimezone(EASTERN).date()
        new = billing.NewInvoice(
            number=number,
            customer_id=(customer or self.customer).id,
            invoice_date=on - timedelta(days=10),
            due_date=due or on + timedelta(days=11),
            amount=usd(amount),
        )
        billing.issue([new], now=self.now, on=on)
        return Invoice.objects.get(number=number)

    def account(self, number: str = "4417006789", holder: str = "personal") -> TypedAccount:
        return TypedAccount(
            routing_number=PAYERS_BANK,
            account_number=number,
            account_type="checking",
            holder="business" if holder == "business" else "personal",
            holder_name="Dana Osei",
            bank_name="Pacific Lantern Bank",
        )

    def intent(
        self,
        invoices: Sequence[Invoice],
        *,
        account: TypedAccount | None = None,
        reference: str = "",
        amounts: Sequence[Money] = (),
    ) -> scheduling.Intent:
        given = amounts or [self.open(invoice) for invoice in invoices]
        consent = Consent(
            text="I authorize this debit.",
            agreed_by=self.payer.actor(),
            ip_address="192.0.2.7",
            user_agent="test",
        )
        return scheduling.Intent(
            reference=reference or new_reference(),
            customer_id=self.customer.id,
            shares={i.id: amount for i, amount in zip(invoices, given, strict=True)},
            account=account or self.account(),
            authority=consent,
            actor=self.payer.actor(),
            validation=Validation(by="bank_service", evidence="ok", at=self.now),
        )

    def pay(self, *invoices: Invoice, account: str = "4417006789") -> Payment:
        intent = self.intent(invoices, account=self.account(account))
        return scheduling.schedule([intent], now=self.now)[0].payment

    def open(self, invoice: Invoice) -> Money:
        return book.balance(invoice.receivable)

    def state(self, payment: Payment) -> str:
        return Payment.objects.get(pk=payment.pk).state

    def go_to(self, moment: datetime) -> None:
        """Let the bank, the jobs and the treasurers do all that is due on the way, in order."""
        days.run_until(self.biller, moment, now=self.now, release=self.release_all)
        self.now = moment

    def run_jobs(self) -> None:
        jobs.run_once(self.biller, now=self.now)

    def release_all(self, now: datetime | None = None) -> int:
        """Let both treasurers approve what waits; give how many files that was."""
        waiting = list(BankFile.objects.filter(direction="out", state="built"))
        for file in waiting:
            for person in self.treasurers:
                file_approvals.approve(
                    file.pk, file.sha256, actor=person.actor(), now=now or self.now
                )
        return len(waiting)

    def actor(self) -> audit.Actor:
        return self.payer.actor()
