"""Addresses of staff pages, and what an evidence string leads to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.urls import reverse

from billfold.banking.models import BankFile, Deposit
from billfold.formats.bai2 import type_codes
from billfold.money import EXPONENTS, Money
from billfold.pages.shapes import Link
from billfold.pages.templatetags import bills


def payment(reference: str) -> str:
    return reverse("office:payment", args=[reference])


def file(file_id: UUID) -> str:
    return reverse("office:file", args=[file_id])


def case(case_id: UUID) -> str:
    return reverse("office:case", args=[case_id])


def resolution(case_id: UUID) -> str:
    return reverse("office:resolution", args=[case_id])


def message(notice_id: UUID) -> str:
    return reverse("office:message", args=[notice_id])


def subject(about: str) -> Link | None:
    """Lead from a subject such as `payment/<reference>` to its page."""
    kind, _, name = about.partition("/")
    return Link(name, payment(name)) if kind == "payment" and name else None


@dataclass(frozen=True, slots=True)
class Proof:
    """What an evidence string names: the document, and the line in it."""

    link: Link
    note: str = ""


def proofs(evidence: Iterable[str]) -> dict[str, Proof]:
    """Look up what evidence strings name, in two queries; what is not there is absent."""
    wanted = set(evidence)
    files = BankFile.objects.only("id", "name").in_bulk(_ids(wanted, "bankfile"))
    deposits = (
        Deposit.objects.select_related("statement__file")
        .defer("text_sealed", "statement__file__content_sealed")
        .in_bulk(_ids(wanted, "deposit"))
    )
    found = {f"bankfile/{f.id}": Proof(Link(f.name, file(f.id))) for f in files.values()}
    for deposit in deposits.values():
        source = deposit.statement.file
        found[deposit.evidence] = Proof(Link(source.name, file(source.id)), describe(deposit))
    return found


def describe(deposit: Deposit) -> str:
    """Name a bank line: its place, day, kind and amount."""
    amount = shown(deposit.amount_minor, deposit.currency)
    kind = type_codes.meaning(deposit.type_code)
    return f"Line {deposit.line}, {bills.short_day(deposit.as_of)}: {kind}, {amount}"


def shown(minor: int, currency: str) -> str:
    """Write an amount a bank named, in whatever currency it named."""
    return Money(minor, currency).shown() if currency in EXPONENTS else f"{minor} {currency}"


def _ids(evidence: Iterable[str], kind: str) -> list[UUID]:
    found = []
    for each in evidence:
        prefix, _, name = each.partition("/")
        if prefix == kind:
            try:
                found.append(UUID(name))
            except ValueError:
                continue
    return found
