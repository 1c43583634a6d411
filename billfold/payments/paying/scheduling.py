"""Asking for money: a payment is scheduled by a click, taken back until the cut-off, and asked for
in the file of its day.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cached_property
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from billfold import bankdays
from billfold.banking import connections
from billfold.money import Money, total
from billfold.notices import outbox
from billfold.payments.accounts import bank_accounts, mandates
from billfold.payments.accounts.bank_accounts import BankAccount
from billfold.payments.accounts.mandates import Consent, Validation
from billfold.payments.cases import unresolved_files
from billfold.payments.funnel import loading, messages, recording
from billfold.payments.models import MethodState, Payment, PaymentMethod
from billfold.payments.outgoing import prenotes
from billfold.payments.paying import standing
from billfold.payments.rules.accounting import PaymentFacts, Share
from billfold.payments.rules.lifecycle import Canceled, State
from billfold.platform import audit, retries, rows
from billfold.platform.faults import fault
from billfold.platform.ids import new_id, new_ids
from billfold.receivables.models import BillerProfile, Customer


class NothingChosen(Exception):
    """A payment needs at least one invoice."""


class NotYours(Exception):
    """An invoice or a payment method is not this customer's; to them it is missing."""


class NotPositive(Exception):
    """An amount must be above zero."""

    def __init__(self, invoice_id: UUID) -> None:
        super().__init__(str(invoice_id))
        self.invoice_id = invoice_id


class ExceedsPayable(Exception):
    """More was asked than can still be paid on the invoice."""

    def __init__(self, *, invoice_id: UUID, number: str, payable: Money, asked: Money) -> None:
        super().__init__(f"{number}: asked {asked}, payable {payable}")
        self.invoice_id = invoice_id
        self.number = number
        self.payable = payable
        self.asked = asked


class ReferenceReused(Exception):
    """The same reference came again with another request, or from another person."""


class MethodNotUsable(Exception):
    """The payment method was removed or stopped."""


class TooLateToCancel(Exception):
    """The cut-off has passed, or the payment is no longer waiting."""


@dataclass(frozen=True)
class Intent:
    """What a person wants to pay, from which account, as they agreed to it."""

    reference: str
    customer_id: UUID
    shares: Mapping[UUID, Money]
    """Invoice -> amount."""
    account: BankAccount | PaymentMethod
    consent: Consent
    validation: Validation
    remember: bool = False

    @cached_property
    def amount(self) -> Money:
        currencies = {amount.currency for amount in self.shares.values()} or {"USD"}
        return total(self.shares.values(), currencies.pop())

    @cached_property
    def request_hash(self) -> str:
        """Tell the same request again: who pays what from where."""
        account = self.account
        source = (
            str(account.id)
            if isinstance(account, PaymentMethod)
            else f"{account.fingerprint}|{account.account_type}|{account.holder}|{self.remember}"
        )
        shares = sorted((str(i), a.minor, a.currency) for i, a in self.shares.items())
        parts = [str(self.customer_id), str(self.consent.agreed_by.id), shares, source]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Scheduled:
    """The payment an intent became, now or at its first try."""

    payment: Payment
    is_new: bool


def schedule(intents: Sequence[Intent], *, now: datetime) -> list[Scheduled]:
    """Make payments, all or none. The same reference again gives the payment made the first time.

    Raises: NothingChosen, NotYours, NotPositive, ExceedsPayable, ReferenceReused, MethodNotUsable.
    """
    lost = retries.UNDONE | retries.EXISTS
    return retries.whole(lambda: _schedule(intents, now), after=lost)


def _schedule(intents: Sequence[Intent], now: datetime) -> list[Scheduled]:
    fault("schedule_begun")
    with transaction.atomic(durable=True):
        invoice_ids = {invoice_id for intent in intents for invoice_id in intent.shares}
        found = standing.lock(invoice_ids)
        earlier = _earlier(intents)
        fresh = [intent for intent in intents if intent.reference not in earlier]
        _check(fresh, found)
        made = _write(fresh, found, now)
        fault("schedule_inside")
    fault("schedule_committed")
    done = {payment.reference: payment for payment in made} | earlier
    return [
        Scheduled(done[intent.reference], is_new=intent.reference not in earlier)
        for intent in intents
    ]


def _earlier(intents: Sequence[Intent]) -> dict[str, Payment]:
    """Find payments made by an earlier try. The invoice locks make a parallel try wait for us."""
    references = [intent.reference for intent in intents]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT reference, request_hash FROM payments_payment WHERE reference = ANY(%s)",
            [references],
        )
        hashes: dict[str, str] = dict(cursor.fetchall())
    if not hashes:
        return {}
    for intent in intents:
        if hashes.get(intent.reference, intent.request_hash) != intent.request_hash:
            raise ReferenceReused(intent.reference)
    return {
        payment.reference: payment
        for payment in Payment.objects.filter(reference__in=list(hashes)).select_related("method")
    }


def _check(intents: Sequence[Intent], found: Mapping[UUID, standing.Payable]) -> None:
    left = {invoice_id: invoice.payable for invoice_id, invoice in found.items()}
    for intent in intents:
        if not intent.shares:
            raise NothingChosen
        for invoice_id, asked in intent.shares.items():
            invoice = found.get(invoice_id)
            if invoice is None or invoice.customer_id != intent.customer_id:
                raise NotYours
            if asked.minor <= 0:
                raise NotPositive(invoice_id)
            if asked > left[invoice_id]:
                raise ExceedsPayable(
                    invoice_id=invoice_id,
                    number=invoice.number,
                    payable=left[invoice_id],
                    asked=asked,
                )
            left[invoice_id] -= asked


def _methods(intents: Sequence[Intent], now: datetime) -> list[PaymentMethod]:
    """Give each intent's method: saved ones locked in id order, new ones kept."""
    saved = {
        method.pk: method
        for method in PaymentMethod.objects.select_for_update()
        .filter(pk__in=[i.account.pk for i in intents if isinstance(i.account, PaymentMethod)])
        .order_by("pk")
    }
    named = {i.account.fingerprint for i in intents if isinstance(i.account, BankAccount)}
    named |= {method.account_fingerprint for method in saved.values()}
    if bank_accounts.stopped(named):
        raise MethodNotUsable
    for intent in intents:
        if isinstance(intent.account, PaymentMethod):
            method = saved[intent.account.pk]
            if method.customer_id != intent.customer_id:
                raise NotYours
            if method.state != MethodState.ACTIVE:
                raise MethodNotUsable
    return [
        saved[intent.account.pk]
        if isinstance(intent.account, PaymentMethod)
        else bank_accounts.add(
            intent.account, customer_id=intent.customer_id, remember=intent.remember, now=now
        )
        for intent in intents
    ]


def _write(
    intents: Sequence[Intent], found: Mapping[UUID, standing.Payable], now: datetime
) -> list[Payment]:
    if not intents:
        return []
    day = connections.keep_day_open()
    cutoff, counts_from = day.cutoff_eastern, day.counting_from(now)
    profile = BillerProfile.objects.get()
    zone, debit_days = profile.zone, profile.debit_days
    made, consents = [], []
    for intent, method in zip(intents, _methods(intents, now), strict=True):
        collect_on = promised_day(
            method, intent.validation, counts_from=counts_from, cutoff_eastern=cutoff
        )
        mandate = mandates.agreed_once(
            method, intent.amount, intent.consent, intent.validation, now
        )
        consents.append(mandate)
        made.append(
            Payment(
                id=new_id(),
                reference=intent.reference,
                request_hash=intent.request_hash,
                customer_id=intent.customer_id,
                made_by=intent.consent.agreed_by,
                made_by_name=intent.consent.agreed_by.name,
                method=method,
                mandate=mandate,
                amount_minor=intent.amount.minor,
                currency=intent.amount.currency,
                received_date=now.astimezone(ZoneInfo(zone)).date(),
                collect_on=collect_on,
                reflected_by=bankdays.add_banking_days(collect_on, debit_days),
                created_at=now,
            )
        )
    rows.add(consents)
    rows.add(made)
    _remit(intents, made)
    _tell(intents, made, found, [_agreed(payment, profile, cutoff) for payment in made], now)
    return made


def promised_day(
    account: BankAccount | PaymentMethod,
    validation: Validation,
    *,
    counts_from: datetime,
    cutoff_eastern: time,
) -> date:
    """Find the banking day whose file may ask for a payment made at that moment."""
    if not validation.is_awaited(mandates.sec_code(account)):
        return bankdays.file_day(counts_from, cutoff_eastern=cutoff_eastern)
    return prenotes.first_debit_day(
        account.account_fingerprint if isinstance(account, PaymentMethod) else account.fingerprint,
        counts_from=counts_from,
        cutoff_eastern=cutoff_eastern,
    )


def _agreed(payment: Payment, profile: BillerProfile, cutoff: time) -> messages.Agreed:
    until = bankdays.cutoff_at(payment.collect_on, cutoff)
    return messages.Agreed(
        biller=profile.trade_name,
        payee=profile.legal_name,
        phone=profile.support_phone,
        collect_on=payment.collect_on,
        cancel_until=until.astimezone(ZoneInfo(profile.zone)),
        authorization=payment.mandate.text,
        waits=payment.mandate.validated_at is None and payment.mandate.sec_code == "WEB",
    )


def _remit(intents: Sequence[Intent], made: Sequence[Payment]) -> None:
    shares = [
        (payment.id, invoice_id, amount.minor)
        for intent, payment in zip(intents, made, strict=True)
        for invoice_id, amount in intent.shares.items()
    ]
    rows.insert(
        "payments_remittance",
        {
            "id": ("uuid", new_ids(len(shares))),
            "payment_id": ("uuid", [share[0] for share in shares]),
            "invoice_id": ("uuid", [share[1] for share in shares]),
            "amount_minor": ("bigint", [share[2] for share in shares]),
        },
    )


def _tell(
    intents: Sequence[Intent],
    made: Sequence[Payment],
    found: Mapping[UUID, standing.Payable],
    agreed: Sequence[messages.Agreed],
    now: datetime,
) -> None:
    customers = {
        row[0]: row[1:]
        for row in Customer.objects.filter(
            pk__in={payment.customer_id for payment in made}
        ).values_list("id", "number", "name", "state")
    }
    letters, entries = [], []
    for intent, payment, words in zip(intents, made, agreed, strict=True):
        person = intent.consent.agreed_by
        number, name, state = customers[payment.customer_id]
        told = loading.Told(
            email=person.email,
            name=person.name,
            customer_number=number,
            customer_name=name,
            customer_state=state,
            method=payment.method.label,
            method_id=payment.method_id,
            mandate_id=payment.mandate_id,
            reflected_by=payment.reflected_by,
            collect_on=payment.collect_on,
        )
        remitted = [
            Share(payment.id, invoice_id, f"invoice/{found[invoice_id].number}", amount.minor)
            for invoice_id, amount in intent.shares.items()
        ]
        subject = PaymentFacts(
            payment.id, payment.reference, payment.customer_id, payment.amount, remitted, ()
        )
        letters.append(messages.received(subject, told, words))
        entries.append(
            audit.entry(
                "payment scheduled",
                payment.subject,
                actor=person.actor(),
                now=now,
                after={
                    "amount_minor": payment.amount_minor,
                    "account": number,
                    "consent_sha256": hashlib.sha256(intent.consent.text.encode()).hexdigest(),
                    "account_fingerprint": payment.method.account_fingerprint,
                },
            )
        )
    audit.write(entries)
    outbox.queue(letters, now=now)


def cancel(payment: Payment, *, actor: audit.Actor, now: datetime) -> None:
    """Take a payment back before its cut-off has begun. Raises: TooLateToCancel.

    The clock does not decide: a worker that was down at the moment of the cut-off has sent nothing.
    """
    retries.whole(lambda: _cancel(payment, actor, now))


def _cancel(payment: Payment, actor: audit.Actor, now: datetime) -> None:
    fault("cancel_begun")
    with transaction.atomic(durable=True):
        closed_through = connections.keep_day_open().closed_through
        loaded = loading.lock([payment.reference])
        if loaded.states[payment.reference] is not State.SCHEDULED:
            raise TooLateToCancel
        collect_on = loaded.told[payment.reference].collect_on
        if closed_through is not None and closed_through >= collect_on:
            raise TooLateToCancel  # Its cut-off is under way.
        if unresolved_files.is_about(payment.id):
            raise TooLateToCancel
        today = now.astimezone(bankdays.EASTERN).date()
        recording.record([Canceled(payment.reference, "canceled", today)], now=now)
        audit.record("payment canceled", payment.subject, actor=actor, now=now)
        fault("cancel_inside")
    fault("cancel_committed")


def cancel_until(payment: Payment) -> datetime:
    """Tell the moment of the cut-off that takes the payment."""
    return bankdays.cutoff_at(payment.collect_on, connections.cutoff_eastern())
