"""Inputs kept by fuzzing are read again, or refused with reasons."""

from __future__ import annotations

import pytest

from fuzz.__main__ import kept_inputs
from fuzz.readers import READERS


@pytest.mark.parametrize("reader", sorted(READERS))
def test_promise_13_no_bytes_break_a_reader(reader):
    inputs = list(kept_inputs(reader))

    assert inputs, "fuzz this reader first: `python3 run.py fuzz READER`"
    for content in inputs:
        READERS[reader](content)
