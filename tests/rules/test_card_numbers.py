"""Card numbers are refused as account numbers; other numbers of their length are taken."""

from __future__ import annotations

import pytest

from billfold.payments.rules import card_numbers

# Made-up numbers that card networks and processors publish for tests, and the ends of ranges.
CARDS = [
    "4111111111111111",
    "4242424242424242",
    "5555555555554444",
    "2223003122003222",
    "2720992715790120",
    "378282246310005",
    "341111111111111",
    "6011111111111117",
    "6445644564456445",
    "6200000000000005",
    "3530111333300000",
    "3600000000000008",
]


def check_digit(digits: str) -> str:
    """Find the digit that makes a number pass, one by one."""
    return next(d for d in "0123456789" if card_numbers._passes_luhn(digits + d))


@pytest.mark.parametrize("number", CARDS)
def test_a_card_is_recognised_and_one_wrong_digit_makes_it_none(number: str) -> None:
    assert card_numbers.looks_like_card(number)
    for place in range(len(number)):
        other = str((int(number[place]) + 1) % 10)
        assert not card_numbers.looks_like_card(number[:place] + other + number[place + 1 :])


@pytest.mark.parametrize(
    "beginning", ["0", "1", "7", "8", "9", "21", "2220", "2721", "50", "30", "31"]
)
def test_a_number_that_begins_as_no_card_does_is_an_account(beginning: str) -> None:
    digits = beginning.ljust(15, "3")

    assert not card_numbers.looks_like_card(digits + check_digit(digits))


@pytest.mark.parametrize("length", [*range(4, 15), 17])
def test_a_shorter_or_longer_number_is_an_account(length: int) -> None:
    digits = "4".ljust(length - 1, "1")

    assert not card_numbers.looks_like_card(digits + check_digit(digits))


def test_letters_make_no_card() -> None:
    assert not card_numbers.looks_like_card("4111111111X11111")
    assert not card_numbers.looks_like_card("")
