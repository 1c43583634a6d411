"""A biller's profile file: read whole, or refused with every line that is wrong."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billfold.cli.profile import fields, files
from billfold.cli.profile.fields import InvalidProfileValue, ProfileField
from billfold.cli.profile.files import ProfileRefused
from billfold.rails.protocol import BankProfile
from tests import places

SAMPLE = places.PROJECT / "deploy" / "biller.toml"


def problems(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "biller.toml"
    path.write_text(text)
    with pytest.raises(ProfileRefused) as refusal:
        files.read(path)
    return [str(problem) for problem in refusal.value.problems]


def test_the_sample_file_is_read_whole() -> None:
    profile = files.read(SAMPLE)

    assert profile.biller["trade_name"] == "Cedarline"
    assert profile.biller["return_fee_minor"] == 2500
    assert profile.tiles is not None
    assert profile.tiles[0]["kind"] == "link"
    assert profile.fee_caps[0]["cap_minor"] == 2500
    assert profile.banks[0]["odfi_routing_number"] == "091999049"
    assert profile.banks[0]["cutoff_eastern"] == time(17)
    assert profile.banks[0]["transport"]["kind"] == "folder"


def test_the_sample_file_names_every_field_of_biller_and_bank() -> None:
    text = SAMPLE.read_text()
    names = {*fields.BILLER, *fields.BANK, *fields.SFTP}

    assert [name for name in sorted(names) if f"{name} = " not in text] == []


def test_an_account_number_is_at_most_what_a_file_can_hold() -> None:
    assert BankProfile.__dataclass_fields__["settlement_account"] is not None
    with pytest.raises(InvalidProfileValue):
        fields.account_number("1" * 18)


def test_all_that_is_wrong_is_told_with_its_line(tmp_path: Path) -> None:
    problem_lines = problems(
        tmp_path,
        '[biller]\nstate = "Ohio"\naddress = """\nstate = 5\n"""\nreturn_fee = 25.0\n'
        'color = "red"\n\n[[fee_cap]]\nstate = "OH"\n\n[[fee_cap]]\nstate = "CT"\ncap = "x"\n',
    )

    assert [words.split(":")[0] for words in problem_lines] == [
        "line 2, biller.state",
        "line 6, biller.return_fee",
        "line 7, biller.color",
        *["line 9, [fee_cap]"] * 3,
        *["line 12, [fee_cap]"] * 2,
        "line 14, fee_cap.cap",
    ]


def test_a_bank_needs_a_way_to_travel(tmp_path: Path) -> None:
    text = SAMPLE.read_text()

    without = problems(tmp_path, text.partition("[bank.transport]")[0])
    other = problems(tmp_path, text.replace('kind = "folder"', 'kind = "pigeon"', 1))
    relative = problems(tmp_path, text.replace('"/srv/bank/out"', '"bank/out"'))

    assert "needs a table [bank.transport]" in without[0]
    assert "bank.transport.kind: must be folder or sftp" in other[0]
    assert "bank.transport.to_bank: must be a full path" in relative[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[biller]\nstate "OH"\n', "line 2"),
        ('[biler]\nstate = "OH"\n', "line 1, biler: is not known here"),
        ("biller = 5\n", "must be written as [biller]"),
        ("[tile]\nlabel = 'x'\n", "must be written as [[tile]]"),
        ('[biller]\nach_routing_number = "091999048"\n', "is no routing number"),
        ('[biller]\nsupport_email = "nobody"\n', "must be an e-mail address"),
        ('[biller]\nzone = "Ohio/Fairhaven"\n', "must be a time zone"),
        ("[biller]\ndebit_days = true\n", "must be a whole number"),
        ('[biller]\nreturn_fee = "-1.00"\n', "must not be below zero"),
        ('[biller]\ndeposit_account_number = "4111111111111111"\n', "looks like a card number"),
        ('[biller]\ntrade_name = "a\\u0007b"\n', "holds U+0007 control character at character 2"),
        ('[biller]\ntrade_name = "a\\nb"\n', "holds U+000A line break at character 2"),
        ('[biller]\nsupport_hours = "9\\u202e5"\n', "holds U+202E right-to-left override"),
        ('[biller]\nremit_to = "PO Box\\n1\\u200b"\n', "U+200B zero width space at character 9"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(tmp_path: Path, text: str, words: str) -> None:
    assert words in problems(tmp_path, text)[0]


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "biller.toml"
    path.write_bytes(b"[biller]\nname = \xff\n")

    with pytest.raises(ProfileRefused, match="not UTF-8"):
        files.read(path)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)
FIELDS = [
    field
    for table in ("BILLER", "TILE", "FEE_CAP", "BANK", "FOLDER", "SFTP")
    for field in getattr(fields, table).values()
]


@given(value=JUNK, field=st.sampled_from(FIELDS))
def test_a_field_takes_a_value_or_says_what_is_wrong(value: object, field: object) -> None:
    assert isinstance(field, ProfileField)
    try:
        field.read(value)
    except InvalidProfileValue as refusal:
        assert str(refusal)
