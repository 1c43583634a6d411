"""Makes the demo: Cedarline Communications, its customers, and the week before the demo begins.

That week is lived, not written: invoices are taken in, payments made, files sent and answered by
the simulated bank, so that everything shown has the same evidence as in real use.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction

from billfold import bankdays
from billfold.banking import connections
from billfold.formats import fedach
from billfold.money import Money
from billfold.payments.accounts import mandates
from billfold.payments.accounts.bank_accounts import BankAccount
from billfold.payments.accounts.mandates import Consent
from billfold.payments.funnel import return_fees
from billfold.payments.paying import scheduling
from billfold.people.models import Person
from billfold.platform import audit, clock, sealing, tenancy
from billfold.platform.ids import new_id, new_ids
from billfold.platform.models import AuditEntry
from billfold.receivables import billing
from billfold.receivables.models import (
    Access,
    BillerProfile,
    CreditNote,
    Customer,
    FeeCap,
    Invoice,
    InvoiceLine,
)
from billfold.simulator import cedarline, days

_BEGUN: Final = "demo begun"
_LOADED: Final = "demo loaded"
_ACTOR: Final = audit.job("demo")
_BANKING_DAYS_LIVED: Final = 6


def load(
    now: datetime,
    *,
    schema: str = cedarline.SCHEMA,
    hosts: Sequence[str] = cedarline.HOSTS,
) -> tuple[cedarline.SignIn, ...]:
    """Make the demo biller and put the clock on its first morning; give who can sign in.

    A demo that is loaded stays as it is; one that was cut short is finished.
    Raises: NotMovable on a live instance.
    """
    if settings.IS_LIVE:
        raise clock.NotMovable
    sealing.make_keys()
    tenancy.install()
    try:
        biller = tenancy.biller(schema)
    except tenancy.UnknownBiller:
        biller = tenancy.add(schema, cedarline.NAME, list(hosts))
    fill(biller, now)
    return cedarline.SIGN_INS


def fill(biller: tenancy.Biller, now: datetime) -> None:
    """Give a biller the demo's data, once. The demo begins on the banking day of `now` or after."""
    with tenancy.use(biller):
        if _noted(_LOADED):
            return
        first_morning = _begin(biller, now)
        today = first_morning.astimezone(bankdays.EASTERN).date()
        while (moment := clock.now()) < first_morning:
            _do_business(moment, today)
            days.advance(biller, now=moment)
        _do_business(first_morning, today)
        clock.move_to(first_morning)
        with transaction.atomic(durable=True):
            audit.record(_LOADED, "demo", actor=_ACTOR, now=first_morning)


def _noted(action: str) -> AuditEntry | None:
    return AuditEntry.objects.filter(action=action, subject="demo").first()


def _begin(biller: tenancy.Biller, now: datetime) -> datetime:
    """Write what stands still and move the clock to the first day lived; give the demo's first
    morning, which stays the same if this is a second try.
    """
    begun = _noted(_BEGUN)
    if begun is not None:
        return datetime.fromisoformat(begun.after["first_morning"])
    today = bankdays.banking_day_on_or_after(now.astimezone(bankdays.EASTERN).date())
    first_morning = days.morning_of(today)
    start = days.morning_of(bankdays.add_banking_days(today, -_BANKING_DAYS_LIVED))
    clock.move_to(start)
    with transaction.atomic(durable=True):
        _set_up(biller, start)
        audit.record(
            _BEGUN,
            "demo",
            actor=_ACTOR,
            now=start,
            after={"first_morning": first_morning.isoformat()},
        )
    return first_morning


def _set_up(biller: tenancy.Biller, now: datetime) -> None:
    BillerProfile.objects.create(**cedarline.PROFILE)
    FeeCap.objects.create(
        state="OH", cap_minor=2500, source="reviewed, cap 25.00", reviewed_on=now.date()
    )
    folder = Path(settings.STATE_DIR) / "bank" / biller.schema
    connections.add(
        cedarline.BANK_ACCOUNT,
        transport={
            "kind": "folder",
            "to_bank": str(folder / "to_bank"),
            "from_bank": str(folder / "from_bank"),
            "taken": str(folder / "taken"),
        },
        **cedarline.BANK,
    )
    connections.load_directory(fedach.demo())
    Customer.objects.bulk_create(
        Customer(
            id=made,
            number=account.number,
            name=account.name,
            email=account.email,
            address=account.address,
            state=account.state,
            terms=account.terms,
            paper_bill=account.paper_bill,
            created_at=now,
        )
        for made, account in zip(new_ids(len(cedarline.ACCOUNTS)), cedarline.ACCOUNTS, strict=True)
    )
    _let_in()


def _let_in() -> None:
    for who in cedarline.SIGN_INS:
        person = Person.objects.add(who.email, cedarline.PASSWORD, name=who.name, role=who.role)
        for customer in Customer.objects.filter(number__in=who.accounts):
            Access.objects.create(id=new_id(), person=person, customer=customer)


def _do_business(now: datetime, today: date) -> None:
    """Bill what is dated by now and pay what is paid on this day. Again, it changes nothing."""
    on = now.astimezone(bankdays.EASTERN).date()
    with transaction.atomic(durable=True):
        _bill(now, on, today)
        _credit(now, on, today)
    for paid in cedarline.PAYMENTS:
        if bankdays.add_banking_days(today, -paid.banking_days_before) == on:
            _pay(paid, now)


def _bill(now: datetime, on: date, today: date) -> None:
    known = set(Invoice.objects.values_list("number", flat=True))
    fresh = [
        bill
        for bill in cedarline.BILLS
        if bill.number not in known and today + timedelta(bill.dated) <= on
    ]
    customers = _customer_ids()
    billing.issue(
        [
            billing.NewInvoice(
                number=bill.number,
                customer_id=customers[bill.account],
                invoice_date=today + timedelta(bill.dated),
                due_date=today + timedelta(bill.due),
                amount=Money.parse(bill.amount),
                reference=bill.reference,
                description=bill.description,
            )
            for bill in fresh
        ],
        actor=_ACTOR,
        now=now,
        on=on,
    )
    for bill in fresh:
        _write_lines(bill)


def _write_lines(bill: cedarline.Bill) -> None:
    invoice = Invoice.objects.get(number=bill.number)
    amounts = invoice.amount.split([weight for _, weight in bill.lines])
    InvoiceLine.objects.bulk_create(
        InvoiceLine(
            id=new_id(),
            invoice=invoice,
            position=position,
            description=text,
            quantity="1",
            amount_minor=amount.minor,
        )
        for position, ((text, _), amount) in enumerate(
            zip(bill.lines, amounts, strict=True), start=1
        )
    )


def _credit(now: datetime, on: date, today: date) -> None:
    known = set(CreditNote.objects.values_list("number", flat=True))
    customers = _customer_ids()
    billing.credit(
        [
            billing.NewCredit(
                number=note.number,
                customer_id=customers[note.account],
                credit_date=today + timedelta(note.dated),
                amount=Money.parse(note.amount),
                reason=note.reason,
                invoice_id=(Invoice.objects.get(number=note.on_bill).id if note.on_bill else None),
            )
            for note in cedarline.CREDITS
            if note.number not in known and today + timedelta(note.dated) <= on
        ],
        actor=_ACTOR,
        now=now,
        on=on,
    )


def _customer_ids() -> dict[str, UUID]:
    return dict(Customer.objects.values_list("number", "id"))


def _pay(paid: cedarline.Paid, now: datetime) -> None:
    """Pay as the person would on the page. The reference makes it happen once."""
    invoice = Invoice.objects.select_related("customer").get(number=paid.bill)
    account = BankAccount(
        routing_number=paid.routing_number,
        account_number=paid.account_number,
        account_type="checking",
        holder="business",
        holder_name=invoice.customer.name,
        bank_name=connections.bank_name(paid.routing_number) or "",
    )
    scheduling.schedule(
        [
            scheduling.Intent(
                reference=paid.reference,
                customer_id=invoice.customer_id,
                shares={invoice.id: Money.parse(paid.amount)},
                account=account,
                consent=_consent(paid, invoice.customer.state, now),
                validation=mandates.validate(
                    account, setting=connections.default().account_validation, now=now
                ),
                remember=paid.remember,
            )
        ],
        now=now,
    )


def _consent(paid: cedarline.Paid, state: str, now: datetime) -> Consent:
    profile = BillerProfile.objects.get()
    cutoff = connections.default().cutoff_eastern
    day = bankdays.file_day(now, cutoff_eastern=cutoff)
    return Consent(
        text=mandates.one_time_text(
            biller=profile.legal_name,
            account=f"checking account ending {paid.account_number[-4:]}",
            amount=Money.parse(paid.amount),
            day=day,
            cutoff=f"{day:%b} {day.day}, 5:00 pm ET",
            return_fee=return_fees.fee_for(profile, state, return_fees.caps_of([state])),
        ),
        agreed_by=Person.objects.get(email=paid.by),
        ip_address="192.0.2.7",
        user_agent="demo",
    )
