"""Making the demo: Cedarline Communications, its customers, and the week before the demo begins.

That week is simulated day by day: invoices are imported, payments made, files sent and answered by
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
from billfold.payments.accounts import account_validation, mandates
from billfold.payments.accounts.bank_accounts import TypedAccount
from billfold.payments.accounts.mandates import Consent
from billfold.payments.funnel import return_fees
from billfold.payments.paying import scheduling
from billfold.people import rights
from billfold.people.models import Person
from billfold.platform import audit, brake, clock, sealing, tenancy
from billfold.platform.ids import new_id, new_ids
from billfold.platform.models import AuditEntry, BrakeKind
from billfold.receivables import access_grants, billing
from billfold.receivables.models import (
    AccessRole,
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
_BANKING_DAYS_BEFORE: Final = 6
_MADE_UP_FINDING: Final = (
    "Promise 2: made up for this demo: the sums of an account are not those of its transfers"
)


def load(
    now: datetime,
    *,
    schema: str = cedarline.SCHEMA,
    hosts: Sequence[str] = cedarline.HOSTS,
) -> tuple[cedarline.DemoSignIn, ...]:
    """Make the demo biller and set the clock to its first morning; return who can sign in.

    A demo that is complete stays as it is; one that was cut short is completed.
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


def set_brake(biller: tenancy.Biller, *, now: datetime) -> str:
    """Set the brake as `verify` would, and return the finding, which is made up.

    Raises: NotMovable on a live instance.
    """
    if settings.IS_LIVE:
        raise clock.NotMovable
    with tenancy.use(biller):
        brake.observe(
            BrakeKind.FINDING,
            {"made up": _MADE_UP_FINDING},
            lifts_when_clean=False,
            actor=_ACTOR,
            seen_at=now,
            now=now,
        )
    return _MADE_UP_FINDING


def fill(biller: tenancy.Biller, now: datetime) -> None:
    """Give a biller the demo's data, once. The demo begins on the first banking day from `now`."""
    with tenancy.use(biller):
        if _audit_entry(_LOADED):
            return
        first_morning = _begin(biller, now)
        today = first_morning.astimezone(bankdays.EASTERN).date()
        while (moment := clock.now()) < first_morning:
            _bill_and_pay(moment, today)
            days.advance(biller, now=moment)
        _bill_and_pay(first_morning, today)
        clock.move_to(first_morning)
        with transaction.atomic(durable=True):
            audit.record(_LOADED, "demo", actor=_ACTOR, now=first_morning)


def _audit_entry(action: str) -> AuditEntry | None:
    return AuditEntry.objects.filter(action=action, subject="demo").first()


def _begin(biller: tenancy.Biller, now: datetime) -> datetime:
    """Write what does not change and set the clock to the first day; return the first morning.

    The first morning is that on which the demo begins. It stays the same at a second try.
    """
    entry = _audit_entry(_BEGUN)
    if entry is not None:
        return datetime.fromisoformat(entry.after["first_morning"])
    today = bankdays.banking_day_on_or_after(now.astimezone(bankdays.EASTERN).date())
    first_morning = days.morning_of(today)
    start = days.morning_of(bankdays.add_banking_days(today, -_BANKING_DAYS_BEFORE))
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
    connections.load_bank_names(fedach.demo_names())
    Customer.objects.bulk_create(
        Customer(
            id=customer_id,
            number=customer.number,
            name=customer.name,
            email=customer.email,
            address=customer.address,
            state=customer.state,
            terms=customer.terms,
            paper_bill=customer.paper_bill,
            created_at=now,
        )
        for customer_id, customer in zip(
            new_ids(len(cedarline.CUSTOMERS)), cedarline.CUSTOMERS, strict=True
        )
    )
    _add_people(now)


def _add_people(now: datetime) -> None:
    for sign_in in cedarline.SIGN_INS:
        person = rights.add_person(
            sign_in.email,
            cedarline.PASSWORD,
            name=sign_in.name,
            role=sign_in.role,
            actor=_ACTOR,
            now=now,
        )
        for customer in Customer.objects.filter(number__in=sign_in.accounts):
            access_grants.give(person, customer, AccessRole.PAY, actor=_ACTOR, now=now)


def _bill_and_pay(now: datetime, today: date) -> None:
    """Issue what is dated up to now and pay what is paid on this day, once."""
    on = now.astimezone(bankdays.EASTERN).date()
    with transaction.atomic(durable=True):
        _issue_invoices(now, on, today)
        _issue_credit_notes(now, on, today)
    for payment in cedarline.PAYMENTS:
        if bankdays.add_banking_days(today, -payment.banking_days_before) == on:
            _pay(payment, now)


def _issue_invoices(now: datetime, on: date, today: date) -> None:
    issued = set(Invoice.objects.values_list("number", flat=True))
    new = [
        invoice
        for invoice in cedarline.INVOICES
        if invoice.number not in issued and today + timedelta(invoice.dated) <= on
    ]
    customers = _customer_ids()
    billing.issue(
        [
            billing.NewInvoice(
                number=invoice.number,
                customer_id=customers[invoice.account],
                invoice_date=today + timedelta(invoice.dated),
                due_date=today + timedelta(invoice.due),
                amount=Money.parse(invoice.amount),
                reference=invoice.reference,
                description=invoice.description,
            )
            for invoice in new
        ],
        actor=_ACTOR,
        now=now,
        on=on,
    )
    for invoice in new:
        _add_lines(invoice)


def _add_lines(demo_invoice: cedarline.DemoInvoice) -> None:
    invoice = Invoice.objects.get(number=demo_invoice.number)
    amounts = invoice.amount.split([weight for _, weight in demo_invoice.lines])
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
            zip(demo_invoice.lines, amounts, strict=True), start=1
        )
    )


def _issue_credit_notes(now: datetime, on: date, today: date) -> None:
    issued = set(CreditNote.objects.values_list("number", flat=True))
    customers = _customer_ids()
    billing.credit(
        [
            billing.NewCreditNote(
                number=note.number,
                customer_id=customers[note.account],
                credit_date=today + timedelta(note.dated),
                amount=Money.parse(note.amount),
                reason=note.reason,
                invoice_id=(Invoice.objects.get(number=note.on_bill).id if note.on_bill else None),
            )
            for note in cedarline.CREDIT_NOTES
            if note.number not in issued and today + timedelta(note.dated) <= on
        ],
        actor=_ACTOR,
        now=now,
        on=on,
    )


def _customer_ids() -> dict[str, UUID]:
    return dict(Customer.objects.values_list("number", "id"))


def _pay(payment: cedarline.DemoPayment, now: datetime) -> None:
    """Pay as the person would on the page; the reference makes sure that it happens once."""
    invoice = Invoice.objects.select_related("customer").get(number=payment.bill)
    account = TypedAccount(
        routing_number=payment.routing_number,
        account_number=payment.account_number,
        account_type="checking",
        holder="business",
        holder_name=invoice.customer.name,
        bank_name=connections.bank_name(payment.routing_number) or "",
    )
    payer = Person.objects.get(email=payment.by).actor()
    scheduling.schedule(
        [
            scheduling.Intent(
                reference=payment.reference,
                customer_id=invoice.customer_id,
                shares={invoice.id: Money.parse(payment.amount)},
                account=account,
                authority=_consent(payment, payer, invoice.customer.state, now),
                actor=payer,
                validation=account_validation.validate(
                    account, setting=connections.default().account_validation, now=now
                ),
                remember=payment.remember,
            )
        ],
        now=now,
    )


def _consent(
    payment: cedarline.DemoPayment, payer: audit.Actor, state: str, now: datetime
) -> Consent:
    profile = BillerProfile.objects.get()
    cutoff = connections.default().cutoff_eastern
    day = bankdays.file_day(now, cutoff_eastern=cutoff)
    return Consent(
        text=mandates.single_text(
            biller=profile.legal_name,
            account=f"checking account ending {payment.account_number[-4:]}",
            amount=Money.parse(payment.amount),
            day=day,
            cancel_until=bankdays.cutoff_at(day, cutoff).astimezone(bankdays.EASTERN),
            return_fee=return_fees.fee_for(profile, state, return_fees.caps_by_state([state])),
        ),
        agreed_by=payer,
        ip_address="192.0.2.7",
        user_agent="demo",
    )
