"""The fields an import file may have, and how each is read from text. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, Final

from billfold import typed_text
from billfold.money import Money, NotAnAmount
from billfold.typed_text import UnfitCharacter

CURRENCIES: Final = frozenset({"USD"})
"""The currencies of invoices: the one rail that collects money is a US one."""
_STATES: Final = """
AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC
ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY DC AS GU MP PR VI AA AE AP
"""
STATES: Final = frozenset(_STATES.split())
"""States, the district, territories and military addresses. Source: USPS Publication 28."""
LONGEST_NUMBER: Final = 60
LONGEST_TEXT: Final = 2_000
_SCIENTIFIC: Final = re.compile(
    r"[+-]?[0-9](?:[.,][0-9]+)?[Ee][+-][0-9]{1,3}|[+-]?[0-9][.,][0-9]+[Ee][0-9]{1,3}"
)
"""How spreadsheets and programs shorten a long number; 12E5 may be an id."""
_EMAIL: Final = re.compile(r"[^\s@,;<>\"]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+\Z")
_YES_NO: Final = {
    **dict.fromkeys(("yes", "y", "true", "1", "paper"), True),
    **dict.fromkeys(("no", "n", "false", "0", "electronic", ""), False),
}


class InvalidCell(ValueError):
    """A value is refused: what is wrong with it, and how to cure it."""

    def __init__(self, wrong: str, cure: str) -> None:
        super().__init__(wrong)
        self.wrong = wrong
        self.cure = cure


ReadValue = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class ImportField:
    """One field of one kind of file."""

    name: str
    sql_type: str
    read: ReadValue
    is_required: bool = False
    is_id: bool = False
    """Whether it is the number of a customer, invoice or credit note."""
    default: Any = ""
    """The value if the file has no such column."""


def read_number(text: str) -> str:
    """Read the number of a customer, invoice or credit note: one line, no spaces around it."""
    if len(text) > LONGEST_NUMBER:
        raise InvalidCell(f"is longer than {LONGEST_NUMBER} characters", "Check the column.")
    if text != text.strip(" "):
        raise InvalidCell(f"{quoted(text)} has blanks around it", "Remove them.")
    if _SCIENTIFIC.fullmatch(text):
        raise InvalidCell(
            f"{quoted(text)} is in scientific notation: a spreadsheet cut digits off the number",
            "Export it again and leave it closed, or format its column as Text before it is saved.",
        )
    try:
        return typed_text.check_id(text)
    except UnfitCharacter as refusal:
        cure = "Write plain ones." if refusal.character.isprintable() else "Remove it."
        raise InvalidCell(f"{quoted(text)} holds {refusal}", cure) from None


def read_invoice_number(text: str) -> str:
    """Read the number of an invoice; those with RF- are our own charges and come from no file."""
    if text.startswith("RF-"):
        raise InvalidCell(
            f"{quoted(text)} begins with RF-", "Such numbers name our own fees: use another."
        )
    return read_number(text)


def read_optional_number(text: str) -> str:
    return read_number(text) if text else ""


def read_line(value: str) -> str:
    """Read a text of one line unchanged; a formula in it is text, too."""
    return _fit(typed_text.check_line, _not_too_long(value))


def read_lines(value: str) -> str:
    """Read free text of any number of lines unchanged."""
    return _fit(typed_text.check_lines, _not_too_long(value))


def _not_too_long(value: str) -> str:
    if len(value) > LONGEST_TEXT:
        raise InvalidCell(f"is longer than {LONGEST_TEXT:,} characters", "Shorten it.")
    return value


def _fit(check: Callable[[str], str], value: str) -> str:
    """Return the value if `check` lets it through. Raises: InvalidCell."""
    try:
        return check(value)
    except UnfitCharacter as refusal:
        raise InvalidCell(f"holds {refusal}", "Remove it.") from None


def read_email(value: str) -> str:
    if value and (len(value) > 254 or not _EMAIL.match(value)):
        raise InvalidCell(
            f"{quoted(value)} is not an e-mail address", "Write one such as ap@example.com."
        )
    return _fit(typed_text.check_id, value)


def read_state(value: str) -> str:
    """Read the state of an address; the fee for a returned payment depends on it."""
    if value and value not in STATES:
        cure = "Write its two capitals, such as NY; leave it empty outside the United States."
        raise InvalidCell(f"{quoted(value)} is not a state", cure)
    return value


def read_yes_no(value: str) -> bool:
    """Read yes or no, in the few ways billing systems write it."""
    try:
        return _YES_NO[value.lower()]
    except KeyError:
        raise InvalidCell(f"{quoted(value)} is neither yes nor no", "Write yes or no.") from None


def read_currency(value: str) -> str:
    if not value:
        return "USD"
    if value not in CURRENCIES:
        known = ", ".join(sorted(CURRENCIES))
        raise InvalidCell(
            f"{quoted(value)} cannot be billed here", f"Bill in {known}, or leave it out."
        )
    return value


def read_position(value: str) -> int:
    """Read the position of a line on its invoice."""
    if not (value.isascii() and value.isdecimal() and 1 <= len(value) <= 6 and int(value)):
        raise InvalidCell(
            f"{quoted(value)} is not a place", "Count the lines of an invoice from 1."
        )
    return int(value)


def read_signed_amount(value: str) -> int:
    """Read an amount, in minor units; a line's may be below zero."""
    try:
        return Money.parse(value).minor
    except NotAnAmount as error:
        raise InvalidCell(f"{quoted(value)}: {error.reason}", "Write it as 1672.50.") from None


def read_amount(value: str) -> int:
    """Read an amount above zero, in minor units."""
    minor = read_signed_amount(value)
    if minor < 0:
        raise InvalidCell(
            f"{quoted(value)} is below zero", "Bring it as a credit note: import credits."
        )
    if not minor:
        raise InvalidCell("is zero", "Leave the row out: there is nothing to pay.")
    return minor


class NotADateLayout(ValueError):
    """The layout lacks year, month or day."""


def date_reader(layout: str) -> ReadValue:
    """Make a function that reads dates written in one layout. Raises: NotADateLayout."""
    probe = date(2013, 12, 31)
    try:
        if datetime.strptime(probe.strftime(layout), layout).date() != probe:  # noqa: DTZ007
            raise NotADateLayout(layout)
    except ValueError:
        raise NotADateLayout(layout) from None

    @cache
    def read(value: str) -> date:
        try:
            parsed = datetime.strptime(value, layout).date()  # noqa: DTZ007  a day has no zone
        except ValueError:
            raise InvalidCell(
                f"{quoted(value)} is not a date written as {layout}",
                "Correct it, or name the layout with --date-format.",
            ) from None
        if not 1970 <= parsed.year <= 2199:
            wrong = f"{quoted(value)} is in the year {parsed.year}"
            raise InvalidCell(wrong, "Write a year from 1970 to 2199, all four digits of it.")
        return parsed

    return read


def quoted(value: str) -> str:
    """Quote a value, shortened, with characters that cannot be printed as escapes."""
    short = value if len(value) <= 40 else value[:37] + "..."
    return ascii(short) if not short.isprintable() else f'"{short}"'


def fields_of_kind(kind: str, date_layout: str) -> Mapping[str, ImportField]:
    """Return the fields of one kind of file, in the order of docs/importing.md."""
    read_date = date_reader(date_layout)
    fields = {
        "customers": (
            ImportField("customer_number", "text", read_number, is_required=True, is_id=True),
            ImportField("name", "text", read_line, is_required=True),
            ImportField("email", "text", read_email),
            ImportField("address", "text", read_lines),
            ImportField("state", "text", read_state),
            ImportField("terms", "text", read_line),
            ImportField("paper_bill", "boolean", read_yes_no, default=False),
        ),
        "invoices": (
            ImportField("customer_number", "text", read_number, is_required=True, is_id=True),
            ImportField(
                "invoice_number", "text", read_invoice_number, is_required=True, is_id=True
            ),
            ImportField("reference", "text", read_optional_number, is_id=True),
            ImportField("invoice_date", "date", read_date, is_required=True),
            ImportField("due_date", "date", read_date, is_required=True),
            ImportField("amount", "bigint", read_amount, is_required=True),
            ImportField("description", "text", read_lines),
            ImportField("currency", "text", read_currency, default="USD"),
        ),
        "lines": (
            ImportField("invoice_number", "text", read_number, is_required=True, is_id=True),
            ImportField("position", "integer", read_position, is_required=True),
            ImportField("description", "text", read_lines, is_required=True),
            ImportField("quantity", "text", read_line),
            ImportField("amount", "bigint", read_signed_amount, is_required=True),
        ),
        "credits": (
            ImportField("customer_number", "text", read_number, is_required=True, is_id=True),
            ImportField("credit_number", "text", read_number, is_required=True, is_id=True),
            ImportField("credit_date", "date", read_date, is_required=True),
            ImportField("amount", "bigint", read_amount, is_required=True),
            ImportField("invoice_number", "text", read_optional_number, is_id=True),
            ImportField("reason", "text", read_lines),
            ImportField("currency", "text", read_currency, default="USD"),
        ),
        "documents": (
            ImportField("invoice_number", "text", read_number, is_required=True, is_id=True),
            ImportField("file", "text", read_line, is_required=True),
        ),
    }
    return {field.name: field for field in fields[kind]}


KINDS: Final = ("customers", "invoices", "lines", "credits", "documents")
KEY_FIELDS: Final = {
    "customers": ("customer_number",),
    "invoices": ("invoice_number",),
    "lines": ("invoice_number", "position"),
    "credits": ("credit_number",),
    "documents": ("invoice_number",),
}
"""The fields by which a row may stand in a file only once."""
