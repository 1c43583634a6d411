"""BAI2 statements read with every total proved, at once and streamed, against PyPI `bai2`.

`--large` reads a million movements, for the memory streaming takes.
"""

from __future__ import annotations

import io
import multiprocessing
import sys
import time
from collections.abc import Iterator

from bench import _figures, _server, _size

MOVEMENTS = _size.choose(tiny=30, usual=60_000)
A_ACCOUNT = _size.choose(tiny=10, usual=3_000)
FEW = _size.choose(tiny=10, usual=10_000)
MANY = _size.choose(tiny=20, usual=250_000, large=1_000_000)
ROUNDS = 7
RATIO = 6.0
GROWTH_MB = 32.0


def _statement(movements: int, a_account: int) -> bytes:
    """Write a day of lockbox, ACH and wire lines: one in three goes on in an 88."""
    lines = ["01,BANK,BILLER,261120,0400,1,,,2/", "02,BILLER,BANK,1,261120,2359,USD,2/"]
    file_total = accounts = 0
    for first in range(0, movements, a_account):
        accounts += 1
        begun = len(lines)
        lines.append(f"03,55501{accounts:05d},USD,010,1000000,,,015,1200000,,/")
        total = 2_200_000
        for number in range(first, min(first + a_account, movements)):
            amount = 100 + number % 100_000
            total += amount
            lines += _movement(number, amount)
        lines.append(f"49,{total},{len(lines) - begun + 1}/")
        file_total += total
    lines.append(f"98,{file_total},{accounts},{len(lines)}/")
    lines.append(f"99,{file_total},1,{len(lines) + 1}/")
    return "\n".join(lines).encode()


def _movement(number: int, amount: int) -> Iterator[str]:
    references = f"BR{number:08d},CR{number:08d}"
    match number % 3:
        case 0:
            yield f"16,142,{amount},Z,{references},ACH CREDIT FROM PAYER {number}"
            yield f"88,INV {90_010_046 + number} ACCT 200002 PMT INFO RMR*IV"
        case 1:
            yield f"16,195,{amount},V,261120,1200,{references},WIRE IN ORG ACME {number}"
        case _:
            parts = f"{amount // 2},{amount - amount // 2},0"
            yield f"16,475,{amount},S,{parts},BR{number:08d},{number},CHECK PAID"


def _streamed(content: bytes) -> None:
    from billfold.formats import bai2

    for _ in bai2.stream(io.BytesIO(content)):
        pass


class _Endless(io.RawIOBase):
    """A statement of one account that is written while it is read, so that it takes no memory."""

    def __init__(self, movements: int) -> None:
        self._lines = self._written(movements)
        self._held = b""

    def _written(self, movements: int) -> Iterator[str]:
        yield "01,BANK,BILLER,261120,0400,1,,,2/\n"
        yield "02,BILLER,BANK,1,261120,2359,USD,2/\n03,5550123456,/\n"
        total, records = 0, 0
        for number in range(movements):
            amount = 100 + number % 100_000
            total += amount
            lines = list(_movement(number, amount))
            records += len(lines)
            yield "\n".join(lines) + "\n"
        yield f"49,{total},{records + 2}/\n98,{total},1,{records + 4}/\n"
        yield f"99,{total},1,{records + 6}/\n"

    def read(self, size: int = -1) -> bytes:
        parts, length = [self._held], len(self._held)
        while length < size and (line := next(self._lines, "")):
            parts.append(line.encode())
            length += len(parts[-1])
        content = b"".join(parts)
        self._held = content[size:]
        return content[:size]


def _peak_mb(movements: int) -> float:
    """Stream a statement in a process of its own; give the most memory that took."""
    peaks: multiprocessing.Queue[float] = multiprocessing.Queue()

    def act() -> None:
        from billfold.formats import bai2

        for _ in bai2.stream(_Endless(movements)):
            pass
        peaks.put(_figures.peak_mb())

    _server.in_another_process(act)
    return peaks.get()


def main() -> int:
    """Measure and print."""
    from billfold.formats import bai2

    growth = _peak_mb(MANY) - _peak_mb(FEW)
    note = f"MB, from {FEW:,} to {MANY:,} movements of one account"
    _figures.report("memory streaming takes more", growth, GROWTH_MB, at_most=True, note=note)
    content = _statement(MOVEMENTS, A_ACCOUNT)
    acts = [lambda: bai2.read(content), lambda: _streamed(content)]
    try:
        from bai2 import bai2 as other
    except ImportError:
        read, streamed = _figures.quickest(*acts, rounds=ROUNDS, clock=time.process_time)
        _figures.skip("PyPI bai2")
        print(f"{_us(read)} us a movement read at once, {_us(streamed)} streamed")
        return 0
    text = content.decode()
    acts.append(lambda: other.parse_from_string(text))
    read, streamed, theirs = _figures.quickest(*acts, rounds=ROUNDS, clock=time.process_time)
    for name, ours in [("streamed", streamed), ("read at once", read)]:
        note = f"({_us(theirs)} us a movement against {_us(ours)})"
        _figures.report(f"BAI2 {name}, of PyPI bai2", theirs / ours, RATIO, note=note)
    return 0


def _us(seconds: float) -> str:
    return f"{seconds / MOVEMENTS * 1e6:.2f}"


if __name__ == "__main__":
    sys.exit(main())
