"""The same account is recognised however its number is written."""

from __future__ import annotations

import pytest

from billfold.banking import account_fingerprints
from billfold.platform import sealing

ROUTING = "129999018"


@pytest.fixture(autouse=True)
def keys() -> None:
    sealing.make_keys()


@pytest.mark.parametrize("written", ["0044000A", "44-000A", "44 000 a", "0-044\t000A", "44000a"])
def test_promise_18_one_account_has_one_fingerprint_however_it_is_written(written):
    assert account_fingerprints.of_account(ROUTING, written) == account_fingerprints.of_account(
        ROUTING, "44000A"
    )
    assert account_fingerprints.of_own_account(written) == account_fingerprints.of_own_account(
        "44000A"
    )


@pytest.mark.parametrize(
    ("routing", "number"), [("091999049", "44000A"), (ROUTING, "44000B"), (ROUTING, "440000A")]
)
def test_another_bank_or_number_is_another_account(routing, number):
    assert account_fingerprints.of_account(routing, number) != account_fingerprints.of_account(
        ROUTING, "44000A"
    )


@pytest.mark.parametrize(
    ("written", "is_same"), [("44-000 a", True), ("044000A", False), ("0044000A", False)]
)
def test_leading_zeros_count_in_the_stricter_fingerprint(written, is_same):
    stricter = account_fingerprints.with_zeros
    assert (stricter(ROUTING, written) == stricter(ROUTING, "44000A")) is is_same
