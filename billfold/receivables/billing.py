"""What becomes owed: invoices, their corrections, credit notes and our own charges.

Every function takes many, costs a fixed number of statements and needs an open transaction. A
booking carries the day it is made (`on`), never an earlier one: the invoice keeps its own dates.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from django.db import connection

from billfold.ledger import book
from billfold.ledger.chart import BILLED, FEE_INCOME, RECEIVABLE, UNAPPLIED
from billfold.ledger.transfer import Transfer
from billfold.money import Money, total
from billfold.platform import audit, rows
from billfold.platform.ids import new_ids
from billfold.receivables.models import CreditNote, Invoice, InvoiceKind

CHARGE_PREFIX: Final = "RF-"
"""Begins the number of every charge; no imported invoice may begin so."""
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BILLING: Final = audit.job("billing")


class NumberTaken(Exception):
    """An invoice or credit note with that number is there already."""

    def __init__(self, numbers: Iterable[str]) -> None:
        self.numbers = sorted(numbers)
        super().__init__(", ".join(self.numbers))


class HasActivity(Exception):
    """Money has moved on the invoice, so its amount stays as it is."""

    def __init__(self, numbers: Iterable[str]) -> None:
        self.numbers = sorted(numbers)
        super().__init__(", ".join(self.numbers))


class CauseReused(Exception):
    """A cause that was charged already came again with another customer or amount."""


class NotThatCustomers(Exception):
    """A credit note names an invoice of somebody else."""


@dataclass(frozen=True, slots=True)
class NewInvoice:
    """An invoice as the billing system made it."""

    number: str
    customer_id: UUID
    invoice_date: date
    due_date: date
    amount: Money
    reference: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Revision:
    """The amount an invoice should have had."""

    invoice_id: UUID
    amount: Money


@dataclass(frozen=True, slots=True)
class NewCredit:
    """A credit note; with an invoice it is put on that as far as it is open."""

    number: str
    customer_id: UUID
    credit_date: date
    amount: Money
    reason: str = ""
    invoice_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class NewCharge:
    """A fee of our own. `cause` names the one fact it is for: the same cause is charged once."""

    customer_id: UUID
    cause: str
    amount: Money
    description: str
    invoice_date: date
    due_date: date

    @property
    def number(self) -> str:
        """Derive the number from the cause: RF- and fifty bits of its hash."""
        bits = int.from_bytes(hashlib.sha256(self.cause.encode()).digest()[:8], "big") >> 14
        return CHARGE_PREFIX + "".join(_ALPHABET[bits >> at & 31] for at in range(45, -5, -5))


def issue(
    invoices: Sequence[NewInvoice], *, actor: audit.Actor = _BILLING, now: datetime, on: date
) -> None:
    """Take in invoices and book what they ask. Needs an open transaction.

    Raises: NumberTaken.
    """
    if not invoices:
        return
    ids = new_ids(len(invoices))
    added = rows.insert(
        "receivables_invoice",
        {
            "id": ("uuid", ids),
            "kind": ("text", [InvoiceKind.INVOICE.value] * len(invoices)),
            "number": ("text", [i.number for i in invoices]),
            "reference": ("text", [i.reference for i in invoices]),
            "customer_id": ("uuid", [i.customer_id for i in invoices]),
            "invoice_date": ("date", [i.invoice_date for i in invoices]),
            "due_date": ("date", [i.due_date for i in invoices]),
            "amount_minor": ("bigint", [i.amount.minor for i in invoices]),
            "currency": ("text", [i.amount.currency for i in invoices]),
            "description": ("text", [i.description for i in invoices]),
            "revision": ("int", [1] * len(invoices)),
            "created_at": ("timestamptz", [now] * len(invoices)),
        },
        conflict="number",
    )
    if added < len(invoices):
        raise _taken([i.number for i in invoices], ids)
    book.post(
        [
            Transfer(
                key=f"invoice/{invoice.number}/issued/1",
                debit=RECEIVABLE.of(f"invoice/{invoice.number}"),
                credit=BILLED,
                amount=invoice.amount,
                effective_date=on,
                reason="Invoice issued",
                party=invoice.customer_id,
            )
            for invoice in invoices
        ],
        now=now,
    )
    _note("invoices issued", "invoices", [(i.number, i.amount) for i in invoices], actor, now)


def _taken(numbers: Sequence[str], ids: Sequence[UUID]) -> NumberTaken:
    """Name the numbers that others have, or that came twice."""
    others = Invoice.objects.filter(number__in=numbers).exclude(id__in=ids)
    twice = {number for number, times in Counter(numbers).items() if times > 1}
    return NumberTaken(twice | set(others.values_list("number", flat=True)))


def revise(
    revisions: Sequence[Revision], *, actor: audit.Actor = _BILLING, now: datetime, on: date
) -> None:
    """Give invoices another amount: take the booking back, book anew. Needs an open transaction.

    Raises: HasActivity if money moved on one of them.
    """
    asked = {revision.invoice_id: revision.amount for revision in revisions}
    invoices = [i for i in lock(asked) if i.amount != asked[i.id]]
    moved_on = with_activity(invoices)
    if moved_on:
        raise HasActivity(i.number for i in invoices if i.id in moved_on)
    transfers = []
    before = {i.number: i.amount_minor for i in invoices}
    for invoice in invoices:
        old = _issuance(invoice, on=on)
        invoice.amount_minor = asked[invoice.id].minor
        invoice.revision += 1
        transfers += [
            old.reversal(key=f"{old.key}/reversed", on=on, reason="Invoice revised"),
            _issuance(invoice, on=on),
        ]
    book.post(transfers, now=now)
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE receivables_invoice i SET amount_minor = n.amount, revision = n.revision
               FROM unnest(%s::uuid[], %s::bigint[], %s::int[]) AS n (id, amount, revision)
               WHERE i.id = n.id""",
            [
                [i.id for i in invoices],
                [i.amount_minor for i in invoices],
                [i.revision for i in invoices],
            ],
        )
    if invoices:
        after = {i.number: i.amount_minor for i in invoices}
        audit.record(
            "invoices revised", "invoices", actor=actor, now=now, before=before, after=after
        )


def _issuance(invoice: Invoice, *, on: date) -> Transfer:
    return Transfer(
        key=f"{invoice.subject}/issued/{invoice.revision}",
        debit=invoice.receivable,
        credit=BILLED if invoice.kind == InvoiceKind.INVOICE else FEE_INCOME,
        amount=invoice.amount,
        effective_date=on,
        reason="Invoice issued" if invoice.kind == InvoiceKind.INVOICE else "Fee charged",
        party=invoice.customer_id,
    )


def lock(invoice_ids: Iterable[UUID]) -> list[Invoice]:
    """Read invoices and hold them until the transaction ends, in the order of their ids."""
    held = Invoice.objects.filter(id__in=list(invoice_ids)).order_by("id")
    return list(held.select_for_update())


def open_amounts(invoices: Iterable[Invoice]) -> dict[UUID, Money]:
    """Read what each invoice still owes from the books: one query for each currency."""
    by_currency: dict[str, list[Invoice]] = {}
    for invoice in invoices:
        by_currency.setdefault(invoice.currency, []).append(invoice)
    found: dict[UUID, Money] = {}
    for currency, group in by_currency.items():
        owed = book.balances([i.receivable for i in group], currency=currency)
        found.update({i.id: owed[i.receivable] for i in group})
    return found


def with_activity(invoices: Sequence[Invoice]) -> set[UUID]:
    """Find the invoices on which more was booked than their own issuance and its corrections."""
    owed = open_amounts(invoices)
    found = {i.id for i in invoices if owed[i.id] != i.amount}
    rest = {i.receivable: i for i in invoices if i.id not in found}
    for line in book.lines(list(rest)) if rest else []:
        invoice = rest.get(line.debit) or rest[line.credit]
        if not line.key.startswith(f"{invoice.subject}/issued/"):
            found.add(invoice.id)
    return found


def credit(
    credits: Sequence[NewCredit], *, actor: audit.Actor = _BILLING, now: datetime, on: date
) -> None:
    """Take in credit notes and put them on the invoices they name, no further than these are open.

    What is left stays with the customer. Needs an open transaction.
    Raises: NumberTaken, NotThatCustomers.
    """
    if not credits:
        return
    named = {i.id: i for i in lock({c.invoice_id for c in credits if c.invoice_id})}
    left = open_amounts(named.values())
    issued, applied = [], []
    for note in credits:
        issued.append(_credit_issued(note, on))
        if note.invoice_id is None:
            continue
        invoice = named[note.invoice_id]
        if invoice.customer_id != note.customer_id:
            raise NotThatCustomers(note.number)
        part = min(left[invoice.id], note.amount)
        if part:
            left[invoice.id] -= part
            applied.append(_credit_applied(note, invoice, part, on))
    taken = _add_credits(credits, now=now)
    if taken:
        raise NumberTaken(taken)
    book.post([*issued, *applied], now=now)
    _note("credit notes taken in", "credits", [(c.number, c.amount) for c in credits], actor, now)


def _credit_issued(note: NewCredit, on: date) -> Transfer:
    return Transfer(
        key=f"credit/{note.number}/issued",
        debit=BILLED,
        credit=UNAPPLIED.of(f"credit/{note.number}"),
        amount=note.amount,
        effective_date=on,
        reason="Credit note",
        party=note.customer_id,
    )


def _credit_applied(note: NewCredit, invoice: Invoice, part: Money, on: date) -> Transfer:
    return Transfer(
        key=f"credit/{note.number}/applied/{invoice.number}",
        debit=UNAPPLIED.of(f"credit/{note.number}"),
        credit=invoice.receivable,
        amount=part,
        effective_date=on,
        reason="Credit applied",
        party=note.customer_id,
    )


def _add_credits(credits: Sequence[NewCredit], *, now: datetime) -> set[str]:
    """Insert credit notes; give the numbers that were taken."""
    ids = new_ids(len(credits))
    CreditNote.objects.bulk_create(
        (
            CreditNote(
                id=id,
                number=note.number,
                customer_id=note.customer_id,
                invoice_id=note.invoice_id,
                credit_date=note.credit_date,
                amount_minor=note.amount.minor,
                currency=note.amount.currency,
                reason=note.reason,
                created_at=now,
            )
            for id, note in zip(ids, credits, strict=True)
        ),
        ignore_conflicts=True,
    )
    kept = set(CreditNote.objects.filter(id__in=ids).values_list("number", flat=True))
    return {note.number for note in credits} - kept


def charge(
    charges: Sequence[NewCharge], *, actor: audit.Actor = _BILLING, now: datetime, on: date
) -> list[Invoice]:
    """Charge fees, each once for its cause; give their invoices in the order asked.

    Needs an open transaction. Raises: CauseReused.
    """
    if not charges:
        return []
    ids = new_ids(len(charges))
    rows.insert(
        "receivables_invoice",
        {
            "id": ("uuid", ids),
            "kind": ("text", [InvoiceKind.CHARGE.value] * len(charges)),
            "number": ("text", [c.number for c in charges]),
            "reference": ("text", [""] * len(charges)),
            "customer_id": ("uuid", [c.customer_id for c in charges]),
            "invoice_date": ("date", [c.invoice_date for c in charges]),
            "due_date": ("date", [c.due_date for c in charges]),
            "amount_minor": ("bigint", [c.amount.minor for c in charges]),
            "currency": ("text", [c.amount.currency for c in charges]),
            "description": ("text", [c.description for c in charges]),
            "cause": ("text", [c.cause for c in charges]),
            "revision": ("int", [1] * len(charges)),
            "created_at": ("timestamptz", [now] * len(charges)),
        },
        conflict="cause",
    )
    by_cause = {i.cause: i for i in Invoice.objects.filter(cause__in=[c.cause for c in charges])}
    for asked in charges:
        found = by_cause[asked.cause]
        if (found.customer_id, found.amount) != (asked.customer_id, asked.amount):
            raise CauseReused(asked.cause)
    made = set(ids)
    fresh = [i for i in by_cause.values() if i.id in made]
    if fresh:
        book.post([_issuance(i, on=on) for i in fresh], now=now)
        _note("fees charged", "charges", [(i.number, i.amount) for i in fresh], actor, now)
    return [by_cause[asked.cause] for asked in charges]


def _note(
    action: str,
    subject: str,
    items: Sequence[tuple[str, Money]],
    actor: audit.Actor,
    now: datetime,
) -> None:
    """Leave one audit row for one call."""
    currencies = {amount.currency for _, amount in items}
    totals = {c: total((a for _, a in items if a.currency == c), c).minor for c in currencies}
    first, last = items[0][0], items[-1][0]
    after = {"count": len(items), "total_minor": totals, "first": first, "last": last}
    audit.record(action, subject, actor=actor, now=now, after=after)
