"""The fields an import file may have, and how the text in each becomes a value. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, Final

from billfold.money import Money, NotAnAmount

CURRENCIES: Final = frozenset({"USD"})
"""What can be billed: the one rail that collects is a US one."""
_STATES: Final = """
AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC
ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY DC AS GU MP PR VI AA AE AP
"""
STATES: Final = frozenset(_STATES.split())
"""States, the district, territories and military addresses. Source: USPS Publication 28."""
LONGEST_NUMBER: Final = 60
LONGEST_TEXT: Final = 2_000
_NUMBER: Final = re.compile(r"[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?\Z")
_NONE: Final = "".join(chr(plane << 16 | low) for plane in range(17) for low in (0xFFFE, 0xFFFF))
_CONTROL: Final = re.compile(
    f"[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\ufeff\ufdd0-\ufdef{_NONE}]"
)
"""Controls, the mark of byte order, and the code points at which Unicode has no character."""
_EMAIL: Final = re.compile(r"[^\s@,;<>\"]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+\Z")
_YES_NO: Final = {
    **dict.fromkeys(("yes", "y", "true", "1", "paper"), True),
    **dict.fromkeys(("no", "n", "false", "0", "electronic", ""), False),
}


class Unfit(ValueError):
    """A value cannot be taken: what is wrong, and what to do."""

    def __init__(self, wrong: str, cure: str) -> None:
        super().__init__(wrong)
        self.wrong = wrong
        self.cure = cure


Read = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of one kind of file."""

    name: str
    sql_type: str
    read: Read
    is_required: bool = False
    default: Any = ""
    """Stands for an absent column."""


def number(text: str) -> str:
    """Read what names something: one line, no spaces around it."""
    if len(text) > LONGEST_NUMBER:
        raise Unfit(f"is longer than {LONGEST_NUMBER} characters", "Check the column.")
    if not _NUMBER.match(text) or _CONTROL.search(text):
        raise Unfit(
            f"{shown(text)} has spaces around it, or characters that cannot be printed",
            "Remove them.",
        )
    return text


def invoice_number(text: str) -> str:
    """Read the number of an invoice; ours begin with RF- and come from no file."""
    if text.startswith("RF-"):
        raise Unfit(
            f"{shown(text)} begins with RF-", "Such numbers name our own fees: use another."
        )
    return number(text)


def optional_number(text: str) -> str:
    return number(text) if text else ""


def text(value: str) -> str:
    """Read free text as it stands; a formula in it is text too."""
    if len(value) > LONGEST_TEXT:
        raise Unfit(f"is longer than {LONGEST_TEXT:,} characters", "Shorten it.")
    if found := _CONTROL.search(value):
        raise Unfit(f"holds U+{ord(found[0]):04X}, which cannot be printed", "Remove it.")
    return value


def email(value: str) -> str:
    if value and (len(value) > 254 or not _EMAIL.match(value)):
        raise Unfit(f"{shown(value)} is not an e-mail address", "Write one such as ap@example.com.")
    return value


def state(value: str) -> str:
    """Read the state of an address: what may be charged for a return depends on it."""
    if value and value not in STATES:
        cure = "Write its two capitals, such as NY; leave it empty outside the United States."
        raise Unfit(f"{shown(value)} is not a state", cure)
    return value


def yes_no(value: str) -> bool:
    """Read yes or no, in the few ways billing systems write it."""
    try:
        return _YES_NO[value.lower()]
    except KeyError:
        raise Unfit(f"{shown(value)} is neither yes nor no", "Write yes or no.") from None


def currency(value: str) -> str:
    if not value:
        return "USD"
    if value not in CURRENCIES:
        known = ", ".join(sorted(CURRENCIES))
        raise Unfit(f"{shown(value)} cannot be billed here", f"Bill in {known}, or leave it out.")
    return value


def place(value: str) -> int:
    """Read the place of a line on its invoice."""
    if not (value.isascii() and value.isdecimal() and 1 <= len(value) <= 6 and int(value)):
        raise Unfit(f"{shown(value)} is not a place", "Count the lines of an invoice from 1.")
    return int(value)


def any_amount(value: str) -> int:
    """Read an amount, in minor units; a line may take off."""
    if value != value.strip():
        raise Unfit(f"{shown(value)} has spaces around it", "Remove them.")
    try:
        return Money.parse(value).minor
    except NotAnAmount as refusal:
        raise Unfit(f"{shown(value)}: {refusal.reason}", "Write it as 1672.50.") from None


def amount(value: str) -> int:
    """Read an amount above zero, in minor units."""
    minor = any_amount(value)
    if minor < 0:
        raise Unfit(f"{shown(value)} is below zero", "Bring it as a credit note: import credits.")
    if not minor:
        raise Unfit("is zero", "Leave the row out: there is nothing to pay.")
    return minor


class NotALayout(ValueError):
    """The layout does not write year, month and day."""


def day(layout: str) -> Read:
    """Make the reader of dates written in one layout. Raises: NotALayout."""
    probe = date(2013, 12, 31)
    try:
        if datetime.strptime(probe.strftime(layout), layout).date() != probe:  # noqa: DTZ007
            raise NotALayout(layout)
    except ValueError:
        raise NotALayout(layout) from None

    @cache
    def read(value: str) -> date:
        try:
            found = datetime.strptime(value, layout).date()  # noqa: DTZ007  a day has no zone
        except ValueError:
            raise Unfit(
                f"{shown(value)} is not a date written as {layout}",
                "Correct it, or name the layout with --date-format.",
            ) from None
        if not 1970 <= found.year <= 2199:
            year = f"{shown(value)} is in the year {found.year}"
            raise Unfit(year, "Write a year from 1970 to 2199, all four digits of it.")
        return found

    return read


def shown(value: str) -> str:
    """Quote a value so that it fits a line and hides nothing."""
    short = value if len(value) <= 40 else value[:37] + "..."
    return ascii(short) if not short.isprintable() else f'"{short}"'


def fields(kind: str, date_layout: str) -> Mapping[str, Field]:
    """List the fields of one kind of file, in the order the documentation has them."""
    on = day(date_layout)
    listed = {
        "customers": (
            Field("customer_number", "text", number, is_required=True),
            Field("name", "text", text, is_required=True),
            Field("email", "text", email),
            Field("address", "text", text),
            Field("state", "text", state),
            Field("terms", "text", text),
            Field("paper_bill", "boolean", yes_no, default=False),
        ),
        "invoices": (
            Field("customer_number", "text", number, is_required=True),
            Field("invoice_number", "text", invoice_number, is_required=True),
            Field("reference", "text", optional_number),
            Field("invoice_date", "date", on, is_required=True),
            Field("due_date", "date", on, is_required=True),
            Field("amount", "bigint", amount, is_required=True),
            Field("description", "text", text),
            Field("currency", "text", currency, default="USD"),
        ),
        "lines": (
            Field("invoice_number", "text", number, is_required=True),
            Field("position", "integer", place, is_required=True),
            Field("description", "text", text, is_required=True),
            Field("quantity", "text", text),
            Field("amount", "bigint", any_amount, is_required=True),
        ),
        "credits": (
            Field("customer_number", "text", number, is_required=True),
            Field("credit_number", "text", number, is_required=True),
            Field("credit_date", "date", on, is_required=True),
            Field("amount", "bigint", amount, is_required=True),
            Field("invoice_number", "text", optional_number),
            Field("reason", "text", text),
            Field("currency", "text", currency, default="USD"),
        ),
        "documents": (
            Field("invoice_number", "text", number, is_required=True),
            Field("file", "text", text, is_required=True),
        ),
    }
    return {field.name: field for field in listed[kind]}


KINDS: Final = ("customers", "invoices", "lines", "credits", "documents")
KEYS: Final = {
    "customers": ("customer_number",),
    "invoices": ("invoice_number",),
    "lines": ("invoice_number", "position"),
    "credits": ("credit_number",),
    "documents": ("invoice_number",),
}
"""What may stand in a file only once."""
