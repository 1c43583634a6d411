"""Money: amounts in whole minor units with a currency. Nothing here rounds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

EXPONENTS: Final = {"USD": 2, "CAD": 2, "EUR": 2, "GBP": 2, "MXN": 2, "JPY": 0}
"""Decimal digits per currency. Source: ISO 4217."""

LARGEST_MINOR: Final = 10**15
"""Above any invoice, and far enough below the limit of a bigint that sums cannot overflow."""

_BLANKS: Final = " \t\u00a0"
_TEXT: Final = re.compile(r"(?P<sign>-?)(?P<whole>\d{1,3}(?:,\d{3})+|\d+)?(?:\.(?P<part>\d*))?\Z")


class CurrencyMismatch(Exception):
    """Two amounts of different currencies were added or compared."""


class NotAnAmount(ValueError):
    """The text is not an exact amount of that currency."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"{text!r}: {reason}")
        self.text = text
        self.reason = reason


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An exact amount: `minor` whole units of the smallest unit of `currency`."""

    minor: int
    currency: str = "USD"

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError(f"minor units are a whole number, not {type(self.minor).__name__}")
        if self.currency not in EXPONENTS:
            raise ValueError(f"currency {self.currency!r} is not known")

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._minor_of(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._minor_of(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._minor_of(other)

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._minor_of(other)

    def __gt__(self, other: Money) -> bool:
        return self.minor > self._minor_of(other)

    def __ge__(self, other: Money) -> bool:
        return self.minor >= self._minor_of(other)

    def __bool__(self) -> bool:
        return self.minor != 0

    def __str__(self) -> str:
        return f"{self.plain()} {self.currency}"

    def _minor_of(self, other: Money) -> int:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency}")
        return other.minor

    def plain(self, *, grouped: bool = False) -> str:
        """Format the amount with a decimal point and without a currency sign: 1672.50."""
        digits = EXPONENTS[self.currency]
        whole, part = divmod(abs(self.minor), 10**digits)
        sign = "-" if self.minor < 0 else ""
        text = f"{whole:,}" if grouped else str(whole)
        return f"{sign}{text}.{part:0{digits}d}" if digits else f"{sign}{text}"

    def formatted(self) -> str:
        """Format the amount for people: $1,672.50, with a true minus; other currencies by code."""
        text = Money(abs(self.minor), self.currency).plain(grouped=True)
        sign = "\u2212" if self.minor < 0 else ""
        return f"{sign}${text}" if self.currency == "USD" else f"{sign}{text} {self.currency}"

    def split(self, weights: Sequence[int]) -> list[Money]:
        """Divide by weight into parts that add up to the amount; spare units go to the first parts.

        Raises: ValueError if there is no positive weight or a negative one.
        """
        total = sum(weights)
        if total <= 0 or any(weight < 0 for weight in weights):
            raise ValueError("weights must not be negative and must add up to more than zero")
        sign = -1 if self.minor < 0 else 1
        parts = [abs(self.minor) * weight // total for weight in weights]
        spare = abs(self.minor) - sum(parts)
        for index, weight in enumerate(weights):
            if spare and weight:
                parts[index] += 1
                spare -= 1
        return [Money(sign * part, self.currency) for part in parts]

    @classmethod
    def parse(cls, text: str, currency: str = "USD") -> Money:
        """Parse "1,672.50" or "1672.5" exactly; a dollar sign in front is allowed for USD.

        Blanks around the amount mean nothing. Each door reads amounts here, so all agree.
        Raises: NotAnAmount with the reason; never rounds, never guesses.
        """
        if currency not in EXPONENTS:
            raise NotAnAmount(text, f"currency {currency} is not known")
        stripped = text.strip(_BLANKS)
        number = stripped.removeprefix("$") if currency == "USD" else stripped
        match = _TEXT.match(number.replace("\u2212", "-"))
        digits = EXPONENTS[currency]
        if not match or not (match["whole"] or match["part"]):
            raise NotAnAmount(text, "not a number such as 1672.50")
        part = match["part"] or ""
        if len(part) > digits:
            raise NotAnAmount(text, f"more than {digits} decimals")
        if not (match["whole"] or "0").isascii() or not part.isascii():
            raise NotAnAmount(text, "not a number such as 1672.50")
        whole = (match["whole"] or "").replace(",", "").lstrip("0")
        if len(whole) > len(str(LARGEST_MINOR)):
            raise NotAnAmount(text, "too large")
        minor = int((whole or "0") + part.ljust(digits, "0"))
        if minor > LARGEST_MINOR:
            raise NotAnAmount(text, "too large")
        return cls(-minor if match["sign"] else minor, currency)


def total(amounts: Iterable[Money], currency: str = "USD") -> Money:
    """Add amounts of one currency; without amounts the total is zero of `currency`."""
    return sum(amounts, Money(0, currency))
