"""What evidence strings such as `bankfile/<id>` name: the document, and the line in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from billfold.banking.models import BankFile, BankLine
from billfold.formats.bai2 import type_codes
from billfold.money import EXPONENTS, Money
from billfold.pages import links
from billfold.pages.templatetags import formatting
from billfold.pages.view_models import Link


@dataclass(frozen=True, slots=True)
class EvidenceDocument:
    """The document that an evidence string names, and the line in it."""

    link: Link
    note: str = ""


def find_documents(evidence: Iterable[str]) -> dict[str, EvidenceDocument]:
    """Look up what evidence strings name, in two queries; what is not there is absent."""
    names = set(evidence)
    files = BankFile.objects.only("id", "name").in_bulk(_ids(names, "bankfile"))
    bank_lines = (
        BankLine.objects.select_related("statement__file")
        .defer("text_sealed")
        .in_bulk(_ids(names, "bankline"))
    )
    documents = {f"bankfile/{file.id}": EvidenceDocument(_link(file)) for file in files.values()}
    for bank_line in bank_lines.values():
        documents[bank_line.evidence] = EvidenceDocument(
            _link(bank_line.statement.file), _describe_line(bank_line)
        )
    return documents


def _link(file: BankFile) -> Link:
    return Link(file.name, links.staff_file(file.id))


def _describe_line(bank_line: BankLine) -> str:
    """Name a bank line: its place, day, kind and amount."""
    kind = type_codes.meaning(bank_line.type_code)
    amount = _write_amount(bank_line.amount_minor, bank_line.currency)
    return f"Line {bank_line.line}, {formatting.short_day(bank_line.as_of)}: {kind}, {amount}"


def _write_amount(minor: int, currency: str) -> str:
    """Write an amount a bank named, in whatever currency it named."""
    return Money(minor, currency).formatted() if currency in EXPONENTS else f"{minor} {currency}"


def _ids(names: Iterable[str], kind: str) -> list[UUID]:
    ids = []
    for name in names:
        prefix, _, text = name.partition("/")
        if prefix == kind:
            try:
                ids.append(UUID(text))
            except ValueError:
                continue
    return ids
