"""Small camt messages for tests."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from billfold.formats.iso20022 import camt
from billfold.formats.problems import Unreadable
from tests import places

FILES = places.FILES / "camt053"
STATEMENT = (FILES / "synthetic-us-biller.camt053.v8.xml").read_bytes()

BODIES = {
    "camt.052": ("BkToCstmrAcctRpt", "Rpt"),
    "camt.053": ("BkToCstmrStmt", "Stmt"),
    "camt.054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn"),
}


def money(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"


def balance(kind: str, minor: int, currency: str = "USD") -> str:
    sign = "DBIT" if minor < 0 else "CRDT"
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>"
        f'<Amt Ccy="{currency}">{money(abs(minor))}</Amt><CdtDbtInd>{sign}</CdtDbtInd>'
        "<Dt><Dt>2026-11-20</Dt></Dt></Bal>"
    )


def entry(minor: int = 10_000, *more: str, sign: str = "CRDT", status: str = "BOOK") -> str:
    """Write an entry as version 08 does; `more` goes in after its status."""
    return (
        f'<Ntry><Amt Ccy="USD">{money(minor)}</Amt><CdtDbtInd>{sign}</CdtDbtInd>'
        f"<Sts><Cd>{status}</Cd></Sts>{''.join(more)}</Ntry>\n"
    )


def details(*payments: str) -> str:
    return "<NtryDtls>" + "".join(f"<TxDtls>{each}</TxDtls>" for each in payments) + "</NtryDtls>"


def amount(minor: int, name: str = "Amt", currency: str = "USD") -> str:
    return f'<{name} Ccy="{currency}">{money(minor)}</{name}>'


def document(kind: str, version: str, *statements: str) -> bytes:
    body, container = BODIES[kind]
    inside = "".join(f"<{container}>{each}</{container}>\n" for each in statements)
    return (
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{kind}.001.{version}">\n<{body}>'
        f"<GrpHdr><MsgId>M</MsgId><CreDtTm>2026-11-21T04:00:00-05:00</CreDtTm></GrpHdr>\n"
        f"{inside}</{body}></Document>"
    ).encode()


def account(number: str = "5550123456", currency: str = "USD") -> str:
    return f"<Acct><Id><Othr><Id>{number}</Id></Othr></Id><Ccy>{currency}</Ccy></Acct>"


def statement(
    *entries: str, net: int, kind: str = "camt.053", version: str = "08", head: str = ""
) -> bytes:
    """Wrap entries that change the balance by `net` in a statement that proves."""
    balances = balance("OPBD", 50_000) + balance("CLBD", 50_000 + net)
    return document(kind, version, "\n".join(["<Id>S</Id>", account(), balances, head, *entries]))


def only_entry(content: bytes) -> camt.CamtEntry:
    (sole_entry,) = camt.read(content).entries
    return sole_entry


def refusals(content: bytes) -> list[tuple[str, int, str]]:
    """Return the errors that a message is refused for."""
    with pytest.raises(Unreadable) as refusal:
        camt.read(content)
    problems = refusal.value.problems
    assert all(problem.message and problem.fix for problem in problems)
    return [(each.code, each.line, each.field) for each in problems if each.severity == "error"]


def codes(content: bytes) -> list[str]:
    return [code for code, _, _ in refusals(content)]


def warnings(message: camt.CamtMessage) -> Sequence[tuple[str, str]]:
    return [(problem.code, problem.field) for problem in message.warnings]
