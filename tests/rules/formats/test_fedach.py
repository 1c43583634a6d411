"""The directory names the bank behind a routing number, or is refused with every reason."""

import json
import os
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billfold.formats import fedach
from billfold.formats.nacha import is_routing_number
from billfold.formats.problems import Unreadable
from billfold.formats.sniffing import sniff
from tests import places

FILES = places.FILES / "fed-directory"
TEXT = (FILES / "made-up.txt").read_bytes()
JSON = (FILES / "made-up.json").read_bytes()
LINE = TEXT.splitlines()[3].decode()
ROUTING_NUMBER = "routing number, positions 1-9"


def row(number: str = "091999049", name: str = "FIRST HARBOR BANK", **other: str) -> str:
    office, kind = other.get("office", "O"), other.get("kind", "1")
    changed, new = other.get("changed", "110126"), other.get("new", "000000000")
    return f"{number}{office}000000000{kind}{changed}{new}{name:36}12 QUAY STREET"


def participant(number: object, name: object, **other: object) -> dict[str, object]:
    return {
        "routingNumber": number,
        "customerName": name,
        "officeCode": "O",
        "recordTypeCode": "1",
        **other,
    }


def refusals(content: bytes | str) -> list[tuple[str, int, str]]:
    with pytest.raises(Unreadable) as refusal:
        fedach.read(content.encode() if isinstance(content, str) else content)
    assert all(problem.message and problem.fix for problem in refusal.value.problems)
    return [(problem.code, problem.line, problem.field) for problem in refusal.value.problems]


def test_the_demo_directory_names_the_six_made_up_banks():
    assert fedach.demo_names() == {
        "091999049": "First Harbor Bank",
        "110000000": "Prairie Sky Credit Union",
        "129999018": "Pacific Lantern Bank",
        "061999024": "Magnolia Trust Bank",
        "072999039": "Great Basin Savings",
        "021999051": "Hudson Fern Bank",
    }


def test_every_routing_number_of_the_demo_is_one():
    assert all(map(is_routing_number, fedach.demo_names()))


@pytest.mark.parametrize("content", [TEXT, JSON], ids=["text", "json"])
def test_a_directory_is_read_whole(content):
    directory = fedach.read(content)

    assert directory.names["129999018"] == "PACIFIC LANTERN BANK"
    assert directory.names["072999039"] == "FIRST HARBOR BANK"
    assert directory.replacements == {"072999039": "091999049"}
    assert [each.routing_number for each in directory.participants if each.is_branch] == [
        "110000000"
    ]
    assert directory.revised_date == date(2026, 11, 1)
    assert directory.summary() == {"participants": 6, "replaced": 1, "revised": "2026-11-01"}
    assert directory.warnings == ()


def test_text_and_json_say_the_same():
    assert fedach.read(TEXT) == fedach.read(JSON)


@pytest.mark.parametrize("end", ["\n", "\r\n", "     \r\n", "\n\n", "\n\x1a", ""])
def test_line_ends_and_blanks_do_not_matter(end):
    assert fedach.read((LINE + end).encode()).names == {"091999049": "FIRST HARBOR BANK"}


@pytest.mark.parametrize("width", [94, 85])
def test_a_row_may_be_cut_after_the_name(width):
    assert fedach.read(LINE[:width].encode()).names == {"091999049": "FIRST HARBOR BANK"}


def test_a_name_in_an_older_encoding_is_read():
    content = row(name="BANCO DE PE\u00d1A").encode("latin-1")

    assert fedach.read(content).names["091999049"] == "BANCO DE PE\u00d1A"


def test_blanks_in_a_name_are_joined():
    assert fedach.read(row(name="FIRST   HARBOR BANK").encode()).names == {
        "091999049": "FIRST HARBOR BANK"
    }


def test_a_json_directory_is_read_whatever_its_envelope():
    listed = [participant("091999049", "FIRST HARBOR BANK"), 7, "text", None]

    for envelope in ({"a": {"code": 100}, "b": listed}, listed, [[listed]], listed[0]):
        content = json.dumps(envelope).encode()
        assert fedach.read(content).names == {"091999049": "FIRST HARBOR BANK"}


@pytest.mark.parametrize(
    ("wrong", "code", "where"),
    [
        ({"number": "091999048"}, "routing-number", ROUTING_NUMBER),
        ({"number": "991999049"}, "routing-number", ROUTING_NUMBER),
        ({"number": "000000000"}, "routing-number", ROUTING_NUMBER),
        ({"number": "09199904X"}, "routing-number", ROUTING_NUMBER),
        ({"name": ""}, "name", "customer name, positions 36-71"),
        ({"name": "BANK\x00"}, "name", "customer name, positions 36-71"),
        ({"kind": "3"}, "record-type", "record type, position 20"),
        ({"kind": "2"}, "new-routing-number", "new routing number, positions 27-35"),
        (
            {"kind": "2", "new": "091999048"},
            "new-routing-number",
            "new routing number, positions 27-35",
        ),
    ],
)
def test_a_row_that_names_no_bank_is_refused(wrong, code, where):
    assert refusals("\n".join([row("110000000"), row(**wrong)])) == [(code, 2, where)]


@pytest.mark.parametrize(
    ("odd", "code"),
    [
        ({"office": "X"}, "office"),
        ({"changed": "131326"}, "date"),
        ({"changed": "??????"}, "date"),
        ({"new": "021999051"}, "new-routing-number-unused"),
    ],
)
def test_a_row_with_an_oddity_is_read(odd, code):
    directory = fedach.read(row(**odd).encode())

    assert directory.names == {"091999049": "FIRST HARBOR BANK"}
    assert [problem.code for problem in directory.warnings] == [code]


def test_every_problem_is_named_at_once():
    content = "\n".join([row("091999048"), row(name=""), row("110000000", kind="7"), "rubbish"])

    assert [(code, line) for code, line, _ in refusals(content)] == [
        ("routing-number", 1),
        ("name", 2),
        ("record-type", 3),
        ("row-length", 4),
    ]


def test_a_row_that_is_too_long_is_refused():
    assert refusals(LINE.ljust(155) + "X") == [("row-length", 1, "")]


def test_a_routing_number_has_one_bank():
    assert len(fedach.read("\n".join([row(), row()]).encode()).participants) == 1
    assert refusals("\n".join([row(), row(name="ANOTHER BANK")])) == [
        ("repeated-number", 2, ROUTING_NUMBER)
    ]


def test_years_before_1970_do_not_come():
    read = fedach.read("\n".join([row(changed="010299"), row("110000000", changed="")]).encode())

    assert read.revised_date == date(1999, 1, 2)


def test_a_problem_in_json_has_its_line():
    rows = [participant("091999049", "A"), participant("091999048", "B"), participant(7, 8)]

    assert refusals(json.dumps(rows, indent=1)) == [
        ("routing-number", 9, "routingNumber"),
        ("routing-number", 15, "routingNumber"),
        ("name", 15, "customerName"),
    ]


def test_a_bank_without_a_routing_number_is_refused():
    rows = [participant("091999049", "A"), participant("", "B")]
    del rows[1]["routingNumber"]

    assert refusals(json.dumps(rows)) == [("routing-number", 1, "routingNumber")]


def test_half_a_letter_in_json_is_refused():
    assert refusals('[{"routingNumber":"091999049","customerName":"\\ud800","recordTypeCode":"1"}]')


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "no-participant"),
        (b"\n\n  \n", "no-participant"),
        (b"[]", "no-participant"),
        (b'{"a": 1}', "no-participant"),
        (b"not a directory", "not-a-directory"),
        (b"\xff\xfe0\x001\x00", "not-a-directory"),
        (("\u0662" * 60).encode(), "not-a-directory"),
        (b"{", "not-json"),
        (b"[" * 100_000, "not-json"),
        (b"[" + b"9" * 10_000 + b"]", "not-json"),
        (b"\n" * (fedach.MOST_BYTES + 1), "too-large"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_directory_is_refused_once(content, code):
    assert [each[0] for each in refusals(content)] == [code]


def test_the_directory_of_wires_is_refused_by_name():
    wires = "091999049FIRST HARBOR      FIRST HARBOR BANK                   MNHARBORVIEW"
    content = wires.ljust(90) + "Y Y20260910\r\n"

    assert refusals(content) == [("fedwire-directory", 1, "")]


@given(st.binary(max_size=300))
def test_any_bytes_are_a_directory_or_refused(noise):
    for content in (noise, LINE.encode() + b"\n" + noise, b"[" + noise + b"]"):
        try:
            assert fedach.read(content).names
        except Unreadable as refusal:
            assert all(problem.code for problem in refusal.problems)


@given(st.data())
def test_a_changed_byte_is_harmless_or_named(data):
    """Only the columns after the name, and letters of it, may change unseen."""
    content = bytearray(TEXT)
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] = data.draw(st.integers(0, 255))

    try:
        directory = fedach.read(bytes(content))
    except Unreadable as refusal:
        assert refusal.problems
    else:
        assert directory.names.keys() == fedach.read(TEXT).names.keys()
        assert directory.replacements == fedach.read(TEXT).replacements


def test_a_large_directory_loads_at_once():
    weights = (3, 7, 1, 3, 7, 1, 3, 7)
    bodies = [f"{prefix:02}{serial:06}" for prefix in (1, 7) for serial in range(10_000)]
    checks = [-sum(int(d) * w for d, w in zip(each, weights, strict=True)) % 10 for each in bodies]
    numbers = [f"{body}{check}" for body, check in zip(bodies, checks, strict=True)]
    content = "\r\n".join(map(row, numbers)).encode()

    assert len(fedach.read(content).participants) == 20_000


@pytest.mark.skipif("BILLFOLD_SAMPLES" not in os.environ, reason="BILLFOLD_SAMPLES is not set")
@pytest.mark.parametrize(
    ("name", "number", "bank", "count"),
    [
        ("FedACHdir-excerpt.txt", "011001962", "CATHAY BANK", 1_527),
        ("fedachdir.json", "073905527", "LINCOLN SAVINGS BANK", 6),
    ],
)
def test_public_directories_are_read(name, number, bank, count):
    content = (Path(os.environ["BILLFOLD_SAMPLES"]) / "fed-directory" / name).read_bytes()

    directory = fedach.read(content)

    assert directory.names[number] == bank
    assert (len(directory.participants), directory.warnings) == (count, ())
    assert not set(fedach.demo_names()) & set(directory.names)


def wire_participant(**other: str) -> dict[str, str]:
    return {
        "routingNumber": "091999049",
        "telegraphicName": "FIRST HARBOR",
        "customerName": "FIRST HARBOR BANK",
        "customerState": "OH",
        "customerCity": "DAYTON",
        "fundsTransferStatus": "Y",
        "fundsSettlementOnlyStatus": " ",
        "bookEntrySecuritiesTransferStatus": "N",
        "date": "20261101",
        **other,
    }


@pytest.mark.parametrize(
    "content",
    [
        {"fedwireParticipants": {"response": {"code": 100}, "fedwireParticipants": []}},
        {"fedwireParticipants": {"fedwireParticipants": [wire_participant()]}},
        [wire_participant(), wire_participant(routingNumber="110000000")],
        [{"routingNumber": "091999049", "customerName": "A", "settlementOnlyStatus": "S"}],
        [{"RoutingNumber": "091999049", "TelegraphicName": "A", "CustomerName": "A BANK"}],
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_promise_27_a_fedwire_directory_in_json_is_not_taken_for_a_fedach_one(content, indent):
    written = json.dumps(content, indent=indent).encode()

    assert [code for code, _, _ in refusals(written)] == ["fedwire-directory"]
    assert sniff(written).format is None
    assert sniff(written).reason.startswith("looks like the directory of Fedwire participants")


def test_a_fedwire_directory_in_rows_is_not_taken_for_a_fedach_one():
    row = f"091999049{'FIRST HARBOR':18}{'FIRST HARBOR BANK':36}OH{'DAYTON':25}Y N20261101"

    for ends in ("\n", "\r\n", ""):
        written = f"{row}{ends}{row.replace('091999049', '110000000')}{ends}".encode()
        assert sniff(written).reason.startswith("looks like the directory of Fedwire participants")
        assert [code for code, _, _ in refusals(written)] == ["fedwire-directory"]
