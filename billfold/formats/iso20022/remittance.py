"""Remittance information of camt and pacs messages: the documents and texts a payment names.

Source: ISO 20022, RemittanceInformation; docs/bank-files.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

from billfold.formats.iso20022 import values
from billfold.formats.iso20022.path_findings import PathFindings

CREDIT_NOTES: Final = frozenset({"CREN", "CNFA"})
"""Documents that reduce what is paid. Source: ISO 20022, DocumentType3Code."""


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Why less or more is paid than a document states; less is negative."""

    amount_minor: int
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class RemittanceLine:
    """One document the money is for. Amounts of a credit note are negative."""

    kind: str
    """CINV for an invoice, CREN for a credit note, or another code of the payer."""
    number: str
    amount_minor: int | None
    currency: str
    due_minor: int | None
    adjustments: tuple[Adjustment, ...]
    reference: str
    """The payee's own reference, such as an account number with it."""
    text: str


@dataclass(frozen=True, slots=True)
class RemittanceInformation:
    """Free texts and documents, in the payer's order."""

    texts: tuple[str, ...] = ()
    lines: tuple[RemittanceLine, ...] = ()

    def total_minor(self, currency: str) -> int | None:
        """Add up the documents; absent if one has no amount in that currency."""
        total_minor = None
        for line in self.lines:
            if line.amount_minor is None or line.currency != currency:
                return None
            total_minor = line.amount_minor + (total_minor or 0)
        return total_minor


NOTHING: Final = RemittanceInformation()


def read(element: Element, path: str, findings: PathFindings) -> RemittanceInformation:
    """Read a RmtInf that stands at a path."""
    texts: list[str] = []
    lines: list[RemittanceLine] = []
    count = 0
    for child in element:
        if child.tag == "Ustrd":
            if text := values.text(child):
                texts.append(text)
        elif child.tag == "Strd":
            count += 1
            strd_path = f"{path}/Strd[{count}]" if count > 1 else f"{path}/Strd"
            lines.extend(_lines(child, strd_path, findings))
    return RemittanceInformation(tuple(texts), tuple(lines))


def _lines(element: Element, path: str, findings: PathFindings) -> list[RemittanceLine]:
    """Read one Strd: a line for each document in it, or one for its reference alone."""
    reference = text = ""
    documents: list[tuple[str, str]] = []
    amounts: Element | None = None
    for child in element:
        tag = child.tag
        if tag == "RfrdDocInf":
            documents.append(_document(child))
        elif tag == "RfrdDocAmt":
            amounts = child
        elif tag == "CdtrRefInf":
            reference = values.child_text(child, "Ref")
        elif tag == "AddtlRmtInf":
            text = f"{text} {values.text(child)}".lstrip()
    if not documents:
        documents = [("", "")]
    is_credit_note = documents[0][0] in CREDIT_NOTES
    paid, currency, due, adjustments = (
        _NO_AMOUNTS if amounts is None else _amounts(amounts, is_credit_note, path, findings)
    )
    if len(documents) > 1:
        # One amount over several documents belongs to none of them.
        paid, due, adjustments = None, None, ()
    return [
        RemittanceLine(kind, number, paid, currency, due, adjustments, reference, text)
        for kind, number in documents
    ]


def _document(element: Element) -> tuple[str, str]:
    """Read the kind and the number of a document."""
    kind = values.element_at(element, "Tp", "CdOrPrtry")
    # A choice: its only child is Cd or Prtry.
    name = values.text(kind[0]) if kind is not None and len(kind) else ""
    return name, values.child_text(element, "Nb")


_Amounts = tuple[int | None, str, int | None, tuple[Adjustment, ...]]
_NO_AMOUNTS: Final[_Amounts] = (None, "", None, ())


def _amounts(element: Element, is_credit_note: bool, path: str, findings: PathFindings) -> _Amounts:
    """Read a RfrdDocAmt: the amount paid, its currency, the amount due, and adjustments."""
    paid = due = credit_note = None
    adjustments: list[Adjustment] = []
    amounts_path = f"{path}/RfrdDocAmt"
    for child in element:
        match child.tag:
            case "RmtdAmt":
                paid = values.amount(child, f"{amounts_path}/RmtdAmt", findings)
            case "DuePyblAmt":
                due = values.amount(child, f"{amounts_path}/DuePyblAmt", findings)
            case "CdtNoteAmt":
                credit_note = values.amount(child, f"{amounts_path}/CdtNoteAmt", findings)
            case "AdjstmntAmtAndRsn":
                adjustments += _adjustment(child, f"{amounts_path}/AdjstmntAmtAndRsn", findings)
    if paid is None and credit_note is not None:
        paid, is_credit_note = credit_note, True
    sign = -1 if is_credit_note else 1
    return (
        None if paid is None else sign * paid.minor,
        paid.currency if paid else due.currency if due else "",
        None if due is None else sign * due.minor,
        tuple(adjustments),
    )


def _adjustment(element: Element, path: str, findings: PathFindings) -> Iterator[Adjustment]:
    amount_element = element.find("Amt")
    amount = (
        values.amount(amount_element, f"{path}/Amt", findings)
        if amount_element is not None
        else None
    )
    if amount is not None:
        # Without an indicator it reduces what is paid, as every adjustment seen so far does.
        sign = 1 if values.text_at(element, "CdtDbtInd") == "CRDT" else -1
        reason, text = values.text_at(element, "Rsn"), values.text_at(element, "AddtlInf")
        yield Adjustment(sign * amount.minor, reason, text)
