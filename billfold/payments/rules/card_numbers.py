"""Which account numbers people may have read off a payment card. Pure."""

import re
from typing import Final

_CARD_NUMBER: Final = re.compile(
    r"""3[47]\d{13}
      | (?:4\d{3} | 5[1-5]\d\d | 2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)
        | 3(?:[689]\d|5[2-8])\d | 6(?:011|[245]\d\d))\d{12}""",
    re.VERBOSE,
)
"""15 or 16 digits that begin as the large card networks' numbers do. Shorter and longer ones are
left alone: real accounts have them. Source: ISO/IEC 7812-1, and the networks' published ranges."""


def looks_like_card(account_number: str) -> bool:
    """Say whether a number is written as those of payment cards are, its check digit included.

    One in ten account numbers of that length and beginning passes by chance. Its owner pays in
    another way: no question to a payer could tell the two apart.
    """
    return bool(_CARD_NUMBER.fullmatch(account_number)) and _passes_luhn(account_number)


def _passes_luhn(digits: str) -> bool:
    """Say whether the last digit checks the others. Source: ISO/IEC 7812-1, annex B."""
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (doubled + sum(map(int, digits[-1::-2]))) % 10 == 0
