"""camt.053: reading with every check, beside a bare lxml.iterparse over the same file."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
import time
from pathlib import Path

from bench import _figures, _size
from billfold.formats.iso20022 import camt

ENTRIES = _size.choose(tiny=20, usual=50_000, large=500_000)
WANTED = 0.5
ROUNDS = 5

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr>\
<MsgId>BENCH</MsgId><CreDtTm>2026-11-21T04:00:00-05:00</CreDtTm></GrpHdr><Stmt><Id>BENCH</Id>\
<Acct><Id><Othr><Id>5550123456</Id></Othr></Id><Ccy>USD</Ccy></Acct>{opening}{closing}
"""
_BALANCE = """<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy="USD">{amount}</Amt>\
<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-20</Dt></Dt></Bal>"""
_ENTRY = """<Ntry><NtryRef>E{n}</NtryRef><Amt Ccy="USD">346.18</Amt><CdtDbtInd>CRDT</CdtDbtInd>\
<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-11-20</Dt></BookgDt><ValDt><Dt>2026-11-20</Dt></ValDt>\
<AcctSvcrRef>S{n}</AcctSvcrRef><BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd>\
<SubFmlyCd>ATXN</SubFmlyCd></Fmly></Domn><Prtry><Cd>142</Cd><Issr>BAI</Issr></Prtry></BkTxCd>\
<NtryDtls><TxDtls><Refs><EndToEndId>{n}</EndToEndId></Refs><Amt Ccy="USD">346.18</Amt>\
<CdtDbtInd>CRDT</CdtDbtInd><RltdPties><Dbtr><Pty><Nm>PAYER {n} LLC</Nm></Pty></Dbtr></RltdPties>\
<RmtInf><Strd><RfrdDocInf><Tp><CdOrPrtry><Cd>CINV</Cd></CdOrPrtry></Tp><Nb>{invoice}</Nb>\
</RfrdDocInf><RfrdDocAmt><RmtdAmt Ccy="USD">346.18</RmtdAmt></RfrdDocAmt><CdtrRefInf>\
<Ref>{n}</Ref></CdtrRefInf></Strd></RmtInf></TxDtls></NtryDtls></Ntry>
"""


def _write(path: Path, entries: int) -> None:
    """Write a statement of credits with an invoice each, whose balances prove."""
    total = f"{entries * 34_618 / 100:.2f}"
    opening = _BALANCE.format(kind="OPBD", amount="0.00")
    closing = _BALANCE.format(kind="CLBD", amount=total)
    with path.open("w") as file:
        file.write(_HEAD.format(opening=opening, closing=closing))
        for n in range(100_000, 100_000 + entries):
            file.write(_ENTRY.format(n=n, invoice=90_000_000 + n))
        file.write("</Stmt></BkToCstmrStmt></Document>\n")


def _memory(content: bytes) -> None:
    """Report the memory reading takes, with all entries kept."""
    before_mb = _figures.peak_mb()
    statements = camt.read(content)
    peak_mb = _figures.peak_mb() - before_mb
    assert statements.summary()["proved_statements"] == 1 and not statements.warnings
    _figures.report(
        "memory of it above the file, bytes an entry",
        peak_mb * (1 << 20) / ENTRIES,
        3_000,
        at_most=True,
        note=f"{peak_mb:.0f} MB with all entries kept",
    )


def _against_lxml(path: Path, content: bytes) -> None:
    from lxml import etree

    def bare() -> None:
        for _ in etree.iterparse(path):
            pass

    def cleared() -> None:
        for _, element in etree.iterparse(path):
            element.clear()

    ours, limit, kept = _figures.quickest(
        lambda: camt.read(content), bare, cleared, rounds=ROUNDS, clock=time.process_time
    )
    note = (
        f"{ENTRIES:,} entries, {len(content) / (1 << 20):.0f} MB: {ours:.2f} s, bare iterparse "
        f"{limit:.2f} s, with element.clear() {kept:.2f} s; "
        f"lxml {'.'.join(map(str, etree.LXML_VERSION))}"
    )
    _figures.report("camt.053 read, of a bare lxml.iterparse", limit / ours, WANTED, note=note)


def main() -> int:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="billfold-bench-") as folder:
        path = Path(folder) / "camt.xml"
        _write(path, ENTRIES)
        content = path.read_bytes()
        _memory(content)  # First: later the peak would be that of the readers beside.
        if importlib.util.find_spec("lxml") is None:
            _figures.skip("lxml")
            (ours,) = _figures.quickest(
                lambda: camt.read(content), rounds=ROUNDS, clock=time.process_time
            )
            print(f"{ENTRIES:,} entries of camt.053 read in {ours:.2f} s")
        else:
            _against_lxml(path, content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
