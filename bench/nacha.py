"""Nacha files against PyPI `ach`, loops that check nothing, and COPY of the same rows."""

from __future__ import annotations

import gc
import importlib.util
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, time
from functools import partial
from io import BytesIO
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import _figures, _server, _size
from billfold.formats import nacha
from billfold.formats.nacha import NachaBatch, NachaEntry, NachaFile

FEW = _size.choose(tiny=10, usual=10_000)
ENTRIES = _size.choose(tiny=30, usual=100_000)
MANY = _size.choose(tiny=30, usual=100_000, large=1_000_000)
BATCH = _size.choose(tiny=10, usual=10_000)
ROUNDS = 5
ANSWERS = _size.choose(tiny=10, usual=20_000)
BANKS = ("110000000", "129999018", "061999024", "072999039", "091999049", "021999051")
HEAD = NachaFile("091999049", "1234567890", date(2026, 11, 23), time(9, 30), "A", ())
BARE_FORM = "6%02d%s%-17s%010d%-15s%-22s%-2s0%s\n"
ROWS = """
CREATE UNLOGGED TABLE nacha_row AS
SELECT 27 AS code, (ARRAY['110000000','129999018','061999024','072999039','091999049',
                          '021999051'])[1 + n % 6] AS bank,
       (4400000000 + n)::text AS account, 100 + n % 90000 AS amount, 'C-' || n AS customer,
       'ADA EXAMPLE ' || n % 977 AS name, '09199904' || lpad(n::text, 7, '0') AS trace,
       'S' AS mark
FROM generate_series(1, %s) n
"""
COPY = """
COPY (SELECT '6' || lpad(code::text, 2, '0') || bank || rpad(account, 17)
             || lpad(amount::text, 10, '0') || rpad(customer, 15) || rpad(name, 22)
             || rpad(mark, 2) || '0' || trace
      FROM nacha_row ORDER BY trace) TO STDOUT
"""
SELECT = """
SELECT code, bank, account, amount, customer, name, trace, mark FROM nacha_row ORDER BY trace
"""


def _entries(count: int) -> Iterator[NachaEntry]:
    for n in range(1, count + 1):
        bank, account, name = BANKS[n % 6], f"{4_400_000_000 + n}", f"ADA EXAMPLE {n % 977}"
        yield NachaEntry(
            27, bank, account, 100 + n % 90_000, f"C-{n}", name, f"09199904{n:07d}", "S"
        )


def _entries_of_rows(_cursor: object) -> Callable[[Sequence[object]], NachaEntry]:
    return lambda row: NachaEntry(*row)


def _batches(entries: Iterable[NachaEntry]) -> Iterator[NachaBatch]:
    """Put entries into batches, one at a time."""
    left = iter(entries)
    number = 0
    while some := tuple(islice(left, BATCH)):
        number += 1
        yield NachaBatch(
            225,
            "CEDARLINE",
            "1234567890",
            "WEB",
            "BILL PAY",
            date(2026, 11, 24),
            "09199904",
            number,
            some,
        )


def _race(count: int, *acts: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    """Let acts take turns; give entries a second of each in its quickest round."""
    return [count / seconds for seconds in _figures.quickest(*acts, rounds=rounds)]


def _ours(batches: Iterable[NachaBatch]) -> bytes:
    out = BytesIO()
    nacha.write_to(out, HEAD, batches)
    return out.getvalue()


def _bare(batches: Iterable[NachaBatch]) -> bytes:
    """Lay the same entries out, and check nothing."""
    lines = []
    for batch in batches:
        for each in batch.entries:
            lines.append(
                BARE_FORM
                % (
                    each.transaction_code,
                    each.routing_number,
                    each.account_number,
                    each.amount_minor,
                    each.identification,
                    each.name,
                    each.discretionary,
                    each.trace,
                )
            )
    return "".join(lines).encode("ascii")


def _read(content: bytes) -> None:
    for _ in nacha.NachaReader(BytesIO(content)):
        pass


def _slices(content: bytes) -> list[tuple[object, ...]]:
    """Cut the same entries into their fields, and check nothing."""
    cut: list[tuple[object, ...]] = []
    for line in content.decode("ascii").split("\n"):
        if line[:1] == "6":
            cut.append(
                (
                    int(line[1:3]),
                    line[3:12],
                    line[12:29].rstrip(),
                    int(line[29:39]),
                    line[39:54].rstrip(),
                    line[54:76].rstrip(),
                    line[76:78].rstrip(),
                    line[78:79],
                    line[79:94],
                )
            )
    return cut


def _ach_write() -> Callable[[], object]:
    """Prepare the same entries for PyPI `ach`, which checks almost nothing."""
    from ach.builder import AchFile

    settings = {
        "immediate_dest": "091999049",
        "immediate_org": "1234567890",
        "immediate_dest_name": "FIRST HARBOR BANK",
        "immediate_org_name": "CEDARLINE",
        "company_id": "1234567890",
    }
    entries = [
        {
            "type": str(each.transaction_code),
            "routing_number": each.routing_number,
            "account_number": each.account_number,
            "amount": f"{each.amount_minor / 100:.2f}",
            "name": each.name,
        }
        for each in _entries(FEW)
    ]

    def build() -> None:
        file = AchFile("A", settings)
        file.add_batch("WEB", entries, credits=False, debits=True)
        file.render_to_string()

    return build


def _ach_read(content: bytes) -> Callable[[], object]:
    from ach.parser import Parser

    return lambda: Parser(content.decode("ascii")).as_dict()


def _report_rates(name: str, ours: float, theirs: float, wanted: float) -> None:
    _figures.report(name, ours / theirs, wanted, note=f"{ours:,.0f}/s against {theirs:,.0f}/s")


def _in_memory() -> None:
    batches = list(_batches(_entries(ENTRIES)))
    content = _ours(batches)
    ours, bare = _race(ENTRIES, lambda: _ours(batches), lambda: _bare(batches))
    _report_rates("write with all checks / bare % loop", ours, bare, 0.4)
    ours, slices = _race(ENTRIES, lambda: _read(content), lambda: _slices(content))
    _report_rates("read with all checks / bare slicing loop", ours, slices, 0.3)
    if importlib.util.find_spec("ach") is None:
        _figures.skip("PyPI ach")
        return
    few = list(_batches(_entries(FEW)))
    ours, theirs = _race(FEW, lambda: _ours(few), _ach_write(), rounds=3)
    _report_rates("write / PyPI ach", ours, theirs, 20)
    ours, theirs = _race(ENTRIES, lambda: _read(content), _ach_read(content))
    _report_rates("read / PyPI ach", ours, theirs, 1.5)
    for name, sec_code in (("returns", "WEB"), ("notices of change", "COR")):
        answers = _answered(sec_code, ANSWERS)
        ours, theirs = _race(ANSWERS, partial(_read, answers), _ach_read(answers))
        _report_rates(f"read {name} / PyPI ach", ours, theirs, 1.5)


def _peak(count: int, path: str, peaks: multiprocessing.Queue[float]) -> None:
    """Write and read so many entries by streams; hand in the most memory that took, in MB."""
    with Path(path).open("wb") as stream:
        nacha.write_to(stream, HEAD, _batches(_entries(count)))
    with Path(path).open("rb") as stream:
        read = sum(len(batch.entries) for batch in nacha.NachaReader(stream))
    assert read == count
    peaks.put(_figures.peak_mb())


def _memory(counts: list[int]) -> None:
    fresh = multiprocessing.get_context("spawn")
    queue: multiprocessing.Queue[float] = fresh.Queue()
    peaks = []
    with TemporaryDirectory() as folder:
        for count in counts:
            arguments = (count, f"{folder}/{count}.ach", queue)
            _server.in_another_process(_peak, *arguments, context=fresh)
            peaks.append(queue.get())
    for count, peak in zip(counts[1:], peaks[1:], strict=True):
        _figures.report(
            f"memory of {count:,} entries above one batch of {BATCH:,}, MB",
            peak - peaks[0],
            20,
            at_most=True,
            note=f"{peak:.0f} MB in all",
        )


def _answered(sec_code: str, count: int) -> bytes:
    """Write a file of returns, or of notices of change, as a bank does each morning."""
    records: list[str] = []
    total = hashed = 0
    is_change = sec_code == "COR"
    for n in range(1, count + 1):
        bank, amount = BANKS[n % 6], 0 if is_change else 100 + n % 90_000
        account, name, original = f"{4_400_000_000 + n:<17}", f"ADA EXAMPLE {n % 977}", bank[:8]
        trace = f"{original}{n:07d}"
        what = f"{4_500_000_000 + n:<44}" if is_change else " " * 44
        code = "98C01" if is_change else f"99R0{1 + n % 4}"
        records.append(f"626{bank}{account}{amount:010d}{f'C-{n}':<15}{name:<22}S 1{trace}")
        records.append(f"7{code}09199904{n:07d}{'':6}{original}{what}{trace}")
        total, hashed = total + amount, hashed + int(original)
    totals = f"{hashed % 10**10:010d}{total:012d}{0:012d}"
    company = f"{'CEDARLINE':<36}1234567890"
    lines = [
        f"101 09199904912345678902611230930A094101{'':54}",
        f"5225{company}{sec_code}{'BILL PAY':<10}{'':6}261124   1091999040000001",
        *records,
        f"8225{2 * count:06d}{totals}1234567890{'':25}091999040000001",
        f"9000001{-(-(2 * count + 4) // 10):06d}{2 * count:08d}{totals}{'':39}",
    ]
    return ("\n".join(lines) + "\n").encode("ascii")


def _from_postgresql(count: int) -> None:
    import psycopg

    from billfold.platform.postgres.logins import SETTINGS, Login

    # The application's login makes no tables.
    with (
        _server.running() as folder,
        psycopg.connect(os.environ[SETTINGS[Login.OWNER]]) as connection,
    ):
        connection.execute(ROWS.replace("%s", str(count)))
        connection.execute("ANALYZE nacha_row")
        gc.freeze()  # What setting up has left is not looked through again and again.

        def copy() -> None:
            with (folder / "copied").open("wb") as out, connection.cursor().copy(COPY) as rows:
                for piece in rows:
                    out.write(piece)

        def ours() -> None:
            cursor = connection.cursor("rows", row_factory=_entries_of_rows)
            with (folder / "ours.ach").open("wb") as out, cursor:
                cursor.execute(SELECT)
                rows = iter(lambda: cursor.fetchmany(BATCH), [])
                nacha.write_to(out, HEAD, _batches(chain.from_iterable(rows)))

        written, copied = _race(count, ours, copy, rounds=3)
        _report_rates("rows in PostgreSQL to file on disk / COPY", written, copied, 0.5)


def main() -> int:
    """Measure and print; `--large` adds a million entries."""
    # First, while this process is small: a child begins with the peak of its parent.
    _memory(sorted({FEW, ENTRIES, MANY}))
    _in_memory()
    _from_postgresql(MANY)
    return 0


if __name__ == "__main__":
    sys.exit(main())
