"""The directory names the bank behind a routing number."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billfold.formats import fedach
from billfold.formats.problems import Unreadable

LINE = (
    "091999049O0000000001112026000000000"
    + "FIRST  HARBOR BANK".ljust(36)
    + "12 QUAY STREET".ljust(36)
    + "HARBORVIEW".ljust(20)
    + "MN550010000202555010111"
)


def participant(number: str, name: str) -> dict[str, str]:
    return {"routingNumber": number, "customerName": name, "officeCode": "O"}


def test_the_demo_directory_names_the_six_made_up_banks():
    assert fedach.demo() == {
        "091999049": "First Harbor Bank",
        "110000000": "Prairie Sky Credit Union",
        "129999018": "Pacific Lantern Bank",
        "061999024": "Magnolia Trust Bank",
        "072999039": "Great Basin Savings",
        "021999051": "Hudson Fern Bank",
    }


def test_every_routing_number_of_the_demo_has_a_valid_check_digit():
    weights = (3, 7, 1, 3, 7, 1, 3, 7, 1)

    for number in fedach.demo():
        assert sum(int(d) * w for d, w in zip(number, weights, strict=True)) % 10 == 0


@pytest.mark.parametrize("end", ["\n", "\r\n", "     \r\n"])
def test_a_text_directory_is_read_by_its_columns(end):
    assert fedach.read((LINE + end).encode()) == {"091999049": "FIRST HARBOR BANK"}


def test_lines_that_are_no_participant_are_passed_over():
    noise = ["", "# a remark", "091999", LINE.replace("091999049", "09199904X"), LINE[:35]]

    assert len(fedach.read("\n".join([*noise, LINE]).encode())) == 1


def test_a_name_in_an_older_encoding_is_read():
    content = LINE.replace("FIRST  HARBOR", "BANCO DE PE\u00d1A").encode("latin-1")

    assert fedach.read(content)["091999049"].startswith("BANCO DE PE\u00d1A")


def test_a_json_directory_is_read_whatever_its_envelope():
    listed = [participant("091999049", "FIRST HARBOR BANK"), participant("x", "NO NUMBER"), 7]
    envelope = {"fedACHParticipants": {"response": {"code": 100}, "fedACHParticipants": listed}}

    for whole in (envelope, listed):
        content = json.dumps(whole, indent=2).encode()
        assert fedach.read(content) == {"091999049": "FIRST HARBOR BANK"}


@pytest.mark.parametrize(
    "content", [b"", b"not a directory", b"{", b"[]", b'{"a": 1}', b"[" * 100_000]
)
def test_a_directory_that_names_no_bank_is_refused(content):
    with pytest.raises(Unreadable) as refusal:
        fedach.read(content)

    assert [problem.code for problem in refusal.value.problems] == ["no-participant"]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_directory_or_refused(noise):
    assert fedach.read(LINE.encode() + b"\n" + noise)["091999049"]


@pytest.mark.skipif("BILLFOLD_SAMPLES" not in os.environ, reason="BILLFOLD_SAMPLES is not set")
@pytest.mark.parametrize(
    ("name", "number", "bank"),
    [
        ("FedACHdir-excerpt.txt", "011001962", "CATHAY BANK"),
        ("fedachdir.json", "073905527", "LINCOLN SAVINGS BANK"),
    ],
)
def test_public_directories_are_read(name, number, bank):
    content = (Path(os.environ["BILLFOLD_SAMPLES"]) / "fed-directory" / name).read_bytes()

    directory = fedach.read(content)

    assert directory[number] == bank
    assert not set(fedach.demo()) & set(directory)
