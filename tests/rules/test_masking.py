"""What the bank writes is shown without account numbers."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from billfold.office.masking import masked

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
    ("text", "shown"),
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
def test_words_traces_and_file_names_stay(text, shown):
    assert masked(text, bank=BANK) == shown
