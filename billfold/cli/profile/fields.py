"""What a biller's profile file may say, field by field, and how a value of it is read. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from billfold import typed_text
from billfold.formats import nacha
from billfold.money import Money, NotAnAmount
from billfold.payments.rules import card_numbers
from billfold.receivables.imports.import_fields import STATES
from billfold.typed_text import UnfitCharacter

ReadValue = Callable[[Any], Any]
LONGEST: Final = 2_000
_EMAIL: Final = re.compile(r"[^\s@,;<>\"]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+\Z")
_STATE: Final = re.compile(rf"(?:{'|'.join(sorted(STATES))})\Z")
_COLOR: Final = re.compile(r"#[0-9a-fA-F]{6}\Z")
_URL: Final = re.compile(r"https?://[^\s\"<>]+\Z")
_LOCKBOXES: Final = re.compile(r"[0-9A-Za-z]{1,10}(?: [0-9A-Za-z]{1,10}){0,99}\Z")
_SWIFT: Final = re.compile(r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?\Z")


class InvalidProfileValue(ValueError):
    """The value cannot be taken; the text completes "this field …"."""


@dataclass(frozen=True, slots=True)
class ProfileField:
    """One field: how it is read, where it is kept, and whether a new row must have it."""

    read: ReadValue
    column: str = ""
    is_required: bool = False


def line(longest: int = LONGEST, *, shortest: int = 0) -> ReadValue:
    """Make a reader of text of one line."""

    def read(value: Any) -> str:
        return _fit(typed_text.check_line, _sized(value, shortest, longest))

    return read


def lines(longest: int, *, shortest: int = 0) -> ReadValue:
    """Make a reader of text of one line or several."""

    def read(value: Any) -> str:
        return _fit(typed_text.check_lines, _sized(value, shortest, longest))

    return read


def _sized(value: Any, shortest: int, longest: int) -> str:
    if not isinstance(value, str):
        raise InvalidProfileValue("must be text between quotes")
    if not shortest <= len(value.strip()) <= longest:
        raise InvalidProfileValue(f"must have {shortest} to {longest} characters")
    return value.strip()


def _fit(check: Callable[[str], str], value: str) -> str:
    """Return the value if `check` lets it through. Raises: InvalidProfileValue."""
    try:
        return check(value)
    except UnfitCharacter as refusal:
        raise InvalidProfileValue(f"holds {refusal}: remove it") from None


def matching(pattern: re.Pattern[str], words: str, *, may_be_empty: bool = True) -> ReadValue:
    """Make a reader of text of one shape."""

    def read(value: Any) -> str:
        string = str(line()(value))
        if string == "" and may_be_empty:
            return ""
        if not pattern.match(string):
            raise InvalidProfileValue(f"must be {words}")
        return string

    return read


def whole_number(lowest: int, highest: int) -> ReadValue:
    """Make a reader of whole numbers."""

    def read(value: Any) -> int:
        if type(value) is not int or not lowest <= value <= highest:
            raise InvalidProfileValue(f"must be a whole number from {lowest} to {highest:,}")
        return value

    return read


def one_of(*words: str) -> ReadValue:
    """Make a reader of a choice."""

    def read(value: Any) -> str:
        if value not in words:
            raise InvalidProfileValue(f"must be {' or '.join(words)}")
        return str(value)

    return read


def yes_or_no(value: Any) -> bool:
    if type(value) is not bool:
        raise InvalidProfileValue("must be true or false, without quotes")
    return value


def amount(value: Any) -> int:
    """Read an amount in dollars into cents."""
    if not isinstance(value, str):
        raise InvalidProfileValue('must be an amount between quotes, such as "25.00"')
    try:
        minor = Money.parse(value).minor
    except NotAnAmount as refusal:
        raise InvalidProfileValue(f"must be an amount such as 25.00: {refusal}") from None
    if minor < 0:
        raise InvalidProfileValue("must not be below zero")
    return minor


def amount_above_zero(value: Any) -> int:
    """Read a limit in dollars into cents: one of zero would let nothing through."""
    minor = amount(value)
    if not minor:
        raise InvalidProfileValue("must be above zero")
    return minor


def routing_number(value: Any) -> str:
    digits = str(line()(value))
    if digits and not nacha.is_routing_number(digits):
        raise InvalidProfileValue(
            "is no routing number: nine digits of which the last checks the others"
        )
    return digits


def account_number(value: Any) -> str:
    number = str(line(17)(value))
    if number and not (number.isascii() and number.isalnum() and number.strip("0")):
        raise InvalidProfileValue("must be 1 to 17 letters and digits, not all zeros")
    if card_numbers.looks_like_card(number):
        raise InvalidProfileValue("looks like a card number: name a bank account")
    return number


def zone(value: Any) -> str:
    name = str(line(60, shortest=1)(value))
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise InvalidProfileValue("must be a time zone such as America/Chicago") from None
    return name


def day(value: Any) -> date:
    if type(value) is not date:
        raise InvalidProfileValue("must be a day such as 2026-11-16, without quotes")
    return value


def moment_of_day(value: Any) -> time:
    if type(value) is not time:
        raise InvalidProfileValue("must be a time such as 17:00:00, without quotes")
    return value


def line_end(value: Any) -> str:
    return {"lf": "\n", "crlf": "\r\n"}[one_of("lf", "crlf")(value)]


def full_path(value: Any) -> str:
    path = str(line(400)(value))
    if path and not path.startswith("/"):
        raise InvalidProfileValue("must be a full path, beginning with /")
    return path


def _state(*, is_required: bool = False) -> ProfileField:
    words = "two capital letters such as OH"
    return ProfileField(
        matching(_STATE, words, may_be_empty=not is_required), is_required=is_required
    )


def _name(longest: int, *, is_required: bool = True) -> ProfileField:
    return ProfileField(line(longest, shortest=1), is_required=is_required)


BILLER: Final[Mapping[str, ProfileField]] = {
    "trade_name": _name(60),
    "legal_name": _name(120),
    "address": ProfileField(lines(400, shortest=1), is_required=True),
    "state": _state(is_required=True),
    "zone": ProfileField(zone),
    "base_url": ProfileField(matching(_URL, "an address such as https://billing.example.com")),
    "brand_color": ProfileField(matching(_COLOR, "a color such as #1d5c49", may_be_empty=False)),
    "support_phone": ProfileField(line(40)),
    "support_email": ProfileField(matching(_EMAIL, "an e-mail address")),
    "support_hours": ProfileField(line(100)),
    "remit_to": ProfileField(lines(400)),
    "wire_routing_number": ProfileField(routing_number),
    "ach_routing_number": ProfileField(routing_number),
    "deposit_account_number": ProfileField(account_number),
    "swift_code": ProfileField(matching(_SWIFT, "8 or 11 capital letters and digits")),
    "return_fee": ProfileField(amount, column="return_fee_minor"),
    "paper_fee": ProfileField(amount, column="paper_fee_minor"),
    "debit_days": ProfileField(whole_number(1, 30)),
    "check_days": ProfileField(whole_number(1, 30)),
    "return_limit_count": ProfileField(whole_number(1, 10_000)),
}
TILE: Final[Mapping[str, ProfileField]] = {
    "label": _name(40),
    "title": _name(60),
    "text": ProfileField(line(120), is_required=True),
    "url": ProfileField(
        matching(_URL, "an address such as https://…", may_be_empty=False), "", True
    ),
}
FEE_CAP: Final[Mapping[str, ProfileField]] = {
    "state": _state(is_required=True),
    "cap": ProfileField(amount, column="cap_minor", is_required=True),
    "source": _name(400),
    "reviewed_on": ProfileField(day, is_required=True),
}
BANK: Final[Mapping[str, ProfileField]] = {
    "name": _name(60),
    "bank_name": _name(60),
    "routing_number": ProfileField(routing_number, column="odfi_routing_number", is_required=True),
    "account_number": ProfileField(account_number, is_required=True),
    "immediate_origin": ProfileField(line(10, shortest=9), is_required=True),
    "company_name": _name(16),
    "company_id": ProfileField(line(10, shortest=10), is_required=True),
    "entry_description": ProfileField(line(10, shortest=1)),
    "balanced": ProfileField(yes_or_no),
    "settlement": ProfileField(one_of("gross", "net")),
    "max_entries": ProfileField(whole_number(1, 1_000_000)),
    "max_file": ProfileField(amount_above_zero, column="max_file_minor"),
    "line_end": ProfileField(line_end),
    "cutoff_eastern": ProfileField(moment_of_day),
    "zone": ProfileField(zone),
    "two_people_release": ProfileField(yes_or_no),
    "release_limit": ProfileField(amount, column="release_limit_minor"),
    "lockboxes": ProfileField(matching(_LOCKBOXES, "lockbox numbers, with blanks between")),
    "account_validation": ProfileField(one_of("bank_service", "history", "prenote")),
    "default": ProfileField(yes_or_no, column="is_default"),
}
FOLDER: Final[Mapping[str, ProfileField]] = {
    "kind": ProfileField(one_of("folder"), is_required=True),
    "to_bank": ProfileField(full_path, is_required=True),
    "from_bank": ProfileField(full_path, is_required=True),
    "taken": ProfileField(full_path),
}
SFTP: Final[Mapping[str, ProfileField]] = {
    "kind": ProfileField(one_of("sftp"), is_required=True),
    "host": _name(253),
    "port": ProfileField(whole_number(1, 65_535)),
    "username": _name(100),
    "key_file": ProfileField(full_path, is_required=True),
    "known_hosts_file": ProfileField(full_path, is_required=True),
    "to_bank": _name(400),
    "from_bank": _name(400),
    "taken": ProfileField(line(400)),
}
