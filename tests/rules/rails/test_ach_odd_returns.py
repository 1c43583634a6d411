"""What banks send besides plain returns: odd ones, their own rejections, acknowledgements."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from billfold.money import Money
from billfold.rails import ach
from billfold.rails.protocol import AnyEvent, BankDocument, Noticed, Rejected, Returned
from tests import places

FILES = places.FILES / "nacha"


def events_of(lines: Sequence[str]) -> list[AnyEvent]:
    return ach.read(BankDocument("from-bank.ach", "\n".join(lines).encode()))


def lines_of(name: str) -> list[str]:
    return (FILES / name).read_text("ascii").splitlines()


def returns(name: str) -> list[AnyEvent]:
    return events_of(lines_of(name))


def put(line: str, column: int, text: str) -> str:
    """Write over a line at a column, counted from 1."""
    return line[: column - 1] + text + line[column - 1 + len(text) :]


def as_credit(name: str) -> list[str]:
    """Make a file's one debit a credit, as a customer of another bank would send it."""
    lines = [put(line, 2, "22") if line[0] == "6" else line for line in lines_of(name)]
    lines = [put(line, 2, "200") if line[0] in "58" else line for line in lines]
    return [
        put(line, at, line[at + 11 : at + 23] + line[at - 1 : at + 11])
        if (at := {"8": 21, "9": 32}.get(line[0], 0)) and line[1] != "9"
        else line
        for line in lines
    ]


def test_an_entry_that_answers_nothing_is_noticed_not_dropped():
    events = events_of(as_credit("biller-ctx-six-addenda.ach"))

    assert [(type(e), e.kind, e.code) for e in events] == [(Noticed, "unexpected", "CTX")]


@pytest.mark.parametrize(
    "name", ["biller-web-one-time.ach", "biller-prenote.ach", "biller-web-balanced-with-offset.ach"]
)
def test_promise_15_a_file_of_debits_to_send_is_no_file_of_returns(name: str):
    with pytest.raises(ach.NotReturns):
        returns(name)


def test_promise_15_a_debit_among_returns_is_noticed_and_the_returns_count():
    lines = lines_of("return-of-prenote-r03.ach")
    prenote = next(line for line in lines_of("biller-prenote.ach") if line[0] == "6")
    hashed = f"{(int(lines[2][3:11]) + int(prenote[3:11])) % 10**10:010d}"
    lines = [*lines[:4], prenote, *lines[4:]]
    lines[5] = put(put(lines[5], 5, "000003"), 11, hashed)
    lines[6] = put(put(lines[6], 14, "00000003"), 22, hashed)

    events = events_of(lines)

    assert [type(event) for event in events] == [Returned, Noticed]


ODD_RETURNS = {
    "no code": lambda entry, reply: (entry, put(reply, 4, "X01")),
    "a change in a batch of returns": lambda entry, reply: (entry, put(reply, 2, "98C01")),
}


@pytest.mark.parametrize("kind", ODD_RETURNS)
def test_promise_15_an_unclear_return_names_its_debit_and_the_others_count(kind: str):
    lines = lines_of("returns-admin-and-nsf.ach")
    lines[4:6] = ODD_RETURNS[kind](*lines[4:6])

    events = events_of(lines)

    odd = events.pop(1)
    assert isinstance(odd, Noticed)
    assert (odd.kind, odd.subject, odd.amount) == ("unclear", "091000010000002", Money(3710))
    assert len(events) == 6 and all(isinstance(event, Returned) for event in events)


def test_two_unclear_returns_that_look_alike_are_two_events():
    lines = lines_of("returns-admin-and-nsf.ach")
    for at in (2, 4):
        lines[at], lines[at + 1] = put(lines[at], 80, " " * 15), put(lines[at + 1], 2, "02")

    events = events_of(lines)

    assert len({event.key for event in events}) == len(events) == 7


def test_a_return_that_keeps_its_payment_addenda_counts_as_its_99_says():
    lines = lines_of("return-of-prenote-r03.ach")
    lines[3:3] = [f"705{'RMR*IV*1~':<80}0001{lines[2][87:94]}"]
    lines[5], lines[6] = put(lines[5], 5, "000003"), put(lines[6], 14, "00000003")

    (event,) = events_of(lines)

    assert isinstance(event, Returned)
    assert event.code == "R03"


# Rejected entries


def marked(at: int, mark: str = "REJ06030") -> list[str]:
    """Let the bank mark one record, by its line counted from 1, of a file that it took."""
    lines = lines_of("biller-no-block-padding.ach")
    lines[at - 1] = put(lines[at - 1], 80, mark)
    return lines


def test_promise_15_the_banks_mark_rejects_an_entry_and_the_others_are_listed():
    events = events_of(marked(4))

    rejected = [event for event in events if isinstance(event, Rejected)]
    assert [(e.subject, e.code, e.amount, e.customer_number) for e in rejected] == [
        ("091000010000002", "REJ06030", Money(3710), "100002")
    ]
    others = [event for event in events if not isinstance(event, Rejected)]
    assert [(type(e), getattr(e, "kind", "")) for e in others] == [(Noticed, "acknowledged")] * 3


def test_promise_15_the_banks_mark_on_a_batch_rejects_each_of_its_entries():
    lines = lines_of("biller-no-block-padding.ach")
    for at in (1, 6):
        lines[at] = put(lines[at], 80, "REJ01234")

    events = events_of(lines)

    assert [(type(e), e.subject, getattr(e, "code", "")) for e in events] == [
        (Rejected, f"09100001000000{number}", "REJ01234") for number in range(1, 5)
    ]


def test_an_entry_both_returned_and_marked_gives_two_events():
    lines = lines_of("return-of-prenote-r03.ach")
    lines[2] = put(lines[2], 80, "REJ06030")

    events = events_of(lines)

    assert [type(event) for event in events] == [Returned, Rejected]
    assert len({event.subject for event in events}) == 1


def test_a_credit_of_another_company_beside_rejected_entries_is_not_passed_over():
    credit = as_credit("biller-ctx-six-addenda.ach")[1:10]
    credit[0] = put(credit[0], 41, "1910000009")
    rejected = marked(4)
    assert credit[-1][0] == "8"
    other = put(credit[-1], 45, "1910000009")
    debits, hashed = rejected[7][31:43], int(rejected[7][21:31]) + int(other[10:20])
    total = f"9000002000002{4 + 7:08d}{hashed % 10**10:010d}{debits}{other[32:44]}{'':39}"

    events = events_of([*rejected[:7], *credit[:-1], other, total])

    kinds = [event.kind for event in events if isinstance(event, Noticed)]
    assert kinds == ["acknowledged"] * 3 + ["unexpected"]


def test_rejected_entries_of_which_the_mark_leaves_nothing_that_differs_are_told_apart():
    lines = marked(3, "REJ06030       ")
    lines[4] = lines[3] = lines[2]
    amount, bank = int(lines[2][29:39]), int(lines[2][3:11])
    last = lines[5]
    totals = (
        f"{(3 * bank + int(last[3:11])) % 10**10:010d}{3 * amount + int(last[29:39]):012d}{0:012d}"
    )
    lines[6], lines[7] = put(lines[6], 11, totals), put(lines[7], 22, totals)

    events = [event for event in events_of(lines) if isinstance(event, Rejected)]

    assert len({event.key for event in events}) == len(events) == 3
    assert "4400000001" not in repr(events)


def test_a_receiver_who_acknowledges_a_credit_asks_for_nothing():
    header = lines_of("return-of-prenote-r03.ach")[0]
    totals = f"{6199902:010d}{0:012d}{0:012d}"

    events = events_of(
        [
            header,
            f"5220{'HOLLIS':<36}1910000009ATX{'PAYMENT':<10}{'':6}261123   1061999020000001",
            f"624061999024{'44':<17}{0:010d}{'091999040000009':<15}0001{'CEDARLINE':<16}"
            f"    1061999020000001",
            f"705{'ACK*1~':<80}00010000001",
            f"8220000002{totals}1910000009{'':25}061999020000001",
            f"900000100000100000002{totals}{'':39}",
        ]
    )

    assert [(type(e), e.kind) for e in events] == [(Noticed, "acknowledged")]
