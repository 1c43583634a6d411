"""The cut-off: what is due goes into files, is booked and told, one transaction a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction

from billfold import bankdays
from billfold.banking import connections, exchange
from billfold.banking.models import BankConnection, BankFile, FileState
from billfold.money import Money
from billfold.payments.accounts import bank_accounts
from billfold.payments.cases import casework, notes, unresolved_files
from billfold.payments.funnel import recording
from billfold.payments.models import CutOff, Instruction, Payment
from billfold.payments.outgoing import prenotes, transmission
from billfold.payments.rules.lifecycle import State
from billfold.platform import audit, rows
from billfold.platform.faults import fault
from billfold.platform.ids import new_ids
from billfold.rails import ach
from billfold.rails.protocol import (
    AnyEvent,
    BankProfile,
    Collection,
    Refused,
    Submitted,
    Withdrawn,
    Written,
)
from billfold.receivables.models import BillerProfile

MODIFIERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
"""File ID modifiers, in the order they are used. Source: Nacha, file header field."""
OWES_LESS: Final = "owes-less"
NO_AUTHORISATION: Final = "no-authorisation"
ABOVE_LIMIT: Final = "above-bank-limit"
"""No file of this bank can hold the payment, not even alone."""


class NoModifierLeft(Exception):
    """The bank takes no more files that day."""


class NotWithdrawable(Exception):
    """The file may have been processed: it cannot be taken back."""


class NeedsReason(Exception):
    """A file is taken back only with a word on why."""


@dataclass(frozen=True, slots=True)
class _Due:
    """A locked payment whose day has come."""

    id: UUID
    reference: str
    amount: Money
    method_id: UUID
    routing_number: str
    account_sealed: bytes
    account_type: Any
    holder_name: str
    customer_number: str
    sec_code: Any
    recurring: bool
    is_authorised: bool


_SELECT_DUE = """
SELECT p.id, p.reference, p.amount_minor, p.currency, m.id, m.routing_number, m.account_sealed,
       m.account_type, m.holder_name, c.number, d.sec_code, d.kind = 'standing',
       m.state = 'active' AND d.revoked_at IS NULL
           AND NOT EXISTS (SELECT FROM payments_paymentmethod twin
                           WHERE twin.account_fingerprint = m.account_fingerprint
                             AND twin.state IN ('frozen', 'held'))
           AND d.account_fingerprint = m.account_fingerprint
           AND (d.amount_minor IS NULL OR d.amount_minor >= p.amount_minor)
           AND (d.sec_code <> 'WEB' OR d.validated_at IS NOT NULL)
FROM payments_payment p
JOIN payments_paymentmethod m ON m.id = p.method_id
JOIN payments_mandate d ON d.id = p.mandate_id AND d.method_id = m.id
JOIN receivables_customer c ON c.id = p.customer_id
WHERE p.state = 'scheduled' AND p.collect_on <= %s
  AND p.id NOT IN (SELECT payment_id FROM payments_instruction
                   WHERE file_id = ANY(%s) AND kind = 'payment')
ORDER BY p.id LIMIT %s FOR NO KEY UPDATE OF p
"""
_LOCK_INVOICES = """
SELECT i.id FROM receivables_invoice i
WHERE i.id IN (SELECT r.invoice_id FROM payments_remittance r WHERE r.payment_id = ANY(%s))
ORDER BY i.id FOR NO KEY UPDATE
"""
_SELECT_OWES_LESS = """
SELECT DISTINCT share.payment_id
FROM (
    SELECT r.payment_id, r.invoice_id,
           sum(r.amount_minor) OVER (PARTITION BY r.invoice_id ORDER BY r.payment_id) AS running
    FROM payments_remittance r WHERE r.payment_id = ANY(%s)
) share
JOIN receivables_invoice i ON i.id = share.invoice_id
LEFT JOIN ledger_account l ON l.code = 'receivable' AND l.subject = i.kind || '/' || i.number
    AND l.currency = i.currency
WHERE share.running > coalesce(l.debits_minor - l.credits_minor, 0)
"""


def is_run(bank: BankConnection, business_date: date) -> bool:
    """Say whether the cut-off of that day has been run to its end."""
    return CutOff.objects.filter(connection=bank, business_date=business_date).exists()


def collect_due(bank: BankConnection, business_date: date, *, now: datetime) -> list[BankFile]:
    """Run one cut-off: everything due by that day goes into files. Run again, it goes on.

    Raises: NoModifierLeft; Unwritable if the bank would refuse what we have.
    """
    made: list[BankFile] = []
    if not is_run(bank, business_date):
        connections.close_day(bank, business_date)
    while not is_run(bank, business_date):
        fault("cutoff_begun")
        with transaction.atomic(durable=True):
            file = _collect_one_file(bank.pk, business_date, now)
            fault("cutoff_inside")
        fault("cutoff_committed")
        if file is not None:
            made.append(file)
    return made


def _collect_one_file(bank_id: UUID, business_date: date, now: datetime) -> BankFile | None:
    """Fill one file; when nothing more is due, note the cut-off as run."""
    bank = BankConnection.objects.select_for_update(no_key=True).get(pk=bank_id)
    day = connections.OpenDay(bank.cutoff_eastern, bank.closed_through)
    prenotes.judge(business_date, next_file_day=day.next_file_day(now), now=now)
    due = _lock_due(business_date, bank.max_entries)
    profile = bank.profile()
    payable, refused = _checked(due, profile, now)
    recording.record(refused, now=now)
    # What is left over goes into the next file.
    payable = payable[: ach.room([payment.amount for payment in payable], bank=profile)]
    asked = prenotes.not_asked(at_most=bank.max_entries - len(payable))
    if not due and not asked:
        _note_run(bank, business_date, now)
    if not payable and not asked:
        return None
    today = now.astimezone(bankdays.EASTERN).date()
    modifier = _next_modifier(bank, today)
    written = ach.write(
        [*map(_collection, payable), *(each.collection for each in asked)],
        bank=profile,
        now=now,
        effective_date=bankdays.next_banking_day(max(business_date, today)),
        modifier=modifier,
        first_sequence=bank.last_sequence + 1,
    )
    bank.last_sequence = written.last_sequence
    bank.save(update_fields=["last_sequence"])
    file = exchange.build(bank, written, business_date=today, modifier=modifier, now=now)
    ids = {payment.reference: payment.id for payment in payable}
    _instruct(file, bank, ids | {e.collection.reference: e.payment_id for e in asked}, written)
    _submit(file, payable, today, now)
    prenotes.follow(file, asked, now=now)
    # What is late waits for people; so does a file of prenotes alone where no limit is set.
    if today == business_date and (written.debit or bank.release_limit_minor):
        exchange.release_under_limit(file, now=now)
    return file


def _lock_due(business_date: date, at_most: int) -> list[_Due]:
    with connection.cursor() as cursor:
        cursor.execute(_SELECT_DUE, [business_date, unresolved_files.files(), at_most])
        return [_Due(row[0], row[1], Money(row[2], row[3]), *row[4:]) for row in cursor.fetchall()]


def _checked(
    due: Sequence[_Due], profile: BankProfile, now: datetime
) -> tuple[list[_Due], list[Refused]]:
    """Part what may be debited from what may not, under the invoice locks."""
    ids = [payment.id for payment in due]
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_INVOICES, [ids])
        cursor.execute(_SELECT_OWES_LESS, [ids])
        owes_less = {row[0] for row in cursor.fetchall()}
    today = now.astimezone(bankdays.EASTERN).date()
    largest_minor = min(ach.largest_total(profile).minor, ach.MOST_ENTRY_MINOR)
    payable: list[_Due] = []
    refused: list[Refused] = []
    for payment in due:
        if payment.id in owes_less:
            refused.append(Refused(payment.reference, "refused/cut-off", today, OWES_LESS))
        elif not payment.is_authorised:
            refused.append(Refused(payment.reference, "refused/cut-off", today, NO_AUTHORISATION))
        elif payment.amount.minor > largest_minor:
            refused.append(Refused(payment.reference, "refused/cut-off", today, ABOVE_LIMIT))
        else:
            payable.append(payment)
    return payable, refused


def _collection(payment: _Due) -> Collection:
    return Collection(
        reference=payment.reference,
        amount=payment.amount,
        routing_number=payment.routing_number,
        account_number=bank_accounts.unsealed(payment.method_id, payment.account_sealed),
        account_type=payment.account_type,
        holder_name=payment.holder_name,
        customer_number=payment.customer_number,
        sec_code=payment.sec_code,
        recurring=payment.recurring,
    )


def _next_modifier(bank: BankConnection, day: date) -> str:
    used = set(
        BankFile.objects.filter(connection=bank, direction="out", business_date=day).values_list(
            "modifier", flat=True
        )
    )
    for modifier in MODIFIERS:
        if modifier not in used:
            return modifier
    raise NoModifierLeft(day.isoformat())


def _instruct(
    file: BankFile, bank: BankConnection, ids: Mapping[str, UUID], written: Written
) -> None:
    """Note which entry of a file serves which payment, by its reference."""
    entries = written.entries
    rows.insert(
        "payments_instruction",
        {
            "id": ("uuid", new_ids(len(entries))),
            "file_id": ("uuid", [file.id] * len(entries)),
            "payment_id": ("uuid", [ids[entry.reference] for entry in entries]),
            "kind": ("text", ["payment" if e.amount else prenotes.KIND for e in entries]),
            "odfi": ("text", [bank.odfi_routing_number[:8]] * len(entries)),
            "trace": ("text", [entry.trace for entry in entries]),
            "amount_minor": ("bigint", [entry.amount.minor for entry in entries]),
            "currency": ("text", [entry.amount.currency for entry in entries]),
            "rdfi": ("text", [entry.rdfi for entry in entries]),
            "is_live": ("boolean", [True] * len(entries)),
        },
    )


def _submit(file: BankFile, payable: Sequence[_Due], today: date, now: datetime) -> None:
    events: list[AnyEvent] = [
        Submitted(payment.reference, f"submitted/{file.id}", today, evidence=f"bankfile/{file.id}")
        for payment in payable
    ]
    recording.record(events, now=now)


def _note_run(bank: BankConnection, business_date: date, now: datetime) -> None:
    CutOff.objects.create(connection=bank, business_date=business_date, run_at=now)
    audit.record(
        "cut-off run", f"cutoff/{bank.pk}/{business_date}", actor=audit.job("cut-off"), now=now
    )


def withdraw(file_id: UUID, *, why: str, actor: audit.Actor, now: datetime) -> None:
    """Take back a file that was never processed: not sent yet, or refused whole by the bank.

    Its payments wait for the next cut-off, and can be canceled until then. Needs an open
    transaction. Raises: NotWithdrawable.
    """
    day = connections.keep_day_open()
    file = BankFile.objects.select_for_update().get(pk=file_id, direction="out")
    if file.state in {FileState.BUILT, FileState.RELEASED}:
        state = FileState.VOID
    elif file.state in {FileState.SENDING, FileState.SENT}:
        state = FileState.REJECTED
    else:
        raise NotWithdrawable
    instructions = Instruction.objects.filter(file=file, is_live=True, kind="payment")
    payments = Payment.objects.filter(pk__in=instructions.values("payment")).order_by("id")
    found = payments.select_for_update(no_key=True).values_list("reference", "state")
    references = [reference for reference, payment_state in found]
    if any(payment_state != State.IN_TRANSIT for _, payment_state in found):
        raise NotWithdrawable
    if prenotes.is_answered(file):
        raise NotWithdrawable
    instructions.update(is_live=False)
    prenotes.withdraw(file, next_file_day=day.next_file_day(now), now=now)
    _postpone(references, day.counting_from(now), day.cutoff_eastern)
    today = now.astimezone(bankdays.EASTERN).date()
    recording.record(
        [
            Withdrawn(reference, f"withdrawn/{file.id}", today, evidence=f"bankfile/{file.id}")
            for reference in references
        ],
        now=now,
    )
    file.state, file.answered_at = state, now
    file.save(update_fields=["state", "answered_at"])
    subject = f"bankfile/{file.id}"
    casework.close_about(subject, transmission.KINDS, "It was taken back", actor=actor, now=now)
    audit.record(
        "bank file withdrawn",
        subject,
        actor=actor,
        now=now,
        after={"state": state, "why": why},
    )


def _postpone(references: Sequence[str], counts_from: datetime, cutoff: time) -> None:
    """Promise payments to the next cut-off, as if they were made now."""
    debit_days = BillerProfile.objects.values_list("debit_days", flat=True).get()
    Payment.objects.filter(reference__in=references).update(
        collect_on=bankdays.file_day(counts_from, cutoff_eastern=cutoff),
        reflected_by=bankdays.reflected_by(counts_from, cutoff_eastern=cutoff, days=debit_days),
    )


def take_back(file_id: UUID, sha256: str, *, why: str, actor: audit.Actor, now: datetime) -> None:
    """Take back exactly these bytes before they leave, as a person decided.

    Raises: NeedsReason, OtherBytes, NotWithdrawable, notes.NamesAnAccount.
    """
    reason = why.strip()
    if not reason:
        raise NeedsReason
    notes.check(reason)
    with transaction.atomic(durable=True):
        connections.keep_day_open()
        file = BankFile.objects.select_for_update().get(pk=file_id, direction="out")
        if file.state not in {FileState.BUILT, FileState.RELEASED}:
            raise NotWithdrawable
        if sha256 != file.sha256:
            raise exchange.OtherBytes
        withdraw(file.pk, why=reason, actor=actor, now=now)
