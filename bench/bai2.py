"""BAI2 statements read with every total proved, whole and streamed, against PyPI `bai2`.

`--large` reads a million movements, for the memory streaming takes.
"""

from __future__ import annotations

import io
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Iterator

from bench import _ground

MOVEMENTS = 60_000
A_ACCOUNT = 3_000
FEW, MANY, A_MILLION = 10_000, 250_000, 1_000_000
TIMES = 7
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


def _seconds(acts: list[Callable[[], object]]) -> list[float]:
    """Take the best time of each, measured in turn so that all meet the same machine."""
    best = [float("inf")] * len(acts)
    for _ in range(TIMES):
        for index, act in enumerate(acts):
            start = time.process_time()
            act()
            best[index] = min(best[index], time.process_time() - start)
    return best


def _streamed(content: bytes) -> None:
    from billfold.formats import bai2

    for _ in bai2.stream(io.BytesIO(content)):
        pass


class _Made(io.RawIOBase):
    """A statement of one account that is made while it is read, so that it takes no memory."""

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
        whole = b"".join(parts)
        self._held = whole[size:]
        return whole[:size]


def _peak_mb(movements: int) -> float:
    """Stream a statement in a process of its own; give the most memory that took."""
    out: multiprocessing.Queue[float] = multiprocessing.Queue()

    def act() -> None:
        from billfold.formats import bai2

        for _ in bai2.stream(_Made(movements)):
            pass
        out.put(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)

    running = multiprocessing.Process(target=act)
    running.start()
    peak = out.get()
    running.join()
    return peak


def main() -> int:
    """Measure and print."""
    from billfold.formats import bai2

    many = A_MILLION if "--large" in sys.argv else MANY
    growth = _peak_mb(many) - _peak_mb(FEW)
    note = f"MB, from {FEW:,} to {many:,} movements of one account"
    _ground.report("memory streaming takes more", growth, GROWTH_MB, at_most=True, note=note)
    try:
        from bai2 import bai2 as other
    except ImportError:
        print("PyPI `bai2` is not installed: `python3 run.py bench bai2` installs it.")
        return 0
    content = _statement(MOVEMENTS, A_ACCOUNT)
    text = content.decode()
    whole, streamed, theirs = _seconds(
        [
            lambda: bai2.read(content),
            lambda: _streamed(content),
            lambda: other.parse_from_string(text),
        ]
    )
    each = f"{theirs / MOVEMENTS * 1e6:.1f} us a movement against"
    for name, ours in [("streamed", streamed), ("read whole", whole)]:
        note = f"({each} {ours / MOVEMENTS * 1e6:.2f})"
        _ground.report(f"BAI2 {name}, of PyPI bai2", theirs / ours, RATIO, note=note)
    return 0


if __name__ == "__main__":
    sys.exit(main())
