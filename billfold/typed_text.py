"""Text that people and other programs write: which characters it may hold, long numbers masked.

Every door asks here: forms, imported files, profiles and the command line. A refusal names the
character and its place, since whoever wrote it may not see it.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_CONTROL_NAMES: Final = {
    "\0": "null",
    "\t": "tab",
    "\n": "line break",
    "\r": "carriage return",
    "\x1b": "escape",
    "\x85": "next line",
}
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Controls, marks that format or turn text around, line ends, code points that are no characters.
Source: Unicode Standard, General Category."""
_BLANK_LETTERS: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks that nobody sees: fillers, joiners, the empty Braille cell."""
_JOINERS: Final = frozenset("\u200c\u200d")
"""Zero width non-joiner and joiner: Persian, Hindi and other names are misspelt without them."""
_ANY_ODD: Final = re.compile(r"[^\x20-\x7e]")
_ANY_BLANK_LETTER: Final = re.compile(f"[{''.join(sorted(_BLANK_LETTERS))}]")
_FIRST_JOINED_SCRIPT: Final = 0x0600
"""Arabic: the scripts before it, Latin, Greek, Cyrillic and Hebrew among them, join no letters."""
_OTHER_DRESS: Final = ("<wide>", "<narrow>", "<font>")
"""Letters and digits of full or half width, or bold, or script: the same ones, in another dress.
Source: Unicode Standard, compatibility decompositions."""
_VARIATION_SELECTORS: Final = re.compile("[\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")


class UnfitCharacter(ValueError):
    """The text holds a character that it may not; `position` counts from 1."""

    def __init__(self, character: str, position: int) -> None:
        super().__init__(f"{name_of(character)} at character {position:,}")
        self.character = character
        self.position = position


def name_of(character: str) -> str:
    """Name a character by its code point and its name: U+200B zero width space."""
    name = _CONTROL_NAMES.get(character) or unicodedata.name(character, "").lower()
    if not name:
        is_control = unicodedata.category(character) == "Cc"
        name = "control character" if is_control else "no character"
    return f"U+{ord(character):04X} {name}"


def check_line(text: str) -> str:
    """Return the text if it is one line of characters that people see, such as a name.

    A joiner may stand between two letters of a script that joins them; see docs/importing.md.
    Raises: UnfitCharacter.
    """
    return _check(text, allowed=frozenset())


def check_lines(text: str) -> str:
    """Return the text if it holds only characters that people see, tabs and line ends.

    Raises: UnfitCharacter.
    """
    return _check(text, allowed=frozenset("\t\r\n"))


def check_id(text: str) -> str:
    """Return the text if it can be an id: two that look alike on one line are alike.

    The only blank is U+0020, there are no joiners and no marks that choose a form of a letter, no
    letters and digits of full width or in a type face, and no accent apart from a letter that
    is written with it. Raises: UnfitCharacter.
    """
    if odd := _ANY_ODD.search(text):
        check_line(text)
        is_composed = unicodedata.is_normalized("NFC", text)
        for position, character in enumerate(text[odd.start() :], odd.start() + 1):
            is_blank = character != " " and unicodedata.category(character) == "Zs"
            is_apart = not is_composed and unicodedata.combining(character) > 0
            if (
                is_blank
                or is_apart
                or character in _JOINERS
                or _VARIATION_SELECTORS.match(character)
                or unicodedata.decomposition(character).startswith(_OTHER_DRESS)
            ):
                raise UnfitCharacter(character, position)
    return text


def _check(text: str, *, allowed: frozenset[str]) -> str:
    # Both tests are fast, and nearly every text passes them.
    if text.isprintable() and not _ANY_BLANK_LETTER.search(text):
        return text
    for position, character in enumerate(text, 1):
        is_unfit = character in _BLANK_LETTERS or unicodedata.category(character) in _INVISIBLE
        if not is_unfit or character in allowed:
            continue
        if character in _JOINERS and _joins(text, position - 1):
            continue
        raise UnfitCharacter(character, position)
    return text


def _joins(text: str, index: int) -> bool:
    """Say whether letters or marks of a script that joins letters stand on both sides."""
    neighbours = text[max(0, index - 1) : index] + text[index + 1 : index + 2]
    return len(neighbours) == 2 and all(
        ord(letter) >= _FIRST_JOINED_SCRIPT and unicodedata.category(letter)[0] in "LM"
        for letter in neighbours
    )


FEWEST_DIGITS: Final = 5
"""Digits from which a word may be an account number."""
_LONG_NUMBER: Final = re.compile(r"(?<![A-Za-z\d])[A-Za-z\d]*\d[A-Za-z\d]*(?:[ -]\d+)*")
_KEPT: Final = re.compile(
    r"""\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b
      | (?<!\d)20\d\d(?:-[01]\d-[0-3]\d|[01]\d[0-3]\d)(?![A-Za-z\d])""",
    re.VERBOSE,
)
"""Ids of ours, and dates."""


def mask_numbers(text: str) -> str:
    """Cross out each word with five digits or more but for its last four letters or digits.

    Blanks and dashes between digits hide no number; ids of ours and dates are kept. It is for what
    strangers write and we keep: addresses in logs, names of files and of browsers. Promise 23.
    """
    parts: list[str] = []
    at = 0
    for kept in _KEPT.finditer(text):
        parts += [_LONG_NUMBER.sub(_cross_out, text[at : kept.start()]), kept[0]]
        at = kept.end()
    return "".join([*parts, _LONG_NUMBER.sub(_cross_out, text[at:])])


def _cross_out(match: re.Match[str]) -> str:
    word = match[0]
    if sum(letter.isdigit() for letter in word) < FEWEST_DIGITS:
        return word
    return re.sub(r"[A-Za-z\d]", "x", word[:-4]) + word[-4:]


def printable_name(name: str) -> str:
    """Write the name of a file or program, as it came from outside, as one line to keep and show.

    What nobody sees, and bytes that are no text, become escapes; long numbers are masked.
    """
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return mask_numbers("".join(c if c.isprintable() else ascii(c)[1:-1] for c in text))
