"""What the simulated bank does not take, and that it says why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billfold.simulator.bank import reader
from billfold.simulator.bank.simulated_bank import SimulatedBank
from tests.rules.simulator.bank_customer import (
    BY_HAND,
    MONDAY,
    TERMS,
    TUESDAY,
    WEDNESDAY,
    Debit,
    acknowledgement,
    at,
    drop,
    lines,
    nacha,
)


def changed(line: int, first: int, text: str) -> Callable[[bytes], bytes]:
    """Overwrite some positions of one line, both counted from 1."""

    def change(content: bytes) -> bytes:
        start = (line - 1) * 95 + first - 1
        return content[:start] + text.encode("latin-1") + content[start + len(text) :]

    return change


def without_lines(*numbers: int) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        lines = content.splitlines(keepends=True)
        return b"".join(line for count, line in enumerate(lines, 1) if count not in numbers)

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda content: b"", "file: is empty"),
        (lambda content: content[:200] + content[201:], "line 3, record: has 93 characters"),
        (changed(3, 60, "\xe9"), "line 3, record: holds a character outside printable ASCII"),
        (without_lines(2), "line 2, record type: 6 cannot follow 1"),
        (without_lines(6, 7, 8, 9, 10), "ends after a record of type 8"),
        (without_lines(10), "blocking: 9 lines, expected a multiple of ten"),
        (changed(1, 4, " 091000019"), "line 1, immediate destination: is ' 091000019'"),
        (changed(1, 14, "9"), "line 1, immediate origin"),
        (changed(1, 24, "261332"), "line 1, file creation date: is '261332', not a day"),
        (changed(1, 24, "261117"), "line 1, file creation date: 2026-11-17 lies in the future"),
        (changed(1, 34, "a"), "line 1, file ID modifier"),
        (changed(1, 35, "093"), "line 1, record size"),
        (changed(2, 2, "220"), "line 3, transaction code: 27 is not allowed in class 220"),
        (changed(2, 2, "280"), "line 2, service class"),
        (changed(2, 5, " " * 16), "line 2, company name: is blank"),
        (changed(2, 41, "2"), "line 2, company identification: is '2910000001'"),
        (changed(2, 51, "IAT"), "line 2, SEC code: 'IAT' is not in your agreement"),
        (changed(2, 70, "      "), "line 2, effective entry date: is '      ', not a day"),
        (changed(2, 70, "261126"), "effective entry date: 2026-11-26 is not a banking day"),
        (changed(2, 70, "270216"), "2027-02-16 is more than 30 days ahead"),
        (changed(2, 88, "0000002"), "line 2, batch number: is '0000002', expected '0000001'"),
        (changed(3, 2, "55"), "line 3, transaction code: '55' is not in your agreement"),
        (changed(3, 12, "7"), "line 3, routing number: 129999017: check digit must be 8"),
        (changed(3, 4, "000000000"), "line 3, routing number: 000000000 cannot exist"),
        (changed(3, 4, "990000000"), "line 3, routing number: 990000000 cannot exist"),
        (changed(3, 13, " " * 17), "line 3, account number: is blank or all zeros"),
        (changed(3, 15, " "), "line 3, account number: may hold only letters"),
        (changed(3, 30, "0000000000"), "line 3, amount: is zero"),
        (changed(3, 2, "28"), "line 3, amount: must be zero with transaction code 28"),
        (changed(3, 30, "      12.0"), "line 3, amount: is '      12.0', not a number"),
        (changed(3, 55, " " * 22), "line 3, individual name: is blank"),
        (changed(3, 79, "1"), "line 3, addenda indicator: is '1', expected '0'"),
        (changed(3, 80, "09100001"), "line 3, trace number's ODFI"),
        (changed(3, 94, "2"), "line 4, trace number: 091999040000002 does not ascend"),
        (changed(5, 5, "000003"), "line 5, entry and addenda count: is 3, expected 2"),
        (changed(5, 11, "0000000001"), "line 5, entry hash: is 1, expected 19199803"),
        (changed(5, 21, "000000000001"), "line 5, total debits: is 1, expected 15050"),
        (changed(5, 33, "000000000001"), "line 5, total credits: is 1, expected 0"),
        (changed(6, 2, "000002"), "line 6, batch count: is 2, expected 1"),
        (changed(6, 8, "000002"), "line 6, block count: is 2, expected 1"),
        (changed(6, 32, "000000000001"), "line 6, total debits: is 1, expected 15050"),
    ],
)
def test_a_file_a_bank_would_not_take_is_refused_with_its_reason(tmp_path, change, reason):
    bank = SimulatedBank(tmp_path, TERMS)
    drop(bank, "a.ach", change(BY_HAND))

    bank.act(at(MONDAY, 16))
    bank.act(at(WEDNESDAY, 9))

    assert acknowledgement(bank, "a.ach").startswith("status: rejected\n")
    assert reason in acknowledgement(bank, "a.ach")
    assert lines(bank, TUESDAY) == []
    assert (bank.taken / "a.ach").exists()


def test_an_offset_is_refused_in_an_unbalanced_file_and_demanded_in_a_balanced_one(tmp_path):
    offset = Debit(TERMS.account_number, 12_000, "22", TERMS.odfi_routing_number)
    content = nacha([Debit("600000100"), offset], service_class="200")
    unbalanced = SimulatedBank(tmp_path / "unbalanced", TERMS)
    drop(unbalanced, "a.ach", content)
    balanced = SimulatedBank(tmp_path / "balanced", replace(TERMS, balanced=True))
    drop(balanced, "a.ach", BY_HAND)

    unbalanced.act(at(MONDAY, 16))
    balanced.act(at(MONDAY, 16))

    assert "an offset would settle twice" in acknowledgement(unbalanced, "a.ach")
    assert "debits 15050 and credits 0 must be equal" in acknowledgement(balanced, "a.ach")


@pytest.mark.parametrize(
    "spelling",
    [
        BY_HAND.replace(b"\n", b"\r\n"),
        BY_HAND.replace(b"\n", b""),
        BY_HAND[:-1],
    ],
    ids=["CRLF", "no line ends", "no last line end"],
)
def test_line_ends_do_not_matter(tmp_path, spelling):
    bank = SimulatedBank(tmp_path, TERMS)
    drop(bank, "a.ach", spelling)

    bank.act(at(MONDAY, 16))

    assert acknowledgement(bank, "a.ach").startswith("status: accepted\n")


@given(st.integers(min_value=0, max_value=949), st.integers(min_value=1, max_value=255))
@settings(deadline=None)
def test_one_damaged_byte_is_read_or_refused_but_never_changes_an_amount(place, flip):
    damaged = bytearray(BY_HAND)
    damaged[place] ^= flip

    reading = reader.read(bytes(damaged), terms=TERMS, today=MONDAY)

    assert reading.problems or [entry.amount_minor for entry in reading.entries] == [12_000, 3_050]
