"""The wire rail: money that customers send by wire, reported as pacs.008, camt.054 or Fedwire tags.

This rail only reads: nothing is collected on it. A payment has the same key however often and in
whichever of these documents it comes, as long as its UETR, or else its IMAD, comes with it.

Source: ISO 20022; Federal Reserve Banks, Fedwire Funds Service; docs/bank-files.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from billfold.formats import iso20022, wire_text
from billfold.formats.iso20022 import camt, pacs008
from billfold.formats.problems import FileProblem, Unreadable
from billfold.formats.sniffing import Format, sniff
from billfold.money import EXPONENTS, Money
from billfold.rails.protocol import BankDocument, Received, RemittanceItem

name: Final = "wire"
document_kind: Final = "wires"
document_title: Final = "Wires"
document_formats: Final = (Format.CAMT054, Format.PACS008, Format.FEDWIRE_TEXT)
receipts_noun: Final = "wires"

_HEAD_BYTES: Final = 65_536
_TRANSFER_CODES: Final = frozenset({"191", "195", "206", "207", "208"})
"""Money transfers, book transfers and international transfers. Source: BAI type codes."""
_TRANSFER_FAMILIES: Final = ("PMNT/RCDT", "PMNT/RRCT")
_CLEARING: Final = "ATXN"
"""A credit through a clearing house, which other rails read. Source: ISO 20022, external bank
transaction codes."""


def read(document: BankDocument) -> list[Received]:
    """Read a document into the receipts it reports. Its moments become days in the bank's zone.

    Raises: Unreadable, with every problem, if any part cannot be trusted.
    """
    content, zone = document.content, ZoneInfo(document.zone)
    if sniff(content).format is Format.FEDWIRE_TEXT:
        receipts = list(_from_tags(wire_text.read(content)))
    elif b"FIToFICstmrCdtTrf" in content[:_HEAD_BYTES]:
        receipts = list(_from_transfers(pacs008.read(content, zone=zone)))
    else:
        receipts = list(_from_notification(camt.read(content, zone=zone)))
    return receipts


def _from_transfers(message: pacs008.Pacs008Message) -> Iterator[Received]:
    for number, transfer in enumerate(message.transfers, 1):
        reference = transfer.clearing_reference or f"{message.message_id}/{number}"
        if message.imad and len(message.transfers) == 1:
            reference = message.message_id
        subject = transfer.uetr or reference
        on = transfer.settlement_date or message.created_date
        yield Received(
            subject,
            f"wire/{subject}",
            _require_date(on),
            _money(transfer.amount_minor, transfer.currency),
            remittances=tuple(_remittances(transfer.remittance, transfer.end_to_end_id)),
            payer=transfer.payer,
        )


def _from_notification(message: camt.CamtMessage) -> Iterator[Received]:
    if message.kind is not camt.CamtKind.NOTIFICATION:
        raise _refusal(
            "not-a-notification",
            f"This is a {message.kind}, which tells of a whole account.",
            "Give it where statements are taken.",
        )
    for statement in message.statements:
        for entry in statement.entries:
            if _is_transfer(entry):
                on = entry.booked_date or entry.value_date or statement.as_of_date
                yield from _from_entry(entry, _require_date(on or message.created_date))


def _is_transfer(entry: camt.CamtEntry) -> bool:
    """Tell whether an entry is money a customer sent, and no deposit or collection of ours."""
    if not entry.is_credit or entry.is_reversal or entry.status is not camt.CamtStatus.BOOKED:
        return False
    if entry.bai_code:
        return entry.bai_code in _TRANSFER_CODES
    if entry.bank_code:
        is_transfer = entry.bank_code.startswith(_TRANSFER_FAMILIES)
        return is_transfer and not entry.bank_code.endswith(_CLEARING)
    return True


def _from_entry(entry: camt.CamtEntry, on: date) -> Iterator[Received]:
    """Read the payments of an entry, or one unnamed payment if they do not add up to it."""
    reference = entry.servicer_reference or entry.reference
    reference = reference or f"{on}/{entry.amount_minor}/{entry.occurrence}"
    if not entry.details or not entry.details_agree:
        yield Received(
            reference, f"wire/{reference}", on, _money(entry.amount_minor, entry.currency)
        )
        return
    for number, detail in enumerate(entry.details, 1):
        if detail.is_credit and detail.amount_minor is not None:
            numbered = f"{reference}/{number}" if len(entry.details) > 1 else reference
            subject = detail.uetr.lower() or detail.clearing_reference or numbered
            yield Received(
                subject,
                f"wire/{subject}",
                on,
                _money(detail.amount_minor, detail.currency),
                remittances=tuple(_remittances(detail.remittance, detail.end_to_end_id)),
                payer=detail.payer,
            )


def _from_tags(message: wire_text.FedwireFile) -> Iterator[Received]:
    for advice in message.advices:
        if advice.is_receipt:
            yield Received(
                advice.imad,
                f"wire/{advice.imad}",
                advice.on,
                Money(advice.amount_minor),
                remittances=tuple(_from_texts((advice.text.remittance, advice.text.reference))),
                payer=advice.text.payer,
            )


def _remittances(
    remittance: iso20022.RemittanceInformation, end_to_end_id: str
) -> Iterator[RemittanceItem]:
    """Yield what the payer names: documents first, then free texts, then the reference."""
    invoice_numbers = set()
    for line in remittance.lines:
        has_amount = line.amount_minor is not None and line.currency in EXPONENTS
        invoice_numbers.add(line.number)
        yield RemittanceItem(
            invoice_number=line.number,
            customer_number=line.reference,
            amount=Money(line.amount_minor or 0, line.currency) if has_amount else None,
            text=line.text,
        )
    for item in _from_texts(remittance.texts):
        invoice_numbers.add(item.invoice_number)
        yield item
    for item in _from_texts([end_to_end_id]):
        if not item.invoice_number or item.invoice_number not in invoice_numbers:
            yield item


def _from_texts(texts: Iterable[str]) -> Iterator[RemittanceItem]:
    """Read free texts: an item for each invoice number in a text, or one for the text alone."""
    for text in filter(None, texts):
        numbers = wire_text.read_text([text])
        account = numbers.accounts[0] if len(numbers.accounts) == 1 else ""
        for invoice in numbers.invoices or ("",):
            yield RemittanceItem(invoice_number=invoice, customer_number=account, text=text)


def _money(minor: int, currency: str) -> Money:
    if currency not in EXPONENTS:
        raise _refusal(
            "currency",
            f"Money came in {currency}, which no invoice is in.",
            "Book it by hand, and ask the bank to convert what comes in.",
        )
    return Money(minor, currency)


def _require_date(on: date | None) -> date:
    if on is None:
        raise _refusal("no-date", "A payment has no date.", "Ask the bank to send it with one.")
    return on


def _refusal(code: str, message: str, fix: str) -> Unreadable:
    return Unreadable([FileProblem(code, "error", 1, "", message, fix)])
