"""Billing: issue and revise invoices, take in credit notes, charge fees.

Every function takes many, costs a fixed number of statements and needs an open transaction. A
booking's effective date is the day it is made (`on`), never an earlier one; the invoice keeps its
own dates.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from billfold.ledger import book
from billfold.ledger.chart import BILLED, FEE_INCOME, RECEIVABLE, UNAPPLIED
from billfold.ledger.transfer import Transfer
from billfold.money import Money, total
from billfold.platform import audit, rows
from billfold.platform.ids import new_ids
from billfold.receivables.models import CreditNote, Invoice, InvoiceKind

CHARGE_PREFIX: Final = "RF-"
"""Begins the number of every charge; the number of an imported invoice may not begin so."""
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BILLING: Final = audit.job("billing")


class NumberTaken(Exception):
    """An invoice or credit note with that number is there already."""

    def __init__(self, numbers: Iterable[str]) -> None:
        self.numbers = sorted(numbers)
        super().__init__(", ".join(self.numbers))


class HasActivity(Exception):
    """Money has moved on the invoice, so its amount can no longer be revised."""

    def __init__(self, numbers: Iterable[str]) -> None:
        self.numbers = sorted(numbers)
        super().__init__(", ".join(self.numbers))


class CauseReused(Exception):
    """A cause was charged already, to another customer or with another amount."""


class OtherCustomersInvoice(Exception):
    """A credit note names another customer's invoice."""


@dataclass(frozen=True, slots=True)
class NewInvoice:
    """An invoice from the billing system."""

    number: str
    customer_id: UUID
    invoice_date: date
    due_date: date
    amount: Money
    reference: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Revision:
    """The amount an invoice should have."""

    invoice_id: UUID
    amount: Money


@dataclass(frozen=True, slots=True)
class NewCreditNote:
    """A credit note. If it names an invoice, it is applied to that, up to the open amount."""

    number: str
    customer_id: UUID
    credit_date: date
    amount: Money
    reason: str = ""
    invoice_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class NewCharge:
    """A fee of our own. `cause` names the one fact it is for: a cause is charged once."""

    customer_id: UUID
    cause: str
    amount: Money
    description: str
    invoice_date: date
    due_date: date

    @property
    def number(self) -> str:
        """The charge's number, from its cause: RF- and fifty bits of its hash."""
        bits = int.from_bytes(hashlib.sha256(self.cause.encode()).digest()[:8], "big") >> 14
        return CHARGE_PREFIX + "".join(_ALPHABET[bits >> shift & 31] for shift in range(45, -5, -5))


def issue(
    invoices: Sequence[NewInvoice], *, actor: audit.Actor = _BILLING, now: datetime, on: date
) -> None:
    """Store invoices and book their amounts as owed. Needs an open transaction.

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
            "issued_minor": ("bigint", [i.amount.minor for i in invoices]),
            "currency": ("text", [i.amount.currency for i in invoices]),
            "description": ("text", [i.description for i in invoices]),
            "created_at": ("timestamptz", [now] * len(invoices)),
        },
        conflict="number",
    )
    if added < len(invoices):
        raise _number_taken([i.number for i in invoices], ids)
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
    _record("invoices issued", "invoices", [(i.number, i.amount) for i in invoices], actor, now)


def _number_taken(numbers: Sequence[str], ids: Sequence[UUID]) -> NumberTaken:
    """Make the exception that names the numbers other invoices have, and those given twice."""
    others = Invoice.objects.filter(number__in=numbers).exclude(id__in=ids)
    twice = {number for number, times in Counter(numbers).items() if times > 1}
    return NumberTaken(twice | set(others.values_list("number", flat=True)))


def revise(
    revisions: Sequence[Revision], *, actor: audit.Actor = _BILLING, now: datetime, on: date
) -> None:
    """Give invoices another amount: reverse their bookings, book anew and add a revision.

    Needs an open transaction. Raises: HasActivity if money has moved on one of them.
    """
    new_amounts = {revision.invoice_id: revision.amount for revision in revisions}
    invoices = [i for i in lock(new_amounts) if i.amount != new_amounts[i.id]]
    unrevisable = ids_with_activity(invoices)
    if unrevisable:
        raise HasActivity(i.number for i in invoices if i.id in unrevisable)
    transfers = []
    for invoice in invoices:
        number, new_amount = invoice.present.revision, new_amounts[invoice.id]
        old = _issuance(invoice, number, invoice.amount, on=on)
        transfers += [
            old.reversal(key=f"{old.key}/reversed", on=on, reason="Invoice revised"),
            _issuance(invoice, number + 1, new_amount, on=on),
        ]
    book.post(transfers, now=now)
    rows.insert(
        "receivables_invoicerevision",
        {
            "id": ("uuid", new_ids(len(invoices))),
            "invoice_id": ("uuid", [i.id for i in invoices]),
            "number": ("int", [i.present.revision + 1 for i in invoices]),
            "amount_minor": ("bigint", [new_amounts[i.id].minor for i in invoices]),
            "at": ("timestamptz", [now] * len(invoices)),
        },
    )
    if invoices:
        before = {i.number: i.amount.minor for i in invoices}
        after = {i.number: new_amounts[i.id].minor for i in invoices}
        audit.record(
            "invoices revised", "invoices", actor=actor, now=now, before=before, after=after
        )


def _issuance(invoice: Invoice, revision: int, amount: Money, *, on: date) -> Transfer:
    """Make the transfer that books an invoice or charge with one of its amounts."""
    return Transfer(
        key=f"{invoice.subject}/issued/{revision}",
        debit=invoice.receivable,
        credit=BILLED if invoice.kind == InvoiceKind.INVOICE else FEE_INCOME,
        amount=amount,
        effective_date=on,
        reason="Invoice issued" if invoice.kind == InvoiceKind.INVOICE else "Fee charged",
        party=invoice.customer_id,
    )


def lock(invoice_ids: Iterable[UUID]) -> list[Invoice]:
    """Lock invoices in the order of their ids, then read them with their present amounts."""
    invoices = Invoice.objects.filter(id__in=list(invoice_ids)).order_by("id")
    # Two statements: what one that waits for a lock reads of other tables is older than the lock.
    list(invoices.select_for_update().values_list("pk"))
    return list(invoices.select_related("present"))


def open_amounts(invoices: Iterable[Invoice]) -> dict[UUID, Money]:
    """Read what each invoice still owes from the ledger: one query for each currency."""
    by_currency: dict[str, list[Invoice]] = {}
    for invoice in invoices:
        by_currency.setdefault(invoice.currency, []).append(invoice)
    amounts: dict[UUID, Money] = {}
    for currency, group in by_currency.items():
        balances = book.balances([i.receivable for i in group], currency=currency)
        amounts.update({i.id: balances[i.receivable] for i in group})
    return amounts


def ids_with_activity(invoices: Sequence[Invoice]) -> set[UUID]:
    """Return the ids of invoices on which more is booked than their issuance and its revisions."""
    amounts = open_amounts(invoices)
    ids = {i.id for i in invoices if amounts[i.id] != i.amount}
    fully_open = {i.receivable: i for i in invoices if i.id not in ids}
    for booking in book.bookings(list(fully_open)) if fully_open else []:
        invoice = fully_open.get(booking.debit) or fully_open[booking.credit]
        if not booking.key.startswith(f"{invoice.subject}/issued/"):
            ids.add(invoice.id)
    return ids


def credit(
    credits: Sequence[NewCreditNote], *, actor: audit.Actor = _BILLING, now: datetime, on: date
) -> None:
    """Store and book credit notes, and apply each to the invoice it names, up to its open amount.

    The rest stays unapplied, for the customer to use. Needs an open transaction.
    Raises: NumberTaken, NotThatCustomers.
    """
    if not credits:
        return
    invoices = {i.id: i for i in lock({c.invoice_id for c in credits if c.invoice_id})}
    open_by_id = open_amounts(invoices.values())
    issued, applied = [], []
    for note in credits:
        issued.append(_credit_issued(note, on))
        if note.invoice_id is None:
            continue
        invoice = invoices[note.invoice_id]
        if invoice.customer_id != note.customer_id:
            raise OtherCustomersInvoice(note.number)
        part = min(open_by_id[invoice.id], note.amount)
        if part:
            open_by_id[invoice.id] -= part
            applied.append(_credit_applied(note, invoice, part, on))
    numbers_taken = _insert_credits(credits, now=now)
    if numbers_taken:
        raise NumberTaken(numbers_taken)
    book.post([*issued, *applied], now=now)
    _record("credit notes taken in", "credits", [(c.number, c.amount) for c in credits], actor, now)


def _credit_issued(note: NewCreditNote, on: date) -> Transfer:
    return Transfer(
        key=f"credit/{note.number}/issued",
        debit=BILLED,
        credit=UNAPPLIED.of(f"credit/{note.number}"),
        amount=note.amount,
        effective_date=on,
        reason="Credit note",
        party=note.customer_id,
    )


def _credit_applied(note: NewCreditNote, invoice: Invoice, part: Money, on: date) -> Transfer:
    return Transfer(
        key=f"credit/{note.number}/applied/{invoice.number}",
        debit=UNAPPLIED.of(f"credit/{note.number}"),
        credit=invoice.receivable,
        amount=part,
        effective_date=on,
        reason="applied",
        party=note.customer_id,
        evidence=f"credit/{note.number}",
    )


def _insert_credits(credits: Sequence[NewCreditNote], *, now: datetime) -> set[str]:
    """Insert credit notes; return the numbers that other credit notes have."""
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
    inserted = set(CreditNote.objects.filter(id__in=ids).values_list("number", flat=True))
    return {note.number for note in credits} - inserted


def charge(
    charges: Sequence[NewCharge], *, actor: audit.Actor = _BILLING, now: datetime, on: date
) -> list[Invoice]:
    """Charge fees, each once for its cause; return their invoices in the order of `charges`.

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
            "issued_minor": ("bigint", [c.amount.minor for c in charges]),
            "currency": ("text", [c.amount.currency for c in charges]),
            "description": ("text", [c.description for c in charges]),
            "cause": ("text", [c.cause for c in charges]),
            "created_at": ("timestamptz", [now] * len(charges)),
        },
        conflict="cause",
    )
    stored_charges = Invoice.objects.filter(cause__in=[c.cause for c in charges])
    by_cause = {i.cause: i for i in stored_charges.select_related("present")}
    for new_charge in charges:
        stored = by_cause[new_charge.cause]
        if (stored.customer_id, stored.amount) != (new_charge.customer_id, new_charge.amount):
            raise CauseReused(new_charge.cause)
    inserted_ids = set(ids)
    inserted = [i for i in by_cause.values() if i.id in inserted_ids]
    if inserted:
        book.post([_issuance(i, 1, i.amount, on=on) for i in inserted], now=now)
        _record("fees charged", "charges", [(i.number, i.amount) for i in inserted], actor, now)
    return [by_cause[new_charge.cause] for new_charge in charges]


def _record(
    action: str,
    subject: str,
    items: Sequence[tuple[str, Money]],
    actor: audit.Actor,
    now: datetime,
) -> None:
    """Write one audit entry for one call."""
    currencies = {amount.currency for _, amount in items}
    totals = {c: total((a for _, a in items if a.currency == c), c).minor for c in currencies}
    first, last = items[0][0], items[-1][0]
    after = {"count": len(items), "total_minor": totals, "first": first, "last": last}
    audit.record(action, subject, actor=actor, now=now, after=after)
