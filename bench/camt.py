"""camt.053: reading with every check, beside a bare lxml.iterparse over the same file."""

from __future__ import annotations

import gc
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench import _ground

ENTRIES, MANY_ENTRIES = 50_000, 500_000
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


def _best(*acts: Callable[[], object]) -> list[float]:
    """Give the processor seconds of each act's best round, taken in turns: others share the
    machine."""
    best = [float("inf")] * len(acts)
    for _ in range(ROUNDS):
        for number, act in enumerate(acts):
            gc.collect()
            start = time.process_time()
            act()
            best[number] = min(best[number], time.process_time() - start)
    return best


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    """Measure and print."""
    from lxml import etree

    from billfold.formats.iso20022 import camt

    entries = MANY_ENTRIES if "--large" in sys.argv else ENTRIES
    with tempfile.TemporaryDirectory(prefix="billfold-bench-") as folder:
        path = Path(folder) / "camt.xml"
        _write(path, entries)
        content = path.read_bytes()
        before_mb = _peak_mb()
        found = camt.read(content)
        peak_mb = _peak_mb() - before_mb
        assert found.summary()["proved_statements"] == 1 and not found.warnings
        del found

        def bare() -> None:
            for _ in etree.iterparse(path):
                pass

        def cleared() -> None:
            for _, element in etree.iterparse(path):
                element.clear()

        ours, limit, kept = _best(lambda: camt.read(content), bare, cleared)
        size_mb = len(content) / (1 << 20)
        note = (
            f"{entries:,} entries, {size_mb:.0f} MB: {ours:.2f} s, bare iterparse {limit:.2f} s, "
            f"with element.clear() {kept:.2f} s; lxml {'.'.join(map(str, etree.LXML_VERSION))}"
        )
        _ground.report("camt.053 read, of a bare lxml.iterparse", limit / ours, WANTED, note=note)
        _ground.report(
            "memory of it above the file, bytes an entry",
            peak_mb * (1 << 20) / entries,
            3_000,
            at_most=True,
            note=f"{peak_mb:.0f} MB with all entries kept",
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
