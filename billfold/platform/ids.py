"""The one source of ids and of randomness."""

from __future__ import annotations

import os
import secrets
import time
from uuid import UUID

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that reads like a digit."""


def new_ids(count: int) -> list[UUID]:
    """Make `count` UUIDs, version 7, ascending. Source: RFC 9562, section 5.7."""
    milliseconds = time.time_ns() // 1_000_000
    head = milliseconds << 80 | 0x7 << 76 | 0b10 << 62
    noise = os.urandom(10 * count)
    made = []
    for at in range(0, 10 * count, 10):
        bits = int.from_bytes(noise[at : at + 10], "big")
        made.append(UUID(int=head | (bits >> 62 & 0xFFF) << 64 | bits & (1 << 62) - 1))
    made.sort()
    return made


def new_id() -> UUID:
    """Make one UUID, version 7."""
    return new_ids(1)[0]


def new_reference() -> str:
    """Make an unguessable name of 80 bits that a person can read out: 7QK2-M9XA-04TD-RH6B."""
    bits = secrets.randbits(80)
    text = "".join(_ALPHABET[bits >> shift & 31] for shift in range(75, -5, -5))
    return "-".join(text[at : at + 4] for at in range(0, 16, 4))
