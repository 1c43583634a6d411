"""BAI type codes: the direction of the money, and the name of the type.

Source: BAI, Cash Management Balance Reporting Specifications, version 2, appendix A;
docs/bank-files.md. Statements in ISO 20022 carry the same codes as proprietary ones.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Direction(StrEnum):
    """What an amount of a type is to its account: money in, money out, a balance or a message."""

    STATUS = "status"
    CREDIT = "credit"
    DEBIT = "debit"
    MESSAGE = "message"
    UNKNOWN = "unknown"


_RANGES: Final = (
    (1, 99, Direction.STATUS),
    (100, 399, Direction.CREDIT),
    (400, 699, Direction.DEBIT),
    (890, 890, Direction.MESSAGE),
    # Ranges left to each bank.
    (900, 919, Direction.STATUS),
    (920, 959, Direction.CREDIT),
    (960, 999, Direction.DEBIT),
)

_DIRECTIONS: Final = {
    f"{code:03}": direction for first, last, direction in _RANGES for code in range(first, last + 1)
}

MEANINGS: Final = {
    "010": "Opening ledger balance",
    "015": "Closing ledger balance",
    "040": "Opening available balance",
    "045": "Closing available balance",
    "060": "Current available balance",
    "072": "One-day float",
    "074": "Two or more days float",
    "100": "Total credits",
    "108": "Credit of any type",
    "109": "Current-day total lockbox deposits",
    "110": "Total lockbox deposits",
    "115": "Lockbox deposit",
    "116": "Item in lockbox deposit",
    "118": "Lockbox adjustment credit",
    "121": "EDI transaction credit",
    "135": "Concentration credit",
    "140": "Total ACH credits",
    "142": "ACH credit received",
    "143": "Item in ACH deposit",
    "155": "Preauthorized draft credit",
    "164": "Corporate trade payment credit",
    "165": "Preauthorized ACH credit",
    "166": "ACH settlement credit",
    "167": "ACH settlement credits",
    "168": "ACH return item or adjustment settlement credit",
    "169": "Miscellaneous ACH credit",
    "175": "Check deposit package",
    "190": "Total incoming money transfers",
    "191": "Individual incoming internal money transfer",
    "195": "Incoming money transfer",
    "196": "Money transfer adjustment credit",
    "201": "Automatic transfer credit",
    "206": "Book transfer credit",
    "207": "Total international money transfer credits",
    "208": "International money transfer credit",
    "252": "Debit reversal",
    "254": "Posting error correction credit",
    "255": "Check posted and returned",
    "256": "Total ACH return items",
    "257": "ACH return item credit",
    "258": "ACH reversal credit",
    "266": "Return item",
    "268": "Return item adjustment",
    "275": "Zero-balance account transfer credit",
    "301": "Commercial deposit",
    "354": "Interest credit",
    "399": "Miscellaneous credit",
    "400": "Total debits",
    "409": "Debit of any type",
    "415": "Lockbox debit",
    "451": "ACH debit received",
    "455": "Preauthorized ACH debit",
    "462": "Account holder initiated ACH debit",
    "466": "ACH settlement debit",
    "467": "ACH settlement debits",
    "468": "ACH return item or adjustment settlement debit",
    "469": "Miscellaneous ACH debit",
    "475": "Check paid",
    "495": "Outgoing money transfer",
    "506": "Book transfer debit",
    "508": "International money transfer debit",
    "552": "Credit reversal",
    "554": "Posting error correction debit",
    "555": "Deposited item returned",
    "556": "Total ACH return items",
    "557": "ACH return item debit",
    "558": "ACH reversal debit",
    "561": "Individual rejected debit",
    "566": "Return item debit",
    "567": "Return item fee",
    "575": "Zero-balance account transfer debit",
    "654": "Interest debit",
    "698": "Miscellaneous fees",
    "699": "Miscellaneous debit",
    "890": "Message without an amount",
}
"""The names of the codes that matter to a biller; others are named by their range."""

_OTHERWISE: Final = {
    Direction.STATUS: "Other balance",
    Direction.CREDIT: "Other credit",
    Direction.DEBIT: "Other debit",
    Direction.MESSAGE: "Message",
    Direction.UNKNOWN: "Unknown type",
}


def direction(type_code: str) -> Direction:
    """Find the direction of a type by its range; UNKNOWN outside of every range."""
    return _DIRECTIONS.get(type_code, Direction.UNKNOWN)


def meaning(type_code: str) -> str:
    """Return the name of a type; a general one by its direction if the type is not listed."""
    return MEANINGS.get(type_code) or _OTHERWISE[direction(type_code)]
