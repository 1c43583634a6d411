"""Sniffing what a file is from its ends: the slowest of many kinds, small and large."""

from __future__ import annotations

import sys
from itertools import islice

from bench import _figures, _size
from billfold import formats

MEGABYTE = 1 << 20
SIZES = _size.choose(
    tiny=[1_000, 20_000], usual=[1_000, 50 * MEGABYTE], large=[1_000, 50 * MEGABYTE, 250 * MEGABYTE]
)
ROUNDS = 20
MILLISECONDS = 1.0

NACHA = (
    "101 091999049 1234567890261123 0930A094101FIRST HARBOR BANK      CEDARLINE".ljust(94)
    + "\n"
    + "5225CEDARLINE                           1234567890WEBBILL PAY  261124261124   1".ljust(94)
    + "\n"
    + "627091999049000001           0000002599100001         A PAYER                 0".ljust(94)
    + "\n"
)
BEGINNINGS: dict[str, bytes] = {
    "Nacha": NACHA.encode(),
    "Nacha without line ends": NACHA.replace("\n", "").encode(),
    "BAI2": b"01,BANK,CEDARLINE,261120,0400,1,,,2/\n02,CEDARLINE,BANK,1,261120,2359,USD,2/\n",
    "X12": b"ISA*00*          *00*          *ZZ*PAYER          *ZZ*CEDARLINE      *261120*0930*U"
    b"*00401*000000101*0*P*:~GS*RA*A*B*20261120*0930*101*X*004010~ST*820*0001~",
    "XML": b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.08'><BkToCstmrStmt>",
    "XML of no kind": b"<a>" + b"<b c='d'/>" * 100,
    "JSON": b'{"rows": [',
    "CSV": b"invoice,amount,due\n" + b"INV-7,120.00,2026-11-20\n" * 20,
    "blanks": b" ",
    "zeros": b"\0",
    "commas": b",",
    "capitals": b"A",
    "digits": b"9",
    "line ends": b"\n",
    "angles": b"<",
    "high bytes": b"\xc3\x28",
}


def _fastest_ms(content: bytes) -> float:
    """Take the best of some rounds: what the machine does besides is not measured."""
    formats.sniff(content)
    return 1_000 * min(_figures.seconds(lambda: formats.sniff(content)) for _ in range(ROUNDS))


def _filled(beginning: bytes, size: int) -> bytes:
    return (beginning + beginning[-95:] * (size // min(95, len(beginning)) + 1))[:size]


def main() -> int:
    """Measure and print."""
    for size in SIZES:
        times = {name: _fastest_ms(_filled(head, size)) for name, head in BEGINNINGS.items()}
        slowest = sorted(times.items(), key=lambda kind: -kind[1])
        note = ", ".join(f"{name} {ms:.2f}" for name, ms in islice(slowest, 3))
        name = f"sniff of {size / MEGABYTE:,.3g} MB, slowest kind, ms"
        _figures.report(name, slowest[0][1], MILLISECONDS, at_most=True, note=note)
    return 0


if __name__ == "__main__":
    sys.exit(main())
