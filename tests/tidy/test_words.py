"""What must not be written anywhere: paths of one machine, and routing numbers of real banks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from tests.places import PROJECT

FOLDERS = ("billfold", "tests", "bench", "fuzz", "docs", "requirements", ".ci")
NUMBERED = ("billfold/", "tests/", "bench/", "fuzz/", "docs/")
"""Where a number of nine digits may be a bank's; elsewhere it is part of a hash."""
TEXT = {".py", ".sql", ".html", ".css", ".js", ".svg", ".md", ".txt", ".toml", ".csv", ".json"}
TEXT |= {".ach", ".bai", ".xml", ".yaml", ".service", ".conf", ""}

ROUTING_NUMBERS = {"110000000", "129999018", "061999024", "072999039", "091999049", "021999051"}
"""The six made-up banks of the demo's directory: right check digit, no such bank."""
ALLOWED = {
    "tests/files/nacha/": "authored samples: the banks exist, the accounts and people do not",
    "tests/files/VERDICTS.md": "names of public sample files",
    "tests/files/bai2/": "authored samples, as above",
    "tests/files/crashes/": "samples as a fuzzer changed them",
    "tests/files/camt053/": "authored samples, as above",
    "tests/files/edi820/": "authored samples, as above",
    "tests/files/lockbox/": "authored samples, as above",
    "tests/files/wire/": "authored samples, as above",
    "tests/rules/formats/test_bai2.py": "quotes the sender of those samples",
    "tests/rules/rails/test_ach.py": "quotes the corrected data and the header of those samples",
    "tests/rules/formats/test_fedach.py": "names two rows of the public directory of 2018",
    "tests/rules/simulator/test_simulated_bank_refusals.py": "a file addressed to another bank",
}
"""Where other routing numbers may stand, and why. No account number goes with them."""

_NINE_DIGITS = re.compile(r"(?<![\d.])\d{9}(?!\d)")
_HOMES = re.compile(r"(?<![\w.])/(?:home|root|Users)/\w")


@cache
def texts() -> dict[str, str]:
    """Read every text file of the project by its path."""
    paths = [path for path in PROJECT.iterdir() if path.is_file()]
    for folder in FOLDERS:
        paths += [path for path in (PROJECT / folder).rglob("*") if path.is_file()]
    return {
        path.relative_to(PROJECT).as_posix(): path.read_text(errors="replace")
        for path in sorted(paths)
        if path.suffix in TEXT and "__pycache__" not in path.parts
    }


def is_routing_number(digits: str) -> bool:
    """Tell whether nine digits could name a bank: prefix in use, check digit right."""
    prefix = int(digits[:2])
    if not (prefix <= 12 or 21 <= prefix <= 32 or 61 <= prefix <= 72 or prefix == 80):
        return False
    weighed = zip(digits, (3, 7, 1) * 3, strict=True)
    return digits != "0" * 9 and sum(int(digit) * weight for digit, weight in weighed) % 10 == 0


def routing_numbers() -> Iterator[tuple[str, str]]:
    """Find each number that a bank could have, with the file it stands in."""
    for path, text in texts().items():
        for digits in _NINE_DIGITS.findall(text):
            if is_routing_number(digits) and path.startswith(NUMBERED):
                yield path, digits


def test_no_file_names_a_path_of_one_machine() -> None:
    here = re.compile(rf"(?<![\w.]){re.escape(str(PROJECT))}(?!\w)")

    paths = [path for path, text in texts().items() if _HOMES.search(text) or here.search(text)]

    assert paths == []


def test_no_routing_number_belongs_to_a_real_bank() -> None:
    places = {
        f"{path}: {digits}"
        for path, digits in routing_numbers()
        if digits not in ROUTING_NUMBERS and not path.startswith(tuple(ALLOWED))
    }

    assert places == set()


def test_the_made_up_routing_numbers_look_real() -> None:
    assert all(map(is_routing_number, ROUTING_NUMBERS))


def test_the_demo_directory_holds_the_made_up_banks_and_no_other() -> None:
    directory = texts()["billfold/formats/data/demo-directory.txt"]

    assert {line[:9] for line in directory.splitlines()} == ROUTING_NUMBERS
