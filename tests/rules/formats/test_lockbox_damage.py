"""Lockbox files of every shape, intact and damaged: read as written, or refused."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billfold.formats import lockbox
from billfold.formats.lockbox import (
    LockboxBatch,
    LockboxCheck,
    LockboxFile,
    LockboxProfile,
    LockboxRemittance,
    Unreadable,
)
from tests.rules.formats.lockbox_files import write
from tests.rules.formats.test_lockbox import (
    EMPTY,
    PAIRS_80,
    PLAIN,
    TWO_BATCHES,
    WIDE,
    check,
    joined,
    lockbox_file,
    remittance,
)

WORDS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,-/&", min_size=1, max_size=10).filter(
    lambda text: text.strip("0")
)
AMOUNTS = st.integers(0, 10**10 - 1)
DAYS = st.dates(date(2000, 1, 1), date(2099, 12, 31))


@st.composite
def any_remittance(draw: st.DrawFn, profile: LockboxProfile) -> LockboxRemittance:
    fields = profile.layouts["4"].remittances[0]
    words = {
        name: draw(WORDS) if name in fields else ""
        for name in ("customer_number", "invoice_number", "text")
    }
    amount = draw(st.none() | AMOUNTS) if "amount" in fields else None
    if amount and "sign" in fields and draw(st.booleans()):
        amount = -amount
    return remittance(amount_minor=amount, **words)


@st.composite
def any_file(draw: st.DrawFn, profile: LockboxProfile) -> LockboxFile:
    days = draw(
        st.lists(st.tuples(st.sampled_from(["0004150", "7"]), DAYS), unique=True, max_size=2)
    )
    batches = []
    for number, day in draw(
        st.lists(st.tuples(st.integers(1, 999), st.sampled_from(days)), unique=True, max_size=3)
        if days
        else st.just([])
    ):
        items = sorted(draw(st.sets(st.integers(0, 999), max_size=3)))
        checks = [draw(any_check(profile, item)) for item in items]
        batches.append(LockboxBatch(day[0], day[1], number, tuple(checks), line=0))
    batches.sort(key=lambda each: (each.lockbox, each.deposit_date))
    return replace(lockbox_file(*batches), created_date=draw(DAYS))


@st.composite
def any_check(draw: st.DrawFn, profile: LockboxProfile, item: int) -> LockboxCheck:
    sound_check = check(
        item,
        draw(st.integers(0, 10**9)),
        *draw(st.lists(any_remittance(profile), max_size=4)),
        check_number=draw(st.integers(0, 10**9).map(lambda number: str(number).strip("0"))),
        remitter=draw(st.just("") | WORDS),
        payee=draw(WORDS) if "payee" in profile.layouts["6"].fields else "",
    )
    return replace(sound_check, check_date=draw(st.none() | DAYS))


@settings(max_examples=50)
@given(st.data())
def test_what_was_written_is_read(data):
    profile = data.draw(st.sampled_from(lockbox.shipped_profiles()))
    written = data.draw(any_file(profile))
    line_end = data.draw(st.sampled_from(["\n", "\r\n"]))

    file = lockbox.read(write(profile, written, line_end=line_end), profile)

    assert file == written


def proved(file: LockboxFile) -> list[tuple[str, int]]:
    return [(each.key(one), one.amount_minor) for each in file.batches for one in each.checks]


def assert_harmless(content: bytes, original: LockboxFile, profile: LockboxProfile | None) -> None:
    try:
        file = lockbox.read(content, profile)
    except Unreadable as refusal:
        assert refusal.problems
    else:
        assert proved(file) == proved(original)


@pytest.mark.parametrize("content", [TWO_BATCHES, WIDE, EMPTY, write(PAIRS_80, PLAIN)])
def test_no_record_can_be_dropped_doubled_swapped_or_cut_unnoticed(content):
    lines = content.decode().splitlines()
    original = lockbox.read(content)
    for at in range(len(lines)):
        dropped = [*lines[:at], *lines[at + 1 :]]
        doubled = [*lines[:at], lines[at], *lines[at:]]
        swapped = [*lines[:at], *reversed(lines[at : at + 2]), *lines[at + 2 :]]
        for mutated in (dropped, doubled, swapped if at + 1 < len(lines) else lines[:at]):
            with pytest.raises(Unreadable):
                lockbox.read(joined(mutated))
        for length in range(1, len(lines[at].rstrip()), 4):
            cut = joined([*lines[:at], lines[at][:length], *lines[at + 1 :]])
            assert_harmless(cut, original, original_profile(original))


def original_profile(original: LockboxFile) -> LockboxProfile:
    return next(each for each in lockbox.shipped_profiles() if each.name == original.profile)


@pytest.mark.parametrize("content", [WIDE, EMPTY, write(PAIRS_80, PLAIN)])
def test_no_byte_can_be_cut_unnoticed(content):
    content = joined([line.rstrip() for line in content.decode().splitlines()])
    original = lockbox.read(content)
    for at in range(len(content)):
        assert_harmless(content[:at] + content[at + 1 :], original, original_profile(original))


@settings(max_examples=60)
@given(st.data())
def test_a_changed_digit_changes_no_total_unnoticed(data):
    content = data.draw(st.sampled_from([TWO_BATCHES, WIDE, EMPTY]))
    at = data.draw(st.integers(0, len(content) - 1))
    byte = data.draw(st.binary(min_size=1, max_size=1))
    original = lockbox.read(content)

    try:
        file = lockbox.read(content[:at] + byte + content[at + 1 :])
    except Unreadable:
        return

    assert file.amounts_minor() == original.amounts_minor()
    assert [amount for _, amount in proved(file)] == [amount for _, amount in proved(original)]
