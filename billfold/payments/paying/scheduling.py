"""Schedules payments, and cancels them until their cut-off."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cached_property
from itertools import compress
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from billfold import bankdays
from billfold.banking import connections
from billfold.money import Money, total
from billfold.payments.accounts import (
    account_validation,
    bank_accounts,
    mandates,
    method_access,
)
from billfold.payments.accounts.account_validation import Validation
from billfold.payments.accounts.bank_accounts import TypedAccount
from billfold.payments.accounts.mandates import Consent
from billfold.payments.cases import parked_items, unresolved_files
from billfold.payments.funnel import loading, recording, stopped_accounts
from billfold.payments.method_models import BankAccount, Mandate, MethodState, PaymentMethod
from billfold.payments.models import Payment
from billfold.payments.outgoing import prenotes
from billfold.payments.paying import confirmation, invoice_standing
from billfold.payments.paying.invoice_standing import PayableLeft
from billfold.payments.reading import promised_days
from billfold.payments.rules.accounting import Share
from billfold.payments.rules.lifecycle import Canceled, State
from billfold.people.models import Person
from billfold.platform import audit, feed, retries, rows
from billfold.platform.faults import fault
from billfold.platform.feed import FeedKind
from billfold.platform.ids import new_id, new_ids
from billfold.receivables.models import BillerProfile


class NothingChosen(Exception):
    """A payment needs at least one invoice."""


class NotYours(Exception):
    """An invoice or a payment method is not this customer's; to them it is missing."""


class ReferenceReused(Exception):
    """The same reference came again with another request, or from another person."""


class MethodNotUsable(Exception):
    """The payment method was removed or stopped."""


class NotCovered(Exception):
    """A mandate does not allow the payment; `rule` names what it breaks, as at a cut-off."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


class TooLateToCancel(Exception):
    """The cut-off has passed, or the payment is no longer waiting."""


@dataclass(frozen=True)
class Intent:
    """What is to be paid, from which account, who asks for it, and who allowed the debit."""

    reference: str
    customer_id: UUID
    shares: Mapping[UUID, Money]
    """Invoice -> amount."""
    account: TypedAccount | PaymentMethod
    authority: Consent | Mandate
    """A consent to this debit alone, or a recurring mandate that was given before."""
    actor: audit.Actor
    validation: Validation = account_validation.NOT_NEEDED
    """Of the account of a consent; a mandate has its own."""
    remember: bool = False

    @cached_property
    def amount(self) -> Money:
        currencies = {amount.currency for amount in self.shares.values()} or {"USD"}
        return total(self.shares.values(), currencies.pop())

    @cached_property
    def request_hash(self) -> str:
        """Identify the request: who pays what from where."""
        account = self.account
        source = (
            str(account.id)
            if isinstance(account, PaymentMethod)
            else "|".join(
                [
                    account.account_fingerprint_with_zeros,
                    account.account_type,
                    account.holder,
                    str(self.remember),
                ]
            )
        )
        shares = sorted((str(i), a.minor, a.currency) for i, a in self.shares.items())
        parts = [str(self.customer_id), self.actor.id, shares, source]
        if isinstance(self.authority, Mandate):
            parts.append(f"mandate/{self.authority.pk}")
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Scheduled:
    """The payment made of an intent, now or when the same request came first."""

    payment: Payment
    is_new: bool


@retries.retried(after=retries.UNDONE | retries.EXISTS)
def schedule(intents: Sequence[Intent], *, now: datetime) -> list[Scheduled]:
    """Make payments, all or none. The same reference again gives the payment made the first time.

    Raises: NothingChosen, NotYours, NotPositive, ExceedsPayable, ReferenceReused, MethodNotUsable,
    NotCovered.
    """
    fault("schedule_begun")
    with transaction.atomic(durable=True):
        invoices = invoice_standing.lock(
            {invoice_id for intent in intents for invoice_id in intent.shares}
        )
        earlier = _earlier_payments(intents)
        new_intents = [intent for intent in intents if intent.reference not in earlier]
        _check(new_intents, invoices)
        payments = _write(new_intents, invoices, now)
        fault("schedule_inside")
    fault("schedule_committed")
    by_reference = {payment.reference: payment for payment in payments} | earlier
    return [
        Scheduled(by_reference[intent.reference], is_new=intent.reference not in earlier)
        for intent in intents
    ]


def _earlier_payments(intents: Sequence[Intent]) -> dict[str, Payment]:
    """Read payments made by an earlier request. The invoice locks make a parallel one wait for us.

    Raises: ReferenceReused.
    """
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


def _check(
    intents: Sequence[Intent], invoices: Mapping[UUID, invoice_standing.InvoiceStanding]
) -> None:
    left = PayableLeft(invoices)
    for intent in intents:
        if not intent.shares:
            raise NothingChosen
        for invoice_id, amount in intent.shares.items():
            invoice = invoices.get(invoice_id)
            if invoice is None or invoice.customer_id != intent.customer_id:
                raise NotYours
            left.take(invoice_id, amount)


def _methods(intents: Sequence[Intent], now: datetime) -> list[PaymentMethod]:
    """Give each intent's method: saved ones locked in id order, new accounts stored.

    Raises: NotYours, MethodNotUsable.
    """
    saved = {
        method.pk: method
        for method in PaymentMethod.objects.select_for_update(of=["self"])
        .filter(pk__in=[i.account.pk for i in intents if isinstance(i.account, PaymentMethod)])
        .select_related("present__account")
        .order_by("pk")
    }
    typed = [i.account for i in intents if isinstance(i.account, TypedAccount)]
    if stopped_accounts.are_any_stopped([*typed, *saved.values()]):
        raise MethodNotUsable
    accesses = method_access.among(saved)
    return [
        bank_accounts.add(
            intent.account,
            customer_id=intent.customer_id,
            remember=intent.remember,
            actor=_giver(intent),
            now=now,
        )
        if isinstance(intent.account, TypedAccount)
        else _check_method(intent, saved.get(intent.account.pk), accesses, now)
        for intent in intents
    ]


def _giver(intent: Intent) -> audit.Actor:
    """Name who allows the debit, whose account it is."""
    authority = intent.authority
    return authority.agreed_by() if isinstance(authority, Mandate) else authority.agreed_by


def _check_method(
    intent: Intent, method: PaymentMethod | None, accesses: Set[tuple[UUID, UUID]], now: datetime
) -> PaymentMethod:
    """Check that a saved method may be used for the customer. A person's own may be from its first
    use on; a company's, and any under a mandate, only where it was allowed before.

    Raises: NotYours, MethodNotUsable.
    """
    if method is None:
        raise NotYours
    giver = _giver(intent)
    is_own = method.owner_person_id is not None and method.owner_person_id == Person.id_of(giver)
    is_allowed = (method.pk, intent.customer_id) in accesses
    if isinstance(intent.authority, Mandate):
        if not is_allowed:
            raise NotYours
    elif is_own and not is_allowed:
        method_access.give(method, [intent.customer_id], actor=giver, now=now)
    elif not is_own and not (method.owner_customer_id and is_allowed):
        raise NotYours
    if method.state != MethodState.ACTIVE:
        raise MethodNotUsable
    return method


def _mandates(
    intents: Sequence[Intent], methods: Sequence[PaymentMethod], now: datetime
) -> list[Mandate]:
    """Give each intent's mandate: a new one of each consent, those given before as they are now.

    Raises: NotYours, NotCovered.
    """
    earlier = Mandate.objects.select_related("account").in_bulk(
        [i.authority.pk for i in intents if isinstance(i.authority, Mandate)]
    )
    return [
        _check_mandate(intent, method, earlier.get(intent.authority.pk))
        if isinstance(intent.authority, Mandate)
        else mandates.single(method, intent.amount, intent.authority, intent.validation, now)
        for intent, method in zip(intents, methods, strict=True)
    ]


def _check_mandate(intent: Intent, method: PaymentMethod, mandate: Mandate | None) -> Mandate:
    """Check that a mandate given before allows the payment. Raises: NotYours, NotCovered."""
    if mandate is None:
        raise NotYours
    limit = mandate.amount_minor
    broken = {
        "not-recurring": mandate.kind != "recurring",
        "other-method": mandate.method_id != method.pk,
        "consent-ended": mandate.revoked_at is not None,
        "other-account": mandate.account.method_id != method.pk,
        "other-currency": mandate.currency != intent.amount.currency,
        "above-consent": limit is not None and intent.amount.minor > limit,
    }
    for rule, is_broken in broken.items():
        if is_broken:
            raise NotCovered(rule)
    return mandate


def _write(
    intents: Sequence[Intent],
    invoices: Mapping[UUID, invoice_standing.InvoiceStanding],
    now: datetime,
) -> list[Payment]:
    if not intents:
        return []
    day = connections.keep_day_open()
    cutoff, counts_from = day.cutoff_eastern, day.counting_from(now)
    profile = BillerProfile.objects.get()
    promise = promised_days.promise(profile.debit_days)
    feed_row = feed.row(FeedKind.PAYMENTS, now=now)
    methods = _methods(intents, now)
    authorities = _mandates(intents, methods, now)
    payments = []
    for intent, method, mandate in zip(intents, methods, authorities, strict=True):
        validation = (
            mandates.validation_of(mandate)
            if isinstance(intent.authority, Mandate)
            else intent.validation
        )
        collect_on = collection_day(
            mandate.account, validation, counts_from=counts_from, cutoff_eastern=cutoff
        )
        payments.append(
            Payment(
                id=new_id(),
                reference=intent.reference,
                request_hash=intent.request_hash,
                customer_id=intent.customer_id,
                made_by_id=intent.actor.id,
                made_by_name=intent.actor.name,
                method=method,
                method_label=mandate.account.label,
                mandate=mandate,
                connection_id=day.connection_id,
                amount_minor=intent.amount.minor,
                currency=intent.amount.currency,
                received_date=now.astimezone(ZoneInfo(profile.zone)).date(),
                collect_on=collect_on,
                reflected_by=promise(collect_on),
                created_at=now,
                feed_row_id=feed_row,
            )
        )
    given_now = [not isinstance(intent.authority, Mandate) for intent in intents]
    rows.insert_objects(list(compress(authorities, given_now)))
    rows.insert_objects(payments)
    shares = _write_remittances(intents, payments, invoices)
    confirmation.queue(payments, shares, profile=profile, cutoff_eastern=cutoff, now=now)
    return payments


def collection_day(
    account: TypedAccount | BankAccount,
    validation: Validation,
    *,
    counts_from: datetime,
    cutoff_eastern: time,
) -> date:
    """Find the banking day whose file may debit for a payment made at that moment."""
    if not validation.is_awaited(bank_accounts.sec_code(account)):
        return bankdays.file_day(counts_from, cutoff_eastern=cutoff_eastern)
    return prenotes.first_debit_day(
        account.account_fingerprint, counts_from=counts_from, cutoff_eastern=cutoff_eastern
    )


def _write_remittances(
    intents: Sequence[Intent],
    payments: Sequence[Payment],
    invoices: Mapping[UUID, invoice_standing.InvoiceStanding],
) -> list[list[Share]]:
    """Write what each payment is for; give its shares."""
    remittances = [
        (payment.id, invoice_id, amount.minor)
        for payment, intent in zip(payments, intents, strict=True)
        for invoice_id, amount in intent.shares.items()
    ]
    rows.insert(
        "payments_remittance",
        {
            "id": ("uuid", new_ids(len(remittances))),
            "payment_id": ("uuid", [payment_id for payment_id, _, _ in remittances]),
            "invoice_id": ("uuid", [invoice_id for _, invoice_id, _ in remittances]),
            "amount_minor": ("bigint", [minor for _, _, minor in remittances]),
        },
    )
    return [
        [Share(invoices[i].subject, amount.minor) for i, amount in intent.shares.items()]
        for intent in intents
    ]


@retries.retried()
def cancel(payment: Payment, *, actor: audit.Actor, now: datetime) -> None:
    """Cancel a payment before its cut-off has begun. Raises: TooLateToCancel.

    The clock does not decide: a worker that was down at the moment of the cut-off has sent nothing.
    """
    fault("cancel_begun")
    with transaction.atomic(durable=True):
        closed_through = connections.keep_day_open(payment.connection_id).closed_through
        locked = loading.lock([payment.reference])
        if locked.states[payment.reference] is not State.SCHEDULED:
            raise TooLateToCancel
        collect_on = locked.recipients[payment.reference].collect_on
        is_closed = closed_through is not None and closed_through >= collect_on
        if is_closed and not parked_items.is_payment_parked(payment.reference):
            raise TooLateToCancel  # Its cut-off is under way.
        if unresolved_files.name_payment(payment.id):
            raise TooLateToCancel
        today = now.astimezone(bankdays.EASTERN).date()
        recording.record([Canceled(payment.reference, "canceled", today)], now=now)
        audit.record("payment canceled", payment.subject, actor=actor, now=now)
        parked_items.forget_payments([payment.reference], now=now)
        fault("cancel_inside")
    fault("cancel_committed")


def cancelable_until(payment: Payment) -> datetime:
    """Compute the moment of the payment's cut-off."""
    return bankdays.cutoff_at(payment.collect_on, payment.connection.cutoff_eastern)
