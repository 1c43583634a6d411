"""Return codes and notices of change: what each makes us do."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billfold import bankdays
from billfold.rails.ach import reason_codes
from billfold.rails.ach.reason_codes import Correction
from billfold.rails.ach.return_reasons import RETURN_CODES, Deadline


def codes_with(**values: object) -> set[str]:
    """Name the codes whose row has these values."""
    return {
        code
        for code, row in RETURN_CODES.items()
        if all(getattr(row, name) == value for name, value in values.items())
    }


def test_every_code_of_the_rules_has_a_row():
    numbers = [*range(1, 48), *range(50, 54), 61, 62, *range(67, 78), *range(80, 86), 90]

    assert {f"R{number:02d}" for number in numbers} == RETURN_CODES.keys()


def test_only_lack_of_money_may_be_tried_again():
    assert codes_with(may_represent=True) == {"R01", "R09"}


def test_a_fee_is_charged_only_where_the_payer_could_have_prevented_it():
    assert codes_with(fee_chargeable=True) == {"R01", "R02", "R03", "R04", "R08", "R09", "R20"}
    assert codes_with(fee_by_debit=True) == {"R01", "R09"}


def test_unauthorised_codes_are_those_the_rules_count():
    assert codes_with(unauthorised=True) == {"R05", "R07", "R10", "R11", "R29", "R51"}


def test_an_account_that_cannot_be_debited_again_is_taken_out_of_use():
    assert codes_with(account="remove") == {
        *("R02", "R03", "R04", "R05", "R07", "R10", "R13", "R14", "R15", "R17", "R20"),
        *("R28", "R29", "R31", "R34", "R85"),
    }
    assert codes_with(account="hold") == {"R12", "R16", "R23", "R90"}


def test_nothing_is_tried_again_with_an_account_that_is_gone():
    assert not codes_with(account="remove") & codes_with(autopay="keep")
    assert not codes_with(may_represent=True) - codes_with(account="keep")


@pytest.mark.parametrize("code", RETURN_CODES)
def test_every_code_has_words_for_the_payer_and_for_staff(code: str):
    row = reason_codes.return_code(code)

    assert row.label
    assert row.meaning.endswith(".")
    assert row.todo.endswith(".")
    assert "R0" not in row.meaning
    assert not {"ACH", "RDFI", "ODFI"} & set(row.meaning.split())


def test_the_payer_is_not_told_of_a_death_or_of_sanctions():
    for code in ("R14", "R15", "R16", "R17", "R85", "R90"):
        meaning = reason_codes.return_code(code).meaning.lower()
        assert not any(word in meaning for word in ("decease", "death", "sanction", "fraud"))


@pytest.mark.parametrize("code", ["R97", "R48", "", "X"])
def test_an_unknown_code_holds_the_account_and_opens_a_case(code: str):
    row = reason_codes.return_code(code)

    assert row.code == code
    assert (row.account, row.autopay, row.opens_case) == ("hold", "hold", True)
    assert not (row.fee_chargeable or row.may_represent or row.unauthorised)
    assert reason_codes.deadline(code, date(2026, 11, 24)) is None


@pytest.mark.parametrize(
    ("code", "settlement", "latest"),
    [
        ("R01", date(2026, 11, 24), date(2026, 11, 27)),  # Thanksgiving between
        ("R10", date(2026, 11, 24), date(2027, 1, 25)),  # the 61st day is a Sunday
        ("R68", date(2026, 11, 24), date(2026, 12, 2)),
        ("R73", date(2026, 7, 2), date(2026, 7, 6)),  # Friday 3 July is a banking day
        ("R13", date(2026, 11, 24), None),
        ("R06", date(2026, 11, 24), None),
    ],
)
def test_a_return_has_its_deadline_in_banking_days(code, settlement, latest):
    assert reason_codes.deadline(code, settlement) == latest


def test_a_return_after_its_deadline_is_marked_as_such():
    settlement = date(2026, 11, 24)

    assert not reason_codes.is_untimely("R01", settlement=settlement, available=date(2026, 11, 27))
    assert reason_codes.is_untimely("R01", settlement=settlement, available=date(2026, 11, 30))
    assert not reason_codes.is_untimely("R10", settlement=settlement, available=date(2026, 11, 30))
    assert not reason_codes.is_untimely("R13", settlement=settlement, available=date(2027, 11, 30))


def test_a_return_is_in_time_while_its_deadline_lies_past_the_banking_calendar(monkeypatch):
    monkeypatch.setattr(bankdays.ACH, "published_through", 2026)
    settlement = date(2026, 11, 24)  # The 61st day is in 2027.

    assert not reason_codes.is_untimely("R10", settlement=settlement, available=date(2026, 12, 31))
    assert reason_codes.is_untimely("R01", settlement=settlement, available=date(2026, 12, 31))


def test_every_deadline_kind_that_names_days_can_be_computed():
    for code, row in RETURN_CODES.items():
        dated = row.deadline not in (Deadline.OPERATOR, Deadline.AGREED, Deadline.NONE)
        assert (reason_codes.deadline(code, date(2026, 11, 24)) is not None) == dated


def test_a_bank_that_suspects_fraud_is_heard():
    assert reason_codes.is_suspected_fraud("R17", "QUESTIONABLE")
    assert not reason_codes.is_suspected_fraud("R17", "")
    assert not reason_codes.is_suspected_fraud("R03", "QUESTIONABLE")


# Notices of change


@pytest.mark.parametrize(
    ("code", "data", "expected"),
    [
        ("C01", "4400009999", Correction(account_number="4400009999")),
        ("C01", "0044-A", Correction(account_number="0044-A")),
        ("C02", "021999051", Correction(routing_number="021999051")),
        ("C03", "021999051   8811223344", Correction("021999051", "8811223344")),
        ("C03", "021999051 8811223344", Correction("021999051", "8811223344")),
        ("C03", "021999051       8811223344", Correction("021999051", "8811223344")),
        ("C05", "37", Correction(account_type="savings")),
        ("C06", "778899              37", Correction(None, "778899", "savings")),
        ("C06", "778899 27", Correction(None, "778899", "checking")),
        ("C06", "12345678901234567   22", Correction(None, "12345678901234567", "checking")),
        ("C07", "021999051778899           37", Correction("021999051", "778899", "savings")),
        ("C07", "021999051 778899 37", Correction("021999051", "778899", "savings")),
        (
            "C07",
            "0219990511234567890123456727",
            Correction("021999051", "12345678901234567", "checking"),
        ),
    ],
)
def test_corrected_data_becomes_the_bank_data_to_use(code, data, expected):
    assert reason_codes.correction(code, data) == expected
    assert reason_codes.correction(code, data.ljust(29)) == expected


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("C01", ""),
        ("C01", "0000"),
        ("C01", "44000 09999"),
        ("C01", "123456789012345678"),
        ("C02", "021999052"),
        ("C02", "000000000"),
        ("C03", "021999051"),
        ("C03", "0219990518811223344"),
        ("C03", "021999052   8811223344"),
        ("C05", "47"),
        ("C05", "99"),
        ("C06", "778899"),
        ("C07", "021999051778899 37"),
        ("C07", "021999052778899           37"),
    ],
)
def test_corrected_data_that_is_not_well_formed_is_left_to_a_person(code, data):
    assert reason_codes.correction(code, data) is None


@pytest.mark.parametrize("code", ["C04", "C08", "C09", "C10", "C13", "C14", "C92"])
def test_a_change_of_anything_but_bank_data_changes_none(code: str):
    assert reason_codes.correction(code, "021999051") is None
    assert not reason_codes.change_code(code).applies


def test_a_correction_does_not_show_its_account_number():
    assert "4400009999" not in repr(reason_codes.correction("C01", "4400009999"))


@given(code=st.sampled_from([f"C{n:02d}" for n in range(1, 15)]), data=st.text(max_size=40))
def test_any_corrected_data_is_taken_or_left(code: str, data: str):
    correction = reason_codes.correction(code, data)

    assert correction is None or correction != Correction()
