"""The simulated bank, seen from outside: files in, files out, days in between."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from billfold.bankdays import EASTERN, NaiveMoment
from billfold.simulator.bank import outcomes
from billfold.simulator.bank.records import check_digit
from billfold.simulator.bank.simulated_bank import SimulatedBank
from tests.rules.simulator.bank_customer import (
    BY_HAND,
    FRIDAY,
    MONDAY,
    TERMS,
    THURSDAY,
    TUESDAY,
    WEDNESDAY,
    Debit,
    acknowledgement,
    at,
    balances,
    drop,
    lines,
    nacha,
    returned,
    run,
)


def test_a_file_written_by_hand_is_accepted_and_settles_the_next_banking_day(tmp_path):
    bank = SimulatedBank(tmp_path, TERMS)
    drop(bank, "cedarline-20261116-A.ach", BY_HAND)

    bank.act(at(MONDAY, 16))

    assert acknowledgement(bank, "cedarline-20261116-A.ach") == (
        "status: accepted\n"
        "file: cedarline-20261116-A.ach\n"
        f"sha256: {hashlib.sha256(BY_HAND).hexdigest()}\n"
        "size: 950\n"
        "entries: 2\n"
        "debit_total_minor: 15050\n"
        "credit_total_minor: 0\n"
        "taken_at: 2026-11-16T16:00:00-05:00\n"
        "settles_on: 2026-11-17\n"
    )
    assert (bank.taken / "cedarline-20261116-A.ach").read_bytes() == BY_HAND
    assert not list(bank.to_bank.iterdir())


def test_the_prior_day_statement_shows_one_credit_for_the_whole_file(tmp_path):
    bank = SimulatedBank(tmp_path, TERMS)
    drop(bank, "cedarline-20261116-A.ach", BY_HAND)
    bank.act(at(MONDAY, 16))

    bank.act(at(WEDNESDAY, 6))

    assert (bank.from_bank / "PRIORDAY-20261117.bai").read_text() == (
        "01,091999049,1910000001,261118,0600,1,,,2/\n"
        "02,1910000001,091999049,1,261117,2359,USD,2/\n"
        "03,4400210077,USD,010,1000000,,,015,1015050,,,100,15050,1,Z,400,0,0,Z/\n"
        "16,166,15050,Z,ACH261116A261117,1910000001,ACH SETTLEMENT FILE\n"
        "88,cedarline-20261116-A MOD A EFF 261117 ENTRIES 2\n"
        "49,2045150,4/\n"
        "98,2045150,1,6/\n"
        "99,2045150,1,8/\n"
    )


def test_a_statement_comes_every_banking_day_even_an_empty_one(tmp_path):
    bank = run(tmp_path, [Debit("600000100")], days=4)

    names = sorted(path.name for path in bank.from_bank.glob("*.bai"))

    assert names == [f"PRIORDAY-{day:%Y%m%d}.bai" for day in (MONDAY, TUESDAY, WEDNESDAY, THURSDAY)]
    assert lines(bank, MONDAY) == []


def test_nothing_is_delivered_before_its_hour(tmp_path):
    bank = SimulatedBank(tmp_path, TERMS)
    drop(bank, "a.ach", nacha([Debit("600000101")]))
    bank.act(at(MONDAY, 16))

    moments = []
    now = at(MONDAY, 16)
    for _ in range(4):
        before = set(bank.from_bank.iterdir())
        now = bank.next_due(now)
        assert bank.act(now - timedelta(seconds=1)) == []
        assert set(bank.from_bank.iterdir()) == before
        assert len(bank.act(now)) == 1
        moments.append(now.astimezone(EASTERN).strftime("%a %H:%M"))

    assert moments == ["Tue 06:00", "Wed 06:00", "Wed 06:30", "Thu 06:00"]


def test_insufficient_funds_come_back_the_morning_after_and_are_debited_that_day(tmp_path):
    bank = run(tmp_path, [Debit("600000100"), Debit("600000101", 3_050)])

    entry, addendum = returned(bank, WEDNESDAY)

    assert entry.startswith("626091999049600000101        0000003050C-2")
    assert addendum.startswith("799R01091999040000002      12999901")
    assert lines(bank, TUESDAY)[0].startswith("16,166,15050,Z,")
    assert lines(bank, WEDNESDAY) == [
        "16,557,3050,Z,RTN129999010000001,,RETURN ITEM R01 TRACE 091999040000002 PAYER 2"
    ]


@pytest.mark.parametrize(
    ("account", "code", "delivered"),
    [
        ("600000103", "R03", WEDNESDAY),
        ("600000110", "R10", THURSDAY),
        ("600000160", "R10", date(2026, 11, 25)),
    ],
)
def test_each_account_number_brings_its_return_on_its_day(tmp_path, account, code, delivered):
    bank = run(tmp_path, [Debit(account)], days=11)

    assert [line[3:6] for line in returned(bank, delivered)[1::2]] == [code]
    assert len(list(bank.from_bank.glob("RETURNS-*"))) == 1
    assert lines(bank, delivered)[0].startswith("16,557,12000,")


def test_a_notice_of_change_moves_no_money(tmp_path):
    bank = run(tmp_path, [Debit("600000111")], days=4)

    entry, addendum = returned(bank, WEDNESDAY)

    assert entry[29:39] == "0" * 10
    assert addendum[:64] == "798C01091999040000001      12999901600000100                    "
    assert balances(bank, THURSDAY)[1] == TERMS.opening_balance_minor + 12_000


def test_a_late_credit_stands_on_the_day_after(tmp_path):
    bank = run(tmp_path, [Debit("600000171")], days=3)

    assert lines(bank, TUESDAY) == []
    assert lines(bank, WEDNESDAY)[0].startswith("16,166,12000,Z,ACH261116A261117,")


def test_a_repeated_statement_has_another_name_and_the_same_bytes(tmp_path):
    bank = run(tmp_path, [Debit("600000172")])

    again = bank.from_bank / "PRIORDAY-20261117-AGAIN.bai"

    assert again.read_bytes() == (bank.from_bank / "PRIORDAY-20261117.bai").read_bytes()
    assert len(list(bank.from_bank.glob("*-AGAIN.bai"))) == 1


def test_a_netted_return_comes_off_the_credit_and_has_no_line_of_its_own(tmp_path):
    bank = run(tmp_path, [Debit("600000100"), Debit("600000173", 3_050)])

    assert [line.split(",")[1:3] for line in lines(bank, TUESDAY)] == [["166", "12000"]]
    assert lines(bank, WEDNESDAY) == []
    assert returned(bank, WEDNESDAY)[1].startswith("799R01091999040000002")


def test_a_netted_return_alone_in_its_file_leaves_no_line_at_all(tmp_path):
    bank = run(tmp_path, [Debit("600000173")])

    assert lines(bank, TUESDAY) == lines(bank, WEDNESDAY) == []
    assert len(returned(bank, WEDNESDAY)) == 2


def test_an_unknown_trace_is_one_that_was_never_sent(tmp_path):
    bank = run(tmp_path, [Debit("600000174")])

    assert returned(bank, WEDNESDAY)[1].startswith("799R01091999049999999")
    assert "TRACE 091999049999999" in lines(bank, WEDNESDAY)[0]


def test_a_wrong_amount_is_wrong_in_the_file_and_on_the_statement(tmp_path):
    bank = run(tmp_path, [Debit("600000175")])

    assert returned(bank, WEDNESDAY)[0][29:39] == "0000012100"
    assert lines(bank, WEDNESDAY)[0].startswith("16,557,12100,")


def test_a_bank_that_settles_net_takes_the_returns_of_the_day_off_the_credit(tmp_path):
    net = replace(TERMS, settlement="net")
    debits = [Debit("600000100"), Debit("600000101", 2_000), Debit("600000110", 500)]

    bank = run(tmp_path, debits, days=4, terms=net)

    assert lines(bank, TUESDAY)[0].startswith("16,166,12500,")
    assert lines(bank, WEDNESDAY) == []
    assert lines(bank, THURSDAY)[0].startswith("16,557,500,")


def test_a_prenote_to_no_account_is_returned_without_money(tmp_path):
    prenotes = [Debit(f"6000001{ending}", 0, "28") for ending in ("02", "03", "01", "10")]

    bank = run(tmp_path, prenotes)

    entries = returned(bank, WEDNESDAY)
    assert [line[:6] for line in entries] == ["626091", "799R02", "626091", "799R03"]
    assert lines(bank, TUESDAY) == lines(bank, WEDNESDAY) == []


def test_a_balanced_file_settles_by_its_own_offset(tmp_path):
    balanced = replace(TERMS, balanced=True)
    offset = Debit(TERMS.account_number, 24_000, "22", TERMS.odfi_routing_number)
    content = nacha([Debit("600000100"), Debit("600000101"), offset], service_class="200")
    bank = SimulatedBank(tmp_path, balanced)
    drop(bank, "a.ach", content)

    bank.act(at(MONDAY, 16))
    bank.act(at(THURSDAY, 9))

    assert acknowledgement(bank, "a.ach").startswith("status: accepted\n")
    assert [line.split(",")[1:3] for line in lines(bank, TUESDAY)] == [["166", "24000"]]
    assert lines(bank, WEDNESDAY)[0].startswith("16,557,12000,")


def test_refunds_in_a_file_are_one_debit(tmp_path):
    refund = Debit("600000100", 4_000, "22")
    bank = SimulatedBank(tmp_path, TERMS)
    drop(bank, "a.ach", nacha([refund], service_class="220", sec="PPD"))

    bank.act(at(MONDAY, 16))
    bank.act(at(WEDNESDAY, 9))

    assert lines(bank, TUESDAY)[0].startswith("16,467,4000,Z,ACD261116A261117,")


@pytest.mark.parametrize(
    ("sent", "effective", "settles"),
    [
        (at(MONDAY, 16, 59), TUESDAY, TUESDAY),
        (at(MONDAY, 17), TUESDAY, WEDNESDAY),
        (at(MONDAY, 16), FRIDAY, FRIDAY),
        (at(MONDAY, 16), date(2026, 11, 13), TUESDAY),
        (at(date(2026, 11, 25), 16), date(2026, 11, 27), date(2026, 11, 27)),
        (at(date(2026, 11, 26), 10), date(2026, 11, 27), date(2026, 11, 30)),
        (at(date(2026, 11, 28), 23, 30), date(2026, 11, 30), date(2026, 12, 1)),
    ],
)
def test_money_moves_on_the_effective_date_or_the_first_day_possible(
    tmp_path, sent, effective, settles
):
    bank = SimulatedBank(tmp_path, TERMS)
    drop(bank, "a.ach", nacha([Debit("600000100")], effective=effective))

    bank.act(sent)

    assert f"settles_on: {settles}\n" in acknowledgement(bank, "a.ach")


def test_over_thanksgiving_every_banking_day_has_its_statement_and_balances_join(tmp_path):
    bank = SimulatedBank(tmp_path, TERMS)
    start = date(2026, 11, 23)
    endings = ["00", *(outcome.ending for outcome in outcomes.OUTCOMES)]
    now = at(start, 9)
    for count, ending in enumerate(endings):
        content = nacha(
            [Debit("6000002" + ending), Debit("600000200", 700)],
            modifier=chr(65 + count),
            created=start,
            effective=date(2026, 11, 24),
        )
        drop(bank, f"file-{ending}.ach", content)
    while now < at(date(2026, 12, 7), 9):
        bank.act(now)
        now = bank.next_due(now)

    days = [path.name[9:17] for path in sorted(bank.from_bank.glob("PRIORDAY-????????.bai"))]
    assert days[:5] == ["20261123", "20261124", "20261125", "20261127", "20261130"]
    carried = TERMS.opening_balance_minor
    for text in days:
        opening, closing, came, went = balances(bank, datetime.strptime(text, "%Y%m%d").date())
        assert opening == carried
        assert closing == opening + came - went
        carried = closing
    settled_minor = 12_000 * len(endings) + 700 * len(endings) - 8 * 12_000 - 100
    assert carried == TERMS.opening_balance_minor + settled_minor


def test_a_file_may_be_sent_once(tmp_path):
    bank = SimulatedBank(tmp_path, TERMS)
    drop(bank, "first.ach", BY_HAND)
    bank.act(at(MONDAY, 15))

    drop(bank, "second.ach", BY_HAND)
    drop(bank, "first.ach", BY_HAND)
    drop(bank, "third.ach", nacha([Debit("600000100")]))
    bank.act(at(MONDAY, 16))
    bank.act(at(WEDNESDAY, 9))

    same = "reason: duplicate: the same file was accepted before as first.ach\n"
    assert same in acknowledgement(bank, "second.ach")
    assert same in acknowledgement(bank, "first.ach.2")
    assert "status: accepted" in acknowledgement(bank, "first.ach")
    assert "A was used on that date by first.ach" in acknowledgement(bank, "third.ach")
    assert len(lines(bank, TUESDAY)) == 1


def test_a_refused_file_may_be_sent_again_when_it_is_right(tmp_path):
    bank = SimulatedBank(tmp_path, TERMS)
    drop(bank, "a.ach", nacha([Debit("600000100", 0)]))
    bank.act(at(MONDAY, 15))
    drop(bank, "a.ach", nacha([Debit("600000100")]))

    bank.act(at(MONDAY, 16))

    assert acknowledgement(bank, "a.ach").startswith("status: rejected\n")
    assert acknowledgement(bank, "a.ach.2").startswith("status: accepted\n")
    assert sorted(path.name for path in bank.taken.iterdir()) == ["a.ach", "a.ach.2"]


def test_unfinished_uploads_are_left_alone(tmp_path):
    bank = SimulatedBank(tmp_path, TERMS)
    bank.act(at(MONDAY, 9))
    for name in (".a.ach.part", "a.ach.tmp", "a.ach.part"):
        (bank.to_bank / name).write_bytes(BY_HAND)

    assert bank.act(at(MONDAY, 10)) == []
    assert len(list(bank.to_bank.iterdir())) == 3


def test_a_moment_needs_a_zone(tmp_path):
    with pytest.raises(NaiveMoment):
        SimulatedBank(tmp_path, TERMS).act(datetime(2026, 11, 16, 9))


def test_every_documented_outcome_has_an_account_number_and_a_sentence():
    assert len({outcome.ending for outcome in outcomes.OUTCOMES}) == len(outcomes.OUTCOMES)
    for outcome in outcomes.OUTCOMES:
        assert outcomes.for_account(f"6000000{outcome.ending}        ") is outcome
        assert outcome.sentence.endswith(".")
    assert outcomes.for_account("600000100") is outcomes.ACCEPTED


def test_check_digits_are_the_published_ones():
    for routing in ("110000000", "129999018", "061999024", "072999039", "091999049", "021999051"):
        assert check_digit(routing[:8]) == routing[8]
