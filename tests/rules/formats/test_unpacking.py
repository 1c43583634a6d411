"""Packed documents: unpacked within bounds, or refused."""

import gzip
import io
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billfold.formats import unpacking
from billfold.formats.problems import Unreadable

TEXT = b"101 091999049 a file of the bank\n" * 100
PACKED = gzip.compress(TEXT, mtime=0)


def refusal(content: bytes, **limits: int) -> str:
    with pytest.raises(Unreadable) as refused:
        unpacking.unpack(content, **limits)
    (problem,) = refused.value.problems
    assert problem.message and problem.fix
    return problem.code


@pytest.mark.parametrize("content", [b"", b"\x1f", TEXT, b"PK\x03\x04", b"\0" * 100])
def test_what_is_not_packed_comes_back_as_it_is(content):
    assert unpacking.unpack(content) is content
    assert not unpacking.is_packed(content)


def test_a_packed_document_is_unpacked():
    assert unpacking.is_packed(PACKED)
    assert unpacking.unpack(PACKED) == TEXT


def test_a_packed_document_may_have_a_name_and_a_comment():
    out = io.BytesIO()
    with gzip.GzipFile("statement.bai", "wb", fileobj=out) as packer:
        packer.write(TEXT)

    assert unpacking.unpack(out.getvalue()) == TEXT


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=5), st.integers(0, 600))
def test_several_members_are_one_document(parts, zeros):
    packed = b"".join(map(gzip.compress, parts)) + b"\0" * zeros

    assert unpacking.unpack(packed) == b"".join(parts)


def test_what_is_packed_twice_is_unpacked_once():
    assert unpacking.unpack(gzip.compress(PACKED)) == PACKED


@pytest.mark.parametrize("size", [0, 1, 2**16 - 1, 2**16, 2**20, 2**20 + 1, 3 * 2**20])
def test_sizes_around_those_of_our_pieces_are_unpacked(size):
    for content in (bytes(size), bytes(range(256)) * (size // 256)):
        assert unpacking.unpack(gzip.compress(content, 1)) == content


@pytest.mark.parametrize("cut", [2, 3, 9, 10, 11, len(PACKED) - 9, len(PACKED) - 1])
def test_a_cut_document_is_refused(cut):
    assert refusal(PACKED[:cut]) == "damaged-gzip"


@pytest.mark.parametrize("extra", [b"x", b"\0x", b"\0" * 70_000 + b"x", b"\x1f", PACKED[:5]])
def test_what_follows_a_document_is_refused(extra):
    assert refusal(PACKED + extra) == "damaged-gzip"


@given(st.integers(2, len(PACKED) - 1), st.integers(1, 255))
def test_a_changed_byte_is_refused_or_changes_nothing(at, by):
    damaged = bytearray(PACKED)
    damaged[at] ^= by

    try:
        assert unpacking.unpack(bytes(damaged)) == TEXT  # Its date, for one, is not looked at.
    except Unreadable as refused:
        assert refused.problems[0].code == "damaged-gzip"


@given(st.binary(max_size=100))
def test_any_bytes_are_unpacked_or_refused(noise):
    for content in (noise, b"\x1f\x8b" + noise, PACKED + noise):
        try:
            assert unpacking.unpack(content) is not None
        except Unreadable as refused:
            assert refused.problems


def test_a_document_may_be_as_large_as_the_limit_and_no_larger():
    assert unpacking.unpack(PACKED, most_bytes=len(TEXT)) == TEXT
    assert unpacking.unpack(TEXT, most_bytes=len(TEXT)) == TEXT
    assert refusal(PACKED, most_bytes=len(TEXT) - 1) == "too-large"
    assert refusal(TEXT, most_bytes=len(TEXT) - 1) == "too-large"


def test_members_are_limited_together():
    assert refusal(PACKED + PACKED, most_bytes=2 * len(TEXT) - 1) == "too-large"


def test_a_bomb_never_unfolds():
    """Of 60 MB that are packed into 60 KB, no more than the limit is ever held."""
    packer = zlib.compressobj(wbits=31)
    piece = bytes(5_000_000)
    bomb = b"".join([*(packer.compress(piece) for _ in range(12)), packer.flush()])
    assert len(bomb) < 100_000

    tracemalloc.start()
    try:
        assert refusal(bomb, most_bytes=2_000_000) == "too-large"
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 8_000_000


def test_members_without_end_are_refused(monkeypatch):
    monkeypatch.setattr(unpacking, "MOST_MEMBERS", 10)

    assert unpacking.unpack(gzip.compress(b"x") * 10) == b"x" * 10
    assert refusal(gzip.compress(b"") * 11) == "too-large"
