"""What the bank writes is shown without account numbers."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from billfold.payments.cases.masking import masked, may_name_an_account

BANK = "091999049"
WORDS = st.text("ABCXYZ .,:/#", max_size=12)


@given(
    before=WORDS,
    number=st.from_regex(r"[A-Z]{0,3}[0-9]{5,14}[A-Z]?", fullmatch=True),
    after=WORDS,
)
@example(before="ACCOUNT", number="4417006789", after="")
def test_promise_23_no_account_number_survives(before, number, after):
    assert number not in masked(before + number + after, bank=BANK)


@pytest.mark.parametrize(
    ("text", "masked_text"),
    [
        ("WIRE ACCT 4417006789 TODAY", "WIRE ACCT ending 6789 TODAY"),
        ("ACCT 4417 006 789", "ACCT ending 6789"),
        ("INVOICE 1044 OF MAY 3", "INVOICE 1044 OF MAY 3"),
        ("RETURN R01 TRACE 091999040000002", "RETURN R01 TRACE 091999040000002"),
        ("TRACE 129999010000002", "TRACE ending 0002"),
        ("ach-20261116-A.ach SETTLED", "ach-20261116-A.ach SETTLED"),
        ("", ""),
    ],
)
def test_words_traces_and_file_names_stay(text, masked_text):
    assert masked(text, bank=BANK) == masked_text


@pytest.mark.parametrize(
    "note",
    [
        "Account 4417006789 is closed",
        "4417 006 789",
        "4417-006-789",
        "4417.006.789",
        "acct:440001",
        "A44B1700C",
        "routing 129999018, account 4417006789",
        "paid $4417006789",
        "4417006789.00",
        "ach-20261116-A.ach and 12345",
    ],
)
def test_promise_23_a_note_that_may_name_an_account_is_seen(note):
    assert may_name_an_account(note)


@pytest.mark.parametrize(
    "note",
    [
        "",
        "The account ending 6789 is closed.",
        "Called the bank on 11/16/2026 at 10:30, 212-555-0199 or (212) 555-0199.",
        "Between 2026-11-16 and Nov 18, 2026; November 19 2026 at the latest",
        "They owe $12,345.67, not 1672.50 or $98765",
        "ach-20261116-A.ach and ach-20261117-B",
        "R01 for case 019a8f5e-1b2c-7d3e-8f40-123456789012",
    ],
)
def test_a_note_may_hold_days_amounts_and_telephone_numbers(note):
    assert not may_name_an_account(note)


def test_a_note_may_hold_what_is_known_to_be_ours():
    ours = {"40-118-2207", "CL-208814", "091999040000002"}

    assert not may_name_an_account("40-118-2207: CL-208814 (trace 091999040000002).", ours=ours)
    assert may_name_an_account("CL-208815", ours=ours)
    assert may_name_an_account("XCL-208814", ours=ours)
