"""Prenotes: an entry of zero tests a new account, and the first debit waits until it is through.

One prenote serves every payment from its account. It validates the account if its file was sent
and the prenote was not returned by the third banking day after it settled.
Source: Nacha Operating Rules, prenotification; docs/bank-files.md#account-validation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.db import connection

from billfold import bankdays
from billfold.banking.models import BankFile, FileState
from billfold.money import Money
from billfold.payments.accounts import bank_accounts
from billfold.payments.funnel import recording
from billfold.payments.models import Instruction
from billfold.payments.reading import promised_days
from billfold.payments.rules import debit_rules
from billfold.payments.rules.lifecycle import Postponed
from billfold.platform import audit, rows
from billfold.platform.ids import new_ids
from billfold.rails.protocol import Order
from billfold.receivables.models import BillerProfile

KIND: Final = "prenote"
_SENT: Final = frozenset({FileState.SENT, FileState.ACCEPTED})

_LIVE = """
SELECT m.account_fingerprint, i.id, i.trace, f.state, f.effective_date
FROM payments_paymentmethod m JOIN payments_payment p ON p.method_id = m.id
JOIN payments_instruction i ON i.payment_id = p.id JOIN banking_bankfile f ON f.id = i.file_id
WHERE m.account_fingerprint = ANY(%s) AND i.kind = 'prenote' AND i.is_live AND i.answer = ''
ORDER BY f.effective_date DESC, i.trace DESC
"""
_WAITING = """
SELECT p.id, p.reference, p.collect_on, p.mandate_id, m.account_fingerprint
FROM payments_payment p JOIN payments_paymentmethod m ON m.id = p.method_id
JOIN payments_presentaccount a ON a.method_id = m.id
JOIN payments_mandate d ON d.id = p.mandate_id
WHERE p.state = 'scheduled' AND d.sec_code = 'WEB' AND d.validated_by = 'prenote'
  AND NOT {is_validated} AND d.revoked_at IS NULL
  AND {is_for_account} AND m.state = 'active'
  -- What may not be debited at all is not asked about: the cut-off refuses it.
  AND NOT EXISTS (SELECT FROM payments_paymentmethod twin
                  WHERE twin.account_fingerprint = m.account_fingerprint
                    AND twin.state IN ('frozen', 'held'))
  AND {narrowed}
  AND p.reference <> ALL(%s) ORDER BY p.id LIMIT %s FOR NO KEY UPDATE OF p
"""
_waiting_where = partial(
    _WAITING.format,
    is_validated=debit_rules.IS_VALIDATED,
    is_for_account=debit_rules.CONSENT_IS_FOR_ACCOUNT,
)
_DUE = _waiting_where(narrowed="p.connection_id = %s AND p.collect_on <= %s")
_OF_ACCOUNTS = _waiting_where(narrowed="m.account_fingerprint = ANY(%s)")
_NOT_ASKED = _waiting_where(
    narrowed="""p.connection_id = %s AND NOT EXISTS (
    SELECT FROM payments_instruction i JOIN payments_payment q ON q.id = i.payment_id
    JOIN payments_paymentmethod same ON same.id = q.method_id
    WHERE same.account_fingerprint = m.account_fingerprint
      AND i.kind = 'prenote' AND i.is_live AND i.answer = '')"""
)
_ACCOUNTS = """
SELECT p.id, p.reference, a.id, a.routing_number, a.number_sealed, a.account_type, a.holder_name,
       c.number, d.sec_code, d.kind = 'recurring', m.label
FROM payments_payment p JOIN payments_paymentmethod m ON m.id = p.method_id
JOIN payments_presentaccount a ON a.method_id = m.id
JOIN payments_mandate d ON d.id = p.mandate_id JOIN receivables_customer c ON c.id = p.customer_id
WHERE p.id = ANY(%s) ORDER BY p.id
"""
_MOVE = """
UPDATE payments_payment p SET collect_on = v.day, reflected_by = v.by
FROM unnest(%s::uuid[], %s::date[], %s::date[]) AS v (id, day, by) WHERE p.id = v.id
"""


@dataclass(frozen=True, slots=True)
class _LivePrenote:
    """A prenote that was not returned."""

    id: UUID
    trace: str
    file_state: str
    effective_date: date

    @property
    def clear_on(self) -> date:
        return bankdays.prenote_clear(self.effective_date)

    def proves_account(self, *, on: date) -> bool:
        return self.file_state in _SENT and self.clear_on <= on

    def is_stuck(self, *, on: date) -> bool:
        """Tell whether its file missed its day and can only be withdrawn."""
        return self.file_state not in _SENT and self.effective_date <= on


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A locked payment whose account is not validated yet."""

    id: UUID
    reference: str
    collect_on: date
    mandate_id: UUID
    fingerprint: str


@dataclass(frozen=True, slots=True)
class PrenoteEntry:
    """A prenote to be sent, and the payment for which it is sent."""

    payment_id: UUID
    fingerprint: str
    method_label: str
    order: Order


def first_debit_day(fingerprint: str, *, counts_from: datetime, cutoff_eastern: time) -> date:
    """Find the first banking day whose file may debit an account that needs a prenote.

    The prenote goes with the next file, unless one was sent already.
    """
    day = bankdays.file_day(counts_from, cutoff_eastern=cutoff_eastern)
    today = counts_from.astimezone(bankdays.EASTERN).date()
    return _first_day_after(
        _live_prenotes([fingerprint]).get(fingerprint), file_day=day, today=today
    )


def _first_day_after(prenote: _LivePrenote | None, *, file_day: date, today: date) -> date:
    if prenote is None or prenote.is_stuck(on=today):
        return bankdays.prenote_clear(bankdays.next_banking_day(file_day))
    return max(file_day, prenote.clear_on)


def _live_prenotes(fingerprints: Iterable[str]) -> dict[str, _LivePrenote]:
    """Read the earliest live prenote of each account."""
    with connection.cursor() as cursor:
        cursor.execute(_LIVE, [list(fingerprints)])
        return {row[0]: _LivePrenote(*row[1:]) for row in cursor.fetchall()}


def _lock_waiting(
    statement: str, *values: Any, left_out: Sequence[str] = (), at_most: int | None = None
) -> list[_Waiting]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [*values, list(left_out), at_most])
        return [_Waiting(*row) for row in cursor.fetchall()]


def settle_due(
    connection_id: UUID,
    business_date: date,
    left_out: Sequence[str],
    *,
    next_file_day: date,
    now: datetime,
) -> None:
    """Validate the accounts whose prenotes are through, before a cut-off selects what is due.

    A prenote proves an account whichever of our connections it went through.

    Payments whose prenote is not through are postponed; those whose references are left out are not
    looked at. Needs an open transaction.
    """
    due = _lock_waiting(_DUE, connection_id, business_date, left_out=left_out)
    if not due:
        return
    today = now.astimezone(bankdays.EASTERN).date()
    on = max(business_date, today)
    prenotes = _live_prenotes({payment.fingerprint for payment in due})
    proofs: dict[_Waiting, _LivePrenote] = {}
    days: dict[_Waiting, date] = {}
    for payment in due:
        prenote = prenotes.get(payment.fingerprint)
        if prenote and prenote.proves_account(on=on):
            proofs[payment] = prenote
        else:  # An account without a prenote gets one in this file.
            day = next_file_day if prenote else on
            days[payment] = _first_day_after(prenote, file_day=day, today=today)
    _validate_mandates(proofs, now)
    _postpone(days, "", now)


def _validate_mandates(proofs: Mapping[_Waiting, _LivePrenote], now: datetime) -> None:
    by_mandate = {payment.mandate_id: prenote.id for payment, prenote in proofs.items()}
    rows.insert(
        "payments_prenoteproof",
        {
            "id": ("uuid", new_ids(len(by_mandate))),
            "mandate_id": ("uuid", list(by_mandate)),
            "prenote_id": ("uuid", list(by_mandate.values())),
            "at": ("timestamptz", [now] * len(by_mandate)),
        },
    )
    actor = audit.job("cut-off")
    audit.write(
        [
            audit.new_entry(
                "account validated",
                f"payment/{payment.reference}",
                actor=actor,
                now=now,
                after={"by": f"{KIND}/{prenote.trace}"},
            )
            for payment, prenote in proofs.items()
        ]
    )


def _postpone(days: Mapping[_Waiting, date], evidence: str, now: datetime) -> None:
    """Move payments to a later day and record it, which tells their payers."""
    later = {payment: day for payment, day in days.items() if day > payment.collect_on}
    if not later:
        return
    debit_days = BillerProfile.objects.values_list("debit_days", flat=True).get()
    by = list(map(promised_days.promise(debit_days), later.values()))
    with connection.cursor() as cursor:
        cursor.execute(_MOVE, [[payment.id for payment in later], list(later.values()), by])
    today = now.astimezone(bankdays.EASTERN).date()
    recording.record(
        [
            Postponed(payment.reference, f"postponed/{day}", today, evidence=evidence)
            for payment, day in later.items()
        ],
        now=now,
    )


def entries_to_send(
    connection_id: UUID, left_out: Sequence[str], *, at_most: int
) -> list[PrenoteEntry]:
    """Make the prenotes that a connection's next file needs, one an account.

    Needs an open transaction.
    """
    if at_most <= 0:
        return []
    first: dict[str, UUID] = {}
    for payment in _lock_waiting(_NOT_ASKED, connection_id, left_out=left_out, at_most=at_most):
        first.setdefault(payment.fingerprint, payment.id)
    fingerprints = {payment_id: fingerprint for fingerprint, payment_id in first.items()}
    with connection.cursor() as cursor:
        cursor.execute(_ACCOUNTS, [list(fingerprints)])
        return [
            PrenoteEntry(
                payment_id=row[0],
                fingerprint=fingerprints[row[0]],
                method_label=row[10],
                order=Order(
                    reference=row[1],
                    direction="debit",
                    amount=Money(0),
                    routing_number=row[3],
                    account_number=bank_accounts.unseal_number(row[2], row[4]),
                    account_type=row[5],
                    holder_name=row[6],
                    customer_number=row[7],
                    sec_code=row[8],
                    recurring=row[9],
                ),
            )
            for row in cursor.fetchall()
        ]


def postpone_waiting(file: BankFile, entries: Sequence[PrenoteEntry], *, now: datetime) -> None:
    """Postpone payments whose prenotes settle, with their file, later than was expected."""
    if not entries or file.effective_date is None:
        return
    clear_on = bankdays.prenote_clear(file.effective_date)
    waiting = _lock_waiting(_OF_ACCOUNTS, [entry.fingerprint for entry in entries])
    _postpone(dict.fromkeys(waiting, clear_on), f"bankfile/{file.id}", now)


def is_answered(file: BankFile) -> bool:
    """Tell whether a prenote of the file was answered: then the bank processed the file."""
    return Instruction.objects.filter(file=file, kind=KIND).exclude(answer="").exists()


def withdraw(file: BankFile, *, next_file_day: date, now: datetime) -> None:
    """Void the prenotes of a file that was never processed; the next file sends them again."""
    instructions = Instruction.objects.filter(file=file, kind=KIND, is_live=True)
    accounts = list(instructions.values_list("payment__method__account_fingerprint", flat=True))
    if not accounts:
        return
    instructions.update(is_live=False)  # So they prove nothing any more.
    today = now.astimezone(bankdays.EASTERN).date()
    waiting = _lock_waiting(_OF_ACCOUNTS, accounts)
    remaining = _live_prenotes(set(accounts))
    days = {
        payment: _first_day_after(
            remaining.get(payment.fingerprint), file_day=next_file_day, today=today
        )
        for payment in waiting
    }
    _postpone(days, f"bankfile/{file.id}", now)
