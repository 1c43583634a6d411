"""The cut-off: due payments go into files and are recorded as submitted, one transaction a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction

from billfold import bankdays
from billfold.banking import connections, exchange, file_approvals
from billfold.banking.models import BankConnection, BankFile
from billfold.money import Money
from billfold.payments.accounts import bank_accounts
from billfold.payments.cases import parked_items, unresolved_files
from billfold.payments.funnel import recording
from billfold.payments.models import CutOff, Payment
from billfold.payments.outgoing import prenotes
from billfold.payments.outgoing.culprits import find_culprits
from billfold.payments.rules import debit_rules
from billfold.payments.rules.lifecycle import State
from billfold.platform import audit, brake, parking, rows
from billfold.platform.faults import fault
from billfold.platform.ids import new_ids
from billfold.rails import ach
from billfold.rails.protocol import (
    AnyEvent,
    BankProfile,
    Order,
    Refused,
    Submitted,
    WrittenFile,
)
from billfold.receivables.models import BillerProfile

MODIFIERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
"""File ID modifiers, in the order they are used. Source: Nacha, file header field."""

MOST_CULPRITS: Final = 20
"""Payments that one cut may park; where more fail, the fault is not theirs."""


class NoModifierLeft(Exception):
    """The bank takes no more files that day."""


class FitsNoFile(Exception):
    """No file of the bank can hold the payment, not even alone."""


class NotMoved(Exception):
    """What the cut-off recorded about the payment did not take: it would be due again for ever."""


@dataclass(frozen=True, slots=True)
class _DuePayment:
    """A locked payment that is due."""

    id: UUID
    reference: str
    amount: Money
    method_label: str
    account_id: UUID
    routing_number: str
    number_sealed: bytes
    account_type: Any
    holder_name: str
    customer_number: str
    sec_code: Any
    recurring: bool


_SELECT_DUE = """
SELECT p.id, p.reference, p.amount_minor, p.currency, m.label, a.id, a.routing_number,
       a.number_sealed, a.account_type, a.holder_name, c.number, d.sec_code, d.kind = 'recurring'
FROM payments_payment p
JOIN payments_paymentmethod m ON m.id = p.method_id
LEFT JOIN payments_presentaccount a ON a.method_id = m.id
JOIN payments_mandate d ON d.id = p.mandate_id
JOIN receivables_customer c ON c.id = p.customer_id
WHERE p.state = 'scheduled' AND p.connection_id = %s AND p.collect_on <= %s
  AND p.reference <> ALL(%s)
  AND p.id NOT IN (SELECT payment_id FROM payments_instruction
                   WHERE file_id = ANY(%s) AND kind = 'payment')
ORDER BY p.id LIMIT %s FOR NO KEY UPDATE OF p
"""
_LOCK_INVOICES = """
SELECT i.id FROM receivables_invoice i
WHERE i.id IN (SELECT r.invoice_id FROM payments_remittance r WHERE r.payment_id = ANY(%s))
ORDER BY i.id FOR NO KEY UPDATE
"""
_EXAMINED = """
WITH owes_less AS (
    SELECT DISTINCT share.payment_id
    FROM (
        SELECT r.payment_id, r.invoice_id,
               sum(r.amount_minor) OVER (PARTITION BY r.invoice_id ORDER BY r.payment_id) AS running
        FROM payments_remittance r WHERE r.payment_id = ANY(%(ids)s)
    ) share
    JOIN payments_standing(
        ARRAY(SELECT invoice_id FROM payments_remittance WHERE payment_id = ANY(%(ids)s)),
        NULL) s ON s.invoice_id = share.invoice_id
    WHERE share.running > s.open_minor
), examined AS (
    SELECT p.id, {first_broken} AS broken_rule
    FROM payments_payment p
    JOIN payments_paymentmethod m ON m.id = p.method_id
    LEFT JOIN payments_presentaccount a ON a.method_id = m.id
    JOIN payments_mandate d ON d.id = p.mandate_id
    CROSS JOIN (SELECT %(largest)s::bigint) largest (minor)
    WHERE p.id = ANY(%(ids)s)
)
SELECT id, broken_rule FROM examined WHERE broken_rule <> ''
"""
_SELECT_BROKEN_RULES = _EXAMINED.format(first_broken=debit_rules.first_broken_sql())


def is_run(bank: BankConnection, business_date: date) -> bool:
    """Tell whether the cut-off of that day is complete."""
    return CutOff.objects.filter(connection=bank, business_date=business_date).exists()


def collect_due(bank: BankConnection, business_date: date, *, now: datetime) -> list[BankFile]:
    """Put every payment due by that day into files. Run again, it continues where it stopped.

    A payment at which this fails is parked, and the rest is cut. So each turn either moves or parks
    a payment, sends a prenote, or is the last. While the brake stands, nothing is put anywhere and
    the day stays open. Raises: NoModifierLeft; UnknownYear; Unwritable if the bank would refuse
    what we have and no payment is to blame.
    """
    files: list[BankFile] = []
    if brake.standing():
        return files
    if not is_run(bank, business_date):
        connections.close_day(bank, business_date)
    while not is_run(bank, business_date):
        fault("cutoff_begun")
        left_out = parking.waiting(parked_items.CUT_OFF, now=now)
        try:
            with transaction.atomic(durable=True):
                if brake.keep_as_is():
                    break
                file = _collect_one_file(bank.pk, business_date, left_out, now)
                fault("cutoff_inside")
        except Exception as error:
            if not _is_of_a_payment(error):
                raise
            _park_culprits(bank.pk, business_date, left_out, error, now)
            continue
        fault("cutoff_committed")
        if file is not None:
            files.append(file)
    return files


def _is_of_a_payment(error: Exception) -> bool:
    is_of_day = isinstance(error, NoModifierLeft | bankdays.UnknownYear)
    return parking.is_of_item(error) and not is_of_day


def _park_culprits(
    bank_id: UUID, business_date: date, left_out: Sequence[str], error: Exception, now: datetime
) -> None:
    """Park the payments at which a cut fails; raise its error if none or many are to blame."""

    def fails(references: Sequence[str]) -> bool:
        others = [*left_out, *set(scheduled).difference(references)]
        try:
            with transaction.atomic(durable=True):
                _collect_one_file(bank_id, business_date, others, now)
                connection.check_constraints()  # What else fails only when it is committed.
                transaction.set_rollback(True)
        except Exception as trial_error:
            if not _is_of_a_payment(trial_error):
                raise
            return True
        return False

    payments = Payment.objects.filter(state=State.SCHEDULED, connection=bank_id)
    payments = payments.exclude(reference__in=left_out)
    scheduled = list(payments.order_by("id").values_list("reference", flat=True))
    culprits = list(islice(find_culprits(scheduled, fails), MOST_CULPRITS + 1))
    if not 0 < len(culprits) <= MOST_CULPRITS:
        raise error
    for reference in culprits:
        parking.count_failure(
            parked_items.CUT_OFF, reference, error, report=parked_items, now=now, at_most=1
        )


def _collect_one_file(
    bank_id: UUID, business_date: date, left_out: Sequence[str], now: datetime
) -> BankFile | None:
    """Build one file; when nothing more is due, record the cut-off as run."""
    turn = connections.lock_for_files(bank_id)
    bank = turn.bank
    day = connections.OpenDay(bank.pk, bank.cutoff_eastern, bank.closed_through)
    next_file_day = day.next_file_day(now)
    prenotes.settle_due(bank.pk, business_date, left_out, next_file_day=next_file_day, now=now)
    due = _lock_due(bank, business_date, left_out)
    profile = bank.profile()
    payable, refused = _split_refused(due, profile, now)
    _record(refused, now)
    # What is left over goes into the next file.
    room = ach.room([payment.amount for payment in payable], bank=profile)
    if payable and not room:
        raise FitsNoFile(payable[0].reference)
    payable = payable[:room]
    spare = bank.max_entries - len(payable)
    prenote_entries = prenotes.entries_to_send(bank.pk, left_out, at_most=spare)
    if not due and not prenote_entries:
        _note_run(bank, business_date, now)
    if not payable and not prenote_entries:
        return None
    today = now.astimezone(bankdays.EASTERN).date()
    modifier = _next_modifier(turn, today)
    written = ach.write(
        [*map(_order, payable), *(entry.order for entry in prenote_entries)],
        bank=profile,
        now=now,
        effective_date=bankdays.next_banking_day(max(business_date, today)),
        modifier=modifier,
        first_sequence=turn.last_sequence + 1,
    )
    bank.last_sequence = written.last_sequence
    bank.save(update_fields=["last_sequence"])
    file = exchange.build(bank, written, business_date=today, modifier=modifier, now=now)
    sources = {each.reference: (each.id, each.method_label) for each in payable}
    sources |= {
        each.order.reference: (each.payment_id, each.method_label) for each in prenote_entries
    }
    _write_instructions(file, bank, sources, written)
    _promise_days(payable, max(business_date, today))
    _record_submitted(file, payable, today, now)
    parked_items.forget_payments([entry.order.reference for entry in prenote_entries], now=now)
    prenotes.postpone_waiting(file, prenote_entries, now=now)
    # A late file needs approval; so does one of prenotes alone where no limit is set.
    if today == business_date and (written.debit or bank.release_limit_minor):
        file_approvals.release_under_limit(file, now=now)
    return file


def _lock_due(
    bank: BankConnection, business_date: date, left_out: Sequence[str]
) -> list[_DuePayment]:
    with connection.cursor() as cursor:
        unresolved = unresolved_files.file_ids()
        values: list[Any] = [bank.pk, business_date, list(left_out)]
        values += [unresolved, bank.max_entries]
        cursor.execute(_SELECT_DUE, values)
        return [
            _DuePayment(row[0], row[1], Money(row[2], row[3]), *row[4:])
            for row in cursor.fetchall()
        ]


def _split_refused(
    due: Sequence[_DuePayment], profile: BankProfile, now: datetime
) -> tuple[list[_DuePayment], list[Refused]]:
    """Separate what may be debited from what breaks a rule, under the invoice locks."""
    ids = [payment.id for payment in due]
    largest_minor = min(ach.largest_total(profile).minor, ach.MOST_ENTRY_MINOR)
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_INVOICES, [ids])
        cursor.execute(_SELECT_BROKEN_RULES, {"ids": ids, "largest": largest_minor})
        broken_rules: dict[UUID, str] = dict(cursor.fetchall())
    today = now.astimezone(bankdays.EASTERN).date()
    refused = [
        Refused(payment.reference, "refused/cut-off", today, broken_rules[payment.id])
        for payment in due
        if payment.id in broken_rules
    ]
    return [payment for payment in due if payment.id not in broken_rules], refused


def _order(payment: _DuePayment) -> Order:
    return Order(
        reference=payment.reference,
        direction="debit",
        amount=payment.amount,
        routing_number=payment.routing_number,
        account_number=bank_accounts.unseal_number(payment.account_id, payment.number_sealed),
        account_type=payment.account_type,
        holder_name=payment.holder_name,
        customer_number=payment.customer_number,
        sec_code=payment.sec_code,
        recurring=payment.recurring,
    )


def _next_modifier(turn: connections.FileTurn, day: date) -> str:
    files = BankFile.objects.filter(connection__in=turn.same_origin, direction="out")
    used = set(files.filter(business_date=day).values_list("modifier", flat=True))
    for modifier in MODIFIERS:
        if modifier not in used:
            return modifier
    raise NoModifierLeft(day.isoformat())


def _write_instructions(
    file: BankFile,
    bank: BankConnection,
    sources: Mapping[str, tuple[UUID, str]],
    written: WrittenFile,
) -> None:
    """Write which entry of a file serves which payment, and the label of what it debits.

    `sources` gives both by the payment's reference.
    """
    entries = written.entries
    rows.insert(
        "payments_instruction",
        {
            "id": ("uuid", new_ids(len(entries))),
            "file_id": ("uuid", [file.id] * len(entries)),
            "payment_id": ("uuid", [sources[entry.reference][0] for entry in entries]),
            "kind": ("text", ["payment" if e.amount else prenotes.KIND for e in entries]),
            "odfi": ("text", [bank.odfi_routing_number[:8]] * len(entries)),
            "trace": ("text", [entry.trace for entry in entries]),
            "amount_minor": ("bigint", [entry.amount.minor for entry in entries]),
            "currency": ("text", [entry.amount.currency for entry in entries]),
            "rdfi": ("text", [entry.rdfi for entry in entries]),
            "method_label": ("text", [sources[entry.reference][1] for entry in entries]),
            "is_live": ("boolean", [True] * len(entries)),
        },
    )


def _promise_days(payable: Sequence[_DuePayment], file_day: date) -> None:
    """Promise a day where none could be promised before; the messages about the file name it."""
    debit_days = BillerProfile.objects.values_list("debit_days", flat=True).get()
    Payment.objects.filter(pk__in=[payment.id for payment in payable], reflected_by=None).update(
        reflected_by=bankdays.add_banking_days(file_day, debit_days)
    )


def _record_submitted(
    file: BankFile, payable: Sequence[_DuePayment], today: date, now: datetime
) -> None:
    events: list[AnyEvent] = [
        Submitted(payment.reference, f"submitted/{file.id}", today, evidence=f"bankfile/{file.id}")
        for payment in payable
    ]
    _record(events, now)


def _record(events: Sequence[AnyEvent], now: datetime) -> None:
    """Record what became of payments; none of them is due any more. Raises: NotMoved."""
    recording.record(events, now=now)
    references = [event.subject for event in events]
    still_due = Payment.objects.filter(reference__in=references, state=State.SCHEDULED)
    for reference in still_due.order_by("id").values_list("reference", flat=True)[:1]:
        raise NotMoved(reference)
    parked_items.forget_payments(references, now=now)


def _note_run(bank: BankConnection, business_date: date, now: datetime) -> None:
    CutOff.objects.create(connection=bank, business_date=business_date, run_at=now)
    audit.record(
        "cut-off run", f"cutoff/{bank.pk}/{business_date}", actor=audit.job("cut-off"), now=now
    )
