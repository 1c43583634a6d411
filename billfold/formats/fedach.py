"""The FedACH directory: which bank has which routing number.

Source: Federal Reserve Banks, FedACH Participant RDFIs, text layout and JSON; docs/bank-files.md.
The data needs an agreement with a bank or a vendor, so only a made-up directory is kept here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import resources
from typing import Final

from billfold.formats.problems import Problem, Unreadable

_ROUTING_NUMBER: Final = re.compile(r"[0-9]{9}")

# Positions counted from zero: 1-9 routing number, 36-71 customer name.
_ROUTING_COLUMNS: Final = slice(0, 9)
_NAME_COLUMNS: Final = slice(35, 71)


def read(content: bytes) -> dict[str, str]:
    """Read a directory, text or JSON, as bank name by routing number.

    Lines and items that are not a participant are passed over: a directory only names banks.
    Raises: Unreadable if it names none at all.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    entries = _from_json(text) if text.lstrip()[:1] in {"{", "["} else _from_lines(text)
    names = {number: " ".join(name.split()) for number, name in entries}
    directory = {
        number: name for number, name in names.items() if _ROUTING_NUMBER.fullmatch(number) and name
    }
    if not directory:
        raise Unreadable([_names_no_bank(line=text.count("\n") + 1)])
    return directory


def demo() -> dict[str, str]:
    """Read the directory of six made-up banks that go with the test routing numbers."""
    return read((resources.files("billfold.formats") / "data/demo-directory.txt").read_bytes())


def _from_lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        yield line[_ROUTING_COLUMNS], line[_NAME_COLUMNS]


def _from_json(text: str) -> Iterator[tuple[str, str]]:
    """Find the participants at whatever depth the envelope puts them."""
    try:
        waiting = [json.loads(text)]
    except (ValueError, RecursionError):
        return
    while waiting:
        found = waiting.pop()
        if isinstance(found, list):
            waiting.extend(found)
        elif isinstance(found, dict):
            number, name = found.get("routingNumber"), found.get("customerName")
            if isinstance(number, str) and isinstance(name, str):
                yield number, name
            else:
                waiting.extend(found.values())


def _names_no_bank(*, line: int) -> Problem:
    return Problem(
        code="no-participant",
        severity="error",
        line=line,
        field="",
        message="The directory names no bank.",
        fix="Use the FedACH participant directory, as its text file or as JSON.",
    )
