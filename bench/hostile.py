"""Long files of rubbish: reading four times as much may take four times as long, and no longer."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Final

from bench import _figures, _size
from bench.sniff import BEGINNINGS
from fuzz.readers import READERS

SMALL: Final = _size.choose(tiny=500, usual=250_000)
"""Bytes of every kind, to see which are the slow ones."""
MEASURED: Final = _size.choose(tiny=1_000, usual=1_000_000, large=5_000_000)
TIMES: Final = 4
SLOWEST: Final = _size.choose(tiny=1, usual=3)
ROUNDS: Final = 3
WANTED: Final = 2.0 * TIMES
"""A reader that looks back again and again takes the square of that: 16 times as long."""
PIECES: Final = (
    *(b" ", b"\n", b"A", b"9", b"*", b",", b"~", b"/", b"\0", b"\xff"),
    *(b"<a>", b"<a/>", b"<a b='", b"</a>", b"&lt;", b"<!--", b"-->"),
    *(b"6\n", b"7\n", b"16,142,1,Z,,,/\n", b"88,A/\n", b"NTE*~", b"RMR*IV*1**1~", b"{2000}1"),
)


def _rubbish(beginning: bytes, piece: bytes, size: int) -> bytes:
    return (beginning + piece * (size // len(piece) + 1))[:size]


def _slowest(read: Callable[[bytes], None]) -> list[tuple[str, bytes, bytes]]:
    """Choose the kinds of rubbish on which a reader spends the most time."""
    kinds = [
        (f"{name} and {piece!r}", beginning, piece)
        for name, beginning in BEGINNINGS.items()
        for piece in PIECES
    ]
    times = {
        kind: _figures.seconds(lambda kind=kind: read(_rubbish(*kind[1:], SMALL))) for kind in kinds
    }
    return sorted(kinds, key=lambda kind: -times[kind])[:SLOWEST]


def _seconds(read: Callable[[bytes], None], beginning: bytes, piece: bytes) -> tuple[float, float]:
    """Measure the processor time of reading some rubbish of a kind, and of more of it."""
    few = _rubbish(beginning, piece, MEASURED)
    many = _rubbish(beginning, piece, TIMES * MEASURED)
    in_few, in_many = _figures.quickest(
        lambda: read(few), lambda: read(many), rounds=ROUNDS, clock=time.process_time
    )
    return in_few, in_many


def main() -> int:
    """Measure and print."""
    for reader, read in READERS.items():
        growths = {}
        for name, beginning, piece in _slowest(read):
            in_few, in_many = _seconds(read, beginning, piece)
            growths[in_many / in_few] = f"{name}: {in_many:.2f} s"
        worst = max(growths)
        _figures.report(
            f"{reader}, {TIMES} times as much rubbish / as little",
            worst,
            WANTED,
            at_most=True,
            note=f"of {TIMES * MEASURED / 1e6:,.3g} MB, {growths[worst]}",
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
