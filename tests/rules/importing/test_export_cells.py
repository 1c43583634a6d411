"""A cell we write never starts a formula, and loses nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from billfold.payments.reading.export import without_formula


@given(st.text(max_size=20))
def test_no_exported_text_starts_a_formula(text):
    cell = without_formula(text)

    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert cell in (text, f"'{text}")
