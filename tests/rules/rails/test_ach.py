"""The ACH rail: what we ask for leaves in one Nacha file; what comes back becomes events."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billfold import bankdays, money
from billfold.formats import nacha
from billfold.formats.nacha import Unreadable, Unwritable
from billfold.money import CurrencyMismatch, Money
from billfold.rails import ach
from billfold.rails.protocol import (
    AnyEvent,
    BankDocument,
    BankProfile,
    Corrected,
    Noticed,
    Order,
    Returned,
    WrittenFile,
)
from tests import places

FILES = places.FILES / "nacha"

BANK = BankProfile(
    odfi_routing_number="091999049",
    odfi_name="First Harbor Bank",
    immediate_origin="1234567890",
    company_name="Cedarline Communications",
    company_id="1234567890",
)
BALANCED = replace(BANK, balanced=True, settlement_account="5550001")

PAYMENT = Order(
    reference="P-1",
    direction="debit",
    amount=Money(12_050),
    routing_number="110000000",
    account_number="4400000001",
    account_type="checking",
    holder_name="Zoë Example",
    customer_number="100001",
    sec_code="WEB",
)


def write(*orders: Order, bank: BankProfile = BANK, first: int = 1) -> WrittenFile:
    return ach.write(
        orders,
        bank=bank,
        now=datetime(2026, 11, 24, 3, 15, tzinfo=UTC),
        effective_date=date(2026, 11, 25),
        modifier="A",
        first_sequence=first,
    )


def returns(name: str) -> list[AnyEvent]:
    return ach.read(BankDocument(name=name, content=(FILES / name).read_bytes()))


# Asking


def test_a_payment_becomes_one_debit_of_its_account():
    written = write(PAYMENT)

    (batch,) = nacha.read(written.document.content).batches
    (entry,) = batch.entries
    assert (batch.sec_code, batch.description, batch.service_class) == ("WEB", "BILL PAY", 225)
    assert batch.effective_date == date(2026, 11, 25)
    assert (entry.transaction_code, entry.amount_minor) == (27, 12_050)
    assert (entry.routing_number, entry.account_number) == ("110000000", "4400000001")
    assert (entry.name, entry.identification) == ("ZOE EXAMPLE", "100001")
    assert entry.discretionary == "S"


def test_a_file_carries_the_date_of_the_banks_clock():
    file = nacha.read(write(PAYMENT).document.content)

    assert file.created_on == date(2026, 11, 23)
    assert (file.created_at.hour, file.created_at.minute) == (22, 15)


def test_a_savings_account_is_debited_as_one():
    written = write(replace(PAYMENT, account_type="savings"))

    assert nacha.read(written.document.content).batches[0].entries[0].transaction_code == 37


def test_single_and_recurring_payments_go_in_batches_of_their_own():
    written = write(
        replace(PAYMENT, recurring=True),
        replace(PAYMENT, sec_code="CCD"),
        PAYMENT,
        replace(PAYMENT, sec_code="PPD", recurring=True),
    )

    batches = nacha.read(written.document.content).batches
    assert [(b.number, b.sec_code, b.description) for b in batches] == [
        (1, "CCD", "BILL PAY"),
        (2, "PPD", "AUTOPAY"),
        (3, "WEB", "BILL PAY"),
        (4, "WEB", "AUTOPAY"),
    ]
    assert [b.entries[0].discretionary for b in batches] == ["", "", "S", "R"]


def test_a_prenote_goes_with_the_company_data_of_its_debit_in_a_batch_of_its_own():
    checking = replace(PAYMENT, reference="ASKED", amount=Money(0))
    savings = replace(checking, account_type="savings")

    written = write(checking, PAYMENT, savings)

    live, zero = nacha.read(written.document.content).batches
    assert [entry.transaction_code for entry in live.entries] == [27]
    assert [(e.transaction_code, e.amount_minor) for e in zero.entries] == [(28, 0), (38, 0)]
    same = replace(zero, number=live.number, entries=live.entries)
    assert same == live
    assert written.debit == PAYMENT.amount
    assert [entry.amount.minor for entry in written.entries] == [PAYMENT.amount.minor, 0, 0]


def test_a_balanced_bank_gets_no_offset_for_prenotes():
    written = write(replace(PAYMENT, amount=Money(0)), bank=BALANCED, first=7)

    (batch,) = nacha.read(written.document.content).batches
    assert (batch.service_class, len(batch.entries)) == (225, 1)
    assert (written.credit, written.last_sequence) == (Money(0), 7)


def test_a_balanced_bank_gets_the_batch_total_as_a_credit_at_its_end():
    written = write(PAYMENT, PAYMENT, replace(PAYMENT, sec_code="CCD"), bank=BALANCED, first=7)

    batches = nacha.read(written.document.content).batches
    assert {batch.service_class for batch in batches} == {200}
    for batch in batches:
        offset = batch.entries[-1]
        assert offset.transaction_code == 22
        assert (offset.routing_number, offset.account_number) == ("091999049", "5550001")
        assert batch.totals.debit_minor == batch.totals.credit_minor == offset.amount_minor
    assert written.debit == written.credit == Money(36_150)
    assert len(written.entries) == 3
    assert written.last_sequence == 11


def test_a_name_in_another_script_gives_way_to_the_customer_number():
    written = write(replace(PAYMENT, holder_name="山田太郎"))

    assert nacha.read(written.document.content).batches[0].entries[0].name == "CUSTOMER 100001"


ORDERS = st.lists(
    st.builds(
        Order,
        reference=st.uuids().map(str),
        direction=st.just("debit"),
        amount=st.integers(1, 10**10 - 1).map(Money),
        routing_number=st.sampled_from(["110000000", "129999018", "061999024"]),
        account_number=st.integers(1, 10**17 - 1).map(str),
        account_type=st.sampled_from(["checking", "savings"]),
        holder_name=st.text(max_size=30),
        customer_number=st.integers(0, 10**9).map("C{}".format),
        sec_code=st.sampled_from(["WEB", "PPD", "CCD"]),
        recurring=st.booleans(),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=30, deadline=None)
@given(orders=ORDERS, first=st.integers(1, 9_000_000))
def test_every_order_is_asked_for_once_and_exactly(orders, first):
    written = write(*orders, first=first)

    file = nacha.read(written.document.content)
    lines = [entry for _, entry in file.entries()]
    assert [(e.trace, e.amount.minor, e.rdfi) for e in written.entries] == [
        (line.trace, line.amount_minor, line.routing_number[:8]) for line in lines
    ]
    assert [int(line.trace) for line in lines] == [
        9_199_904 * 10**7 + first + index for index in range(len(orders))
    ]
    assert written.last_sequence == first + len(orders) - 1
    by_reference = {order.reference: order for order in orders}
    assert Counter(e.reference for e in written.entries) == Counter(list(by_reference))
    for entry, line in zip(written.entries, lines, strict=True):
        order = by_reference[entry.reference]
        assert (line.account_number, line.amount_minor) == (
            order.account_number,
            order.amount.minor,
        )
    assert written.debit == money.total(c.amount for c in orders)
    assert file.totals.debit_minor == written.debit.minor


@settings(max_examples=10, deadline=None)
@given(orders=ORDERS)
def test_the_same_orders_give_the_same_bytes(orders):
    assert write(*orders).document == write(*orders).document


def test_what_the_bank_would_refuse_is_not_written():
    with pytest.raises(Unwritable):
        write(replace(PAYMENT, routing_number="110000001"))
    with pytest.raises(Unwritable):
        write()
    with pytest.raises(Unwritable):
        write(PAYMENT, bank=replace(BALANCED, settlement_account=""))


def test_only_dollars_move_by_ach():
    with pytest.raises(CurrencyMismatch):
        write(replace(PAYMENT, amount=Money(100, "CAD")))


def test_a_file_is_not_dated_by_a_moment_without_a_zone():
    with pytest.raises(bankdays.NaiveMoment):
        ach.write(
            [PAYMENT],
            bank=BANK,
            now=datetime(2026, 11, 23, 9, 30),
            effective_date=date(2026, 11, 24),
            modifier="A",
            first_sequence=1,
        )


def test_no_more_is_asked_than_one_file_may_hold():
    with pytest.raises(ach.TooManyOrders) as refusal:
        write(PAYMENT, PAYMENT, PAYMENT, bank=replace(BANK, max_entries=2))

    assert (refusal.value.requested, refusal.value.allowed) == (3, 2)


@given(
    minors=st.lists(st.integers(1, 500), max_size=12),
    largest=st.integers(1, 2_000),
    most=st.integers(1, 8),
)
def test_a_file_takes_as_many_as_the_bank_allows_and_no_more(minors, largest, most):
    bank = replace(BANK, max_entries=most, max_file_minor=largest)

    room = ach.room([Money(minor) for minor in minors], bank=bank)

    assert room <= most
    assert sum(minors[:room]) <= largest
    assert room in (most, len(minors)) or sum(minors[: room + 1]) > largest


def test_no_more_money_is_asked_than_one_file_may_hold():
    with pytest.raises(ach.TooMuchMoney) as refusal:
        write(PAYMENT, PAYMENT, bank=replace(BANK, max_file_minor=24_099))

    assert (refusal.value.requested, refusal.value.allowed) == (Money(24_100), Money(24_099))


def test_a_balanced_file_holds_no_more_than_its_offset_can():
    assert ach.largest_total(BANK).minor == 999_999_999_999
    assert ach.largest_total(BALANCED).minor == 9_999_999_999


def test_an_effective_date_is_a_banking_day():
    with pytest.raises(Unwritable):
        ach.write(
            [PAYMENT],
            bank=BANK,
            now=datetime(2026, 11, 24, 3, 15, tzinfo=UTC),
            effective_date=date(2026, 11, 26),
            modifier="A",
            first_sequence=1,
        )


def test_trace_numbers_never_run_over():
    assert write(PAYMENT, first=9_999_999).last_sequence == 9_999_999
    with pytest.raises(ach.TooManyOrders):
        write(PAYMENT, PAYMENT, first=9_999_999)
    with pytest.raises(ach.TooManyOrders):
        write(PAYMENT, bank=BALANCED, first=9_999_999)


# Hearing back


def test_returns_name_the_debit_they_send_back():
    events = returns("returns-admin-and-nsf.ach")

    assert [(e.subject, e.code, e.amount.minor) for e in events if isinstance(e, Returned)] == [
        ("091000010000001", "R01", 2599),
        ("091000010000002", "R02", 3710),
        ("091000010000003", "R03", 4821),
        ("091000010000004", "R04", 5932),
        ("091000010000005", "R09", 2599),
        ("091000010000006", "R16", 1000),
        ("091000010000007", "R20", 1500),
    ]
    assert {e.rdfi for e in events if isinstance(e, Returned)} == {"12104288"}


def test_a_return_counts_on_the_day_the_operator_settled_it():
    # Day 328 of 2026, in a file made on 20 November.
    assert {event.on for event in returns("returns-admin-and-nsf.ach")} == {date(2026, 11, 24)}


def settlement_date_of(created: bytes, day: bytes) -> date:
    data = (FILES / "return-of-prenote-r03.ach").read_bytes()
    data = data.replace(b"2611200930", created + b"0930").replace(b"261123328", b"261123" + day)
    (event,) = ach.read(BankDocument("returns.ach", data))
    return event.on


def test_a_settlement_day_belongs_to_the_year_nearest_the_file():
    assert settlement_date_of(b"270104", b"365") == date(2026, 12, 31)
    assert settlement_date_of(b"261231", b"004") == date(2027, 1, 4)
    assert settlement_date_of(b"290102", b"366") == date(2028, 12, 31)


def test_without_a_settlement_day_the_files_date_counts():
    for blank in (b"   ", b"000", b"999"):
        assert settlement_date_of(b"261120", blank) == date(2026, 11, 20)


def test_a_notice_of_change_brings_its_29_characters():
    events = returns("noc-c01-to-c09.ach")

    assert all(isinstance(event, Corrected) for event in events)
    assert [(e.subject, e.code, e.corrected.rstrip()) for e in events][:3] == [
        ("091000010000001", "C01", "4400009999"),
        ("091000010000002", "C02", "021000021"),
        ("091000010000003", "C03", "021000021   8811223344"),
    ]


def test_one_file_may_mix_returns_and_notices():
    events = returns("mixed-returns-and-noc-one-file.ach")

    assert [(type(e), e.code) for e in events] == [
        (Returned, "R01"),
        (Corrected, "C01"),
        (Returned, "R06"),
        (Returned, "R31"),
    ]


def test_a_day_without_returns_brings_nothing():
    assert returns("zero-return-day-no-batches.ach") == []


def test_the_same_return_in_another_file_has_the_same_key():
    first = returns("mixed-returns-and-noc-one-file.ach")[0]
    again = returns("returns-admin-and-nsf.ach")[0]

    assert first.key == again.key == "return/091000010000001/R01/12104288/2599"


@pytest.mark.parametrize(
    "name",
    [path.name for path in FILES.glob("*.ach") if path.name.startswith(("return", "noc", "mixed"))],
)
def test_each_fact_of_a_file_has_its_own_key_whenever_it_is_read(name: str):
    events = returns(name)

    assert len({event.key for event in events}) == len(events)
    assert returns(name) == events


def test_no_account_number_shows_in_an_event():
    assert not any("4400009999" in f"{e.key} {e!r}" for e in returns("noc-c01-to-c09.ach"))
    assert "4400000001" not in repr(PAYMENT)


def read_with_addendum(addendum: str) -> AnyEvent:
    """Read a file whose one return carries another addendum."""
    lines = (FILES / "return-of-prenote-r03.ach").read_bytes().decode().splitlines()
    lines[3] = addendum.ljust(79) + lines[3][79:]
    if addendum.startswith("798"):
        lines[1] = lines[1][:50] + "COR" + lines[1][53:]
    (event,) = ach.read(BankDocument("returns.ach", "\n".join(lines).encode()))
    return event


def test_a_dishonoured_return_is_for_a_person_to_look_at():
    event = read_with_addendum(
        "799R68059999990000301      12391871   12391871000000117901Untimely Return"
    )

    assert isinstance(event, Noticed)
    assert (event.kind, event.code, event.subject) == ("dishonoured", "R68", "059999990000301")
    assert event.info == "R01 Untimely Return"


def test_a_contested_return_is_for_a_person_to_look_at():
    event = read_with_addendum(
        "799R73059999990000301261120123918713247799999900003013250188999999000030132667"
    )

    assert isinstance(event, Noticed)
    assert (event.kind, event.code, event.subject) == ("contested", "R73", "059999990000301")
    assert event.info == "R01 R67"


def test_a_refused_notice_of_change_is_for_a_person_to_look_at():
    event = read_with_addendum(
        "798C61091000010000001      121042884400009999                   C010000001"
    )

    assert isinstance(event, Noticed)
    assert (event.kind, event.code) == ("correction_refused", "C61")


def test_an_unknown_return_code_is_still_a_return():
    event = read_with_addendum("799R97091000010000001      12104288")

    assert isinstance(event, Returned)
    assert event.code == "R97"


def test_a_damaged_return_file_brings_no_events_at_all():
    data = (FILES / "returns-admin-and-nsf.ach").read_bytes()

    with pytest.raises(Unreadable):
        ach.read(BankDocument("returns.ach", data.replace(b"0000002599", b"0000002598", 1)))
