"""Bank account numbers never stand on a page: of a long number in free text, four digits stay."""

from __future__ import annotations

import re
from typing import Final

_FILE_NAME: Final = r"\bach-\d{8}-[A-Z0-9](?:\.ach)?\b"
_NUMBER: Final = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]*\d[A-Za-z0-9]*(?:[ -]\d+)*")
_SHORTEST: Final = 5
"""Digits from which a word may be an account number."""


def masked(text: str, *, bank: str) -> str:
    """Shorten every number of five digits or more to its ending.

    File names of ours and trace numbers that begin with `bank`, eight digits, stay whole.
    """
    kept = re.compile(rf"{_FILE_NAME}|\b{re.escape(bank[:8])}\d{{7}}\b") if bank else None
    parts: list[str] = []
    at = 0
    for found in kept.finditer(text) if kept else ():
        parts += [_NUMBER.sub(_ending, text[at : found.start()]), found.group()]
        at = found.end()
    return "".join([*parts, _NUMBER.sub(_ending, text[at:])])


def _ending(found: re.Match[str]) -> str:
    number = re.sub("[ -]", "", found.group())
    if sum(letter.isdecimal() for letter in number) < _SHORTEST:
        return found.group()
    return f"ending {number[-4:]}"
