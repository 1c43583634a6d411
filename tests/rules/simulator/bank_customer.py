"""What the simulated bank's tests share: a biller that writes files by hand and reads answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

from billfold.bankdays import EASTERN
from billfold.simulator.bank.simulated_bank import SimulatedBank
from billfold.simulator.bank.terms import BankTerms
from tests import places

FILES = places.FILES / "simulated-bank"
BY_HAND = (FILES / "two-web-debits.ach").read_bytes()

TERMS = BankTerms(
    odfi_routing_number="091999049",
    account_number="4400210077",
    company_id="1910000001",
    immediate_origin="1910000001",
    opening_balance_minor=1_000_000,
)
MONDAY = date(2026, 11, 16)
TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = (MONDAY + timedelta(days=count) for count in range(1, 5))


@dataclass(frozen=True)
class Debit:
    account: str
    amount_minor: int = 12_000
    code: str = "27"
    routing: str = "129999018"
    trace: str = ""


def nacha(
    debits: Sequence[Debit],
    *,
    modifier: str = "A",
    created: date = MONDAY,
    effective: date = MONDAY + timedelta(days=1),
    service_class: str = "225",
    sec: str = "WEB",
) -> bytes:
    """Write a one-batch file from the layout, by hand: none of our code but the test's."""
    odfi = TERMS.odfi_routing_number
    lines = [
        f"101 {odfi}{TERMS.immediate_origin}{created:%y%m%d}1500{modifier}094101{'':54}",
        f"5{service_class}{'CEDARLINE':36}{TERMS.company_id}{sec}{'BILL PAY':16}"
        f"{effective:%y%m%d}   1{odfi[:8]}0000001",
    ]
    for place, debit in enumerate(debits, start=1):
        trace = debit.trace or f"{odfi[:8]}{place:07d}"
        lines.append(
            f"6{debit.code}{debit.routing}{debit.account:17}{debit.amount_minor:010d}"
            f"{f'C-{place}':15}{f'PAYER {place}':22}S 0{trace}"
        )
    pulled = sum(debit.amount_minor for debit in debits if debit.code[1] >= "5")
    paid = sum(debit.amount_minor for debit in debits if debit.code[1] < "5")
    hashed = sum(int(debit.routing[:8]) for debit in debits) % 10**10
    sums = f"{hashed:010d}{pulled:012d}{paid:012d}"
    lines.append(
        f"8{service_class}{len(debits):06d}{sums}{TERMS.company_id}{'':25}{odfi[:8]}0000001"
    )
    blocks = -(-(len(lines) + 1) // 10)
    lines.append(f"9000001{blocks:06d}{len(debits):08d}{sums}{'':39}")
    lines += ["9" * 94] * (-len(lines) % 10)
    return ("\n".join(lines) + "\n").encode()


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), tzinfo=EASTERN)


def drop(bank: SimulatedBank, name: str, content: bytes) -> None:
    bank.to_bank.mkdir(parents=True, exist_ok=True)
    temporary = bank.to_bank / f".{name}.part"
    temporary.write_bytes(content)
    temporary.replace(bank.to_bank / name)


def run(
    folder: Path, debits: Sequence[Debit], *, days: int = 3, terms: BankTerms = TERMS
) -> SimulatedBank:
    """Send one file on Monday at 16:00 and let the bank work until 09:00 some days later."""
    bank = SimulatedBank(folder, terms)
    drop(bank, "cedarline-a.ach", nacha(debits))
    bank.act(at(MONDAY, 16))
    bank.act(at(MONDAY + timedelta(days=days), 9))
    return bank


def acknowledgement(bank: SimulatedBank, name: str) -> str:
    return (bank.from_bank / f"{name}.ack").read_text()


def records(bank: SimulatedBank, as_of: date) -> list[str]:
    """Read a statement's logical records: an 88 goes on with the text before it."""
    logical: list[str] = []
    for line in (bank.from_bank / f"PRIORDAY-{as_of:%Y%m%d}.bai").read_text().splitlines():
        if line.startswith("88,"):
            logical[-1] += " " + line[3:]
        else:
            logical.append(line)
    return logical


def lines(bank: SimulatedBank, as_of: date) -> list[str]:
    return [record for record in records(bank, as_of) if record.startswith("16,")]


def balances(bank: SimulatedBank, as_of: date) -> tuple[int, int, int, int]:
    """Opening, closing, credits, debits, in cents."""
    fields = next(record for record in records(bank, as_of) if record.startswith("03,")).split(",")
    assert fields[3::4] == ["010", "015", "100", "400"]
    return int(fields[4]), int(fields[8]), int(fields[12]), int(fields[16])


def returned(bank: SimulatedBank, delivered: date) -> list[str]:
    text = (bank.from_bank / f"RETURNS-{delivered:%Y%m%d}.ach").read_text().splitlines()
    assert len(text) % 10 == 0
    assert {len(line) for line in text} == {94}
    return [line for line in text if line[0] in "67"]
