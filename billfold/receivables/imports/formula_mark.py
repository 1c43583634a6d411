"""The mark that keeps a spreadsheet from calculating a text: added on the way out, removed on the
way in, so that what an export wrote comes back as it was.

Source: OWASP, CSV Injection; with the full-width signs that spreadsheets fold.
"""

import re
from typing import Final

MARK: Final = "'"
_SIGNS: Final = "=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20"
_LIKE_A_FORMULA: Final = re.compile(f"{MARK}*[{_SIGNS}]")
"""With marks in front, too: else a text that has one of its own would lose it on the way in."""
_NEEDS_MARK: Final = re.compile(f"[{MARK}{_SIGNS}]")


class ForeignMark(ValueError):
    """A spreadsheet marked the cell as text; no export of ours wrote it."""


def add(text: str) -> str:
    """Mark a text that a spreadsheet would calculate, or that looks as if it were marked."""
    return MARK + text if _NEEDS_MARK.match(text) else text


def remove(cell: str) -> str:
    """Take the mark off a text that looks like a formula; other text stays as it is."""
    return cell[1:] if cell.startswith(MARK) and _LIKE_A_FORMULA.match(cell) else cell


def read_id(cell: str) -> str:
    """Undo `add` in the cell of an id, which no mark of another program may change.

    A spreadsheet shows `'0010` and `="0010"` as 0010: taken as they stand, they would be other ids.
    Raises: ForeignMark.
    """
    if cell.startswith(MARK):
        if not _NEEDS_MARK.match(cell, 1):
            raise ForeignMark
        return cell[1:]
    if cell.startswith("=") and '"' in cell:
        raise ForeignMark
    return cell
