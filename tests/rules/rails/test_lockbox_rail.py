"""The lockbox rail: one event for each check, with the remittances of its payer."""

from datetime import date

import pytest

from billfold.formats import lockbox
from billfold.formats.problems import Unreadable
from billfold.money import Money
from billfold.rails import lockbox as rail
from billfold.rails.protocol import BankDocument, RemittanceItem
from tests.rules.formats.lockbox_files import write
from tests.rules.formats.test_lockbox import (
    FILES,
    INVOICE_80,
    TWO_BATCHES,
    batch,
    check,
    lockbox_file,
    remittance,
)


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def test_each_check_is_money_received():
    events = rail.read(BankDocument("lockbox.bai", TWO_BATCHES))

    assert [(each.subject, each.amount.minor) for each in events] == [
        ("0004150/2026-11-20/1/1", 299750),
        ("0004150/2026-11-20/1/2", 34618),
        ("0004150/2026-11-20/1/3", 15000),
        ("0004150/2026-11-20/1/4", 9999),
        ("0004150/2026-11-20/2/1", 100000),
        ("0004150/2026-11-20/2/2", 2500),
    ]
    assert {each.on for each in events} == {date(2026, 11, 20)}
    assert (events[0].payer, events[0].amount) == ("ACME WIDGETS", usd(299750))
    assert events[4].remittances == (
        RemittanceItem("90010045", "200001", usd(105000)),
        RemittanceItem("CM-7731", "200001", usd(-5000)),
    )
    assert events[3].remittances == ()


def test_the_same_check_has_the_same_key_in_another_file():
    again = (FILES / "synthetic-duplicate-file-same-items.bai").read_bytes()

    first, second = (rail.read(BankDocument("x", content)) for content in (TWO_BATCHES, again))

    assert [each.key for each in first[:4]] == [each.key for each in second]
    assert len({each.key for each in first}) == 6


def test_a_memo_is_kept_as_text():
    profile = lockbox.shipped_profiles()[3]
    file = lockbox_file(batch(1, check(1, 100, remittance(text="APT 12 NOVEMBER"))))

    (event,) = rail.read(BankDocument("x", write(profile, file)), profile)

    assert event.remittances == (RemittanceItem(text="APT 12 NOVEMBER"),)


def test_a_check_without_an_amount_brings_no_money():
    file = lockbox_file(batch(1, check(1, 0), check(2, 100)))

    assert [each.amount for each in rail.read(BankDocument("x", write(INVOICE_80, file)))] == [
        usd(100)
    ]


def test_no_event_holds_the_bank_details_of_the_drawer():
    assert "1234567890" not in repr(rail.read(BankDocument("lockbox.bai", TWO_BATCHES)))


def test_a_file_that_cannot_be_trusted_is_no_event():
    bad = (FILES / "synthetic-bad-batch-total.bai").read_bytes()

    with pytest.raises(Unreadable):
        rail.read(BankDocument("x", bad))
