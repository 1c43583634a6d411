"""Two readings of the same layouts, made apart: our formats and the simulated bank agree."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from billfold.formats import bai2, nacha
from billfold.simulator.bank import outcomes, reader
from billfold.simulator.bank.simulated_bank import SimulatedBank
from tests.rules.simulator.bank_customer import (
    MONDAY,
    TERMS,
    THURSDAY,
    TUESDAY,
    WEDNESDAY,
    at,
    drop,
)

ROUTING_NUMBERS = ("110000000", "129999018", "061999024", "072999039", "021999051")
ODFI = TERMS.odfi_identification

customers = st.builds(
    nacha.NachaEntry,
    transaction_code=st.sampled_from([27, 37]),
    routing_number=st.sampled_from(ROUTING_NUMBERS),
    account_number=st.from_regex(r"[0-9A-Z-]{3,14}[1-9][0-9]{2}", fullmatch=True),
    amount_minor=st.integers(min_value=1, max_value=9_999_999_999),
    identification=st.from_regex(r"[A-Z0-9-]{0,15}", fullmatch=True),
    name=st.from_regex(r"[A-Z][A-Z ',./&-]{0,20}[A-Z]", fullmatch=True),
    trace=st.just(""),
    discretionary=st.sampled_from(["S", "R"]),
)


def batch(entries: list[nacha.NachaEntry], number: int, sec: str) -> nacha.NachaBatch:
    traced = [
        replace(entry, trace=f"{ODFI}{number:03d}{place:04d}")
        for place, entry in enumerate(entries, start=1)
    ]
    return nacha.NachaBatch(
        service_class=225,
        company_name="CEDARLINE",
        company_id=TERMS.company_id,
        sec_code=sec,
        description="BILL PAY",
        effective_date=TUESDAY,
        odfi=ODFI,
        number=number,
        entries=tuple(traced),
    )


def file(batches: list[nacha.NachaBatch]) -> nacha.NachaFile:
    return nacha.NachaFile(
        destination=TERMS.odfi_routing_number,
        origin=TERMS.immediate_origin,
        created_on=MONDAY,
        created_at=time(15, 0),
        modifier="A",
        batches=tuple(batches),
        destination_name="FIRST HARBOR BANK",
        origin_name="CEDARLINE",
    )


@given(st.lists(st.lists(customers, min_size=1, max_size=8), min_size=1, max_size=4))
@settings(deadline=None, max_examples=25)
def test_the_bank_takes_every_file_we_write_and_reads_the_same_in_it(groups):
    sent = file([batch(group, count, "WEB") for count, group in enumerate(groups, start=1)])

    reading = reader.read(nacha.write(sent), terms=TERMS, today=MONDAY)

    assert list(map(str, reading.problems)) == []
    assert reading.debit_minor == sent.totals.debit_minor
    assert [
        (entry.rdfi, entry.account_number, entry.amount_minor, entry.name, entry.trace)
        for entry in reading.entries
    ] == [
        (entry.routing_number, entry.account_number, entry.amount_minor, entry.name, entry.trace)
        for _, entry in sent.entries()
    ]


def payer(ending: str, amount_minor: int = 12_000) -> nacha.NachaEntry:
    return nacha.NachaEntry(
        27, "129999018", f"6000001{ending}", amount_minor, "C-1001", "ADA A/B, EXAMPLE/", "", "S"
    )


def run(folder: Path, endings: list[str]) -> SimulatedBank:
    bank = SimulatedBank(folder, TERMS)
    sent = file([batch([payer(ending) for ending in endings], 1, "WEB")])
    drop(bank, "cedarline-20261116-A.ach", nacha.write(sent))
    bank.act(at(MONDAY, 16))
    bank.act(at(date(2026, 12, 1), 9))
    return bank


def test_we_read_every_return_file_the_bank_writes(tmp_path):
    endings = ["00", *(outcome.ending for outcome in outcomes.OUTCOMES)]
    traces = {ending: f"{ODFI}001{place:04d}" for place, ending in enumerate(endings, start=1)}
    bank = run(tmp_path, endings)

    read = {
        path.name: nacha.read(path.read_bytes()) for path in bank.from_bank.glob("RETURNS-*.ach")
    }

    replies = {
        name: [
            (entry.return_or_change.code, entry.return_or_change.original_trace)
            for _, entry in each.entries()
        ]
        for name, each in read.items()
    }
    assert replies == {
        "RETURNS-20261118.ach": [
            ("R01", traces["01"]),
            ("R02", traces["02"]),
            ("R03", traces["03"]),
            ("R01", traces["73"]),
            ("R01", f"{ODFI}9999999"),
            ("R01", traces["75"]),
            ("C01", traces["11"]),
        ],
        "RETURNS-20261119.ach": [("R10", traces["10"])],
        "RETURNS-20261125.ach": [("R10", traces["60"])],
    }
    assert [each.warnings for each in read.values()] == [()] * 3
    change = read["RETURNS-20261118.ach"].batches[1]
    assert change.sec_code == "COR"
    assert change.entries[0].return_or_change.corrected.strip() == "600000100"
    returned = read["RETURNS-20261118.ach"].batches[0]
    assert (returned.odfi, returned.settlement_day) == ("12999901", WEDNESDAY.timetuple().tm_yday)
    assert {entry.routing_number for entry in returned.entries} == {TERMS.odfi_routing_number}


def test_we_read_every_statement_the_bank_writes(tmp_path):
    endings = ["00", *(outcome.ending for outcome in outcomes.OUTCOMES if outcome.ending != "71")]
    bank = run(tmp_path, endings)

    read = [
        bai2.read(path.read_bytes())
        for path in sorted(bank.from_bank.glob("PRIORDAY-????????.bai"))
    ]

    groups = [statement.groups[0] for statement in read]
    assert [group.as_of_date for group in groups[:4]] == [MONDAY, TUESDAY, WEDNESDAY, THURSDAY]
    carried = TERMS.opening_balance_minor
    for group in groups:
        account = group.accounts[0]
        assert (account.number, account.currency) == (TERMS.account_number, "USD")
        assert account.balance_minor("010") == carried
        carried = account.balance_minor("015")
    credit = groups[1].accounts[0].transactions[0]
    assert (credit.type_code, credit.amount_minor) == ("166", 10 * 12_000)
    assert credit.text == "ACH SETTLEMENT FILE cedarline-20261116-A MOD A EFF 261117 ENTRIES 11"
    debits = groups[2].accounts[0].transactions
    assert [(line.type_code, line.amount_minor) for line in debits] == [
        ("557", 12_000),
        ("557", 12_000),
        ("557", 12_000),
        ("557", 12_000),
        ("557", 12_100),
    ]
    assert debits[0].text == f"RETURN ITEM R01 TRACE {ODFI}0010002 ADA A B, EXAMPLE"
