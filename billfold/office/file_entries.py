"""What stands in a bank file, a page at a time: endings of account numbers, never more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from billfold.banking import exchange
from billfold.banking.models import BankFile, Deposit, FileState
from billfold.formats.bai2 import type_codes
from billfold.money import EXPONENTS, Money
from billfold.office import links, paging, shapes
from billfold.office.paging import Place
from billfold.payments.cases import masking
from billfold.payments.models import Instruction
from billfold.rails import ach
from billfold.rails.ach import reason_codes
from billfold.rails.protocol import AnyEvent, Corrected, Document, Noticed, Returned

_KINDS: Final = {"payment": "Debit", "prenote": "Prenote"}


@dataclass(frozen=True, slots=True)
class Entries:
    """One page of a file's entries."""

    place: Place
    rows: tuple[shapes.FileEntry, ...] = ()


def of(file: BankFile, page: str) -> Entries:
    """Read one page of a file's entries. Needs its connection."""
    if file.direction == "out":
        return _debits(file, page)
    if file.state != FileState.READ:
        return Entries(paging.place(page, 0))
    match file.kind:
        case "statement":
            return _bank_lines(file, page)
        case "returns":
            return _returns(file, page)
        case _:
            return Entries(paging.place(page, 0))


def _debits(file: BankFile, page: str) -> Entries:
    found = Instruction.objects.filter(file=file)
    place = paging.place(page, found.count())
    rows = found.select_related("payment__customer", "payment__method", "payment__mandate")
    return Entries(
        place,
        tuple(
            shapes.FileEntry(
                identity=each.trace,
                for_text=f"{each.payment.customer.name} · {each.payment.reference}",
                kind_text=f"{_KINDS[each.kind]}, {each.payment.mandate.sec_code}"
                f" · {each.payment.method.label}",
                amount=Money(each.amount_minor, each.currency),
                url=links.payment(each.payment.reference),
            )
            for each in rows.order_by("trace")[place.start : place.end]
        ),
    )


def _bank_lines(file: BankFile, page: str) -> Entries:
    found = Deposit.objects.filter(statement__file=file)
    place = paging.place(page, found.count())
    bank = file.connection.odfi_routing_number
    return Entries(
        place,
        tuple(
            shapes.FileEntry(
                identity=f"Line {line.line}",
                for_text=masking.masked(line.text(), bank=bank),
                kind_text=f"{type_codes.meaning(line.type_code)} ({line.type_code})"
                + ("" if line.explained_at else " · not explained yet"),
                amount=_signed(line),
            )
            for line in found.order_by("as_of", "line", "id")[place.start : place.end]
        ),
    )


def _signed(line: Deposit) -> Money | None:
    """Give the amount, below zero for money out; none in a currency we cannot write."""
    if line.currency not in EXPONENTS:
        return None
    amount = Money(line.amount_minor, line.currency)
    return amount if line.is_credit else -amount


def _returns(file: BankFile, page: str) -> Entries:
    """Read the sealed bytes again, which were read without fault before."""
    events = ach.read(Document(file.name, exchange.content(file)))
    place = paging.place(page, len(events))
    shown = events[place.start : place.end]
    known = {
        each.trace: each
        for each in Instruction.objects.filter(
            trace__in={event.subject for event in shown}
        ).select_related("payment__customer")
    }
    return Entries(place, tuple(_return(event, known.get(event.subject)) for event in shown))


def _return(event: AnyEvent, instruction: Instruction | None) -> shapes.FileEntry:
    payment = instruction.payment if instruction else None
    return shapes.FileEntry(
        identity=event.subject,
        for_text=f"{payment.customer.name} · {payment.reference}" if payment else "None of ours",
        kind_text=_words(event),
        amount=event.amount if isinstance(event, Returned | Noticed) else None,
        url=links.payment(payment.reference) if payment else "",
    )


def _words(event: AnyEvent) -> str:
    match event:
        case Returned(code=code):
            return f"Return: {reason_codes.return_code(code).label} ({code})"
        case Corrected(code=code):
            return f"Notice of change: {reason_codes.change_code(code).label} ({code})"
        case Noticed(kind=kind, code=code):
            return f"{kind.replace('_', ' ').capitalize()} ({code})"
        case _:
            return type(event).__name__
