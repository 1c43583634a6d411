"""Two files joined into one are refused in every format, with the same advice."""

from __future__ import annotations

import pytest

from billfold.formats import any_format
from billfold.formats.problems import CUT_APART
from tests import places

FILES = {
    "nacha": "nacha/biller-web-one-time.ach",
    "returns": "nacha/returns-admin-and-nsf.ach",
    "bai2": "bai2/synthetic-prior-day-lockbox-wire-ach.bai",
    "lockbox": "lockbox/synthetic-80col-two-batches.bai",
}


def content(kind: str) -> bytes:
    return (places.FILES / FILES[kind]).read_bytes()


def advice(data: bytes) -> list[str]:
    result = any_format.read(data)
    assert result.document is None
    return [each.fix for each in result.problems if "second file" in each.message.lower()]


@pytest.mark.parametrize("kind", FILES)
def test_promise_27_a_second_file_after_the_first_is_to_be_cut_off(kind: str):
    assert any_format.read(content(kind)).document is not None

    assert advice(content(kind) * 2) == [CUT_APART]


@pytest.mark.parametrize("kind", FILES)
def test_promise_27_a_second_file_before_the_end_of_the_first_is_to_be_cut_off(kind: str):
    first, rest = content(kind).split(b"\n", 1)

    assert advice(b"\n".join([first, first, rest])) == [CUT_APART]


@pytest.mark.parametrize("kind", ["bai2", "lockbox"])
def test_what_else_follows_a_trailer_is_no_second_file(kind: str):
    trailer = content(kind).rstrip(b"\n").split(b"\n")[-1]

    result = any_format.read(content(kind).rstrip(b"\n") + b"\n" + trailer + b"\n")

    assert result.document is None
    assert CUT_APART not in {each.fix for each in result.problems}
