"""A moment in an ISO 20022 message is the day it has in the bank's own zone."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from billfold.bankdays import EASTERN
from billfold.formats.iso20022 import camt, fast_path, pacs008, parsing
from billfold.formats.iso20022.camt_reading import CamtReader
from billfold.rails import wire
from billfold.rails.protocol import BankDocument
from tests import places
from tests.rules.formats.camt_files import (
    account,
    balance,
    codes,
    document,
    entry,
    statement,
    warnings,
)

PACIFIC = ZoneInfo("America/Los_Angeles")
GUAM = ZoneInfo("Pacific/Guam")
THURSDAY, FRIDAY, SATURDAY = date(2026, 11, 19), date(2026, 11, 20), date(2026, 11, 21)


def dated(moment: str, element: str = "BookgDt") -> bytes:
    return statement(entry(1, f"<{element}><DtTm>{moment}</DtTm></{element}>"), net=1)


@pytest.mark.parametrize(
    ("moment", "zone", "day"),
    [
        ("2026-11-21T04:59:59Z", EASTERN, FRIDAY),
        ("2026-11-21T05:00:00Z", EASTERN, SATURDAY),
        ("2026-11-20T05:00:00Z", EASTERN, FRIDAY),
        ("2026-11-20T04:59:59.999Z", EASTERN, THURSDAY),
        ("2026-07-21T03:59:59Z", EASTERN, date(2026, 7, 20)),
        ("2026-07-21T04:00:00Z", EASTERN, date(2026, 7, 21)),
        ("2026-11-21T07:59:59Z", PACIFIC, FRIDAY),
        ("2026-11-19T14:00:00Z", GUAM, FRIDAY),
        ("2026-11-20T23:30:00.123-05:00", EASTERN, FRIDAY),
        ("2026-11-20T23:30:00-08:00", EASTERN, SATURDAY),
        ("2026-11-21T04:59:59+00:00", EASTERN, FRIDAY),
        ("2026-11-20T24:00:00-05:00", EASTERN, FRIDAY),
        ("2026-11-20T23:30:00", GUAM, FRIDAY),
        ("2026-11-20T00:00:00", PACIFIC, FRIDAY),
    ],
)
@pytest.mark.parametrize("element", ["BookgDt", "ValDt"])
def test_a_moment_is_the_day_it_has_in_the_banks_zone(moment, zone, day, element):
    (sole_entry,) = camt.read(dated(moment, element), zone=zone).entries

    assert (sole_entry.booked_date or sole_entry.value_date) == day
    (by_full_parser,) = CamtReader(dated(moment, element), zone=zone).read().entries
    assert by_full_parser == sole_entry


@pytest.mark.parametrize("written", ["2026-11-20", "2026-11-20Z", "2026-11-20+14:00"])
@pytest.mark.parametrize("zone", [EASTERN, PACIFIC, GUAM])
def test_a_day_is_that_day_in_every_zone(written, zone):
    content = statement(entry(1, f"<BookgDt><Dt>{written}</Dt></BookgDt>"), net=1)

    (sole_entry,) = camt.read(content, zone=zone).entries

    assert sole_entry.booked_date == FRIDAY


@pytest.mark.parametrize(
    "moment",
    ["2026-11-20T25:00:00Z", "2026-11-20T12:61:00Z", "2026-11-20T12:00:00+99:00",
     "0001-01-01T00:00:00+14:00", "2026-02-30T12:00:00Z"],
)  # fmt: skip
def test_a_moment_that_is_none_refuses_the_message(moment):
    assert codes(dated(moment)) == ["date"]


def moments_of_friday() -> bytes:
    """Write a statement of a Friday with every date as a moment in UTC."""
    inside = (
        "<Id>S</Id><CreDtTm>2026-11-21T09:00:00Z</CreDtTm><FrToDt><FrDtTm>2026-11-20T05:00:00Z"
        f"</FrDtTm><ToDtTm>2026-11-21T04:59:59Z</ToDtTm></FrToDt>{account()}"
        + balance("OPBD", 1_000).replace("<Dt>2026-11-20</Dt>", "<DtTm>2026-11-20T05:00:00Z</DtTm>")
        + balance("CLBD", 1_100).replace("<Dt>2026-11-20</Dt>", "<DtTm>2026-11-21T04:59:59Z</DtTm>")
        + entry(100, "<BookgDt><DtTm>2026-11-21T02:00:00Z</DtTm></BookgDt>",
                "<ValDt><DtTm>2026-11-21T02:00:00Z</DtTm></ValDt>")
    )  # fmt: skip
    return document("camt.053", "08", inside)


@pytest.mark.parametrize("chunk", [7, 1 << 16])
def test_promise_27_balances_bookings_and_value_dates_are_of_one_day(monkeypatch, chunk):
    monkeypatch.setattr(parsing, "CHUNK_BYTES", chunk)
    monkeypatch.setattr(fast_path, "CHUNK_BYTES", chunk)

    message = camt.read(moments_of_friday())

    (read,) = message.statements
    assert (read.as_of_date, {each.on for each in read.balances}) == (FRIDAY, {FRIDAY})
    assert {(each.booked_date, each.value_date) for each in read.entries} == {(FRIDAY, FRIDAY)}
    assert message.warnings == ()


def test_a_statement_without_closing_balance_is_of_the_day_its_period_ends():
    written = moments_of_friday().replace(b"CLBD", b"XXXX")

    (read,) = camt.read(written).statements

    assert read.as_of_date == FRIDAY


def test_promise_27_a_booking_at_a_weekend_hints_at_another_zone_once():
    late = entry(1, "<BookgDt><DtTm>2026-11-21T04:00:00Z</DtTm></BookgDt>")
    content = statement(entry(1), late, late, net=3)

    right, wrong = camt.read(content), camt.read(content, zone=ZoneInfo("UTC"))

    assert "booked-on-weekend" not in {code for code, _ in warnings(right)}
    hints = [each for each in wrong.warnings if each.code == "booked-on-weekend"]
    assert [(hint.line, hint.field) for hint in hints] == [
        (9, "BkToCstmrStmt/Stmt/Ntry[2]/BookgDt")
    ]
    assert "booked on a Saturday" in hints[0].message


def test_a_wire_is_received_on_the_day_in_the_banks_zone():
    notice = document(
        "camt.054",
        "08",
        "<Id>N</Id>"
        + account()
        + entry(100, "<BookgDt><DtTm>2026-11-21T04:00:00Z</DtTm></BookgDt>"),
    )

    days = [wire.read(BankDocument("n", notice, zone=str(zone)))[0].on for zone in (EASTERN, GUAM)]

    assert days == [FRIDAY, SATURDAY]


def test_a_wire_order_without_a_settlement_day_is_of_the_day_it_was_made():
    content = (places.FILES / "wire" / "synthetic-pacs008-ustrd.xml").read_text()
    start = content.index("<CreDtTm>")
    created = "<CreDtTm>2026-11-21T04:59:59Z"
    content = content[:start] + created + content[content.index("</CreDtTm>") :]

    days = [pacs008.read(content.encode(), zone=zone).created_date for zone in (EASTERN, GUAM)]

    assert days == [FRIDAY, SATURDAY]
