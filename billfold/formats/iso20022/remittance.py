"""What a payer says the money is for, as camt and pacs messages carry it.

Source: ISO 20022, RemittanceInformation; docs/bank-files.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

from billfold.formats.iso20022 import values
from billfold.formats.iso20022.messages import Faults

CREDIT_NOTES: Final = frozenset({"CREN", "CNFA"})
"""Documents that lessen what is paid. Source: ISO 20022, DocumentType3Code."""


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Why less or more is paid than a document says; less is negative."""

    amount_minor: int
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """One document the money is for. Amounts of a credit note are negative."""

    kind: str
    """CINV for an invoice, CREN for a credit note, or what else the payer says."""
    number: str
    amount_minor: int | None
    currency: str
    due_minor: int | None
    adjustments: tuple[Adjustment, ...]
    reference: str
    """The payee's own reference, such as an account number with it."""
    text: str


@dataclass(frozen=True, slots=True)
class Remittance:
    """Free texts and documents, in the payer's order."""

    texts: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()

    def total_minor(self, currency: str) -> int | None:
        """Add up the documents; absent if one has no amount in that currency."""
        total_minor = None
        for line in self.lines:
            if line.amount_minor is None or line.currency != currency:
                return None
            total_minor = line.amount_minor + (total_minor or 0)
        return total_minor


NOTHING: Final = Remittance()


def read(element: Element, leaf: str, faults: Faults) -> Remittance:
    """Read a RmtInf that stands at a path."""
    texts: list[str] = []
    lines: list[Line] = []
    count = 0
    for child in element:
        if child.tag == "Ustrd":
            if said := values.text(child):
                texts.append(said)
        elif child.tag == "Strd":
            count += 1
            below = f"{leaf}/Strd[{count}]" if count > 1 else f"{leaf}/Strd"
            lines.extend(_lines(child, below, faults))
    return Remittance(tuple(texts), tuple(lines))


def _lines(element: Element, leaf: str, faults: Faults) -> list[Line]:
    """Read one Strd: a line for each document in it, or one for its reference alone."""
    reference = said = ""
    documents: list[tuple[str, str]] = []
    amounts: Element | None = None
    for child in element:
        tag = child.tag
        if tag == "RfrdDocInf":
            documents.append(_document(child))
        elif tag == "RfrdDocAmt":
            amounts = child
        elif tag == "CdtrRefInf":
            reference = values.below(child, "Ref")
        elif tag == "AddtlRmtInf":
            said = f"{said} {values.text(child)}".lstrip()
    if not documents:
        documents = [("", "")]
    is_credit_note = documents[0][0] in CREDIT_NOTES
    told = _NO_AMOUNTS if amounts is None else _amounts(amounts, is_credit_note, leaf, faults)
    paid, currency, due, adjustments = told
    if len(documents) > 1:
        # One amount over several documents is nobody's: each of them is then without.
        paid, due, adjustments = None, None, ()
    return [
        Line(kind, number, paid, currency, due, adjustments, reference, said)
        for kind, number in documents
    ]


def _document(element: Element) -> tuple[str, str]:
    """Read the kind and the number of a document."""
    kind = values.at(element, "Tp", "CdOrPrtry")
    # A choice: its only child is Cd or Prtry.
    name = values.text(kind[0]) if kind is not None and len(kind) else ""
    return name, values.below(element, "Nb")


_Amounts = tuple[int | None, str, int | None, tuple[Adjustment, ...]]
_NO_AMOUNTS: Final[_Amounts] = (None, "", None, ())


def _amounts(element: Element, is_credit_note: bool, leaf: str, faults: Faults) -> _Amounts:
    """Read a RfrdDocAmt: what is paid, its currency, what was due, and what lies between."""
    paid = due = note = None
    adjustments: list[Adjustment] = []
    below = f"{leaf}/RfrdDocAmt"
    for child in element:
        match child.tag:
            case "RmtdAmt":
                paid = values.amount(child, f"{below}/RmtdAmt", faults)
            case "DuePyblAmt":
                due = values.amount(child, f"{below}/DuePyblAmt", faults)
            case "CdtNoteAmt":
                note = values.amount(child, f"{below}/CdtNoteAmt", faults)
            case "AdjstmntAmtAndRsn":
                adjustments += _adjustment(child, f"{below}/AdjstmntAmtAndRsn", faults)
    if paid is None and note is not None:
        paid, is_credit_note = note, True
    sign = -1 if is_credit_note else 1
    return (
        None if paid is None else sign * paid.minor,
        paid.currency if paid else due.currency if due else "",
        None if due is None else sign * due.minor,
        tuple(adjustments),
    )


def _adjustment(element: Element, leaf: str, faults: Faults) -> Iterator[Adjustment]:
    found = values.at(element, "Amt")
    amount = values.amount(found, f"{leaf}/Amt", faults) if found is not None else None
    if amount is not None:
        # Without an indicator it lessens what is paid, as every adjustment seen does.
        sign = 1 if values.text_at(element, "CdtDbtInd") == "CRDT" else -1
        reason, said = values.text_at(element, "Rsn"), values.text_at(element, "AddtlInf")
        yield Adjustment(sign * amount.minor, reason, said)
