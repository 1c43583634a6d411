"""The wire rail: money that customers push, as pacs.008, camt.054 or Fedwire's tags tell of it.

Nothing is asked for on this rail, so it only reads. The same payment has the same key however often
and in whichever of these documents it comes, as long as its UETR, or else its IMAD, comes with it.

Source: ISO 20022; Federal Reserve Banks, Fedwire Funds Service; docs/bank-files.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final

from billfold.formats import wire_text
from billfold.formats.iso20022 import camt, pacs008
from billfold.formats.problems import Problem, Unreadable
from billfold.money import EXPONENTS, Money
from billfold.rails.protocol import Document, Received, Remittance

name: Final = "wire"

_HEAD_BYTES: Final = 65_536
_TRANSFER_CODES: Final = frozenset({"191", "195", "206", "207", "208"})
"""Money transfers, book transfers and international ones. Source: BAI type codes."""
_TRANSFER_FAMILIES: Final = ("PMNT/RCDT", "PMNT/RRCT")
_CLEARING: Final = "ATXN"
"""A credit through a clearing house, which the other rails bring. Source: ISO 20022, external bank
transaction codes."""


def read(document: Document) -> list[Received]:
    """Turn a document into the receipts it tells of.

    Raises: Unreadable, with every problem found, if any part cannot be trusted.
    """
    content = document.content
    if content[:_HEAD_BYTES].lstrip().startswith(b"{"):
        receipts = list(_from_tags(wire_text.read(content)))
    elif b"FIToFICstmrCdtTrf" in content[:_HEAD_BYTES]:
        receipts = list(_from_transfers(pacs008.read(content)))
    else:
        receipts = list(_from_notification(camt.read(content)))
    return receipts


def _from_transfers(message: pacs008.Document) -> Iterator[Received]:
    for number, transfer in enumerate(message.transfers, 1):
        own = transfer.clearing_reference or f"{message.message_id}/{number}"
        if message.imad and len(message.transfers) == 1:
            own = message.message_id
        subject = transfer.uetr or own
        on = transfer.settlement_date or message.created_date
        yield Received(
            subject,
            f"wire/{subject}",
            _known(on),
            _money(transfer.amount_minor, transfer.currency),
            remittances=tuple(_remittances(transfer.remittance, transfer.end_to_end_id)),
            payer=transfer.payer,
        )


def _from_notification(message: camt.Document) -> Iterator[Received]:
    if message.kind is not camt.Kind.NOTIFICATION:
        raise _refusal(
            "not-a-notification",
            f"This is a {message.kind}, which tells of a whole account.",
            "Give it where statements are taken.",
        )
    for statement in message.statements:
        for entry in statement.entries:
            if _is_transfer(entry):
                on = entry.booked_date or entry.value_date or statement.as_of_date
                yield from _from_entry(entry, _known(on or message.created_date))


def _is_transfer(entry: camt.Entry) -> bool:
    """Tell whether an entry is money a customer sent, not a deposit or a collection of ours."""
    if not entry.is_credit or entry.is_reversal or entry.status is not camt.Status.BOOKED:
        return False
    if entry.bai_code:
        return entry.bai_code in _TRANSFER_CODES
    if entry.bank_code:
        is_transfer = entry.bank_code.startswith(_TRANSFER_FAMILIES)
        return is_transfer and not entry.bank_code.endswith(_CLEARING)
    return True


def _from_entry(entry: camt.Entry, on: date) -> Iterator[Received]:
    """Read an entry as the payments in it, or as one of nobody if they do not add up to it."""
    own = entry.servicer_reference or entry.reference
    own = own or f"{on}/{entry.amount_minor}/{entry.occurrence}"
    if not entry.details or not entry.details_agree:
        yield Received(own, f"wire/{own}", on, _money(entry.amount_minor, entry.currency))
        return
    for number, detail in enumerate(entry.details, 1):
        if detail.is_credit and detail.amount_minor is not None:
            within = f"{own}/{number}" if len(entry.details) > 1 else own
            subject = detail.uetr.lower() or detail.clearing_reference or within
            yield Received(
                subject,
                f"wire/{subject}",
                on,
                _money(detail.amount_minor, detail.currency),
                remittances=tuple(_remittances(detail.remittance, detail.end_to_end_id)),
                payer=detail.payer,
            )


def _from_tags(message: wire_text.Document) -> Iterator[Received]:
    for advice in message.advices:
        if advice.is_receipt:
            yield Received(
                advice.imad,
                f"wire/{advice.imad}",
                advice.on,
                Money(advice.amount_minor),
                remittances=tuple(_told((advice.text.remittance, advice.text.reference))),
                payer=advice.text.payer,
            )


def _remittances(remittance: camt.Remittance, end_to_end_id: str) -> Iterator[Remittance]:
    """Go through what the payer names: documents first, then free text, then the reference."""
    named = set()
    for line in remittance.lines:
        has_amount = line.amount_minor is not None and line.currency in EXPONENTS
        named.add(line.number)
        yield Remittance(
            invoice_number=line.number,
            customer_number=line.reference,
            amount=Money(line.amount_minor or 0, line.currency) if has_amount else None,
            text=line.text,
        )
    for told in _told(remittance.texts):
        named.add(told.invoice_number)
        yield told
    for told in _told([end_to_end_id]):
        if not told.invoice_number or told.invoice_number not in named:
            yield told


def _told(texts: Iterable[str]) -> Iterator[Remittance]:
    """Read free texts: a remittance for each number they call an invoice, or one for the text."""
    for text in filter(None, texts):
        found = wire_text.read_text([text])
        account = found.accounts[0] if len(found.accounts) == 1 else ""
        for invoice in found.invoices or ("",):
            yield Remittance(invoice_number=invoice, customer_number=account, text=text)


def _money(minor: int, currency: str) -> Money:
    if currency not in EXPONENTS:
        raise _refusal(
            "currency",
            f"Money came in {currency}, which no invoice is in.",
            "Book it by hand, and ask the bank to convert what comes in.",
        )
    return Money(minor, currency)


def _known(on: date | None) -> date:
    if on is None:
        raise _refusal("no-date", "A payment has no date.", "Ask the bank to send it with one.")
    return on


def _refusal(code: str, message: str, fix: str) -> Unreadable:
    return Unreadable([Problem(code, "error", 1, "", message, fix)])
