"""Values read from the elements of ISO 20022 messages: texts, amounts, days, parties, accounts.

Source: ISO 20022 data types; ISO 4217 for the decimals of a currency; docs/bank-files.md.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from functools import lru_cache
from typing import Final
from xml.etree.ElementTree import Element

from billfold.formats.iso20022.path_findings import PathFindings
from billfold.money import LARGEST_MINOR

Children = dict[str, Element]
"""The children of an element by name; of a name that repeats, the last."""

NOT_PROVIDED: Final = "NOTPROVIDED"
"""Stands in a mandatory reference when there is none. Source: EPC and CBPR+ usage."""

_DECIMALS: Final = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI"), 0
    ),
    **dict.fromkeys(("VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
"""Decimals of the currencies that do not have two. Source: ISO 4217."""

_AMOUNT: Final = re.compile(r"([0-9]{0,18})(?:\.([0-9]{0,17}))?")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_DAY: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:T([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2})?"
)
_END_OF_DAY: Final = "24:00:00"


class _InvalidValue(ValueError):
    """A value is not of its type; `code` names the broken rule."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Amount:
    """Whole minor units of a currency, without a sign."""

    minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Party:
    """One side of a payment: its name, its account, its bank's routing number or BIC."""

    name: str = ""
    account_number: str = field(default="", repr=False)
    bank: str = ""


NOBODY: Final = Party()


def children_by_name(element: Element) -> Children:
    """Index the children of an element by name."""
    return {child.tag: child for child in element}


def repeated_names(element: Element) -> set[str]:
    """Return the names of children that occur more than once."""
    counts = Counter(child.tag for child in element)
    return {name for name, count in counts.items() if count > 1}


def child_text(element: Element, tag: str) -> str:
    """Read the text of the first child of a name; empty if there is none."""
    return element.findtext(tag, "").strip()


def references(element: Element | None) -> tuple[tuple[str, str], ...]:
    """Read references with their names, without those that are NOTPROVIDED."""
    if element is None:
        return ()
    named = [(child.tag, (child.text or "").strip()) for child in element]
    return tuple([pair for pair in named if pair[1] and pair[1] != NOT_PROVIDED])


def element_at(element: Element | None, *names: str) -> Element | None:
    """Return the element that the first child of each name leads to."""
    for name in names:
        if element is None:
            return None
        element = element.find(name)
    return element


def text(element: Element | None) -> str:
    """Read the text of an element; empty if it is not there."""
    return "" if element is None else (element.text or "").strip()


def text_at(element: Element | None, *names: str) -> str:
    """Read the text of the element that the first child of each name leads to."""
    return text(element_at(element, *names))


def reference(element: Element | None) -> str:
    """Read a reference, where NOTPROVIDED means that there is none."""
    reference_text = text(element)
    return "" if reference_text == NOT_PROVIDED else reference_text


def amount(element: Element, path: str, findings: PathFindings) -> Amount | None:
    """Read an amount with its currency; note an error and return None if it is not one."""
    try:
        return _amount((element.text or "").strip(), element.get("Ccy", ""))
    except _InvalidValue as invalid:
        findings.add(invalid.code, path, invalid.message)
        return None


def decimal(element: Element, currency: str, path: str, findings: PathFindings) -> int | None:
    """Read a sum whose currency the rest of the message gives; it may be negative."""
    written = text(element)
    sign = -1 if written.startswith("-") else 1
    try:
        return sign * _amount(written.removeprefix("-"), currency).minor
    except _InvalidValue as invalid:
        findings.add(invalid.code, path, invalid.message)
        return None


@lru_cache(maxsize=8_192)
def _amount(written: str, currency: str) -> Amount:
    if not _CURRENCY.fullmatch(currency):
        raise _InvalidValue(
            "amount-currency", "The amount has no currency of three capital letters."
        )
    match = _AMOUNT.fullmatch(written)
    if not match or not (match[1] or match[2]):
        raise _InvalidValue("amount", "The amount is not a number such as 1672.50, without a sign.")
    decimals = _DECIMALS.get(currency, 2)
    part = match[2] or ""
    if part[decimals:].strip("0"):
        message = f"The amount has more than the {decimals} decimals of {currency}."
        raise _InvalidValue("amount-decimals", message)
    minor = int(match[1] + part[:decimals].ljust(decimals, "0") or "0")
    if minor > LARGEST_MINOR:
        raise _InvalidValue("amount-too-large", "The amount is larger than any bank books.")
    return Amount(minor, currency)


def day(element: Element | None, path: str, findings: PathFindings, zone: tzinfo) -> date | None:
    """Read a date, or the day of a moment in the bank's zone; note an error if it is neither.

    A moment without an offset is on the bank's own clock. Source: ISO 20022, ISODateTime.
    """
    if element is None:
        return None
    if len(element):
        element, path = element[0], f"{path}/{element[0].tag}"
    try:
        return _day((element.text or "").strip(), zone)
    except _InvalidValue as invalid:
        findings.add(invalid.code, path, invalid.message)
        return None


@lru_cache(maxsize=8_192)
def _day(written: str, zone: tzinfo) -> date:
    match = _DAY.fullmatch(written)
    try:
        if match:
            on, clock, offset = match.groups()
            if not (clock and offset):
                return date.fromisoformat(on)
            if clock == _END_OF_DAY:  # The day ends with it, so it belongs to the day.
                clock = "23:59:59"
            moment = datetime.fromisoformat(f"{on}T{clock}{offset}")
            return moment.astimezone(zone).date()
    except (ValueError, OverflowError):
        pass
    raise _InvalidValue("date", "The date is not a day of the calendar such as 2026-11-20.")


def is_credit(
    element: Element | None, findings: PathFindings, path: str = "CdtDbtInd"
) -> bool | None:
    """Read the direction of an amount; note an error and return None if it is not stated."""
    code = text(element)
    if code in ("CRDT", "DBIT"):
        return code == "CRDT"
    message = "The credit or debit indicator is not CRDT or DBIT."
    findings.add("direction", path, message)
    return None


def party_name(element: Element | None) -> str:
    """Read the name of a party: below Pty from version 08 on, directly in it before."""
    if element is None:
        return ""
    party = element.find("Pty")
    name = (element if party is None else party).find("Nm")
    return text_at(element, "Agt", "FinInstnId", "Nm") if name is None else text(name)


def account_number(element: Element | None) -> str:
    """Read an account number: an IBAN, or any other."""
    if element is None:
        return ""
    identification = element_at(element, "Id")
    return text_at(identification, "IBAN") or text_at(identification, "Othr", "Id")


def agent_bank(element: Element | None) -> str:
    """Read the identifier of an agent's bank: its routing number if it has one, else its BIC."""
    if element is None:
        return ""
    institution = element_at(element, "FinInstnId")
    number = text_at(institution, "ClrSysMmbId", "MmbId")
    return number or text_at(institution, "BICFI") or text_at(institution, "BIC")
