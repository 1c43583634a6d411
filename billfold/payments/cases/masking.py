"""Finds and masks what may be a bank account number in free text. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

_FILE_NAME: Final = r"\bach-\d{8}-[A-Z0-9](?:\.ach)?\b"
_NUMBER: Final = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]*\d[A-Za-z0-9]*(?:[ -]\d+)*")
_SHORTEST: Final = 5
"""Digits from which a word may be an account number."""
_MONTHS: Final = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_HARMLESS: Final = re.compile(
    rf"""{_FILE_NAME}
      | \b20\d\d-[01]?\d-[0-3]?\d\b  | \b[01]?\d/[0-3]?\d/(?:20)?\d\d\b
      | \b(?:{_MONTHS})[a-z]*\.?\ [0-3]?\d,?\ 20\d\d\b
      | \$\ ?\d{{1,7}}(?:\.\d\d)?(?![\d.])  | (?<![\d.])\d{{1,7}}\.\d\d(?![\d.])
      | (?<!\d)\(?\d{{3}}\)?[ .-]\d{{3}}[ .-]\d{{4}}(?!\d)  # A telephone number, in its groups.
      | \b[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}\b  | \b[0-9a-f]{{64}}\b""",
    re.VERBOSE,
)
"""Names of our files, dates, amounts, telephone numbers, ids and hashes."""
_LONG: Final = re.compile(r"\d(?:[ ._/-]{0,2}\d){4,}")
_WORD: Final = re.compile(r"[A-Za-z0-9]+")
_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?")


def masked(text: str, *, bank: str) -> str:
    """Replace every number of five digits or more by its last four.

    Our file names, and trace numbers that begin with the eight digits of `bank`, are kept.
    """
    kept = re.compile(rf"{_FILE_NAME}|\b{re.escape(bank[:8])}\d{{7}}\b") if bank else None
    parts: list[str] = []
    at = 0
    for name in kept.finditer(text) if kept else ():
        parts += [_NUMBER.sub(_ending, text[at : name.start()]), name.group()]
        at = name.end()
    return "".join([*parts, _NUMBER.sub(_ending, text[at:])])


def _ending(match: re.Match[str]) -> str:
    number = re.sub("[ -]", "", match.group())
    if _digits(number) < _SHORTEST:
        return match.group()
    return f"ending {number[-4:]}"


def number_like_words(text: str) -> set[str]:
    """List the words with enough digits to be taken for an account number."""
    words = set(_NAME.findall(text))
    parts = {part for word in words for part in word.split("/")}
    return {name for name in words | parts if _digits(name) >= _SHORTEST}


def may_name_an_account(text: str, *, ours: Collection[str] = ()) -> bool:
    """Tell whether a text holds a number of five digits or more that is none of ours.

    Blanks and marks between its digits hide no number. Dates, amounts and telephone numbers, each
    as people write them, are none.
    """
    for name in sorted(ours, key=len, reverse=True):
        text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", ",", text)
    text = _HARMLESS.sub(",", text)
    return bool(_LONG.search(text)) or any(
        _digits(word) >= _SHORTEST for word in _WORD.findall(text)
    )


def _digits(text: str) -> int:
    return sum(letter.isdecimal() for letter in text)
