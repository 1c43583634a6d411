"""The one source of ids and of randomness."""

from __future__ import annotations

import os
import secrets
import time
from array import array
from uuid import UUID

_LOW_62_BITS = (1 << 62) - 1
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that reads like a digit."""


def new_ids(count: int) -> list[UUID]:
    """Make `count` UUIDs, version 7, ascending. Source: RFC 9562, section 6.2, method 2."""
    timestamp = time.time_ns() // 1_000_000 << 80 | 0x7 << 76 | 0b10 << 62
    counter = secrets.randbits(73)  # The top bit stays free for counting up.
    ids = []
    for step in array("I", os.urandom(4 * count)):
        counter += step + 1
        ids.append(UUID(int=timestamp | (counter >> 62) << 64 | counter & _LOW_62_BITS))
    return ids


def new_id() -> UUID:
    """Make one UUID, version 7."""
    return new_ids(1)[0]


def new_reference() -> str:
    """Make an unguessable name of 80 bits that a person can read out: 7QK2-M9XA-04TD-RH6B."""
    bits = secrets.randbits(80)
    text = "".join(_ALPHABET[bits >> shift & 31] for shift in range(75, -5, -5))
    return "-".join(text[start : start + 4] for start in range(0, 16, 4))
