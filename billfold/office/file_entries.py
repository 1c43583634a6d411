"""What stands in a bank file, a page at a time: endings of account numbers, never more."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from django.core.paginator import Page

from billfold.banking import exchange
from billfold.banking.models import BankFile, BankLine, FileState
from billfold.formats.bai2 import type_codes
from billfold.money import EXPONENTS, Money
from billfold.pages import links, paging
from billfold.payments.cases import masking
from billfold.payments.incoming import rejections
from billfold.payments.models import Instruction, Payment
from billfold.rails import ach
from billfold.rails.ach import reason_codes
from billfold.rails.protocol import (
    AnyEvent,
    Corrected,
    Noticed,
    Rejected,
    Returned,
)

_PER_PAGE: Final = 50
_KINDS: Final = {"payment": "Debit", "prenote": "Prenote"}


@dataclass(frozen=True, slots=True)
class FileEntry:
    identity: str
    for_text: str
    kind_text: str
    amount: Money | None
    url: str = ""


@dataclass(frozen=True, slots=True)
class FileEntries:
    """One page of a file's entries."""

    at: Page[int]
    rows: tuple[FileEntry, ...]


def read_page(file: BankFile, number: str) -> FileEntries:
    """Read one page of a file's entries. Needs its connection."""
    if file.direction == "out":
        return _debits(file, number)
    if file.state == FileState.READ and file.kind == "statement":
        return _bank_lines(file, number)
    if file.state == FileState.READ and file.kind == "returns":
        return _returns(file, number)
    return FileEntries(paging.find_page(number, 0, _PER_PAGE), ())


def _debits(file: BankFile, number: str) -> FileEntries:
    instructions = Instruction.objects.filter(file=file)
    at = paging.find_page(number, instructions.count(), _PER_PAGE)
    rows = instructions.select_related("payment__customer", "payment__mandate")
    return FileEntries(at, tuple(_debit(row) for row in rows.order_by("trace")[paging.rows_of(at)]))


def _debit(instruction: Instruction) -> FileEntry:
    payment = instruction.payment
    kind = f"{_KINDS[instruction.kind]}, {payment.mandate.sec_code}"
    return FileEntry(
        identity=instruction.trace,
        for_text=f"{payment.customer.name} · {payment.reference}",
        kind_text=f"{kind} · {instruction.method_label}",
        amount=Money(instruction.amount_minor, instruction.currency),
        url=links.staff_payment(payment.reference),
    )


def _bank_lines(file: BankFile, number: str) -> FileEntries:
    bank_lines = BankLine.objects.filter(statement__file=file)
    at = paging.find_page(number, bank_lines.count(), _PER_PAGE)
    bank = file.connection.odfi_routing_number
    return FileEntries(
        at,
        tuple(
            FileEntry(
                identity=f"Line {bank_line.line}",
                for_text=masking.masked(bank_line.text(), bank=bank),
                kind_text=f"{type_codes.meaning(bank_line.type_code)} ({bank_line.type_code})"
                + ("" if bank_line.explained_at else " · not explained yet"),
                amount=_signed_amount(bank_line),
            )
            for bank_line in bank_lines.order_by("as_of", "line", "id")[paging.rows_of(at)]
        ),
    )


def _signed_amount(bank_line: BankLine) -> Money | None:
    """Give the amount, below zero for money out; none in a currency we cannot write."""
    if bank_line.currency not in EXPONENTS:
        return None
    amount = Money(bank_line.amount_minor, bank_line.currency)
    return amount if bank_line.is_credit else -amount


def _returns(file: BankFile, number: str) -> FileEntries:
    """Read the sealed bytes again, which were read without fault before."""
    events = _events(file)
    at = paging.find_page(number, len(events), _PER_PAGE)
    listed = events[paging.rows_of(at)]
    traced = {
        instruction.trace: instruction.payment
        for instruction in Instruction.objects.filter(
            trace__in={event.subject for event in listed}
        ).select_related("payment__customer")
    }
    identified = rejections.payments_of(each for each in listed if isinstance(each, Rejected))
    return FileEntries(
        at,
        tuple(
            _return(
                event,
                identified.get(event.key)
                if isinstance(event, Rejected)
                else None
                if isinstance(event, Noticed) and event.kind == "foreign"
                else traced.get(event.subject),
            )
            for event in listed
        ),
    )


def _events(file: BankFile) -> list[AnyEvent]:
    document = exchange.unseal_document(file)
    try:
        return ach.read(document)
    except ach.OfAnotherCompany:  # Our number was another one when the file was read.
        return ach.read(replace(document, company_id=""))


def _return(event: AnyEvent, payment: Payment | None) -> FileEntry:
    return FileEntry(
        identity=event.subject,
        for_text=f"{payment.customer.name} · {payment.reference}" if payment else "None of ours",
        kind_text=_event_text(event),
        amount=event.amount if isinstance(event, Returned | Rejected | Noticed) else None,
        url=links.staff_payment(payment.reference) if payment else "",
    )


def _event_text(event: AnyEvent) -> str:
    match event:
        case Returned(code=code):
            return f"Return: {reason_codes.return_code(code).label} ({code})"
        case Corrected(code=code):
            return f"Notice of change: {reason_codes.change_code(code).label} ({code})"
        case Rejected(code=code):
            return f"Rejected by the bank ({code})"
        case Noticed(kind=kind, code=code):
            return f"{kind.replace('_', ' ').capitalize()} ({code})"
        case _:
            return type(event).__name__
