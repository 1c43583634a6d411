"""A lockbox file explained by a profile, for whoever writes the profile of a bank."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billfold.formats import lockbox
from tests.rules.formats.lockbox_files import write
from tests.rules.formats.test_lockbox import EMPTY, INVOICE_80, MEMO_104, PLAIN, TWO_BATCHES, WIDE


def test_a_line_is_shown_field_by_field():
    explanation = lockbox.explain(TWO_BATCHES, INVOICE_80)

    check, overflow = explanation.lines[3:5]
    assert (check.number, check.code, check.record) == (4, "6", "check")
    fields = {each.name: (each.first, each.last, each.raw, each.read_as) for each in check.fields}
    assert fields["amount"] == (8, 17, "0000299750", "2,997.50")
    assert fields["check date"] == (47, 52, "111526", "2026-11-15")
    assert fields["remitter"][3] == "ACME WIDGETS"
    assert [each.first for each in check.fields] == sorted(each.first for each in check.fields)
    named = {each.name: each.read_as for each in overflow.fields}
    assert named["remittance invoice number"] == "90010001"
    assert named["remittance sign"] == "positive"
    assert (explanation.problems, explanation.better, explanation.is_cut) == ((), None, False)


def test_several_remittances_of_a_record_are_numbered():
    pairs = lockbox.shipped_profiles()[2]

    overflow = lockbox.explain(write(pairs, PLAIN), pairs).lines[4]

    assert [each.read_as for each in overflow.fields if "remittance 2" in each.name] == [
        "INV-2",
        "40.00",
    ]


def test_bank_details_are_masked_in_their_columns():
    (check,) = [line for line in lockbox.explain(write(INVOICE_80, PLAIN), INVOICE_80).lines[3:4]]

    secret = {each.name: (each.raw, each.read_as) for each in check.fields if "number" in each.name}

    assert secret["account number"] == ("******7890", "******7890")
    assert secret["routing number"] == ("*****0000", "*****0000")
    assert secret["check number"][0] == "0000001001"
    assert "INV-1" not in repr(check)


def test_columns_that_no_field_reads_are_shown():
    overflow = lockbox.explain(WIDE, MEMO_104).lines[4]

    (uncovered,) = overflow.uncovered
    assert (uncovered.first, uncovered.last) == (42, 49)
    assert uncovered.raw.strip() == "00299750"
    assert [problem.code for problem in overflow.problems] == ["uncovered-columns"]


def test_columns_past_the_layout_and_unknown_records_are_shown():
    lines = write(INVOICE_80, PLAIN).decode().splitlines()
    lines[3:4] = [lines[3] + " LONGER", "X and what not"]

    explained = lockbox.explain("\n".join(lines).encode(), INVOICE_80).lines

    assert [each.raw for each in explained[3].uncovered] == [" LONGER"]
    assert (explained[4].record, explained[4].fields) == ("", ())
    assert [each.raw for each in explained[4].uncovered] == ["X and what not"]


def test_a_field_that_cannot_be_read_is_marked():
    spoiled = write(INVOICE_80, PLAIN).replace(b"0000010000", b"0000O10000", 1)

    line = lockbox.explain(spoiled, INVOICE_80).lines[3]

    assert [each.name for each in line.fields if each.is_misread] == ["amount"]
    assert [problem.code for problem in line.problems] == ["not-an-amount"]


def test_a_layout_that_fits_better_is_suggested():
    explanation = lockbox.explain(WIDE, MEMO_104)

    assert explanation.better is not None
    assert explanation.better.profile.name == "invoice-104"
    assert (explanation.better.errors, explanation.better.layout_warnings) == (0, 0)


def test_layouts_are_ranked_by_what_speaks_against_them():
    fits = lockbox.rank_profiles(TWO_BATCHES)

    assert [fit.profile.name for fit in fits] == [
        "invoice-80",
        "invoice-104",
        "memo-104",
        "pairs-80",
    ]
    assert fits[0].rank == (0, 0)
    assert fits[-1].errors > 0
    assert lockbox.rank_profiles(b"not a lockbox file") == ()


def test_problems_after_the_lines_shown_are_told():
    explanation = lockbox.explain(
        TWO_BATCHES.replace(b"9000021", b"9000022"), INVOICE_80, most_lines=3
    )

    assert len(explanation.lines) == 3
    assert explanation.is_cut
    assert [problem.code for problem in explanation.problems] == ["record-count"]


def test_what_is_no_lockbox_file_is_said():
    explanation = lockbox.explain(b"\xff\xfe1\x00", INVOICE_80)

    assert [problem.code for problem in explanation.problems] == ["encoding"]
    assert (explanation.lines, explanation.better) == ((), None)


@pytest.mark.parametrize("content", [TWO_BATCHES, WIDE, EMPTY])
def test_the_problems_of_the_lines_are_those_of_the_file(content):
    for profile in lockbox.shipped_profiles():
        explanation = lockbox.explain(content, profile)

        assert sum(len(line.problems) for line in explanation.lines) == len(explanation.problems)


@given(st.binary(max_size=300))
def test_anything_can_be_shown(content):
    for variant in (content, b"1" + content, EMPTY[:200] + content):
        assert lockbox.explain(variant, INVOICE_80).problems
